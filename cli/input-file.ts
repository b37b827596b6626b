import { closeSync, openSync, readSync } from 'node:fs';
import { ConsulError } from '../core/errors.ts';

/** Without streams: loading them takes longer than reading a file. */
function* chunksOf(file: string): Generator<Uint8Array> {
  const descriptor = openSync(file, 'r');
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafeSlow(64 * 1024);
      const length = readSync(descriptor, chunk);
      if (length === 0) return;
      yield chunk.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads a file that a person named, or standard input where the name is `-`; nothing larger than the bound is held.
 * @throws ConsulError FILE_UNREADABLE
 */
export async function readInput(file: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    for await (const chunk of file === '-' ? process.stdin : chunksOf(file)) {
      total += (chunk as Uint8Array).length;
      if (total > maxBytes)
        throw new ConsulError('FILE_UNREADABLE', `${file} is larger than ${maxBytes / 1024 ** 2} MiB`);
      chunks.push(chunk as Uint8Array);
    }
  } catch (cause) {
    if (cause instanceof ConsulError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConsulError('FILE_UNREADABLE', `cannot read ${file} (${code})`, { cause });
  }
  const whole = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
