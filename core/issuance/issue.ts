import { createHash } from 'node:crypto';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import type { SignatureLevel } from '../pdf/level.ts';
import type { DocumentRecord, SealedRecord } from '../pdf/record.ts';
import type { Post } from '../post.ts';
import { claimsFromRecord, claimsToRecord } from '../seal/record-claims.ts';
import { drawSalts, recordDisclosures } from '../seal/record-disclosures.ts';
import { canonicalJson, type Json } from '../store/canonical.ts';
import {
  type DocumentWithRecord,
  documentNumber,
  documentsOf,
  type IssuedDocument,
  insertReserved,
  type ReservedDocument,
  recordExtended,
  recordSeals,
  registerIssued,
  reserveNumbers,
} from '../store/document.ts';
import { appendLeaves, leafEntries, logSize } from '../store/leaf.ts';
import type { TimestampState } from '../store/schema.ts';
import type { Reader, Store, Tx } from '../store/store.ts';
import type { LogIdentity, TileStore } from '../store/tiles.ts';
import { documentPath } from './document-folder.ts';
import type { Composed, Draft } from './draft.ts';
import type { Produced, Producer } from './producer.ts';

/** What issuing stands on; made once for many documents. */
export interface IssuingContext {
  readonly post: Post;
  readonly signatory: { readonly name: string };
  readonly store: Store;
  readonly tiles: TileStore;
  readonly log: LogIdentity;
  readonly producer: Producer;
  readonly clock: () => Date;
  readonly random: (length: number) => Uint8Array;
  /** @throws ConsulError TEXT_UNPRINTABLE */
  readonly printable: (record: DocumentRecord) => Promise<void>;
  /** What follows from the issue, in the transaction that enters the documents in the register. */
  readonly settle: (tx: Tx, documents: readonly SettledDocument[]) => Promise<void>;
}

/** A document that is complete now. */
export interface SettledDocument {
  readonly reference: string;
  readonly type: string;
  readonly number: string;
  readonly edition: number;
}

/** A document that is in the register, its file in its place. */
export interface Issued {
  readonly reference: string;
  readonly type: string;
  readonly number: string;
  /** Relative to the folder of documents. */
  readonly path: string;
  readonly leafIndex: number;
  /** `pending`: the time-stamp authority could not be reached; issue again later. */
  readonly timestamp: TimestampState;
  readonly level: SignatureLevel;
}

const sha256 = (bytes: Uint8Array | string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest());
const keyOf = ({ reference, type }: { readonly reference: string; readonly type: string }): string =>
  `${reference} ${type}`;

/**
 * Refuses a document that cannot be made, before it takes a number.
 * @throws ConsulError of `Draft.compose`, TEXT_UNPRINTABLE, SCHEMA_VIOLATION for a private field that is too long
 */
export async function checkDraft({ clock, random, printable }: IssuingContext, draft: Draft): Promise<void> {
  const composed = draft.compose(documentNumber(draft.prefix, 2000, 1), 0, clock());
  recordDisclosures(sealedRecord(composed, random));
  await printable(composed.record);
}

/** The record as it is kept and attached. Salts are drawn once, here: what was begun is finished with the same. */
function sealedRecord(
  { record, claims, privateFields = [] }: Composed,
  random: IssuingContext['random'],
): SealedRecord {
  const salts = privateFields.length > 0 ? { salts: drawSalts(privateFields, random) } : {};
  return { ...record, claims: claimsToRecord(claims), ...salts };
}

/**
 * Issues a group of documents in one straight line: number -> seal -> log -> file (page, signature, time-stamp) ->
 * register. The result of each step is durable before the next begins, and a step that was done, here or by another
 * process, is not done again: after a crash the same call ends with one document, one number and one log entry each.
 * @returns in the order of the drafts; one that is wanted twice comes once
 */
export async function issueGroup(context: IssuingContext, wanted: readonly Draft[]): Promise<Issued[]> {
  const drafts = [...new Map(wanted.map((draft) => [keyOf(draft), draft])).values()];
  const reserved = await reserve(context, drafts);
  const logged = await sealAndLog(context, reserved);
  const proofs = await publish(context, logged);
  const produced = await produce(context, logged, proofs);
  await register(context, drafts, produced);
  const issued = await stampPending(context, drafts, await load(context.store.read, drafts));
  return issued.map(({ reference, type, number, path, leafIndex, timestamp, level }) => {
    if (path === null || leafIndex === null || timestamp === null || level === null)
      throw new ConsulError('ISSUE_FAILED', `document ${number} is not in the register`);
    return { reference, type, number, path, leafIndex, timestamp, level };
  });
}

/** The documents of the drafts as the register has them, in the order of the drafts. */
async function load(db: Reader, drafts: readonly Draft[]): Promise<DocumentWithRecord[]> {
  const found = await documentsOf(db, [...new Set(drafts.map((draft) => draft.reference))]);
  const byKey = new Map(found.map((document) => [keyOf(document), document]));
  return drafts.flatMap((draft) => byKey.get(keyOf(draft)) ?? []);
}

/** Writes the intent: number, record and its digest are fixed before anything is signed. */
async function reserve(context: IssuingContext, drafts: readonly Draft[]): Promise<DocumentWithRecord[]> {
  const { store } = context;
  if ((await load(store.read, drafts)).length < drafts.length)
    await store.transact(async (tx) => {
      const present = new Set((await load(tx, drafts)).map(keyOf));
      const missing = drafts.filter((draft) => !present.has(keyOf(draft)));
      for (const draft of missing) await draft.confirm?.(tx);
      for (const group of bySeries(missing)) await insertReserved(tx, await numbered(context, tx, group));
    });
  return load(store.read, drafts);
}

/** Drafts that take their numbers from one register. */
function bySeries(drafts: readonly Draft[]): readonly (readonly Draft[])[] {
  const series = new Map<string, Draft[]>();
  for (const draft of drafts) series.set(draft.type, [...(series.get(draft.type) ?? []), draft]);
  return [...series.values()];
}

async function numbered(
  { post, clock, random }: IssuingContext,
  tx: Tx,
  drafts: readonly Draft[],
): Promise<ReservedDocument[]> {
  const issuedAt = new Date(Math.floor(clock().getTime() / 1000) * 1000);
  const year = yearAt(issuedAt, post.timeZone);
  const type = drafts[0]?.type ?? '';
  const { firstSequence, firstStatusIndex } = await reserveNumbers(tx, { type, year, count: drafts.length });
  return drafts.map((draft, at) => {
    const sequence = firstSequence + at;
    const statusIndex = firstStatusIndex + at;
    const number = documentNumber(draft.prefix, year, sequence);
    const composed = draft.compose(number, statusIndex, issuedAt);
    const { validFrom, validUntil } = composed;
    const json = canonicalJson(sealedRecord(composed, random) as unknown as Json);
    return {
      statusIndex,
      number,
      type,
      year,
      sequence,
      reference: draft.reference,
      language: draft.language,
      record: json,
      recordDigest: sha256(json),
      validFrom,
      validUntil,
      reservedAt: issuedAt.toISOString(),
    };
  });
}

const yearFormats = new Map<string, Intl.DateTimeFormat>();

/** The year of the register: that of the post's own calendar. */
function yearAt(time: Date, timeZone: string): number {
  let format = yearFormats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en', { timeZone, year: 'numeric' });
    yearFormats.set(timeZone, format);
  }
  return Number(format.format(time));
}

/** Makes the one seal of each document and gives it its place in the log, in one transaction. */
async function sealAndLog(
  { store, producer }: IssuingContext,
  documents: readonly DocumentWithRecord[],
): Promise<DocumentWithRecord[]> {
  const unsealed = documents.filter((document) => document.step === 'reserved');
  if (unsealed.length === 0) return [...documents];
  const claims = await Promise.all(
    unsealed.map(({ record, recordDigest }) =>
      claimsFromRecord(JSON.parse(record) as SealedRecord, recordDigest.subarray(0, 16), nodeBackend),
    ),
  );
  const seals = await producer.seal(claims);
  const sealOf = new Map(unsealed.map(({ number }, at) => [number, seals[at] as Uint8Array]));

  return store.transact(async (tx) => {
    const references = [...new Set(documents.map((document) => document.reference))];
    const present = new Map(
      (await documentsOf(tx, references)).map((document) => [document.number, document]),
    );
    const still = unsealed.filter(({ number }) => present.get(number)?.step === 'reserved');
    const made = still.map(({ number }) => ({ number, seal: sealOf.get(number) as Uint8Array }));
    const first = await appendLeaves(
      tx,
      made.map(({ seal }) => sha256(seal)),
    );
    const sealed = made.map((each, at) => ({ ...each, leafIndex: first + at }));
    await recordSeals(tx, sealed);
    for (const { number, ...rest } of sealed) {
      const document = present.get(number);
      if (document) present.set(number, { ...document, ...rest, step: 'logged' });
    }
    return documents.flatMap(({ number }) => present.get(number) ?? []);
  });
}

/** Brings tiles and checkpoint up to the database; then every sealed document has its proof. */
async function publish(
  { store, tiles, log }: IssuingContext,
  documents: readonly DocumentWithRecord[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const waiting = documents.filter((document) => document.step === 'logged');
  const proofs = new Map<string, Uint8Array>();
  if (waiting.length === 0) return proofs;
  const published = await tiles.publish({
    ...log,
    size: () => logSize(store.read),
    entries: (from, to) => leafEntries(store.read, from, to),
  });
  for (const { number, leafIndex } of waiting)
    if (leafIndex !== null) proofs.set(number, await published.proof(leafIndex));
  return proofs;
}

async function produce(
  { post, producer, signatory }: IssuingContext,
  documents: readonly DocumentWithRecord[],
  proofs: ReadonlyMap<string, Uint8Array>,
): Promise<Produced[]> {
  const jobs = documents.flatMap((document) => {
    const { number, record, recordDigest, seal, reservedAt } = document;
    const logProof = proofs.get(number);
    if (!seal || !logProof) return [];
    return {
      number,
      path: documentPath(document),
      record,
      recordDigest,
      seal,
      logProof,
      signatory: { name: signatory.name, location: post.city },
      issuedAt: reservedAt,
    };
  });
  return jobs.length === 0 ? [] : producer.produce(jobs);
}

/** Enters the documents and all that follows from their issue, in one transaction. */
async function register(
  { store, clock, settle }: IssuingContext,
  drafts: readonly Draft[],
  produced: readonly Produced[],
): Promise<void> {
  if (produced.length === 0) return;
  const issuedAt = clock().toISOString();
  await store.transact(async (tx) => {
    const present = await load(tx, drafts);
    const stepOf = new Map(present.map(({ number, step }) => [number, step]));
    const entered = produced
      .filter(({ number }) => stepOf.get(number) === 'logged')
      .map((document): IssuedDocument => ({ ...document, issuedAt }));
    await registerIssued(tx, entered);
    const complete = new Set(
      entered.filter(({ timestamp }) => timestamp === 'done').map(({ number }) => number),
    );
    await settle(
      tx,
      present.filter(({ number }) => complete.has(number)),
    );
  });
}

/** Adds the time-stamps that are owed, where the authority answers now; what follows from the issue follows then. */
async function stampPending(
  { store, producer, settle }: IssuingContext,
  drafts: readonly Draft[],
  documents: readonly DocumentWithRecord[],
): Promise<DocumentWithRecord[]> {
  const owed = documents.filter((document) => document.timestamp === 'pending');
  if (owed.length === 0) return [...documents];
  for (const { reference, number, path, sha256: before } of owed) {
    if (path === null || before === null) continue;
    const file = await producer.stamped({ number, path, sha256: before }).catch((error: unknown) => {
      if (error instanceof ConsulError && error.code === 'TSA_UNREACHABLE') return undefined;
      throw error;
    });
    if (!file) break;
    // The file is replaced under the write lock: of two processes that bring a time-stamp the first wins.
    await store.transact(async (tx) => {
      const document = (await documentsOf(tx, [reference])).find((one) => one.number === number);
      if (document?.timestamp !== 'pending') return;
      const { sha256: digest, size, level, lastsUntil } = await producer.replace({ number, path, file });
      await recordExtended(tx, [{ number, before, sha256: digest, size, level, lastsUntil }]);
      await settle(tx, [document]);
    });
  }
  return load(store.read, drafts);
}
