import { once } from 'node:events';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { readAnchor } from './anchor.ts';
import { appendJournal, journalHead, verifyJournal } from './journal.ts';
import { insertRequests } from './request.ts';
import { openStore, type Store } from './store.ts';
import { childProgram, ended, someRequest, someTime, temporaryFolder, temporaryStore } from './test-store.ts';

const note = (store: Store, subject: string) =>
  store.transact((tx) =>
    appendJournal(tx, [{ at: someTime, actor: 'system', action: 'test', subject, detail: {} }]),
  );

const code = (value: string) => expect.objectContaining({ code: value });

describe('opening', () => {
  test('makes a database of mode 0600 that opens again', async () => {
    const file = join(await temporaryFolder(), 'consul.db');
    const made = await openStore(file, { create: true });
    await note(made, 'a');
    await made.close();
    const store = await openStore(file);
    expect((await journalHead(store.read)).seq).toBe(1);
    await store.close();
  });

  test('is durable at every commit and strict about types', async () => {
    const store = await temporaryStore();
    const pragma = (name: string) =>
      store.transact(
        async (tx) => (await sql<Record<string, unknown>>`${sql.raw(`pragma ${name}`)}`.execute(tx)).rows[0],
      );
    expect(await pragma('journal_mode')).toEqual({ journal_mode: 'wal' });
    expect(await pragma('synchronous')).toEqual({ synchronous: 2 });
    expect(await pragma('foreign_keys')).toEqual({ foreign_keys: 1 });
    const tables = await sql<{ name: string; strict: number }>`pragma table_list`.execute(store.read);
    const ours = tables.rows.filter(({ name }) => !/^(sqlite|kysely)_/.test(name));
    expect(ours.length).toBeGreaterThanOrEqual(10);
    expect(ours.every(({ strict }) => strict === 1)).toBe(true);
  });

  test('names a missing and an existing database', async () => {
    const file = join(await temporaryFolder(), 'consul.db');
    await expect(openStore(file)).rejects.toEqual(code('POST_MISSING'));
    const store = await openStore(file, { create: true });
    await store.close();
    await expect(openStore(file, { create: true })).rejects.toEqual(code('POST_EXISTS'));
  });

  test('refuses a file that is not a database', async () => {
    const file = join(await temporaryFolder(), 'consul.db');
    await writeFile(file, 'this is not a database, but it is longer than the header of one: '.repeat(20));
    await expect(openStore(file)).rejects.toEqual(code('FILE_UNREADABLE'));
  });

  test('refuses a database of a newer consul and leaves it as it was', async () => {
    const file = join(await temporaryFolder(), 'consul.db');
    const store = await openStore(file, { create: true });
    await store.close();
    const newer = new BetterSqlite3(file);
    newer.prepare('insert into kysely_migration values (?, ?)').run('2031-01-later', someTime);
    newer.close();
    const before = await readFile(file);
    await expect(openStore(file)).rejects.toEqual(code('POST_NEWER'));
    expect(await readFile(file)).toEqual(before);
  });

  test('brings an empty database up to date in eight processes at once', async () => {
    const file = join(await temporaryFolder(), 'consul.db');
    await writeFile(file, '');
    await writeFile(`${file}.head`, `0 ${'0'.repeat(64)}\n`);
    const run = await childProgram(`
      import { openStore } from './store.ts';
      openStore(process.argv[2]).then((store) => store.close());
    `);
    const ends = await Promise.all(Array.from({ length: 8 }, () => ended(run([file]))));
    expect(ends.map((end) => end.stderr).join('')).toBe('');
    await (await openStore(file)).close();
  });
});

describe('a transaction', () => {
  test('is all or nothing, and the next one goes on', async () => {
    const store = await temporaryStore();
    const failed = store.transact(async (tx) => {
      await insertRequests(tx, [{ request: someRequest('A'), pieces: [] }]);
      throw new RangeError('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await store.read.selectFrom('request').selectAll().execute()).toEqual([]);
    await store.transact((tx) => insertRequests(tx, [{ request: someRequest('B'), pieces: [] }]));
    expect(await store.read.selectFrom('request').select('reference').execute()).toEqual([
      { reference: 'B' },
    ]);
  });

  test('is not seen from outside before it is committed', async () => {
    const store = await temporaryStore();
    await store.transact(async (tx) => {
      await insertRequests(tx, [{ request: someRequest('A'), pieces: [] }]);
      expect(await store.read.selectFrom('request').selectAll().execute()).toEqual([]);
    });
    expect(await store.read.selectFrom('request').selectAll().execute()).toHaveLength(1);
  });

  test('comes one after another', async () => {
    const store = await temporaryStore();
    let inside = 0;
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        store.transact(async (tx) => {
          expect(inside++).toBe(0);
          await insertRequests(tx, [{ request: someRequest(`A${i}`), pieces: [] }]);
          inside--;
        }),
      ),
    );
    expect(await store.read.selectFrom('request').selectAll().execute()).toHaveLength(20);
  });

  test('is the only way to write', async () => {
    const store = await temporaryStore();
    await expect(store.read.deleteFrom('journal').execute()).rejects.toEqual(code('FILE_UNREADABLE'));
  });

  test('reaches a full disk: DISK_FULL, and what was there is there', async () => {
    const file = join(await temporaryFolder(), 'consul.db');
    const store = await openStore(file, { create: true });
    await note(store, 'before');
    await store.close();
    const run = await childProgram(
      `
      import { openStore } from './store.ts';
      import { insertRequests } from './request.ts';
      const request = JSON.parse(process.argv[3]);
      (async () => {
        const store = await openStore(process.argv[2]);
        const codes = [];
        for (const reference of ['large', 'again'])
          await store.transact((tx) =>
            insertRequests(tx, [{ request: { ...request, reference, data: 'x'.repeat(3e6) }, pieces: [] }]),
          ).catch((error) => codes.push(error.code ?? String(error)));
        console.log(codes.join());
        process.exit();
      })();
    `,
    );
    const end = await ended(run([file, JSON.stringify(someRequest('A'))], 'ulimit -f 1024'));
    expect(end).toEqual({ code: 0, stdout: 'DISK_FULL,DISK_FULL\n', stderr: '' });

    const later = await openStore(file);
    expect(await later.read.selectFrom('request').selectAll().execute()).toEqual([]);
    expect((await verifyJournal(later.read, await readAnchor(later.anchor))).outcome).toBe('intact');
    await later.close();
  });
});

describe('the journal head outside the database', () => {
  test('follows every act', async () => {
    const store = await temporaryStore();
    for (const subject of ['a', 'b', 'c']) {
      await note(store, subject);
      expect(await readAnchor(store.anchor)).toEqual(await journalHead(store.read));
    }
  });

  test('is never replaced by an older one when eight processes act at once', async () => {
    const file = join(await temporaryFolder(), 'consul.db');
    const store = await openStore(file, { create: true });
    const run = await childProgram(`
      import { openStore } from './store.ts';
      import { readAnchor } from './anchor.ts';
      import { appendJournal } from './journal.ts';
      (async () => {
        const store = await openStore(process.argv[2]);
        for (let i = 0; i < 20; i++) {
          const head = await store.transact((tx) =>
            appendJournal(tx, [{ at: '', actor: 'system', action: 'test', subject: String(i), detail: {} }]));
          const anchor = await readAnchor(store.anchor);
          if (anchor.seq < head.seq) throw new Error(anchor.seq + ' < ' + head.seq);
        }
        await store.close();
      })();
    `);
    const ends = await Promise.all(Array.from({ length: 8 }, () => ended(run([file]))));
    expect(ends.map((end) => end.stderr).join('')).toBe('');
    const anchor = await readAnchor(store.anchor);
    expect(anchor?.seq).toBe(160);
    expect(await verifyJournal(store.read, anchor)).toMatchObject({ outcome: 'intact', entries: 160 });
    await store.close();
  });

  test('may be behind when the process was killed after the commit', async () => {
    const file = join(await temporaryFolder(), 'consul.db');
    const store = await openStore(file, { create: true });
    await note(store, 'first');
    await store.close();
    const run = await childProgram(`
      import { Kysely } from 'kysely';
      import { appendJournal } from './journal.ts';
      import { openSqlite } from './sqlite.ts';
      (async () => {
        const db = new Kysely({ dialect: openSqlite(process.argv[2], 'write').dialect });
        await db.transaction().execute((tx) =>
          appendJournal(tx, [{ at: '', actor: 'system', action: 'test', subject: 'second', detail: {} }]));
        console.log('committed');
        setInterval(() => {}, 1000);
      })();
    `);
    const child = run([file]);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');

    const later = await openStore(file);
    expect((await readAnchor(later.anchor))?.seq).toBe(1);
    expect((await journalHead(later.read)).seq).toBe(2);
    await note(later, 'third');
    expect((await readAnchor(later.anchor))?.seq).toBe(3);
    await later.close();
  });

  test('gives a restored database away', async () => {
    const file = join(await temporaryFolder(), 'consul.db');
    const store = await openStore(file, { create: true });
    await note(store, 'a');
    await store.close();
    await copyFile(file, `${file}.backup`);
    const again = await openStore(file);
    await note(again, 'b');
    await again.close();

    await copyFile(`${file}.backup`, file);
    await expect(openStore(file)).rejects.toEqual(code('POST_ROLLED_BACK'));
    const audited = await openStore(file, { audit: true });
    expect(await verifyJournal(audited.read, await readAnchor(audited.anchor))).toMatchObject({
      outcome: 'broken',
      broken: { seq: 2 },
    });
    await audited.close();
  });

  test('gives another history of the same length away', async () => {
    const folder = await temporaryFolder();
    const stores: Store[] = [];
    for (const name of ['one', 'two']) {
      const store = await openStore(join(folder, name), { create: true });
      await note(store, name);
      await store.close();
      stores.push(store);
    }
    await copyFile(join(folder, 'one'), join(folder, 'two'));
    await expect(openStore(join(folder, 'two'))).rejects.toEqual(code('POST_ROLLED_BACK'));
  });

  test('must be there and whole', async () => {
    const file = join(await temporaryFolder(), 'consul.db');
    const store = await openStore(file, { create: true });
    await store.close();
    await writeFile(store.anchor, 'something');
    await expect(openStore(file)).rejects.toEqual(code('JOURNAL_BROKEN'));
    await rm(store.anchor);
    await expect(openStore(file)).rejects.toEqual(code('POST_ROLLED_BACK'));
  });

  test('of a post that was there before is not taken for a new one', async () => {
    const file = join(await temporaryFolder(), 'consul.db');
    const store = await openStore(file, { create: true });
    await note(store, 'a');
    await store.close();
    await rm(file);
    await expect(openStore(file, { create: true })).rejects.toEqual(code('POST_ROLLED_BACK'));
    await expect(openStore(file)).rejects.toEqual(code('POST_MISSING'));
  });
});
