import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../../bytes.ts';
import { nodeBackend } from '../../crypto/node.ts';
import { openTrustBundle } from '../../pki/trust-bundle.ts';
import { type DocumentWithRecord, registerPage } from '../../store/document.ts';
import { leafEntries, logSize } from '../../store/leaf.ts';
import type { PostPaths } from '../../store/post-folder.ts';
import { loadRequests } from '../../store/request.ts';
import type { Reader } from '../../store/store.ts';
import { verifyPdf } from '../../verify/document.ts';
import { prepareTrust } from '../../verify/trust.ts';
import { auditPost } from '../audit.ts';
import type { OpenPost } from '../open-post.ts';
import { receiptType } from '../receipt.ts';

// For tests only: what must be so whatever happened. Each function gives what is not, in words.

/** What a process has told its caller of, and so must never be otherwise. */
export interface Acknowledged {
  readonly reference: string;
  readonly number: string;
  readonly type?: string;
  /** Hexadecimal, of the file. */
  readonly sha256: string;
}

const hexDigest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const everyDocument = (db: Reader): Promise<DocumentWithRecord[]> => registerPage(db, { limit: 100_000 });

const filesIn = async ({ documents }: Pick<PostPaths, 'documents'>): Promise<string[]> =>
  (await readdir(documents, { recursive: true })).filter((name) => name.endsWith('.pdf'));

/** Holds at any moment, in the middle of anything. */
export async function standingFaults(
  db: Reader,
  paths: Pick<PostPaths, 'documents'>,
  acknowledged: Iterable<Acknowledged>,
): Promise<string[]> {
  const faults: string[] = [];
  const documents = await everyDocument(db);
  const series = new Map<string, number>();
  const owners = new Set<string>();
  for (const { statusIndex, type, year, sequence, number, reference } of documents) {
    const expected = (series.get(`${type} ${year}`) ?? 0) + 1;
    series.set(`${type} ${year}`, sequence);
    if (sequence !== expected) faults.push(`${number} comes where ${expected} was expected`);
    if (documents[statusIndex]?.number !== number) faults.push(`${number} has the position ${statusIndex}`);
    if (owners.has(`${reference} ${type}`)) faults.push(`${reference} has two documents`);
    owners.add(`${reference} ${type}`);
  }

  const sealed = documents.filter(({ seal }) => seal !== null);
  const entries = await leafEntries(db, 0, 100_000);
  if (entries.length !== (await logSize(db))) faults.push('the counter of the log is wrong');
  if (new Set(entries.map(toHex)).size !== entries.length) faults.push('the log has an entry twice');
  if (entries.length !== sealed.length)
    faults.push(`${entries.length} log entries, ${sealed.length} documents`);
  for (const { number, seal, leafIndex } of sealed)
    if (toHex(entries[leafIndex ?? -1] ?? new Uint8Array()) !== hexDigest(seal ?? new Uint8Array()))
      faults.push(`${number} is not in the log`);

  for (const name of await filesIn(paths))
    if (!(await readFile(join(paths.documents, name))).toString('latin1').trimEnd().endsWith('%%EOF'))
      faults.push(`${name} is half-written`);

  for (const { reference, number, sha256, type } of acknowledged) {
    const found = documents.find((document) => document.number === number);
    if (found?.reference !== reference || (type !== undefined && found.type !== type))
      faults.push(`the acknowledged ${number} of ${reference} is lost`);
    else if (toHex(found.sha256 ?? new Uint8Array()) !== sha256)
      faults.push(`the register has another file for the acknowledged ${number}`);
    else if (hexDigest(await readFile(join(paths.documents, found.path ?? ''))) !== sha256)
      faults.push(`the file of the acknowledged ${number} is another`);
  }
  return faults;
}

/** Holds when all that was begun is ended: documents of these requests, complete, verified, and nothing else. */
export async function finalFaults(
  { store, paths, settings, close }: OpenPost,
  references: readonly string[],
  acknowledged: Iterable<Acknowledged> = [],
): Promise<string[]> {
  const db = store.read;
  const faults = await standingFaults(db, paths, acknowledged);
  const audit = await auditPost({ store, paths, settings, close });
  for (const { part, where, message } of audit.faults) faults.push(`${part}: ${where}: ${message}`);
  if (audit.unfinished > 0) faults.push(`${audit.unfinished} documents are unfinished`);

  const documents = await everyDocument(db);
  const main = documents.filter(({ type }) => type !== receiptType);
  const missing = references.filter(
    (reference) => !main.some((document) => document.reference === reference),
  );
  if (missing.length > 0) faults.push(`${missing.join()} have no document`);
  const requests = await loadRequests(db, references);
  const told = await db
    .selectFrom('timeline')
    .select(['reference'])
    .where('kind', '=', 'request.issued')
    .execute();
  for (const reference of references) {
    const state = requests.get(reference)?.request.state;
    if (state !== 'issued') faults.push(`${reference} is ${state}`);
    const times = told.filter((entry) => entry.reference === reference).length;
    if (times !== 1) faults.push(`${reference} was told ${times} times that it is issued`);
  }

  const files = await filesIn(paths);
  const registered = documents.map(({ path }) => path ?? '');
  if (files.toSorted().join() !== registered.toSorted().join())
    faults.push(`files ${files} where the register has ${registered}`);
  for (const path of registered) faults.push(...(await verificationFaults(paths, path)));
  return faults;
}

const prepared = new Map<string, ReturnType<typeof prepareTrust>>();

export async function verificationFaults(paths: PostPaths, path: string): Promise<string[]> {
  const bundle = new Uint8Array(await readFile(paths.trust));
  const key = hexDigest(bundle);
  const trust = prepared.get(key) ?? prepareTrust(await openTrustBundle(bundle, nodeBackend), nodeBackend);
  prepared.set(key, trust);
  const file = new Uint8Array(await readFile(join(paths.documents, path)));
  const report = await verifyPdf(file, { trust, now: new Date(), language: 'en' }, async () => {
    throw new Error('a signed document is not read as a picture');
  });
  if (report.indication === 'TOTAL-PASSED') return [];
  const failed = report.checks.filter(({ outcome }) => outcome === 'failed' || outcome === 'indeterminate');
  return [`${path} is ${report.indication}: ${failed.map(({ message }) => message).join('; ')}`];
}
