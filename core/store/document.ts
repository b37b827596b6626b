import type { CompiledQuery, ExpressionBuilder } from 'kysely';
import { ConsulError } from '../errors.ts';
import type { SignatureLevel } from '../pdf/level.ts';
import { advance } from './counter.ts';
import { inGroups } from './groups.ts';
import type { DocumentRow, Schema, SupersededRow, TimestampState } from './schema.ts';
import { isUniqueViolation } from './sqlite.ts';
import type { Reader, Tx } from './store.ts';

export interface Reservation {
  /** First of `count` numbers that follow one another in the register of this type and year. */
  readonly firstSequence: number;
  /** First of `count` positions in the status list. */
  readonly firstStatusIndex: number;
}

/**
 * Takes numbers from the yearly register. They are used by `insertReserved` in the same transaction: rolled back
 * together or kept together, so the register has no gaps.
 */
export async function reserveNumbers(
  tx: Tx,
  { type, year, count }: { readonly type: string; readonly year: number; readonly count: number },
): Promise<Reservation> {
  return {
    firstSequence: await advance(tx, `register/${type}/${year}`, 1, count),
    firstStatusIndex: await advance(tx, 'status', 0, count),
  };
}

/** `PC-2026-000123`. */
export const documentNumber = (prefix: string, year: number, sequence: number): string =>
  `${prefix}-${year}-${String(sequence).padStart(6, '0')}`;

export interface ReservedDocument {
  readonly statusIndex: number;
  readonly number: string;
  readonly type: string;
  readonly year: number;
  readonly sequence: number;
  readonly reference: string;
  readonly language: string;
  /** The record in its RFC 8785 form. */
  readonly record: string;
  /** SHA-256 of `record`. */
  readonly recordDigest: Uint8Array;
  /** First and last day, `YYYY-MM-DD`. */
  readonly validFrom: string;
  readonly validUntil: string | null;
  readonly reservedAt: string;
}

/**
 * Writes the intent to issue, before anything is signed.
 * @throws ConsulError NUMBER_CONFLICT when a request has its document of this type already, or a number is taken
 */
export async function insertReserved(tx: Tx, documents: readonly ReservedDocument[]): Promise<void> {
  try {
    await inGroups(documents, async (group) => {
      const rows = group.map(({ record, ...row }) => ({ ...row, step: 'reserved' as const }));
      await tx.insertInto('document').values(rows).execute();
      const records = group.map(({ statusIndex, record }) => ({ statusIndex, json: record }));
      await tx.insertInto('record').values(records).execute();
    });
  } catch (cause) {
    if (!isUniqueViolation(cause)) throw cause;
    throw new ConsulError(
      'NUMBER_CONFLICT',
      'a document of this request or with this number exists already',
      {
        cause,
      },
    );
  }
}

export interface SealedDocument {
  readonly number: string;
  readonly seal: Uint8Array;
  /** Position of the seal's leaf, from `appendLeaves` in the same transaction. */
  readonly leafIndex: number;
}

/**
 * Records the one seal that a document will ever have, with its place in the log.
 * @throws ConsulError NUMBER_CONFLICT when a document is not reserved, or has its seal already
 */
export async function recordSeals(tx: Tx, documents: readonly SealedDocument[]): Promise<void> {
  await updateEach(
    tx,
    documents,
    ({ number, seal, leafIndex }) =>
      tx
        .updateTable('document')
        .set({ seal, leafIndex, step: 'logged' })
        .where('number', '=', number)
        .where('step', '=', 'reserved')
        .compile(),
    'has its seal already or is not reserved',
  );
}

export interface IssuedDocument {
  readonly number: string;
  /** Of the file, relative to the folder of documents. */
  readonly path: string;
  readonly sha256: Uint8Array;
  readonly size: number;
  readonly level: SignatureLevel;
  readonly timestamp: TimestampState;
  readonly lastsUntil: string | null;
  readonly issuedAt: string;
}

/**
 * Enters documents whose files are in their place.
 * @throws ConsulError NUMBER_CONFLICT when a document is entered already or has no seal
 */
export async function registerIssued(tx: Tx, documents: readonly IssuedDocument[]): Promise<void> {
  await updateEach(
    tx,
    documents,
    ({ number, path, sha256, size, level, timestamp, lastsUntil, issuedAt }) =>
      tx
        .updateTable('document')
        .set({ path, sha256, size, level, timestamp, lastsUntil, issuedAt, step: 'issued' })
        .where('number', '=', number)
        .where('step', '=', 'logged')
        .compile(),
    'is in the register already or has no seal',
  );
}

export interface ExtendedDocument {
  readonly number: string;
  /** Digest that the file had before. */
  readonly before: Uint8Array;
  readonly sha256: Uint8Array;
  readonly size: number;
  readonly level: SignatureLevel;
  readonly lastsUntil: string | null;
}

/**
 * Notes that files were extended (RFC 3161 timestamp, DSS): the signed bytes before are still their beginning.
 * @throws ConsulError NUMBER_CONFLICT when a file is no longer the one that was extended
 */
export async function recordExtended(tx: Tx, documents: readonly ExtendedDocument[]): Promise<void> {
  await updateEach(
    tx,
    documents,
    ({ number, before, sha256, size, level, lastsUntil }) =>
      tx
        .updateTable('document')
        .set({ sha256, size, level, lastsUntil, timestamp: 'done' })
        .where('number', '=', number)
        .where('step', '=', 'issued')
        .where('sha256', '=', before)
        .compile(),
    'is not the file that was extended',
  );
}

/**
 * Documents that are not at a level, or whose newest time-stamp ends before a day, oldest first; `after` is the last
 * status index of the page before.
 */
export async function dueDocuments(
  db: Reader,
  due: {
    readonly below: readonly SignatureLevel[];
    readonly before: Date;
    readonly after?: number;
    readonly limit: number;
  },
): Promise<DocumentWithRecord[]> {
  const { below, before, after = -1, limit } = due;
  return withRecords(db)
    .where('document.step', '=', 'issued')
    .where('document.statusIndex', '>', after)
    .where((eb) =>
      eb.or([
        eb('document.timestamp', '=', 'pending'),
        eb('document.lastsUntil', '<', before.toISOString()),
        // Of a file that was made before this was noted.
        eb.and([eb('document.lastsUntil', 'is', null), eb('document.level', '<>', 'B-B')]),
        ...(below.length > 0 ? [eb('document.level', 'in', below)] : []),
      ]),
    )
    .orderBy('document.statusIndex')
    .limit(limit)
    .execute();
}

async function updateEach<T extends { readonly number: string }>(
  tx: Tx,
  rows: readonly T[],
  query: (row: T) => CompiledQuery,
  otherwise: string,
): Promise<void> {
  for (const row of rows) {
    const { numAffectedRows } = await tx.executeQuery(query(row));
    if (numAffectedRows !== 1n)
      throw new ConsulError('NUMBER_CONFLICT', `document ${row.number} ${otherwise}`);
  }
}

export type DocumentWithRecord = DocumentRow & { readonly record: string };

/** Documents that were begun and not ended, oldest first, with their records; after a crash issuing goes on from here. */
export async function unfinishedDocuments(
  db: Reader,
  { after = -1, limit }: { readonly after?: number; readonly limit: number },
): Promise<DocumentWithRecord[]> {
  return withRecords(db)
    .where('document.step', '<>', 'issued')
    .where('document.statusIndex', '>', after)
    .orderBy('document.statusIndex')
    .limit(limit)
    .execute();
}

/** Documents whose timestamp is still owed, oldest first. */
export async function untimestampedDocuments(db: Reader, limit: number): Promise<DocumentRow[]> {
  return db
    .selectFrom('document')
    .selectAll()
    .where('timestamp', '=', 'pending')
    .orderBy('statusIndex')
    .limit(limit)
    .execute();
}

export async function findDocument(db: Reader, number: string): Promise<DocumentWithRecord | undefined> {
  return withRecords(db).where('document.number', '=', number).executeTakeFirst();
}

/** The document whose file has this path in the folder of documents. */
export async function documentAt(db: Reader, path: string): Promise<DocumentWithRecord | undefined> {
  return withRecords(db).where('document.path', '=', path).executeTakeFirst();
}

/** The documents of some requests, whatever step they have reached. */
export async function documentsOf(db: Reader, references: readonly string[]): Promise<DocumentWithRecord[]> {
  const found: DocumentWithRecord[] = [];
  await inGroups(references, async (group) => {
    found.push(...(await withRecords(db).where('document.reference', 'in', group).execute()));
  });
  return found;
}

/** An entry of the register: a document, or an earlier edition of one. */
export type RegisterEntry = DocumentWithRecord & { readonly supersededAt: string | null };

/** The register with its records, in the order of reservation; `after` is the last status index of the page before. */
export async function registerPage(
  db: Reader,
  { after = -1, limit }: { readonly after?: number; readonly limit: number },
): Promise<RegisterEntry[]> {
  const [present, earlier] = await Promise.all([
    withRecords(db)
      .where('document.statusIndex', '>', after)
      .orderBy('document.statusIndex')
      .limit(limit)
      .execute(),
    db
      .selectFrom('superseded')
      .selectAll()
      .where('statusIndex', '>', after)
      .orderBy('statusIndex')
      .limit(limit)
      .execute(),
  ]);
  return [...present.map((document) => ({ ...document, supersededAt: null })), ...earlier]
    .sort((one, other) => one.statusIndex - other.statusIndex)
    .slice(0, limit);
}

/** Earlier editions of the documents of a request, oldest first. */
export const supersededOf = (db: Reader, reference: string): Promise<SupersededRow[]> =>
  db.selectFrom('superseded').selectAll().where('reference', '=', reference).orderBy('statusIndex').execute();

type NextEdition = Pick<ReservedDocument, 'record' | 'recordDigest' | 'reservedAt'>;

/**
 * Puts documents that have a seal among the earlier editions, and reserves the next edition of each: the same number, a
 * position in the status list of its own.
 * @param next what the next edition is, for the position that it gets
 */
export async function supersede(
  tx: Tx,
  documents: readonly DocumentWithRecord[],
  at: string,
  next: (document: DocumentWithRecord, statusIndex: number) => NextEdition,
): Promise<void> {
  const first = await advance(tx, 'status', 0, documents.length);
  for (const [i, document] of documents.entries()) {
    const { statusIndex, number, seal, leafIndex, edition } = document;
    if (!seal || leafIndex === null)
      throw new ConsulError('NUMBER_CONFLICT', `document ${number} has no seal yet`);
    const position = first + i;
    const { record, ...entry } = next(document, position);
    // A record refers to the position of its document.
    await tx.deleteFrom('record').where('statusIndex', '=', statusIndex).execute();
    const { numUpdatedRows } = await tx
      .updateTable('document')
      .set({
        ...entry,
        statusIndex: position,
        edition: edition + 1,
        step: 'reserved',
        seal: null,
        leafIndex: null,
        path: null,
        sha256: null,
        size: null,
        level: null,
        timestamp: null,
        lastsUntil: null,
        issuedAt: null,
      })
      .where('statusIndex', '=', statusIndex)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n)
      throw new ConsulError('NUMBER_CONFLICT', `document ${number} was changed meanwhile`);
    await tx.insertInto('record').values({ statusIndex: position, json: record }).execute();
    await tx
      .insertInto('superseded')
      .values({ ...document, seal, leafIndex, supersededAt: at })
      .execute();
  }
}

/** Documents that bear an ICAO seal: their records say so, in their RFC 8785 form. */
export const bearsTravelSeal = (eb: ExpressionBuilder<Schema, 'document'>) =>
  eb.exists(
    eb
      .selectFrom('record')
      .select('record.statusIndex')
      .whereRef('record.statusIndex', '=', 'document.statusIndex')
      .where('record.json', 'like', '%"kind":"travel-seal"%'),
  );

/**
 * Documents that are in the log from an entry on and were reserved until a time, the first of the log first. What was
 * revoked stays as it is.
 */
export const loggedFrom = (
  db: Reader,
  wanted: {
    readonly leafIndex: number;
    readonly reservedUntil: string;
    readonly limit: number;
    /** Only those that bear an ICAO seal. */
    readonly travel: boolean;
  },
): Promise<DocumentWithRecord[]> =>
  withRecords(db)
    .$if(wanted.travel, (query) => query.where(bearsTravelSeal))
    .where('document.leafIndex', '>=', wanted.leafIndex)
    .where('document.reservedAt', '<=', wanted.reservedUntil)
    .where('document.number', 'not in', (eb) => eb.selectFrom('revocation').select('number'))
    .orderBy('document.leafIndex')
    .limit(wanted.limit)
    .execute();

/** Later editions that are not issued yet, or wait for their time-stamps, oldest first. */
export const unsettledEditions = (
  db: Reader,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<DocumentWithRecord[]> =>
  withRecords(db)
    .where('document.edition', '>', 1)
    .where('document.statusIndex', '>', after)
    .where((eb) => eb.or([eb('document.step', '<>', 'issued'), eb('document.timestamp', '=', 'pending')]))
    .orderBy('document.statusIndex')
    .limit(limit)
    .execute();

const withRecords = (db: Reader) =>
  db
    .selectFrom('document')
    .innerJoin('record', 'record.statusIndex', 'document.statusIndex')
    .selectAll('document')
    .select('record.json as record');
