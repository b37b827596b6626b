import { canonicalJson, type Json } from './canonical.ts';
import { advance } from './counter.ts';
import { inGroups } from './groups.ts';
import type { OutboxRow } from './schema.ts';
import type { Reader, Tx } from './store.ts';

export interface OutboxEntry {
  readonly kind: string;
  readonly payload: Json;
}

/** Leaves word of what the world must be told, in the transaction of the act that it tells about. */
export async function enqueue(tx: Tx, entries: readonly OutboxEntry[], createdAt: string): Promise<void> {
  if (entries.length === 0) return;
  const first = await advance(tx, 'outbox', 1, entries.length);
  const rows = entries.map(({ kind, payload }, i) => ({
    id: first + i,
    kind,
    payload: canonicalJson(payload),
    createdAt,
  }));
  await inGroups(rows, (group) => tx.insertInto('outbox').values(group).execute());
}

/** What waits to be told, oldest first. */
export async function waitingOutbox(db: Reader, limit: number): Promise<OutboxRow[]> {
  return db.selectFrom('outbox').selectAll().where('doneAt', 'is', null).orderBy('id').limit(limit).execute();
}
