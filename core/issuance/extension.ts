import { concatBytes, equalBytes } from '../bytes.ts';
import { withSignatureTimestamp } from '../cms/make.ts';
import { padesProfile, verifySignedData } from '../cms/verify.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { prepareEvidence } from '../pdf/evidence.ts';
import { extendTo } from '../pdf/extend.ts';
import { type SignatureLevel, signatureLevels } from '../pdf/level.ts';
import { type ChangeKind, changes } from '../pdf/read/changes.ts';
import { readPdf } from '../pdf/read/document.ts';
import type { PdfSignature } from '../pdf/read/signature.ts';
import { replaceContents } from '../pdf/sign.ts';
import { sha256 } from '../store/canonical.ts';
import { type DocumentWithRecord, documentsOf, dueDocuments, recordExtended } from '../store/document.ts';
import { appendJournal } from '../store/journal.ts';
import type { TimestampSource } from '../time/source.ts';
import { checkToken } from '../time/token.ts';
import { isFileOf, signatureState } from './document-file.ts';
import type { DocumentFolder } from './document-folder.ts';
import type { IssuingContext } from './issue.ts';
import { type SignedWith, type ValidationPlace, validationData } from './validation-data.ts';

/** What it takes to make signatures last. */
export interface ExtendingContext {
  readonly place: ValidationPlace;
  readonly timestamps: TimestampSource;
  /** Bytes of DER that a document timestamp may take. */
  readonly reserve: number;
}

/** And to do so with documents of the register. */
export interface RegisterContext extends ExtendingContext {
  readonly folder: DocumentFolder;
  /** As the journal names actors. */
  readonly actor: string;
  readonly settle: IssuingContext['settle'];
}

export interface Extended {
  readonly file: Uint8Array;
  readonly before: SignatureLevel;
  readonly level: SignatureLevel;
}

/** Levels that are less than this one. */
export const levelsBelow = (level: SignatureLevel): readonly SignatureLevel[] =>
  signatureLevels.slice(0, signatureLevels.indexOf(level));

function broken(what: string): never {
  throw new ConsulError('PDF_INVALID', `${what}: only what is right is made to last`);
}

const coveredBy = ({ signed, name }: PdfSignature): Uint8Array =>
  signed ? concatBytes(...signed) : broken(`the signature "${name}" is misplaced`);

/** Who made a token, and when; the token must be right. */
async function stampedWith(token: Uint8Array, covered: Uint8Array): Promise<SignedWith> {
  const imprint = (algorithm: Parameters<typeof nodeBackend.digest>[0]) =>
    nodeBackend.digest(algorithm, covered);
  const checked = await checkToken(token, { imprint }, nodeBackend);
  if (!checked.valid) return broken(`a time-stamp is not acceptable (${checked.message})`);
  return { use: 'timestamp', certificate: checked.certificate.bytes, at: checked.info.genTime };
}

/** Who made a signature that has its time-stamp, and who made that; both must be right. */
async function signedWith(signature: PdfSignature): Promise<readonly SignedWith[]> {
  const { contents = new Uint8Array() } = signature;
  const covered = coveredBy(signature);
  const contentDigest = (algorithm: Parameters<typeof nodeBackend.digest>[0]) =>
    nodeBackend.digest(algorithm, covered);
  const verified = await verifySignedData(contents, padesProfile, { contentDigest }, nodeBackend);
  if (!verified.valid)
    return broken(`the signature "${signature.name}" is not acceptable (${verified.message})`);
  const { signer } = verified.signed;
  const token = signer.unsigned.signatureTimestamp;
  if (!token) return broken(`the signature "${signature.name}" has no time-stamp`);
  const stamp = await stampedWith(token, signer.signature);
  return [{ use: 'signature', certificate: verified.certificate.bytes, at: stamp.at }, stamp];
}

/** All who signed and stamped a file; what they made must be right. */
async function signersOf(pdf: Uint8Array): Promise<readonly SignedWith[]> {
  const { document, further, timestamps } = signatureState(pdf);
  const signers: SignedWith[] = [];
  for (const each of [document, ...further]) signers.push(...(await signedWith(each)));
  for (const stamp of timestamps)
    signers.push(await stampedWith(stamp.contents ?? new Uint8Array(), coveredBy(stamp)));
  return signers;
}

/**
 * Takes the signatures of a file to a level; at B-LTA already, renews them: what validates the last document timestamp is
 * added, and a new one over everything (ETSI EN 319 142-1 §6).
 * @throws ConsulError PDF_INVALID for what is no signed document or has a wrong signature; CRL_UNAVAILABLE,
 *   CERTIFICATE_REVOKED; TSA_UNREACHABLE, TSA_INVALID
 */
export async function extended(
  pdf: Uint8Array,
  level: SignatureLevel,
  { place, timestamps, reserve }: ExtendingContext,
): Promise<Extended> {
  const { level: before, contents, signature } = signatureState(pdf);
  if (levelsBelow(before).includes(level) || (level === before && level !== 'B-LTA'))
    return { file: pdf, before, level: before };
  let file = pdf;
  if (before === 'B-B') {
    const token = await timestamps.stamp(sha256(signature));
    file = replaceContents(file, withSignatureTimestamp(contents, token));
  }
  if (level !== 'B-LT' && level !== 'B-LTA') return { file, before, level };
  const data = prepareEvidence(await validationData(place, await signersOf(file)));
  return { file: await extendTo(file, level, { data }, timestamps, { reserve }), before, level };
}

export interface ExtendedDocument {
  readonly number: string;
  readonly path: string;
  readonly before: SignatureLevel;
  readonly level: SignatureLevel;
}

/** What is written into the journal of a file that was changed. */
export interface FileEvent {
  readonly action: 'document.extended' | 'document.signed';
  readonly detail: { readonly [name: string]: string };
}

type IssuedRow = DocumentWithRecord & {
  readonly [K in 'path' | 'sha256' | 'seal' | 'level']: NonNullable<DocumentWithRecord[K]>;
};

const isIssued = (row: DocumentWithRecord): row is IssuedRow =>
  row.path !== null && row.sha256 !== null && row.seal !== null && row.level !== null;

const permitted: ReadonlySet<ChangeKind> = new Set(['dss', 'timestamp', 'signature']);

/** Whether a file that the register does not know is what an attempt that was cut off has made of the document. */
async function isAttempt(row: IssuedRow, present: Uint8Array): Promise<boolean> {
  if (!isFileOf(row, present)) return false;
  if (changes(readPdf(present)).some(({ kinds }) => kinds.some((kind) => !permitted.has(kind)))) return false;
  await signersOf(present);
  return true;
}

/**
 * Puts a changed file in the place of a document and tells register and journal, under one lock.
 * @returns the document as the register has it now; another process may have been faster
 */
async function enter(
  row: IssuedRow,
  file: Uint8Array,
  { action, detail }: FileEvent,
  { place, folder, actor, settle }: RegisterContext,
): Promise<IssuedRow> {
  const { number, reference, path, sha256: before } = row;
  return place.store.transact(async (tx) => {
    const find = async () => (await documentsOf(tx, [reference])).find((one) => one.number === number);
    const now = await find();
    if (!now || !isIssued(now)) throw new ConsulError('DOCUMENT_UNKNOWN', `document ${number} is gone`);
    if (!equalBytes(now.sha256, before)) return now;
    await folder.replace(path, file);
    await folder.settle([path]);
    const { level, lastsUntil } = signatureState(file);
    const described = { sha256: sha256(file), size: file.length, level };
    await recordExtended(tx, [
      { number, before, ...described, lastsUntil: lastsUntil?.toISOString() ?? null },
    ]);
    const at = place.clock().toISOString();
    await appendJournal(tx, [{ at, actor, action, subject: number, detail: { number, ...detail } }]);
    if (now.timestamp === 'pending') await settle(tx, [now]);
    return { ...now, ...described };
  });
}

/**
 * Changes the file of a document of the register; what an attempt that was cut off before the register knew has left is
 * taken up first.
 * @param change gives the file and what is told of it, or nothing where it is right as it is
 * @throws ConsulError DOCUMENT_UNKNOWN, PDF_INVALID when the file is not the one that was issued; what `change` throws
 */
export async function changeDocument(
  row: DocumentWithRecord,
  change: (file: Uint8Array) => Promise<{ readonly file: Uint8Array; readonly event: FileEvent } | undefined>,
  context: RegisterContext,
): Promise<ExtendedDocument> {
  const { number } = row;
  if (!isIssued(row)) throw new ConsulError('DOCUMENT_UNKNOWN', `document ${number} is not issued yet`);
  const { path, level: before } = row;
  const present = await context.folder.read(path);
  let known = row;
  if (!equalBytes(sha256(present), row.sha256)) {
    if (!(await isAttempt(row, present)))
      throw new ConsulError('PDF_INVALID', `the file of document ${number} is not the one that was issued`);
    const detail = { from: before, to: signatureState(present).level };
    known = await enter(row, present, { action: 'document.extended', detail }, context);
  }
  const changed = await change(present);
  if (changed) known = await enter(known, changed.file, changed.event, context);
  return { number, path, before, level: known.level };
}

/** Takes the file of a document of the register to a level, or renews it. @throws ConsulError as `extended` */
export const extendDocument = (
  row: DocumentWithRecord,
  level: SignatureLevel,
  context: RegisterContext,
): Promise<ExtendedDocument> =>
  changeDocument(
    row,
    async (present) => {
      // What the register did not know is at its level perhaps: then nothing is done twice.
      if (row.sha256 && !equalBytes(sha256(present), row.sha256) && signatureState(present).level === level)
        return undefined;
      const { file, before, level: to } = await extended(present, level, context);
      return file === present
        ? undefined
        : { file, event: { action: 'document.extended', detail: { from: before, to } } };
    },
    context,
  );

const page = 200;

/**
 * The documents that are below a level, that wait for their time-stamp, or whose newest time-stamp proves nothing by
 * itself from `before` on; oldest first.
 */
export async function* documentsDue(
  { place }: Pick<ExtendingContext, 'place'>,
  level: SignatureLevel,
  before: Date,
): AsyncGenerator<DocumentWithRecord> {
  let after = -1;
  for (;;) {
    const rows = await dueDocuments(place.store.read, {
      below: levelsBelow(level),
      before,
      after,
      limit: page,
    });
    yield* rows;
    const last = rows.at(-1);
    if (!last) return;
    after = last.statusIndex;
  }
}
