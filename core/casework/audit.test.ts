import { describe, expect, test } from 'vitest';
import { toHex } from '../bytes.ts';
import { sha256 } from '../store/canonical.ts';
import { insertRequests } from '../store/request.ts';
import type { Store, Tx } from '../store/store.ts';
import { random, somePiece, someRequest, someTime, temporaryStore } from '../store/test-store.ts';
import { appendTimeline } from '../store/timeline.ts';
import { verifyRequests } from './audit.ts';
import { pieceTrace } from './workflow.ts';

async function twoRequests(): Promise<Store> {
  const store = await temporaryStore();
  await store.transact(async (tx) => {
    for (const reference of ['A', 'B']) {
      const request = someRequest(reference, { state: 'accepted' });
      const pieces = [somePiece(reference, 1), somePiece(reference, 2)];
      await insertRequests(tx, [{ request, pieces }]);
      const entry = { reference, at: someTime, actor: 'citizen' };
      const submitted = {
        procedure: 'p',
        procedureVersion: 1,
        data: toHex(sha256(request.data)),
        pieces: pieces.slice(0, 1).map(pieceTrace),
        owed: [],
      };
      const received = { pieces: pieces.slice(1).map(pieceTrace) };
      await appendTimeline(
        tx,
        [
          {
            ...entry,
            kind: 'request.submitted',
            detail: submitted as never,
            trace: { from: 'draft', to: 'incomplete' },
          },
          {
            ...entry,
            kind: 'piece.received',
            detail: received as never,
            trace: { from: 'incomplete', to: 'submitted' },
          },
          { ...entry, kind: 'request.accepted', detail: {}, trace: { from: 'submitted', to: 'accepted' } },
          { ...entry, kind: 'receipt.issued', detail: {}, trace: { number: '1' } },
        ],
        random,
      );
    }
  });
  return store;
}

describe('requests', () => {
  test('are as their timelines tell', async () => {
    const store = await twoRequests();
    expect(await verifyRequests(store.read)).toEqual({ outcome: 'intact', requests: 2 });
  });

  test.each<[string, (tx: Tx) => Promise<unknown>]>([
    [
      'its data',
      (tx) => tx.updateTable('request').set({ data: '{"a":1}' }).where('reference', '=', 'B').execute(),
    ],
    [
      'ends with accepted',
      (tx) => tx.updateTable('request').set({ state: 'refused' }).where('reference', '=', 'B').execute(),
    ],
    [
      'piece 2 is not',
      (tx) =>
        tx
          .updateTable('piece')
          .set({ sha256: random(32) })
          .where('reference', '=', 'B')
          .where('ordinal', '=', 2)
          .execute(),
    ],
    [
      'missing',
      (tx) => tx.deleteFrom('piece').where('reference', '=', 'B').where('ordinal', '=', 1).execute(),
    ],
    ['piece 3 is not', (tx) => tx.insertInto('piece').values(somePiece('B', 3)).execute()],
    ['nothing tells', (tx) => tx.insertInto('request').values(someRequest('C')).execute()],
  ])('that were altered are named: %s', async (reason, tamper) => {
    const store = await twoRequests();
    await store.transact(tamper);
    const report = await verifyRequests(store.read);
    expect(report.outcome).toBe('broken');
    expect(report.broken?.reason).toContain(reason);
    expect(report.broken?.reference).toMatch(/B|C/);
  });
});
