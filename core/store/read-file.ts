import { readFile } from 'node:fs/promises';
import { ConsulError } from '../errors.ts';

const unreadable = (file: string, cause: unknown): ConsulError =>
  new ConsulError('FILE_UNREADABLE', `cannot read ${file} (${(cause as NodeJS.ErrnoException).code})`, {
    cause,
  });

/** A file that has to be there. @throws ConsulError FILE_UNREADABLE */
export async function readPresent(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** The same as text in UTF-8. @throws ConsulError FILE_UNREADABLE */
export async function readPresentText(file: string): Promise<string> {
  return Buffer.from(await readPresent(file)).toString('utf8');
}

/** @returns undefined where there is no such file. @throws ConsulError FILE_UNREADABLE */
export async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(file, cause);
  }
}
