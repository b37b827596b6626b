import { open, rm, stat } from 'node:fs/promises';
import { Kysely, type Transaction } from 'kysely';
import { ConsulError } from '../errors.ts';
import { checkAnchor, readAnchor, writeAnchor } from './anchor.ts';
import { asFileError } from './durable-file.ts';
import { emptyHead, type JournalHead, journalHead } from './journal.ts';
import { compareMigrations, migrate } from './migrations.ts';
import type { RowDamage } from './row-digests.ts';
import type { Schema } from './schema.ts';
import { openSqlite, type Sqlite, sqliteWords } from './sqlite.ts';

/** What queries need; a transaction is one too. */
export type Reader = Kysely<Schema>;
/** What queries that write need: given by `Store.transact` only. */
export type Tx = Transaction<Schema>;

export interface Store {
  readonly file: string;
  /** File outside the database that holds the newest journal head. */
  readonly anchor: string;
  /** Sees what is committed, and cannot write. */
  readonly read: Reader;
  /**
   * All or nothing, one writer at a time, here and in other processes. When it resolves, what was done is durable and
   * the journal's head is in the anchor file. Inside, use the given transaction only: a second `transact` would wait
   * for the first for ever.
   * @throws ConsulError DISK_FULL, STORE_BUSY; nothing was done then, but for DISK_FULL of the anchor file, after
   *   which the act is done and a retry finds it done
   */
  transact<T>(act: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * What is not as it was written, found without knowing what any table means: rows that differ from their digests, and
   * what SQLite itself finds wrong with the file.
   */
  damage(): readonly RowDamage[];
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Makes the database; without it, it must exist. */
  readonly create?: boolean;
  /** Default: the database's name with `.head` added. */
  readonly anchor?: string;
  /** For an audit, which writes nothing: opens a database that is not what the anchor file says, to tell where it breaks. */
  readonly audit?: boolean;
}

/**
 * Opens the database of a post and brings its schema up to date.
 * @throws ConsulError POST_MISSING, POST_EXISTS, POST_NEWER (the file is left as it was), POST_ROLLED_BACK,
 *   FILE_UNREADABLE, DISK_FULL
 */
export async function openStore(file: string, options: StoreOptions = {}): Promise<Store> {
  const anchor = options.anchor ?? `${file}.head`;
  if (options.create) await createFile(file, anchor);
  else await expectFile(file);

  const connection = openSqlite(file, 'write');
  const writer = new Kysely<Schema>({ dialect: connection.dialect });
  let readConnection: Sqlite;
  try {
    await prepare(connection, writer, file, options);
    if (!options.audit) await checkAnchor(writer, anchor);
    readConnection = openSqlite(file, 'read');
  } catch (cause) {
    await writer.destroy();
    connection.close();
    if (options.create) for (const part of ['', '-wal', '-shm']) await rm(file + part, { force: true });
    throw cause;
  }

  const reader = new Kysely<Schema>({ dialect: readConnection.dialect });
  const keepAnchor = anchorKeeper(writer, anchor);
  return {
    file,
    anchor,
    read: reader,
    async transact(act) {
      let head = emptyHead;
      const result = await writer.transaction().execute(async (tx) => {
        const value = await act(tx);
        connection.rows.seal();
        head = await journalHead(tx);
        return value;
      });
      await keepAnchor(head);
      return result;
    },
    damage: () => readConnection.rows.damage(),
    async close() {
      // In this order: the last connection that can write folds the write-ahead log into the file.
      await reader.destroy();
      readConnection.close();
      await writer.destroy();
      connection.close();
    },
  };
}

/** The anchor comes first: a database without one is not opened. */
async function createFile(file: string, anchor: string): Promise<void> {
  const kept = await readAnchor(anchor);
  if (kept && kept.seq > 0)
    throw new ConsulError(
      'POST_ROLLED_BACK',
      `${anchor} has seen entry ${kept.seq} of a database that is gone`,
    );
  if (!kept) await writeAnchor(anchor, emptyHead);
  try {
    const handle = await open(file, 'wx', 0o600);
    await handle.close();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
      throw new ConsulError('POST_EXISTS', `${file} exists already`, { cause });
    throw asFileError(cause, file);
  }
}

async function expectFile(file: string): Promise<void> {
  try {
    await stat(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConsulError('POST_MISSING', `there is no database ${file} (${code})`, { cause });
  }
}

async function prepare(
  { useWriteAheadLog, migrations, rows }: Sqlite,
  writer: Kysely<Schema>,
  file: string,
  { audit = false }: StoreOptions,
): Promise<void> {
  const { unknown, pending } = compareMigrations(migrations(), sqliteWords);
  if (unknown.length > 0)
    throw new ConsulError(
      'POST_NEWER',
      `${file} has the schema ${unknown.join(', ')}, unknown to this consul`,
    );
  useWriteAheadLog();
  if (pending) {
    rows.unseal();
    await migrate(writer, sqliteWords);
  }
  // An audit takes nothing for granted: what is not sealed is what it looks for.
  if (pending || !(audit || rows.areSealed())) rows.sealAll();
  if (!audit) rows.track();
}

/**
 * Writes heads to the anchor file, never an older one over a newer: the file is compared and written under the write
 * lock of the database. Who waits for the lock while a newer head is written has nothing left to do.
 */
function anchorKeeper(writer: Kysely<Schema>, anchor: string): (head: JournalHead) => Promise<void> {
  let anchored = 0;
  return async (head) => {
    if (head.seq <= anchored) return;
    await writer.transaction().execute(async (tx) => {
      if (head.seq <= anchored) return;
      const newest = await journalHead(tx);
      const kept = await readAnchor(anchor);
      if (!kept || kept.seq < newest.seq) await writeAnchor(anchor, newest);
      anchored = newest.seq;
    });
  };
}
