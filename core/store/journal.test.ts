import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toHex } from '../bytes.ts';
import { readAnchor } from './anchor.ts';
import { sha256 } from './canonical.ts';
import { appendJournal, type JournalEntry, journalHead, verifyJournal } from './journal.ts';
import { insertRequests } from './request.ts';
import type { Store, Tx } from './store.ts';
import { random, someRequest, someTime, temporaryStore } from './test-store.ts';
import { appendTimeline, readTimeline } from './timeline.ts';

const entry = (subject: string, more: Partial<JournalEntry> = {}): JournalEntry => ({
  at: someTime,
  actor: 'agent:amina',
  action: 'test',
  subject,
  detail: { b: [1, 'é'], a: null },
  ...more,
});

/** A journal of eight entries; those with an even number cover a timeline entry. */
async function mixedJournal(): Promise<Store> {
  const store = await temporaryStore();
  await store.transact(async (tx) => {
    await insertRequests(tx, [{ request: someRequest('R'), pieces: [] }]);
    for (let i = 1; i <= 8; i++)
      if (i % 2 === 0)
        await appendTimeline(
          tx,
          [{ reference: 'R', at: someTime, actor: 'citizen', kind: 'k', detail: { i }, trace: { i } }],
          random,
        );
      else await appendJournal(tx, [entry(`s${i}`)]);
  });
  return store;
}

/** What an attacker does who can write to the database. */
const tamper = (store: Store, action: (tx: Tx) => Promise<unknown>): Promise<unknown> =>
  store.transact(action);

const verdict = async (store: Store) => verifyJournal(store.read, await readAnchor(store.anchor));

describe('the hash of an entry', () => {
  test('is SHA-256 over its RFC 8785 form', async () => {
    const store = await temporaryStore();
    const digest = new Uint8Array(32).fill(0xab);
    await store.transact((tx) => appendJournal(tx, [entry('X', { covers: { kind: 'object', digest } })]));
    const text =
      `{"action":"test","actor":"agent:amina","at":"${someTime}","covers":"object","detail":{"a":null,"b":[1,"é"]},` +
      `"digest":"${'ab'.repeat(32)}","previous":"${'00'.repeat(32)}","seq":1,"subject":"X"}`;
    expect(toHex((await journalHead(store.read)).hash)).toBe(toHex(sha256(text)));
  });
});

describe('an untouched journal', () => {
  test('verifies, whatever was written in whatever groups', async () => {
    const store = await temporaryStore();
    const details = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<null>, {
      maxKeys: 4,
    });
    const entries = fc.record({
      at: fc.string(),
      actor: fc.string(),
      action: fc.string(),
      subject: fc.string(),
      detail: details,
    });
    let written = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(entries, { maxLength: 5 }), async (group) => {
        await store.transact((tx) => appendJournal(tx, group));
        written += group.length;
        const report = await verdict(store);
        expect(report).toMatchObject({ outcome: 'intact', entries: written });
      }),
      { numRuns: 40 },
    );
  });

  test('verifies with timelines', async () => {
    const store = await mixedJournal();
    expect(await verdict(store)).toMatchObject({ outcome: 'intact', entries: 8 });
    expect((await readTimeline(store.read, 'R')).map((row) => row.seq)).toEqual([2, 4, 6, 8]);
  });

  test('verifies when it is newer than its anchor, and when it is empty', async () => {
    const store = await mixedJournal();
    const anchor = await readAnchor(store.anchor);
    await store.transact((tx) => appendJournal(tx, [entry('later')]));
    expect((await verifyJournal(store.read, anchor)).outcome).toBe('intact');
    expect(await verdict(await temporaryStore())).toMatchObject({ outcome: 'intact', entries: 0 });
  });
});

describe('a journal that was touched', () => {
  const columns = [
    'at',
    'actor',
    'action',
    'subject',
    'detail',
    'covers',
    'digest',
    'previous',
    'hash',
  ] as const;

  test.each(columns)(
    'is found broken where %s was altered, whichever entry it is',
    async (column) => {
      for (let seq = 1; seq <= 8; seq++) {
        const store = await mixedJournal();
        await tamper(store, async (tx) => {
          const { covers } = await tx
            .selectFrom('journal')
            .select('covers')
            .where('seq', '=', seq)
            .executeTakeFirstOrThrow();
          const bytes = random(32);
          const changes = {
            at: { at: '2026-11-24T10:00:00.001Z' },
            actor: { actor: 'agent:other' },
            action: { action: 'tests' },
            subject: { subject: 's' },
            detail: { detail: '{"a":null,"b":[2,"é"]}' },
            covers: covers ? { covers: 'object' as const } : { covers: 'object' as const, digest: bytes },
            digest: covers ? { digest: bytes } : { covers: 'timeline' as const, digest: bytes },
            previous: { previous: bytes },
            hash: { hash: bytes },
          };
          await tx.updateTable('journal').set(changes[column]).where('seq', '=', seq).execute();
        });
        const report = await verdict(store);
        expect(report.outcome).toBe('broken');
        expect(report.broken?.seq).toBe(seq);
      }
    },
    20_000,
  );

  test('is found broken where an entry was removed, at the end too', async () => {
    for (let seq = 1; seq <= 8; seq++) {
      const store = await mixedJournal();
      await tamper(store, async (tx) => {
        await tx.deleteFrom('timeline').where('seq', '=', seq).execute();
        await tx.deleteFrom('journal').where('seq', '=', seq).execute();
      });
      expect((await verdict(store)).broken).toMatchObject({
        seq,
        reason: expect.stringContaining('missing'),
      });
    }
  });

  test('is found broken where an entry was removed and those after it were counted anew', async () => {
    const store = await temporaryStore();
    await store.transact((tx) =>
      appendJournal(
        tx,
        ['a', 'b', 'c', 'd'].map((subject) => entry(subject)),
      ),
    );
    await tamper(store, async (tx) => {
      await tx.deleteFrom('journal').where('seq', '=', 2).execute();
      for (const seq of [3, 4])
        await tx
          .updateTable('journal')
          .set({ seq: seq - 1 })
          .where('seq', '=', seq)
          .execute();
    });
    expect((await verdict(store)).broken?.seq).toBe(2);
  });

  test('is found broken where two entries changed places', async () => {
    const store = await mixedJournal();
    await tamper(store, async (tx) => {
      for (const [from, to] of [
        [3, 100],
        [5, 3],
        [100, 5],
      ] as const)
        await tx.updateTable('journal').set({ seq: to }).where('seq', '=', from).execute();
    });
    expect((await verdict(store)).broken?.seq).toBe(3);
  });

  test('is found broken where it was written anew with right hashes', async () => {
    const store = await mixedJournal();
    const anchor = await readAnchor(store.anchor);
    await tamper(store, async (tx) => {
      await tx.deleteFrom('timeline').execute();
      await tx.deleteFrom('journal').execute();
      await appendJournal(
        tx,
        Array.from({ length: 12 }, (_, i) => entry(`forged ${i}`)),
      );
    });
    expect((await verifyJournal(store.read, undefined)).outcome).toBe('intact');
    expect((await verifyJournal(store.read, anchor)).broken).toMatchObject({ seq: 8 });
  });

  test.each(['reference', 'at', 'actor', 'kind', 'detail', 'salt'] as const)(
    'is found broken where %s of a timeline entry was altered',
    async (column) => {
      const store = await mixedJournal();
      await tamper(store, async (tx) => {
        await insertRequests(tx, [{ request: someRequest('S'), pieces: [] }]);
        const value = { salt: random(16), reference: 'S', at: 'x', actor: 'x', kind: 'x', detail: '{"i":5}' }[
          column
        ];
        await tx
          .updateTable('timeline')
          .set({ [column]: value })
          .where('seq', '=', 6)
          .execute();
      });
      expect((await verdict(store)).broken).toMatchObject({
        seq: 6,
        reason: expect.stringContaining('timeline'),
      });
    },
  );

  test('is found broken where a timeline entry was removed, added, or exchanged', async () => {
    const removed = await mixedJournal();
    await tamper(removed, (tx) => tx.deleteFrom('timeline').where('seq', '=', 4).execute());
    expect((await verdict(removed)).broken).toMatchObject({ seq: 4 });

    const added = await mixedJournal();
    const row = (await readTimeline(added.read, 'R'))[0]!;
    await tamper(added, (tx) =>
      tx
        .insertInto('timeline')
        .values({ ...row, seq: 5 })
        .execute(),
    );
    expect((await verdict(added)).broken).toMatchObject({ seq: 5 });

    const exchanged = await mixedJournal();
    await tamper(exchanged, async (tx) => {
      for (const [from, to] of [
        [2, 1],
        [4, 2],
        [1, 4],
      ] as const)
        await tx.updateTable('timeline').set({ seq: to }).where('seq', '=', from).execute();
    });
    expect((await verdict(exchanged)).broken).toMatchObject({ seq: 2 });
  });
});
