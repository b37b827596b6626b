import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { equalBytes } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import type { LogFile } from '../log/log.ts';
import { tilePath, tileWidth } from '../log/tile.ts';
import { asFileError, syncFolder } from './durable-file.ts';
import { readIfThere } from './read-file.ts';
import { asSqliteError } from './sqlite.ts';

const lockTimeout = 30_000;
const lockPause = 5;

/** What the tiles need of a file system. */
export interface FileSystem {
  /** Undefined where there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Creates the file or replaces it; then its bytes are on the disk. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Makes the folder and those above it; gives the topmost that was new. */
  makeFolder(path: string): Promise<string | undefined>;
  /** Then what was made or renamed in the folder is on the disk. */
  syncFolder(path: string): Promise<void>;
  /** A file, or a folder with all that is in it, or nothing. */
  remove(path: string): Promise<void>;
}

export const nodeFileSystem: FileSystem = {
  read: readIfThere,
  async write(path, bytes) {
    const handle = await open(path, 'w', 0o644);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  rename,
  makeFolder: (path) => mkdir(path, { recursive: true }),
  syncFolder,
  remove: (path) => rm(path, { recursive: true, force: true }),
};

/** Writes into the folder of a log; every file appears whole or not at all. */
export interface TileWriter {
  /**
   * Puts tiles and bundles in their places. One that is there already is left, and must be the same.
   * @throws ConsulError LOG_INCONSISTENT when another one is in its place, DISK_FULL
   */
  put(files: readonly LogFile[]): Promise<void>;
  /** Replaces a file. @throws ConsulError DISK_FULL; the old one is then untouched */
  replace(file: string, bytes: Uint8Array): Promise<void>;
  /** Removes the partial forms of what is now full. */
  clean(files: readonly LogFile[]): Promise<void>;
  /** How often the disk was waited for. */
  syncs(): number;
}

/** The database still has what is in it, so that it can be made again: see `restoreFrontier`. */
const isDerivable = ({ place }: LogFile): boolean =>
  place.width < tileWidth && (place.level === 'entries' || place.level === 0);

export function tileWriter(folder: string, system: FileSystem): TileWriter {
  const workshop = workshopOf(folder);
  let syncs = 0;

  /** Leaves no temporary file behind when the disk is full. */
  async function orNothing(path: string, temporaries: readonly string[], action: () => Promise<void>) {
    try {
      await action();
    } catch (cause) {
      await together(temporaries, (temporary) => system.remove(temporary));
      throw asFileError(cause, path);
    }
  }

  async function write(path: string, bytes: Uint8Array): Promise<void> {
    syncs++;
    await system.write(path, bytes);
  }

  async function sync(path: string): Promise<void> {
    syncs++;
    await system.syncFolder(path);
  }

  /** The folder and, where it is new, what is above it down from the first that was there before. */
  async function foldersOf(path: string): Promise<readonly string[]> {
    const folders = [dirname(path)];
    const first = await system.makeFolder(dirname(path));
    for (let at = dirname(path); first !== undefined && at.length >= first.length; at = dirname(at))
      folders.push(dirname(at));
    return folders;
  }

  /** Up to the folder of the log, all of them: one may have been made by a process that died before its sync. */
  function foldersAbove(path: string): readonly string[] {
    const folders: string[] = [];
    for (let at = dirname(path); at.length >= folder.length; at = dirname(at)) folders.push(at);
    return folders;
  }

  async function missing(files: readonly LogFile[]): Promise<readonly LogFile[]> {
    const present = await Promise.all(files.map(({ place }) => system.read(join(folder, tilePath(place)))));
    return files.filter(({ place, bytes }, i) => {
      const found = present[i];
      if (found !== undefined && !equalBytes(found, bytes))
        throw new ConsulError(
          'LOG_INCONSISTENT',
          `${tilePath(place)} of the log holds something else than the database`,
        );
      return found === undefined;
    });
  }

  return {
    put: async (files) => {
      const parts = (await missing(files)).map((file, i) => ({
        ...file,
        temporary: join(workshop, String(i)),
        path: join(folder, tilePath(file.place)),
      }));
      const temporaries = parts.map(({ temporary }) => temporary);
      await orNothing(folder, temporaries, async () => {
        await together(parts, ({ temporary, bytes }) => write(temporary, bytes));
        const toSync = new Set<string>();
        for (const file of files) {
          const path = join(folder, tilePath(file.place));
          await system.makeFolder(dirname(path));
          if (!isDerivable(file)) for (const each of foldersAbove(path)) toSync.add(each);
        }
        for (const { temporary, path } of parts) await system.rename(temporary, path);
        await together([...toSync], sync);
      });
    },
    replace: async (file, bytes) => {
      const temporary = join(dirname(file), `.${basename(file)}.tmp`);
      await orNothing(file, [temporary], async () => {
        const folders = await foldersOf(file);
        await write(temporary, bytes);
        await system.rename(temporary, file);
        await together(folders, sync);
      });
    },
    clean: async (files) => {
      for (const { place } of files)
        if (place.width === tileWidth) await system.remove(join(folder, `${tilePath(place)}.p`));
    },
    syncs: () => syncs,
  };
}

/** For what is not yet, or not meant, for the public: temporary files and the lock. */
const workshopOf = (folder: string): string => join(folder, '.writer');

/** All at once, and none still running when this ends. */
async function together<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(items.map(action));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/**
 * Runs an action while no other process runs one on the same folder. The lock is that of an empty SQLite database: the
 * kernel takes it back when its holder dies, and Node offers no other such lock.
 * @throws ConsulError STORE_BUSY after 30 s, DISK_FULL
 */
export async function locked<T>(folder: string, system: FileSystem, action: () => Promise<T>): Promise<T> {
  const workshop = workshopOf(folder);
  await system.makeFolder(workshop).catch((cause: unknown) => {
    throw asFileError(cause, workshop);
  });
  const lock = lockFile(join(workshop, 'lock'));
  try {
    for (const since = Date.now(); !lock.take(); await sleep(lockPause))
      if (Date.now() - since > lockTimeout)
        throw new ConsulError('STORE_BUSY', `${folder} was locked for ${lockTimeout / 1000} s`);
    return await action();
  } finally {
    lock.release();
  }
}

function lockFile(file: string): { take(): boolean; release(): void } {
  try {
    const database = new BetterSqlite3(file, { timeout: 0 });
    return {
      take() {
        try {
          database.exec('BEGIN EXCLUSIVE');
          return true;
        } catch (cause) {
          if (cause instanceof BetterSqlite3.SqliteError && cause.code.startsWith('SQLITE_BUSY'))
            return false;
          throw asSqliteError(cause, file);
        }
      },
      release: () => database.close(),
    };
  } catch (cause) {
    throw asSqliteError(cause, file);
  }
}
