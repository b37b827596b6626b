import BetterSqlite3 from 'better-sqlite3';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { ConsulError } from '../errors.ts';
import { type RowDigests, rowDigests } from './row-digests.ts';

// Everything that only SQLite understands is in this file.

type Handle = BetterSqlite3.Database;
type Statement = BetterSqlite3.Statement<unknown[], Record<string, unknown>>;

/** How long a writer waits for another process. */
const busyTimeout = 30_000;

/** Enough for every query of the program in the group sizes that batches use. */
const maxStatements = 256;

/** What differs between engines when tables are made. */
export interface EngineWords {
  readonly integer: 'integer' | 'bigint';
  readonly bytes: 'blob' | 'bytea';
  /** Ends CREATE TABLE. */
  readonly tableOptions: string;
}

/** STRICT, so that a column holds what its type says (https://www.sqlite.org/stricttables.html). */
export const sqliteWords: EngineWords = { integer: 'integer', bytes: 'blob', tableOptions: 'strict' };

/** An error of SQLite as a person can act on it; any other error comes back unchanged. */
export function asSqliteError(cause: unknown, file: string): unknown {
  if (isModuleFailure(cause))
    return new ConsulError(
      'INSTALLATION_INVALID',
      `the database module better-sqlite3 cannot be loaded by Node.js ${process.version}`,
      { cause },
    );
  if (!(cause instanceof BetterSqlite3.SqliteError)) return cause;
  const { code } = cause;
  // A write that meets a quota or a size limit (EDQUOT, EFBIG) comes as an input/output error of the write.
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_WRITE' || code.startsWith('SQLITE_IOERR_SHM'))
    return new ConsulError('DISK_FULL', `there is no room to write ${file} (${code})`, { cause });
  if (code.startsWith('SQLITE_BUSY'))
    return new ConsulError('STORE_BUSY', `${file} was locked for ${busyTimeout / 1000} s (${code})`, {
      cause,
    });
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT'))
    return new ConsulError('FILE_UNREADABLE', `${file} is damaged or not a database (${code})`, { cause });
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY') || code === 'SQLITE_PERM')
    return new ConsulError('FILE_UNREADABLE', `cannot open ${file} (${code})`, { cause });
  return cause;
}

/** better-sqlite3 loads its compiled part with the first database: it is of another Node.js, damaged or missing. */
function isModuleFailure(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    ((cause as NodeJS.ErrnoException).code === 'ERR_DLOPEN_FAILED' ||
      cause.message.startsWith('Could not locate the bindings file'))
  );
}

export function isUniqueViolation(cause: unknown): boolean {
  return (
    cause instanceof BetterSqlite3.SqliteError &&
    (cause.code === 'SQLITE_CONSTRAINT_UNIQUE' || cause.code === 'SQLITE_CONSTRAINT_PRIMARYKEY')
  );
}

/** One connection to a database file. */
export interface Sqlite {
  readonly dialect: Dialect;
  /** Names of the migrations that the file has seen; none for an empty file. */
  migrations(): readonly string[];
  /** A property of the file, kept from the first time on. */
  useWriteAheadLog(): void;
  /** Digests of the rows of this file. */
  readonly rows: RowDigests;
  close(): void;
}

/**
 * Opens an existing file; an empty one is an empty database. Opening writes nothing.
 * @throws ConsulError FILE_UNREADABLE
 */
export function openSqlite(file: string, access: 'read' | 'write'): Sqlite {
  const handle = opened(file, () => {
    const database = new BetterSqlite3(file, {
      fileMustExist: true,
      readonly: access === 'read',
      timeout: busyTimeout,
    });
    try {
      database.pragma('foreign_keys = ON');
      database.pragma('synchronous = FULL');
      database.pragma('cache_size = -32768');
      // 32 MiB of log between checkpoints: pages that many acts touch are written into the file once.
      database.pragma('wal_autocheckpoint = 8192');
    } catch (cause) {
      database.close();
      throw cause;
    }
    return database;
  });
  return {
    dialect: {
      createDriver: () => new SqliteDriver(handle, file),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createAdapter: () => new TransactionalAdapter(),
      createIntrospector: (db) => new SqliteIntrospector(db),
    },
    migrations: () =>
      opened(file, () => {
        const table = handle
          .prepare("select 1 from sqlite_master where type = 'table' and name = 'kysely_migration'")
          .get();
        return table ? (handle.prepare('select name from kysely_migration').pluck().all() as string[]) : [];
      }),
    rows: rowDigests(handle, (work) => opened(file, work)),
    useWriteAheadLog: () =>
      opened(file, () => {
        if (handle.pragma('journal_mode', { simple: true }) !== 'wal') handle.pragma('journal_mode = WAL');
      }),
    close: () => handle.close(),
  };
}

function opened<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw asSqliteError(cause, file);
  }
}

/** SQLite rolls back DDL like anything else; Kysely's own adapter says it does not. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** One connection, handed out to one caller after another; transactions take the write lock at their start. */
class SqliteDriver implements Driver {
  readonly #handle: Handle;
  readonly #connection: SqliteConnection;
  #last: Promise<void> = Promise.resolve();
  #release: () => void = () => {};

  constructor(handle: Handle, file: string) {
    this.#handle = handle;
    this.#connection = new SqliteConnection(handle, file);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#last;
    let release: () => void = () => {};
    this.#last = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    this.#release = release;
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    this.#release();
  }

  async beginTransaction(): Promise<void> {
    this.#connection.run(this.#handle.readonly ? 'begin' : 'begin immediate');
  }

  async commitTransaction(): Promise<void> {
    this.#connection.run('commit');
  }

  /** After SQLITE_FULL and its like SQLite has rolled back by itself. */
  async rollbackTransaction(): Promise<void> {
    if (this.#handle.inTransaction) this.#connection.run('rollback');
  }

  async destroy(): Promise<void> {
    this.#handle.close();
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #handle: Handle;
  readonly #file: string;
  readonly #statements = new Map<string, Statement>();

  constructor(handle: Handle, file: string) {
    this.#handle = handle;
    this.#file = file;
  }

  run(sql: string): void {
    opened(this.#file, () => this.#prepared(sql).run());
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return opened(this.#file, () => {
      const statement = this.#prepared(sql);
      if (statement.reader) return { rows: statement.all(...parameters).map(plainBytes) as R[] };
      const { changes } = statement.run(...parameters);
      return { rows: [], numAffectedRows: BigInt(changes) };
    });
  }

  /** Not through the kept statements: one that is being walked cannot be used by anyone else. */
  async *streamQuery<R>({ sql, parameters }: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    const statement = this.#handle.prepare<unknown[], Record<string, unknown>>(sql);
    for (const row of statement.iterate(...parameters)) yield { rows: [plainBytes(row) as R] };
  }

  #prepared(sql: string): Statement {
    const kept = this.#statements.get(sql);
    if (kept) return kept;
    const statement = this.#handle.prepare<unknown[], Record<string, unknown>>(sql);
    if (this.#statements.size >= maxStatements) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** better-sqlite3 gives a Buffer for a BLOB; nothing above knows of Buffer. */
function plainBytes(row: Record<string, unknown>): Record<string, unknown> {
  for (const key in row) {
    const value = row[key];
    if (value instanceof Uint8Array) row[key] = new Uint8Array(value.buffer, value.byteOffset, value.length);
  }
  return row;
}
