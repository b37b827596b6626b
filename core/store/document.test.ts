import { join } from 'node:path';
import { CompiledQuery } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from './canonical.ts';
import {
  documentNumber,
  documentsOf,
  findDocument,
  insertReserved,
  recordExtended,
  recordSeals,
  registerIssued,
  reserveNumbers,
  unfinishedDocuments,
  untimestampedDocuments,
} from './document.ts';
import { appendLeaves, leafEntries, logSize } from './leaf.ts';
import { insertRequests } from './request.ts';
import { openStore, type Store, type Tx } from './store.ts';
import {
  childProgram,
  ended,
  random,
  someRequest,
  someTime,
  temporaryFolder,
  temporaryStore,
} from './test-store.ts';

const type = 'prise-en-charge';

async function reserve(tx: Tx, references: readonly string[]): Promise<string[]> {
  const count = references.length;
  const { firstSequence, firstStatusIndex } = await reserveNumbers(tx, { type, year: 2026, count });
  const rows = references.map((reference, i) => {
    const record = JSON.stringify({ reference });
    return {
      statusIndex: firstStatusIndex + i,
      number: documentNumber('PC', 2026, firstSequence + i),
      type,
      year: 2026,
      sequence: firstSequence + i,
      reference,
      language: 'fr',
      record,
      recordDigest: sha256(record),
      validFrom: '2026-11-24',
      validUntil: '2027-11-23',
      reservedAt: someTime,
    };
  });
  await insertReserved(tx, rows);
  return rows.map((row) => row.number);
}

async function seal(tx: Tx, numbers: readonly string[]): Promise<void> {
  const seals = numbers.map(() => random(200));
  const first = await appendLeaves(tx, seals.map(sha256));
  await recordSeals(
    tx,
    numbers.map((number, i) => ({ number, seal: seals[i]!, leafIndex: first + i })),
  );
}

const register = (tx: Tx, numbers: readonly string[], timestamp: 'done' | 'pending' = 'done') =>
  registerIssued(
    tx,
    numbers.map((number) => ({
      number,
      path: `2026/${number}.pdf`,
      sha256: sha256(number),
      size: 50_000,
      level: timestamp === 'done' ? 'B-T' : 'B-B',
      lastsUntil: null,
      timestamp,
      issuedAt: someTime,
    })),
  );

const references = ['A', 'B', 'C', 'D'];
const conflict = expect.objectContaining({ code: 'NUMBER_CONFLICT' });
let store: Store;

beforeEach(async () => {
  store = await temporaryStore();
  await store.transact((tx) =>
    insertRequests(
      tx,
      references.map((reference) => ({ request: someRequest(reference), pieces: [] })),
    ),
  );
});

describe('numbers', () => {
  test('follow one another in the register of each type and year', async () => {
    await store.transact(async (tx) => {
      const take = (kind: string, year: number, count: number) =>
        reserveNumbers(tx, { type: kind, year, count });
      expect(await take('a', 2026, 3)).toEqual({ firstSequence: 1, firstStatusIndex: 0 });
      expect(await take('a', 2026, 2)).toEqual({ firstSequence: 4, firstStatusIndex: 3 });
      expect(await take('a', 2027, 1)).toEqual({ firstSequence: 1, firstStatusIndex: 5 });
      expect(await take('b', 2026, 1)).toEqual({ firstSequence: 1, firstStatusIndex: 6 });
      expect(documentNumber('PC', 2026, 123)).toBe('PC-2026-000123');
    });
  });

  test('are given back when the transaction fails', async () => {
    const failed = store.transact(async (tx) => {
      await reserve(tx, ['A', 'B']);
      throw new RangeError('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await store.transact((tx) => reserve(tx, ['A']))).toEqual(['PC-2026-000001']);
  });

  test('have no gap and no double when eight processes reserve at once', async () => {
    const file = join(await temporaryFolder(), 'consul.db');
    const own = await openStore(file, { create: true });
    const all = Array.from({ length: 8 * 40 }, (_, i) => `R${i}`);
    await own.transact((tx) =>
      insertRequests(
        tx,
        all.map((reference) => ({ request: someRequest(reference), pieces: [] })),
      ),
    );
    const run = await childProgram(`
      import { openStore } from './store.ts';
      import { documentNumber, insertReserved, reserveNumbers } from './document.ts';
      (async () => {
        const [file, process_] = process.argv.slice(2);
        const store = await openStore(file);
        for (let i = 0; i < 40; i += 4)
          await store.transact(async (tx) => {
            const { firstSequence, firstStatusIndex } = await reserveNumbers(tx, { type: 't', year: 2026, count: 4 });
            await insertReserved(tx, [0, 1, 2, 3].map((k) => ({
              statusIndex: firstStatusIndex + k, number: documentNumber('T', 2026, firstSequence + k), type: 't', year: 2026,
              sequence: firstSequence + k, reference: 'R' + (Number(process_) * 40 + i + k), language: 'fr', record: '{}',
              recordDigest: new Uint8Array(32), validFrom: '2026-01-01', validUntil: null, reservedAt: '',
            })));
          });
        await store.close();
      })();
    `);
    const ends = await Promise.all(Array.from({ length: 8 }, (_, i) => ended(run([file, String(i)]))));
    expect(ends.map((end) => end.stderr).join('')).toBe('');
    const rows = await own.read.selectFrom('document').selectAll().orderBy('statusIndex').execute();
    expect(rows.map((row) => row.sequence)).toEqual(all.map((_, i) => i + 1));
    expect(rows.map((row) => row.statusIndex)).toEqual(all.map((_, i) => i));
    expect(new Set(rows.map((row) => row.reference)).size).toBe(all.length);
    await own.close();
  });
});

describe('a document', () => {
  test('goes from its reservation to the register, with its record', async () => {
    const [number] = await store.transact((tx) => reserve(tx, ['A']));
    expect(await findDocument(store.read, number!)).toMatchObject({
      step: 'reserved',
      record: '{"reference":"A"}',
      seal: null,
    });
    await store.transact((tx) => seal(tx, [number!]));
    expect(await findDocument(store.read, number!)).toMatchObject({ step: 'logged', leafIndex: 0 });
    await store.transact((tx) => register(tx, [number!]));
    expect(await documentsOf(store.read, ['A', 'B'])).toMatchObject([
      { number, step: 'issued', level: 'B-T' },
    ]);
  });

  test('has one seal, and is registered once', async () => {
    const numbers = await store.transact((tx) => reserve(tx, ['A']));
    await expect(store.transact((tx) => register(tx, numbers))).rejects.toEqual(conflict);
    await store.transact((tx) => seal(tx, numbers));
    await expect(store.transact((tx) => seal(tx, numbers))).rejects.toEqual(conflict);
    expect(await logSize(store.read)).toBe(1);
    await store.transact((tx) => register(tx, numbers));
    await expect(store.transact((tx) => register(tx, numbers))).rejects.toEqual(conflict);
  });

  test('is the only one of its type for a request', async () => {
    await store.transact((tx) => reserve(tx, ['A']));
    await expect(store.transact((tx) => reserve(tx, ['B', 'A']))).rejects.toEqual(conflict);
    expect(await documentsOf(store.read, references)).toHaveLength(1);
  });

  test('that was begun and not ended is found again, oldest first', async () => {
    const numbers = await store.transact((tx) => reserve(tx, references));
    await store.transact((tx) => seal(tx, numbers.slice(0, 3)));
    await store.transact((tx) => register(tx, numbers.slice(0, 2)));
    const found = await unfinishedDocuments(store.read, { limit: 10 });
    expect(found.map(({ number, step }) => [number, step])).toEqual([
      [numbers[2], 'logged'],
      [numbers[3], 'reserved'],
    ]);
    const next = await unfinishedDocuments(store.read, { after: found[0]!.statusIndex, limit: 10 });
    expect(next.map((row) => row.number)).toEqual([numbers[3]]);
  });

  test('whose timestamp is owed is extended once', async () => {
    const numbers = await store.transact((tx) => reserve(tx, ['A', 'B']));
    await store.transact((tx) => seal(tx, numbers));
    await store.transact((tx) => register(tx, numbers, 'pending'));
    const [owed] = await untimestampedDocuments(store.read, 1);
    const extended = [
      {
        number: owed!.number,
        before: owed!.sha256!,
        sha256: sha256('new'),
        size: 60_000,
        level: 'B-T' as const,
        lastsUntil: '2036-11-24T10:00:00.000Z',
      },
    ];
    await store.transact((tx) => recordExtended(tx, extended));
    await expect(store.transact((tx) => recordExtended(tx, extended))).rejects.toEqual(conflict);
    expect((await untimestampedDocuments(store.read, 10)).map((row) => row.number)).toEqual([numbers[1]]);
  });
});

describe('the log', () => {
  test('gives entries back in order, and none of a failed transaction', async () => {
    const entries = Array.from({ length: 250 }, () => random(32));
    expect(await store.transact((tx) => appendLeaves(tx, entries.slice(0, 130)))).toBe(0);
    await expect(
      store.transact(async (tx) => {
        await appendLeaves(tx, entries.slice(0, 5));
        throw new RangeError('no');
      }),
    ).rejects.toThrow('no');
    expect(await store.transact((tx) => appendLeaves(tx, entries.slice(130)))).toBe(130);
    expect(await logSize(store.read)).toBe(250);
    expect(await leafEntries(store.read, 0, 250)).toEqual(entries);
    expect(await leafEntries(store.read, 120, 140)).toEqual(entries.slice(120, 140));
  });
});

/** The cost of a document does not grow with the register: no statement of issuing walks through a table. */
test('no query of issuing reads a whole table', async () => {
  const plans: string[] = [];
  await store.transact(async (tx) => {
    const numbers = await reserve(tx, references);
    await seal(tx, numbers);
    await register(tx, numbers);
  });
  const queries = [
    store.read.selectFrom('journal').select('seq').orderBy('seq', 'desc').limit(1),
    store.read.selectFrom('document').select('number').where('step', '<>', 'issued').orderBy('statusIndex'),
    store.read
      .updateTable('document')
      .set({ size: 1 })
      .where('number', '=', 'A')
      .where('step', '=', 'logged'),
    store.read.selectFrom('document').selectAll().where('reference', 'in', ['A', 'B']),
    store.read.selectFrom('timeline').selectAll().where('reference', '=', 'A').orderBy('seq'),
    store.read.selectFrom('request').selectAll().where('idempotencyKey', 'in', ['A']),
    store.read.selectFrom('outbox').selectAll().where('doneAt', 'is', null).orderBy('id'),
  ];
  for (const query of queries) {
    const { sql, parameters } = query.compile();
    const plan = await store.read.executeQuery(
      CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
    );
    for (const row of plan.rows as { detail: string }[]) plans.push(row.detail);
  }
  expect(plans.filter((plan) => /^SCAN/.test(plan) && !/ INDEX /.test(plan))).toEqual(['SCAN journal']);
  expect(plans.filter((plan) => plan.includes('TEMP B-TREE'))).toEqual([]);
});
