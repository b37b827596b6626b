import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { checkCheckpoint } from '../log/checkpoint.ts';
import { emptyFrontier, type Frontier, frontierRoot, growTree, type LogFile } from '../log/log.ts';
import { importVerifierKey } from '../log/note.ts';
import { tilePath, tileWidth } from '../log/tile.ts';
import { emptyRoot } from '../log/tree.ts';
import type { SealedRecord } from '../pdf/record.ts';
import { openTrustBundle } from '../pki/trust-bundle.ts';
import { localDay } from '../procedures/calendar.ts';
import { readSeal } from '../seal/seal.ts';
import { readAnchor } from '../store/anchor.ts';
import { sha256 } from '../store/canonical.ts';
import { type DocumentWithRecord, registerPage } from '../store/document.ts';
import { inGroups } from '../store/groups.ts';
import { type JournalReport, verifyJournal } from '../store/journal.ts';
import { leafEntries, logSize } from '../store/leaf.ts';
import { anchorPaths } from '../store/post-folder.ts';
import type { Reader } from '../store/store.ts';
import type { OpenPost } from './open-post.ts';

/** Something that is not as it was written. */
export interface AuditFault {
  readonly part: 'journal' | 'register' | 'file' | 'log';
  readonly where: string;
  readonly message: string;
}

export interface AuditReport {
  readonly journal: JournalReport;
  readonly documents: number;
  readonly unfinished: number;
  readonly logSize: number;
  readonly faults: readonly AuditFault[];
}

const page = 500;
const digest = (bytes: Uint8Array) => nodeBackend.digest('sha256', bytes);

/**
 * Compares everything that a post has written with what proves it: the journal with its hash chain and the head kept
 * outside; the register with records, seals and files; the log with tiles and both checkpoints.
 */
export async function auditPost(post: OpenPost): Promise<AuditReport> {
  const { store, paths, settings } = post;
  const faults: AuditFault[] = [];
  const anchor = anchorPaths(paths.home, settings);
  const journal = await verifyJournal(store.read, await readAnchor(anchor.journal));
  if (journal.broken)
    faults.push({ part: 'journal', where: `entry ${journal.broken.seq}`, message: journal.broken.reason });
  const register = await auditRegister(store.read, paths.documents, settings.post.timeZone, faults);
  await auditEntries(store.read, faults);
  const size = await auditLog(post, anchor.checkpoint, faults);
  return { journal, ...register, logSize: size, faults };
}

async function auditRegister(
  db: Reader,
  folder: string,
  timeZone: string,
  faults: AuditFault[],
): Promise<{ documents: number; unfinished: number }> {
  const lastSequence = new Map<string, number>();
  let documents = 0;
  let unfinished = 0;
  let after = -1;
  for (;;) {
    const rows = await registerPage(db, { after, limit: page });
    const last = rows.at(-1);
    if (!last) return { documents, unfinished };
    if (rows[0] && rows[0].statusIndex !== after + 1)
      faults.push({ part: 'register', where: `position ${after + 1}`, message: 'a document is missing' });
    const told = await toldOf(db, rows);
    for (const row of rows) {
      documents++;
      if (row.step !== 'issued') unfinished++;
      const series = `${row.type} ${row.year}`;
      const expected = (lastSequence.get(series) ?? 0) + 1;
      lastSequence.set(series, row.sequence);
      if (row.sequence !== expected)
        faults.push({
          part: 'register',
          where: row.number,
          message: `number ${expected} of ${series} is missing`,
        });
      if (row.timestamp === 'done' && told.get(row.number) !== row.reference)
        faults.push({
          part: 'register',
          where: row.number,
          message: `the timeline of ${row.reference} does not tell of it`,
        });
      await auditDocument(db, folder, timeZone, row, faults);
    }
    after = last.statusIndex;
  }
}

/** The requests that each of these documents was issued to, as the timelines have it. */
async function toldOf(
  db: Reader,
  rows: readonly Pick<DocumentWithRecord, 'reference'>[],
): Promise<ReadonlyMap<string, string>> {
  const told = new Map<string, string>();
  await inGroups([...new Set(rows.map((row) => row.reference))], async (references) => {
    const entries = await db
      .selectFrom('timeline')
      .select(['reference', 'detail'])
      .where('kind', 'in', ['request.issued', 'receipt.issued'])
      .where('reference', 'in', references)
      .execute();
    for (const { reference, detail } of entries) told.set(numberIn(detail) ?? '', reference);
  });
  return told;
}

/** An entry that was altered tells of no number; what was done to it the journal shows. */
function numberIn(detail: string): string | undefined {
  try {
    return (JSON.parse(detail) as { number?: string } | null)?.number;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether the record is the one that was fixed with the number, and that the seal covers once there is one. */
function isCovered({ record, recordDigest, seal }: DocumentWithRecord): boolean {
  if (!equalBytes(sha256(record), recordDigest)) return false;
  if (!seal) return true;
  try {
    return equalBytes(readSeal(seal).claims.document.recordDigest, recordDigest.subarray(0, 16));
  } catch (error) {
    if (error instanceof ConsulError) return false;
    throw error;
  }
}

/** Whether the register says something else of a document than its record, which its seal covers. */
function differs(row: DocumentWithRecord, timeZone: string): boolean {
  const { number, type, claims } = JSON.parse(row.record) as SealedRecord;
  const day = (seconds: number): string => localDay(new Date(seconds * 1000), timeZone);
  return (
    number !== row.number ||
    type !== row.type ||
    claims.document.statusIndex !== row.statusIndex ||
    (claims.notBefore !== undefined && day(claims.notBefore) !== row.validFrom) ||
    (claims.expires !== undefined && day(claims.expires) !== row.validUntil)
  );
}

/** What is in the log and of no document was removed from the register. */
async function auditEntries(db: Reader, faults: AuditFault[]): Promise<void> {
  const [first] = await db
    .selectFrom('leaf')
    .leftJoin('document', 'document.leafIndex', 'leaf.leafIndex')
    .select('leaf.leafIndex')
    .where('document.number', 'is', null)
    .orderBy('leaf.leafIndex')
    .limit(1)
    .execute();
  if (first)
    faults.push({
      part: 'register',
      where: `entry ${first.leafIndex} of the log`,
      message: 'its document is missing',
    });
}

async function auditDocument(
  db: Reader,
  folder: string,
  timeZone: string,
  row: DocumentWithRecord,
  faults: AuditFault[],
): Promise<void> {
  if (!isCovered(row))
    faults.push({ part: 'register', where: row.number, message: 'its record was altered' });
  else if (differs(row, timeZone))
    faults.push({ part: 'register', where: row.number, message: 'the register differs from its record' });
  if (row.seal && row.leafIndex !== null) {
    const [entry] = await leafEntries(db, row.leafIndex, row.leafIndex + 1);
    if (!entry || !equalBytes(entry, sha256(row.seal)))
      faults.push({ part: 'register', where: row.number, message: 'its seal is not the one in the log' });
  } else if (row.step !== 'reserved')
    faults.push({ part: 'register', where: row.number, message: 'its seal is missing' });
  if (row.step !== 'issued') return;
  const file = await readFile(join(folder, row.path ?? '')).catch((cause: NodeJS.ErrnoException) => cause);
  if (file instanceof Error)
    faults.push({ part: 'file', where: row.number, message: `its file cannot be read (${file.code})` });
  else if (!row.sha256 || !equalBytes(createHash('sha256').update(file).digest(), row.sha256))
    faults.push({ part: 'file', where: row.number, message: 'its file is not the one that was issued' });
}

/** Builds the tree again from the entries of the database, and compares every tile and both checkpoints with it. */
async function auditLog(
  { store, paths, settings }: OpenPost,
  second: string,
  faults: AuditFault[],
): Promise<number> {
  const fault = (where: string, message: string): void => {
    faults.push({ part: 'log', where, message });
  };
  // The checkpoints first: a post that issues meanwhile signs the next only over what its database has.
  const checkpoints = await Promise.all(
    [join(paths.log, 'checkpoint'), second].map(async (file) => ({
      file,
      bytes: await readFile(file).catch(() => undefined),
    })),
  );
  const size = await logSize(store.read);
  const bundle = await openTrustBundle(new Uint8Array(await readFile(paths.trust)), nodeBackend);
  const key = bundle.logs.find((log) => log.post === settings.post.code)?.key;
  if (key === undefined)
    throw new ConsulError('TRUST_INVALID', 'the trust bundle does not know the log of this post');
  const verifier = await importVerifierKey(key, nodeBackend);

  for (const { file, bytes } of checkpoints) {
    if (!bytes) {
      fault(file, 'the checkpoint is missing');
      continue;
    }
    try {
      const verdict = await checkCheckpoint(new Uint8Array(bytes), verifier);
      if (!verdict.valid) fault(file, verdict.message);
      else if (verdict.checkpoint.size > size)
        fault(file, `it was signed over ${verdict.checkpoint.size} entries, the database has ${size}`);
      else {
        const root = await rootOf(store.read, verdict.checkpoint.size, paths.log, fault);
        if (!equalBytes(root, verdict.checkpoint.root))
          fault(file, 'its root is not that of the entries in the database');
      }
    } catch (error) {
      if (!(error instanceof ConsulError)) throw error;
      fault(file, error.message);
    }
  }
  return size;
}

async function rootOf(
  db: Reader,
  size: number,
  folder: string,
  fault: (where: string, message: string) => void,
): Promise<Uint8Array> {
  let frontier: Frontier = emptyFrontier;
  while (frontier.size < size) {
    const to = Math.min(size, (Math.floor(frontier.size / tileWidth) + 16) * tileWidth);
    const entries = await leafEntries(db, frontier.size, to);
    if (entries.length !== to - frontier.size) {
      fault('database', `entries ${frontier.size} to ${to} are not all there`);
      return new Uint8Array(0);
    }
    const growth = await growTree(frontier, entries, digest);
    for (const file of growth.files) await compareTile(folder, file, fault);
    frontier = growth.frontier;
  }
  return size === 0 ? await emptyRoot(digest) : frontierRoot(frontier, digest);
}

async function compareTile(
  folder: string,
  { place, bytes }: LogFile,
  fault: (where: string, message: string) => void,
): Promise<void> {
  const path = tilePath(place);
  const kept = await readFile(join(folder, path)).catch(() => undefined);
  if (!kept) fault(path, 'the tile is missing');
  else if (!equalBytes(kept, bytes)) fault(path, 'the tile was altered');
}
