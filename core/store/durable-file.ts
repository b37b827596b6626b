import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ConsulError } from '../errors.ts';

const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** A file error as a person can act on it; any other error comes back unchanged. */
export function asFileError(cause: unknown, file: string): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code && fullCodes.has(code))
    return new ConsulError('DISK_FULL', `there is no room to write ${file} (${code})`, { cause });
  return cause;
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder and those above it that are missing; the new names survive a crash. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/**
 * Writes a file so that after a crash either the old or the new content is there, never a part: temporary file, fsync,
 * rename, fsync of the folder.
 * @throws ConsulError DISK_FULL; the old content is then untouched
 */
export async function writeDurably(
  file: string,
  content: string | Uint8Array,
  options: { mode?: number } = {},
): Promise<void> {
  const folder = dirname(file);
  const temporary = join(folder, `.${basename(file)}.${randomUUID()}.tmp`);
  let handle: FileHandle | undefined;
  try {
    await makeFolder(folder);
    handle = await open(temporary, 'w', options.mode ?? 0o644);
    await handle.writeFile(content);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, file);
    await syncFolder(folder);
  } catch (cause) {
    await handle?.close();
    await rm(temporary, { force: true });
    throw asFileError(cause, file);
  }
}
