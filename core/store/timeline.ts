import { canonicalJson, type Json } from './canonical.ts';
import { inGroups } from './groups.ts';
import { appendJournal, timelineDigest } from './journal.ts';
import type { TimelineRow } from './schema.ts';
import type { Reader, Tx } from './store.ts';

export interface TimelineEntry {
  readonly reference: string;
  readonly at: string;
  readonly actor: string;
  readonly kind: string;
  /** May hold personal data. */
  readonly detail: { readonly [name: string]: Json };
  /** What the journal says in clear: no personal data. */
  readonly trace: { readonly [name: string]: Json };
}

/** Writes what happened to requests, each entry with the journal entry that covers it. */
export async function appendTimeline(
  tx: Tx,
  entries: readonly TimelineEntry[],
  random: (length: number) => Uint8Array,
): Promise<void> {
  const salts = random(16 * entries.length);
  const rows = entries.map(({ reference, at, actor, kind, detail }, i) => ({
    reference,
    at,
    actor,
    kind,
    detail: canonicalJson(detail),
    salt: salts.slice(16 * i, 16 * (i + 1)),
  }));
  const head = await appendJournal(
    tx,
    entries.map(({ at, actor, kind, reference, trace }, i) => ({
      at,
      actor,
      action: kind,
      subject: reference,
      detail: trace,
      covers: { kind: 'timeline', digest: timelineDigest(rows[i] as (typeof rows)[number]) },
    })),
  );
  const first = head.seq - rows.length + 1;
  const numbered: TimelineRow[] = rows.map((row, i) => ({ seq: first + i, ...row }));
  await inGroups(numbered, (group) => tx.insertInto('timeline').values(group).execute());
}

/** What happened to a request, oldest first. */
export async function readTimeline(db: Reader, reference: string): Promise<TimelineRow[]> {
  return db.selectFrom('timeline').selectAll().where('reference', '=', reference).orderBy('seq').execute();
}
