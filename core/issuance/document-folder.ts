import { link, mkdir, open, readFile, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asFileError, syncFolder } from '../store/durable-file.ts';

/** Where the issued files lie, relative to the folder: a thousand to a folder. */
export function documentPath(type: string, year: number, sequence: number, number: string): string {
  return join(type, String(year), String(Math.floor(sequence / 1000)).padStart(3, '0'), `${number}.pdf`);
}

/** The files of issued documents. Writes are durable once `settle` has been awaited. */
export interface DocumentFolder {
  /**
   * Puts a file in its place unless one is there already: that one was finished before a crash, or by another process,
   * and is the document.
   * @returns the content that is in the place
   * @throws ConsulError DISK_FULL
   */
  publish(path: string, content: Uint8Array): Promise<Uint8Array>;
  /** Replaces a file in one step. @throws ConsulError DISK_FULL */
  replace(path: string, content: Uint8Array): Promise<void>;
  read(path: string): Promise<Uint8Array>;
  /** Waits until the names of all files put in place are on the disk. */
  settle(): Promise<void>;
}

export function openDocumentFolder(root: string): DocumentFolder {
  const made = new Set<string>();
  const changed = new Set<string>();
  let count = 0;

  async function folderOf(file: string): Promise<string> {
    const folder = dirname(file);
    if (!made.has(folder)) {
      const first = await mkdir(folder, { recursive: true });
      if (first) for (let at = folder; at.length >= first.length; at = dirname(at)) changed.add(dirname(at));
      made.add(folder);
    }
    return folder;
  }

  async function written(file: string, content: Uint8Array): Promise<string> {
    const temporary = join(await folderOf(file), `.${process.pid}.${count++}.tmp`);
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(content);
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
        const temporary = await written(file, content);
        try {
          await link(temporary, file);
          return content;
        } catch (cause) {
          if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
          return new Uint8Array(await readFile(file));
        } finally {
          await unlink(temporary);
          changed.add(dirname(file));
        }
      } catch (cause) {
        throw asFileError(cause, file);
      }
    },
    async replace(path, content) {
      const file = join(root, path);
      try {
        await rename(await written(file, content), file);
        changed.add(dirname(file));
      } catch (cause) {
        throw asFileError(cause, file);
      }
    },
    read: async (path) => new Uint8Array(await readFile(join(root, path))),
    async settle() {
      const folders = [...changed];
      changed.clear();
      await Promise.all(folders.map(syncFolder));
    },
  };
}
