import { sql } from 'kysely';
import { equalBytes, toHex } from '../bytes.ts';
import { canonicalJson, type Json, sha256 } from './canonical.ts';
import { inGroups } from './groups.ts';
import type { JournalRow, TimelineRow } from './schema.ts';
import type { Reader, Tx } from './store.ts';

/** Who did what to what. Holds no personal data: what does is in the object that `covers` names by its digest. */
export interface JournalEntry {
  readonly at: string;
  /** For example `agent:amina`, `citizen`, `system`. */
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: { readonly [name: string]: Json };
  readonly covers?: { readonly kind: 'timeline' | 'object'; readonly digest: Uint8Array };
}

/** The newest entry; everything before it is fixed by its hash. */
export interface JournalHead {
  readonly seq: number;
  readonly hash: Uint8Array;
}

/** What the first entry follows. */
export const emptyHead: JournalHead = { seq: 0, hash: new Uint8Array(32) };

export async function journalHead(db: Reader): Promise<JournalHead> {
  const row = await db
    .selectFrom('journal')
    .select(['seq', 'hash'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? emptyHead;
}

/** @returns the head after the last entry; the first has the sequence number before it, less the count, plus one */
export async function appendJournal(tx: Tx, entries: readonly JournalEntry[]): Promise<JournalHead> {
  let head = await journalHead(tx);
  const rows: JournalRow[] = [];
  for (const { at, actor, action, subject, detail, covers } of entries) {
    const entry = {
      seq: head.seq + 1,
      at,
      actor,
      action,
      subject,
      detail: canonicalJson(detail),
      covers: covers?.kind ?? null,
      digest: covers?.digest ?? null,
      previous: head.hash,
    };
    const hash = entryHash(entry, detail);
    rows.push({ ...entry, hash });
    head = { seq: entry.seq, hash };
  }
  await inGroups(rows, (group) => tx.insertInto('journal').values(group).execute());
  return head;
}

/** SHA-256 over the RFC 8785 form of the whole entry, the hash of the entry before it included. */
function entryHash(row: Omit<JournalRow, 'hash'>, detail: Json): Uint8Array {
  return sha256(
    canonicalJson({
      seq: row.seq,
      at: row.at,
      actor: row.actor,
      action: row.action,
      subject: row.subject,
      detail,
      covers: row.covers,
      digest: row.digest && toHex(row.digest),
      previous: toHex(row.previous),
    }),
  );
}

/** What a timeline entry is in the journal: salted, so that nothing can be guessed once the entry is deleted. */
export function timelineDigest(row: Omit<TimelineRow, 'seq'>): Uint8Array {
  const { reference, at, actor, kind, detail, salt } = row;
  return sha256(canonicalJson({ reference, at, actor, kind, detail, salt: toHex(salt) }));
}

export interface JournalReport {
  readonly outcome: 'intact' | 'broken';
  /** How many entries were found in order. */
  readonly entries: number;
  readonly head: JournalHead;
  /** The first entry that is not as it was written, and why it is not. */
  readonly broken?: { readonly seq: number; readonly reason: string };
}

/**
 * Proves that no entry was altered, removed (at the end neither) or reordered, and that every timeline entry is the
 * one that the journal covers.
 * @param anchor the newest head known from outside the database, read before this is called; undefined checks the
 *   chain only
 */
export async function verifyJournal(db: Reader, anchor: JournalHead | undefined): Promise<JournalReport> {
  let head = emptyHead;
  const broken = (seq: number, reason: string): JournalReport => ({
    outcome: 'broken',
    entries: head.seq,
    head,
    broken: { seq, reason },
  });

  if (anchor?.seq === emptyHead.seq && !equalBytes(anchor.hash, emptyHead.hash))
    return broken(1, 'the head kept outside the database is of no journal');
  const rows = db
    .selectFrom('journal')
    .leftJoin('timeline', 'timeline.seq', 'journal.seq')
    .selectAll('journal')
    .select([
      'timeline.seq as timelineSeq',
      'timeline.reference',
      'timeline.at as timelineAt',
      'timeline.actor as timelineActor',
      'timeline.kind',
      'timeline.detail as timelineDetail',
      'timeline.salt',
    ])
    .orderBy('journal.seq')
    .stream();
  for await (const row of rows) {
    const seq = head.seq + 1;
    if (row.seq !== seq) return broken(seq, 'the entry is missing');
    if (!equalBytes(row.previous, head.hash)) return broken(seq, 'it does not follow the entry before it');
    const detail = readCanonical(row.detail);
    if (detail === undefined || !equalBytes(entryHash(row, detail), row.hash))
      return broken(seq, 'its content does not have its hash');
    if (seq === anchor?.seq && !equalBytes(row.hash, anchor.hash))
      return broken(seq, 'it differs from the head kept outside the database');

    if (row.covers === 'timeline') {
      const { reference, timelineAt: at, timelineActor: actor, kind, timelineDetail, salt } = row;
      if (reference === null || at === null || actor === null || kind === null || salt === null)
        return broken(seq, 'the timeline entry that it covers is missing');
      const covered = { reference, at, actor, kind, detail: timelineDetail ?? '', salt };
      if (row.digest === null || !equalBytes(timelineDigest(covered), row.digest))
        return broken(seq, 'the timeline entry that it covers was altered');
    } else if (row.timelineSeq !== null) return broken(seq, 'a timeline entry was added to it');
    head = { seq, hash: row.hash };
  }

  if (anchor && head.seq < anchor.seq)
    return broken(head.seq + 1, `the entry is missing; the head kept outside the database is ${anchor.seq}`);
  const orphan = await db
    .selectFrom('timeline')
    .select(sql<number>`min(seq)`.as('seq'))
    .where('seq', '>', head.seq)
    .executeTakeFirst();
  if (orphan && orphan.seq !== null) return broken(orphan.seq, 'a timeline entry has no journal entry');
  return { outcome: 'intact', entries: head.seq, head };
}

/** A detail is kept in its RFC 8785 form; any other text was not written here. */
function readCanonical(text: string): Json | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return canonicalJson(value) === text ? value : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}
