import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { equalBytes, toHex } from '../bytes.ts';
import { verifyRequests, verifyRevocations } from '../casework/audit.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { auditLog, auditOtherFiles, compareCheckpoints } from '../log/audit.ts';
import { type Checkpoint, checkCheckpoint } from '../log/checkpoint.ts';
import { importVerifierKey } from '../log/note.ts';
import type { LogFiles } from '../log/reader.ts';
import type { SealedRecord } from '../pdf/record.ts';
import { parseCertificate } from '../pki/certificate.ts';
import { validatePath } from '../pki/path.ts';
import { openTrustBundle } from '../pki/trust-bundle.ts';
import { VerifiedLinks } from '../pki/verified-links.ts';
import { localDay } from '../procedures/calendar.ts';
import { readSeal } from '../seal/seal.ts';
import { readAnchor } from '../store/anchor.ts';
import { sha256 } from '../store/canonical.ts';
import { allCertificates, auditCertificates } from '../store/certificate.ts';
import { type DocumentWithRecord, registerPage } from '../store/document.ts';
import { inGroups } from '../store/groups.ts';
import { emptyHead, type JournalReport, verifyJournal } from '../store/journal.ts';
import { leafEntries, logSize } from '../store/leaf.ts';
import { pieceFault } from '../store/pieces.ts';
import { anchorPaths } from '../store/post-folder.ts';
import { readIfThere, readPresent } from '../store/read-file.ts';
import type { Reader } from '../store/store.ts';
import type { OpenPost } from './open-post.ts';

/** Something that is not as it was written. */
export interface AuditFault {
  readonly part: 'database' | 'journal' | 'register' | 'request' | 'certificate' | 'piece' | 'file' | 'log';
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
 * Compares everything that a post has written with what proves it: every row with its digest; the journal with its hash
 * chain and the head kept outside; requests and revocations with what the journal tells of them; certificates with the
 * journal and with the root; pieces with their check sums; the register with records, seals and files; the log with tiles
 * and both checkpoints.
 */
export async function auditPost(post: OpenPost): Promise<AuditReport> {
  const { store, paths, settings } = post;
  const faults: AuditFault[] = [];
  const anchor = anchorPaths(paths.home, settings);

  /** What is so damaged that it cannot be looked at is a fault like any other, and the rest is looked at all the same. */
  async function examined<T>(part: AuditFault['part'], otherwise: T, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      faults.push({ part, where: part, message: error instanceof Error ? error.message : String(error) });
      return otherwise;
    }
  }

  await examined('database', undefined, async () => {
    for (const { where, message } of store.damage()) faults.push({ part: 'database', where, message });
  });
  const journal = await examined('journal', unreadJournal, async () =>
    verifyJournal(store.read, await readAnchor(anchor.journal)),
  );
  if (journal.broken)
    faults.push({ part: 'journal', where: `entry ${journal.broken.seq}`, message: journal.broken.reason });
  // A timeline that is not what was written tells nothing of requests.
  if (journal.outcome === 'intact') {
    await examined('request', undefined, async () => {
      const { broken } = await verifyRequests(store.read);
      if (broken) faults.push({ part: 'request', where: broken.reference, message: broken.reason });
    });
    await examined('register', undefined, async () => {
      for (const { number, reason } of await verifyRevocations(store.read))
        faults.push({ part: 'register', where: number, message: reason });
    });
  }
  await examined('certificate', undefined, () => auditPki(post, faults));
  await examined('piece', undefined, () => auditPieces(store.read, paths.pieces, faults));
  const register = await examined('register', { documents: 0, unfinished: 0 }, () =>
    auditRegister(store.read, paths.documents, settings.post.timeZone, faults),
  );
  await examined('register', undefined, () => auditEntries(store.read, faults));
  const size = await examined('log', 0, () => auditPostLog(post, anchor.checkpoint, faults));
  return { journal, ...register, logSize: size, faults };
}

/** Of a journal that cannot be read at all. */
const unreadJournal: JournalReport = { outcome: 'broken', entries: 0, head: emptyHead };

/** Every certificate is as the journal has it, and a path leads from it to the root of the trust bundle. */
async function auditPki({ store, paths }: OpenPost, faults: AuditFault[]): Promise<void> {
  for (const { serial, message } of await auditCertificates(store.read))
    faults.push({ part: 'certificate', where: serial, message });
  const bundle = await openTrustBundle(await readPresent(paths.trust), nodeBackend);
  const verifiedLinks = new VerifiedLinks();
  const anchors = [parseCertificate(bundle.root)];
  const intermediates = bundle.authorities.map((der) => parseCertificate(der));
  for (const { serial, der, profile } of await allCertificates(store.read)) {
    if (profile === 'root') continue;
    const leaf = parseCertificate(der);
    const path = await validatePath(
      { leaf, intermediates, anchors, time: leaf.notBefore, verifiedLinks },
      nodeBackend,
    );
    if (!path.ok) faults.push({ part: 'certificate', where: serial, message: path.message });
  }
}

/** Every piece that a request has is there as it was kept. */
async function auditPieces(db: Reader, folder: string, faults: AuditFault[]): Promise<void> {
  const rows = db.selectFrom('piece').select('sha256').distinct().where('sha256', 'is not', null).stream();
  for await (const { sha256: digest } of rows) {
    const fault = digest && (await pieceFault(folder, digest));
    if (fault) faults.push({ part: 'piece', where: toHex(digest), message: fault });
  }
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
      if (row.supersededAt === null) {
        documents++;
        if (row.step !== 'issued') unfinished++;
      }
      const series = `${row.type} ${row.year}`;
      const expected = (lastSequence.get(series) ?? 0) + 1;
      const isLater = row.edition > 1 && row.sequence < expected;
      if (!isLater) lastSequence.set(series, row.sequence);
      if (!isLater && row.sequence !== expected)
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
    .leftJoin('superseded', 'superseded.leafIndex', 'leaf.leafIndex')
    .select('leaf.leafIndex')
    .where('document.number', 'is', null)
    .where('superseded.number', 'is', null)
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

/**
 * Replays the log from its entries, which must be those of the database, and compares every file of it and both
 * checkpoints.
 */
async function auditPostLog(
  { store, paths, settings }: OpenPost,
  second: string,
  faults: AuditFault[],
): Promise<number> {
  const fault = (where: string, message: string): void => {
    faults.push({ part: 'log', where, message });
  };
  // The checkpoints first: a post that issues meanwhile signs the next only over what its database has.
  const notes = await Promise.all(
    [join(paths.log, 'checkpoint'), second].map(async (file) => ({ file, bytes: await readIfThere(file) })),
  );
  const size = await logSize(store.read);
  const bundle = await openTrustBundle(await readPresent(paths.trust), nodeBackend);
  const key = bundle.logs.find((log) => log.post === settings.post.code)?.key;
  if (key === undefined)
    throw new ConsulError('TRUST_INVALID', 'the trust bundle does not know the log of this post');
  const verifier = await importVerifierKey(key, nodeBackend);

  const checkpoints: { readonly path: string; readonly checkpoint: Checkpoint }[] = [];
  for (const { file, bytes } of notes) {
    if (!bytes) {
      fault(file, 'the checkpoint is missing');
      continue;
    }
    try {
      const verdict = await checkCheckpoint(bytes, verifier);
      if (!verdict.valid) fault(file, verdict.message);
      else if (verdict.checkpoint.size > size)
        fault(file, `it was signed over ${verdict.checkpoint.size} entries, the database has ${size}`);
      else checkpoints.push({ path: file, checkpoint: verdict.checkpoint });
    } catch (error) {
      if (!(error instanceof ConsulError)) throw error;
      fault(file, error.message);
    }
  }
  const newest = checkpoints.map((each) => each.checkpoint).sort((a, b) => b.size - a.size)[0];
  if (!newest) return size;
  const files: LogFiles = (path) => readIfThere(join(paths.log, path));
  const findings = [
    ...(await auditLog(files, newest, digest, (from, to) => leafEntries(store.read, from, to))),
    ...(await auditOtherFiles(files, await tileFiles(paths.log), newest)),
  ];
  // Tiles that are wrong prove nothing about an older state.
  if (findings.length === 0) findings.push(...(await compareCheckpoints(files, newest, checkpoints, digest)));
  for (const { path, message } of findings) fault(path, message);
  return size;
}

/** Paths of all files below `tile/` of a log, with that prefix. */
async function tileFiles(log: string): Promise<string[]> {
  const entries = await readdir(join(log, 'tile'), { recursive: true, withFileTypes: true }).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return [];
      throw new ConsulError('FILE_UNREADABLE', `cannot look into ${log} (${cause.code})`, { cause });
    },
  );
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(log, join(entry.parentPath, entry.name)).split(sep).join('/'));
}
