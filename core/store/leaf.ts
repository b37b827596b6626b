import { advance } from './counter.ts';
import type { Reader, Tx } from './store.ts';

const counter = 'leaf';

/**
 * Appends to the transparency log.
 * @param entries SHA-256 of each sealed object, 32 bytes
 * @returns the index of the first
 */
export async function appendLeaves(tx: Tx, entries: readonly Uint8Array[]): Promise<number> {
  const first = await advance(tx, counter, 0, entries.length);
  if (entries.length > 0)
    await tx
      .insertInto('leaf')
      .values(entries.map((entry, i) => ({ leafIndex: first + i, entry })))
      .execute();
  return first;
}

/** The entries `from` <= index < `to`, in order. */
export async function leafEntries(db: Reader, from: number, to: number): Promise<Uint8Array[]> {
  const rows = await db
    .selectFrom('leaf')
    .select('entry')
    .where('leafIndex', '>=', from)
    .where('leafIndex', '<', to)
    .orderBy('leafIndex')
    .execute();
  return rows.map((row) => row.entry);
}

/** How many entries the log has. */
export async function logSize(db: Reader): Promise<number> {
  const row = await db.selectFrom('counter').select('next').where('name', '=', counter).executeTakeFirst();
  return row?.next ?? 0;
}
