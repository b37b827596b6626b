import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConsulError } from '../errors.ts';
import { asFileError, syncFolder } from '../store/durable-file.ts';
import { readPresent } from '../store/read-file.ts';
import type { DocumentRow } from '../store/schema.ts';

/** Where the issued files lie, relative to the folder: a thousand to a folder. */
export function documentPath({
  type,
  year,
  sequence,
  number,
  edition,
}: Pick<DocumentRow, 'type' | 'year' | 'sequence' | 'number' | 'edition'>): string {
  const name = edition === 1 ? `${number}.pdf` : `${number}.${edition}.pdf`;
  return join(type, String(year), String(Math.floor(sequence / 1000)).padStart(3, '0'), name);
}

/** The files of issued documents. Writes are durable once `settle` has been awaited. */
export interface DocumentFolder {
  /**
   * Puts a file in its place unless one is there already: that one was finished before a crash, or by another process,
   * and is the document.
   * @returns the content that is in the place
   * @throws ConsulError DISK_FULL, FILE_UNREADABLE
   */
  publish(path: string, content: Uint8Array): Promise<Uint8Array>;
  /** Replaces a file in one step. @throws ConsulError DISK_FULL, FILE_UNREADABLE */
  replace(path: string, content: Uint8Array): Promise<void>;
  /** @throws ConsulError FILE_UNREADABLE */
  read(path: string): Promise<Uint8Array>;
  /** Waits until the names of files that are in their places are on the disk, whoever put them there. */
  settle(paths: readonly string[]): Promise<void>;
}

/** Milliseconds; what is half-written for so long was left by a killed process. */
const abandonedAfter = 3_600_000;

/** @throws ConsulError DISK_FULL, FILE_UNREADABLE */
export async function openDocumentFolder(root: string): Promise<DocumentFolder> {
  const unfinished = join(root, '.unfinished');
  const made = new Map<string, Promise<unknown>>();
  const settled = new Set<string>();
  await removeAbandoned(unfinished);

  async function makeFolder(folder: string): Promise<void> {
    const making = made.get(folder) ?? mkdir(folder, { recursive: true });
    made.set(folder, making);
    try {
      await making;
    } catch (cause) {
      made.delete(folder);
      throw cause;
    }
  }

  /**
   * To hand a small write to another thread takes longer than to do it; what waits for the disk is done there.
   * @returns a whole file beside the others, its content on the disk
   */
  async function written(content: Uint8Array): Promise<string> {
    const temporary = join(unfinished, randomUUID());
    const handle = await open(temporary, 'wx');
    try {
      writeFileSync(handle.fd, content);
      await handle.datasync();
    } catch (cause) {
      await rm(temporary, { force: true });
      throw cause;
    } finally {
      await handle.close();
    }
    return temporary;
  }

  return {
    async publish(path, content) {
      const file = join(root, path);
      try {
        const temporary = await written(content);
        try {
          await makeFolder(dirname(file));
          await link(temporary, file);
          return content;
        } catch (cause) {
          if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
          return new Uint8Array(await readFile(file));
        } finally {
          await unlink(temporary);
        }
      } catch (cause) {
        throw unwritable(cause, file);
      }
    },
    async replace(path, content) {
      const file = join(root, path);
      try {
        const temporary = await written(content);
        try {
          await rename(temporary, file);
        } catch (cause) {
          await rm(temporary, { force: true });
          throw cause;
        }
      } catch (cause) {
        throw unwritable(cause, file);
      }
    },
    read: (path) => readPresent(join(root, path)),
    async settle(paths) {
      const folders = new Set(paths.map((path) => dirname(join(root, path))));
      // All above one too, the first time: it may have been made by a process that ended before its sync.
      const above = [...folders].filter((folder) => !settled.has(folder));
      for (const folder of above)
        for (let at = folder; at.length >= root.length; at = dirname(at)) folders.add(dirname(at));
      await Promise.all(
        [...folders].map((folder) =>
          syncFolder(folder).catch((cause: unknown) => {
            throw unwritable(cause, folder);
          }),
        ),
      );
      for (const folder of folders) settled.add(folder);
    },
  };
}

/** A failure to write as a person can act on it. */
function unwritable(cause: unknown, file: string): unknown {
  const error = asFileError(cause, file);
  const { code } = cause as NodeJS.ErrnoException;
  if (error !== cause || code === undefined) return error;
  return new ConsulError('FILE_UNREADABLE', `cannot write ${file} (${code})`, { cause });
}

/** Makes the folder of unfinished files, and removes what killed processes have left in it. */
async function removeAbandoned(unfinished: string): Promise<void> {
  try {
    await mkdir(unfinished, { recursive: true });
    for (const name of await readdir(unfinished)) {
      const file = join(unfinished, name);
      const info = await stat(file).catch(noFile);
      if (info && Date.now() - info.mtimeMs > abandonedAfter) await rm(file, { force: true });
    }
  } catch (cause) {
    throw unwritable(cause, unfinished);
  }
}

/** Another process has ended its work on it meanwhile. */
function noFile(cause: NodeJS.ErrnoException): undefined {
  if (cause.code !== 'ENOENT') throw cause;
}
