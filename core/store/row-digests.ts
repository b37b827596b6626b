import { createHash } from 'node:crypto';
import BetterSqlite3 from 'better-sqlite3';

// A flipped bit inside a row is a valid row to SQLite: its integrity_check looks at structure only. So every row of the
// tables that change has its SHA-256 in the table `rowDigest`, written in the transaction that writes the row. Temporary
// triggers note which rows a transaction touches: they belong to the connection, and leave nothing in the file that
// another program would have to understand. This finds damage; it is no defence against who can write the file, which
// the journal, the seals and the log are.

/** A row that is not as it was written, or something that SQLite says of the file. */
export interface RowDamage {
  readonly where: string;
  readonly message: string;
}

export interface RowDigests {
  /** Whether `sealAll` was ever done, and no migration since. */
  areSealed(): boolean;
  /** Before a migration: what it does to rows is taken as right when it ends. */
  unseal(): void;
  /** Digests of all rows as they are now. */
  sealAll(): void;
  /** From now on notes the rows that change. */
  track(): void;
  /** The last thing in every transaction: digests of the rows that it changed. */
  seal(): void;
  damage(): readonly RowDamage[];
}

/**
 * Tables of which every row is proved otherwise: the journal is a chain of hashes, which covers the timeline, and the
 * log's entries are under the signed checkpoint. The lock is Kysely's own and says nothing.
 */
const provedOtherwise = new Set(['journal', 'timeline', 'leaf', 'rowDigest', 'kysely_migration_lock']);

/** Stands for the definitions of tables and indexes. */
const schemaName = 'sqlite_schema';

interface Table {
  readonly name: string;
  /** SQL of the primary key as JSON, of a row called `x`. */
  key(x: string): string;
  /** SQL of the whole row as text that no other row has. */
  readonly text: string;
  /** SQL that finds the row `r` of a key in JSON. */
  has(key: string): string;
}

interface Column {
  readonly name: string;
  readonly pk: number;
}

const quoted = (name: string): string => `"${name}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function tableOf(name: string, columns: readonly Column[]): Table | undefined {
  const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  if (key.length === 0) return undefined;
  return {
    name,
    key: (x) => `json_array(${key.map((column) => `${x}.${quoted(column.name)}`).join(', ')})`,
    text: columns.map((column) => `quote(r.${quoted(column.name)})`).join(` || ',' || `),
    has: (json) =>
      key.map((column, i) => `r.${quoted(column.name)} = json_extract(${json}, '$[${i}]')`).join(' and '),
  };
}

/** @param told turns an error of SQLite into one of ours */
export function rowDigests(database: BetterSqlite3.Database, told: <T>(work: () => T) => T): RowDigests {
  database.function('sha256', { deterministic: true }, (text) =>
    createHash('sha256').update(String(text)).digest(),
  );

  const rows = <T>(sql: string): T[] => database.prepare(sql).all() as T[];
  const values = <T>(sql: string): T[] => database.prepare(sql).pluck().all() as T[];

  const tables = (): Table[] =>
    values<string>(`select name from ${schemaName} where type = 'table' order by name`)
      .filter((name) => !name.startsWith('sqlite_') && !provedOtherwise.has(name))
      .flatMap((name) => tableOf(name, rows<Column>(`pragma table_info(${literal(name)})`)) ?? []);

  const schemaText = `select group_concat(quote(type) || quote(name) || quote(tbl_name) || quote(sql), ',')
    from (select * from ${schemaName} order by type, name)`;
  const sealSchema = `insert or replace into rowDigest values (${literal(schemaName)}, '[]', sha256((${schemaText})))`;

  let statements: readonly (readonly [
    table: string,
    seal: BetterSqlite3.Statement,
    drop: BetterSqlite3.Statement,
  ])[] = [];
  let changed: BetterSqlite3.Statement | undefined;
  let forget: BetterSqlite3.Statement | undefined;

  function track(): void {
    const all = tables();
    database.exec('create temp table changed (t text, k text, primary key (t, k)) without rowid');
    for (const { name, key } of all) {
      const note = (x: string): string => `insert into changed select ${literal(name)}, ${key(x)}
        where not exists (select 1 from changed where t = ${literal(name)} and k = ${key(x)});`;
      const on = (act: string, body: string): string =>
        `create temp trigger ${quoted(`${name} ${act}`)} after ${act} on main.${quoted(name)} begin ${body} end;`;
      database.exec(
        on('insert', note('new')) + on('update', note('old') + note('new')) + on('delete', note('old')),
      );
    }
    statements = all.map(({ name, has, text }) => [
      name,
      database.prepare(`insert or replace into rowDigest select c.t, c.k, sha256(${text})
        from changed c cross join main.${quoted(name)} r on ${has('c.k')} where c.t = ${literal(name)}`),
      database.prepare(`delete from rowDigest where tableName = ${literal(name)} and rowKey in
        (select c.k from changed c where c.t = ${literal(name)}
          and not exists (select 1 from main.${quoted(name)} r where ${has('c.k')}))`),
    ]);
    changed = database.prepare('select distinct t from changed').pluck();
    forget = database.prepare('delete from changed');
  }

  function seal(): void {
    const touched = new Set(changed?.all());
    if (touched.size === 0) return;
    for (const [name, keep, drop] of statements) {
      if (!touched.has(name)) continue;
      keep.run();
      drop.run();
    }
    forget?.run();
  }

  function sealAll(): void {
    database
      .transaction(() => {
        for (const { name, key, text } of tables())
          database.exec(`insert or replace into rowDigest
            select ${literal(name)}, ${key('r')}, sha256(${text}) from main.${quoted(name)} r where true`);
        database.exec(sealSchema);
      })
      .immediate();
  }

  function damage(): readonly RowDamage[] {
    const found: RowDamage[] = [];
    /** A damaged file fails in any way; each is a finding, and the next is tried. */
    const tried = <T>(where: string, otherwise: T, work: () => T): T => {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof BetterSqlite3.SqliteError)) throw error;
        found.push({ where, message: error.message });
        return otherwise;
      }
    };
    const list = (where: string, sql: string): string[] => tried(where, [], () => values<string>(sql));

    for (const message of list('database', 'pragma integrity_check(20)'))
      if (message !== 'ok') found.push({ where: 'database', message });
    for (const table of list('database', 'select distinct "table" from pragma_foreign_key_check'))
      found.push({ where: table, message: 'a row refers to another that is not there' });
    const known = tried('database', [], tables);
    for (const { name, key, text, has } of known) {
      const altered = list(
        name,
        `select ${key('r')} from main.${quoted(name)} r
          left join rowDigest d on d.tableName = ${literal(name)} and d.rowKey = ${key('r')}
          where d.digest is not sha256(${text}) limit 20`,
      );
      for (const row of altered)
        found.push({ where: `${name} ${row}`, message: 'the row is not as it was written' });
      const lost = list(
        name,
        `select d.rowKey from rowDigest d where d.tableName = ${literal(name)}
          and (not json_valid(d.rowKey) or not exists (select 1 from main.${quoted(name)} r where ${has('d.rowKey')}))
          limit 20`,
      );
      for (const row of lost) found.push({ where: `${name} ${row}`, message: 'the row is missing' });
    }
    const names = [...known.map(({ name }) => name), schemaName].map(literal).join(', ');
    for (const name of list(
      'rowDigest',
      `select distinct tableName from rowDigest where tableName not in (${names})`,
    ))
      found.push({ where: name, message: 'the table is missing' });
    const [schema] = list(
      schemaName,
      `select 'sealed' from rowDigest
        where tableName = ${literal(schemaName)} and digest is sha256((${schemaText}))`,
    );
    if (schema !== 'sealed')
      found.push({ where: schemaName, message: 'the definitions are not as they were written' });
    return found;
  }

  const isThere = (): boolean =>
    values(`select 1 from ${schemaName} where type = 'table' and name = 'rowDigest'`).length > 0;

  return {
    areSealed: () =>
      told(() => values(`select 1 from rowDigest where tableName = ${literal(schemaName)}`).length > 0),
    unseal: () =>
      told(() => {
        if (isThere()) database.exec(`delete from rowDigest where tableName = ${literal(schemaName)}`);
      }),
    sealAll: () => told(sealAll),
    track: () => told(track),
    seal: () => told(seal),
    damage: () => told(damage),
  };
}
