import { describe, expect, it } from 'vitest';
import { insertReserved, recordSeals, registerIssued } from '../store/document.ts';
import { verifyJournal } from '../store/journal.ts';
import { appendLeaves } from '../store/leaf.ts';
import { waitingOutbox } from '../store/outbox.ts';
import { insertRequests } from '../store/request.ts';
import { findRevocation, revokedEntries } from '../store/revocation.ts';
import { insertRunning, runningDocuments } from '../store/running.ts';
import type { Store } from '../store/store.ts';
import { random, someRequest, someTime, temporaryStore } from '../store/test-store.ts';
import { readTimeline } from '../store/timeline.ts';
import type { Actor } from './actor.ts';
import { revokeDocument } from './revocation.ts';

const code = (value: string) => expect.objectContaining({ code: value });
const agent: Actor = { kind: 'agent', name: 'amina', roles: ['head-of-post'] };
const context = (store: Store) => ({ store, actor: agent, now: new Date(someTime), random });
const reason = 'obtenue par fraude';

/** A register with three documents, of which the last is only reserved. */
async function someRegister(): Promise<Store> {
  const store = await temporaryStore();
  const references = ['A', 'B', 'C'];
  await store.transact(async (tx) => {
    await insertRequests(
      tx,
      references.map((reference) => ({ request: someRequest(reference), pieces: [] })),
    );
    await insertReserved(
      tx,
      references.map((reference, i) => ({
        statusIndex: i,
        number: `PC-2026-00000${i + 1}`,
        type: 'prise-en-charge',
        year: 2026,
        sequence: i + 1,
        reference,
        language: 'fr',
        record: '{}',
        recordDigest: new Uint8Array(32),
        validFrom: '2026-11-24',
        validUntil: null,
        reservedAt: someTime,
      })),
    );
    const issued = ['PC-2026-000001', 'PC-2026-000002'];
    const leaf = await appendLeaves(tx, [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]);
    await recordSeals(
      tx,
      issued.map((number, i) => ({ number, seal: new Uint8Array(9), leafIndex: leaf + i })),
    );
    await registerIssued(
      tx,
      issued.map((number) => ({
        number,
        path: number,
        sha256: new Uint8Array(32),
        size: 1,
        level: 'B-T',
        timestamp: 'done',
        lastsUntil: null,
        issuedAt: someTime,
      })),
    );
  });
  return store;
}

describe('a revocation', () => {
  it('stands in register, timeline, journal and outbox, and names the entry of the status list', async () => {
    const store = await someRegister();
    const revoked = await revokeDocument(
      { number: 'PC-2026-000002', reason: `  ${reason} ` },
      context(store),
    );
    expect(revoked).toEqual({
      number: 'PC-2026-000002',
      at: someTime,
      actor: 'agent:amina',
      reason,
      revokedBefore: false,
    });
    expect(await revokedEntries(store.read)).toEqual({ size: 3, revoked: [1] });
    const [entry] = (await readTimeline(store.read, 'B')).slice(-1);
    expect(entry).toMatchObject({ kind: 'document.revoked', actor: 'agent:amina' });
    expect(JSON.parse(entry?.detail ?? '')).toEqual({ number: 'PC-2026-000002', reason });
    const [letter] = (await waitingOutbox(store.read, 10)).slice(-1);
    expect(JSON.parse(letter?.payload ?? '')).toEqual({ event: 'document.revoked', reference: 'B' });
    expect(await verifyJournal(store.read, undefined)).toMatchObject({ outcome: 'intact' });
  });

  it('says nothing of the reason in the journal', async () => {
    const store = await someRegister();
    await revokeDocument({ number: 'PC-2026-000001', reason }, context(store));
    const journal = await store.read.selectFrom('journal').selectAll().execute();
    expect(journal.at(-1)?.detail).toBe('{"number":"PC-2026-000001"}');
  });

  it('done again finds the first', async () => {
    const store = await someRegister();
    await revokeDocument({ number: 'PC-2026-000001', reason }, context(store));
    const again = await revokeDocument({ number: 'PC-2026-000001', reason: 'another' }, context(store));
    expect(again).toMatchObject({ reason, revokedBefore: true });
    expect(await readTimeline(store.read, 'A')).toHaveLength(1);
  });

  it('takes the document out of what is added up for a person', async () => {
    const store = await someRegister();
    const key = 'Jeanne Obame';
    await store.transact((tx) =>
      insertRunning(
        tx,
        ['A', 'B'].map((reference) => ({
          reference,
          procedure: 'prise-en-charge',
          key,
          figures: { guests: 1 },
        })),
      ),
    );
    const running = async () =>
      (await runningDocuments(store.read, { procedure: 'prise-en-charge', key, today: '2026-11-24' })).map(
        ({ number }) => number,
      );
    expect(await running()).toEqual(['PC-2026-000001', 'PC-2026-000002']);
    await revokeDocument({ number: 'PC-2026-000001', reason }, context(store));
    expect(await running()).toEqual(['PC-2026-000002']);
  });

  it('is refused without a reason, of an unknown document, of one that is not issued, and to a citizen', async () => {
    const store = await someRegister();
    const revoke = (number: string, why = reason, actor: Actor = agent) =>
      revokeDocument({ number, reason: why }, { ...context(store), actor });
    await expect(revoke('PC-2026-000001', '  ')).rejects.toEqual(code('REASON_REQUIRED'));
    await expect(revoke('PC-2026-000001', 'x'.repeat(501))).rejects.toEqual(code('REASON_REQUIRED'));
    await expect(revoke('PC-2026-000009')).rejects.toEqual(code('DOCUMENT_UNKNOWN'));
    await expect(revoke('PC-2026-000003')).rejects.toEqual(code('REQUEST_WRONG_STATE'));
    await expect(revoke('PC-2026-000001', reason, { kind: 'citizen' })).rejects.toEqual(
      code('REQUEST_WRONG_STATE'),
    );
    expect(await findRevocation(store.read, 'PC-2026-000001')).toBeUndefined();
    expect(await revokedEntries(store.read)).toEqual({ size: 3, revoked: [] });
  });
});

it('an empty register has an empty list', async () => {
  expect(await revokedEntries((await temporaryStore()).read)).toEqual({ size: 0, revoked: [] });
});
