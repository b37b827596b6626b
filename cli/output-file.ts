import { ConsulError } from '../core/errors.ts';
import { writeDurably } from '../core/store/durable-file.ts';

/**
 * Writes a file that a person named; what stands there is replaced in one step.
 * @throws ConsulError FILE_UNWRITABLE, DISK_FULL; what stood there is then untouched
 */
export async function writeOutput(
  file: string,
  content: string | Uint8Array,
  options: { mode?: number } = {},
): Promise<void> {
  try {
    await writeDurably(file, content, options);
  } catch (cause) {
    if (cause instanceof ConsulError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConsulError('FILE_UNWRITABLE', `cannot write ${file} (${code})`, { cause });
  }
}
