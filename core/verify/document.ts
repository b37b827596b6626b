import { concatBytes, equalBytes } from '../bytes.ts';
import type { SignedData } from '../cms/read.ts';
import { padesProfile, usedAlgorithms, type VerifiedSignedData, verifySignedData } from '../cms/verify.ts';
import { ConsulError } from '../errors.ts';
import { verifyProof } from '../log/proof.ts';
import { type Attachment, readAttachments } from '../pdf/read/attachments.ts';
import { type PdfFile, readPdf } from '../pdf/read/document.ts';
import { type PdfImage, pageImages } from '../pdf/read/images.ts';
import type { SealMatrix } from '../pdf/read/seal.ts';
import { type PdfSignature, readSignatures } from '../pdf/read/signature.ts';
import { drawnSeals, pageContents } from '../pdf/read/text.ts';
import type { SealedRecord } from '../pdf/record.ts';
import type { Certificate } from '../pki/certificate.ts';
import { sealUrl } from '../seal/carrier.ts';
import type { Picture, ReadCode, ReadCodes } from '../seal/picture.ts';
import { isMatrixOf } from '../seal/qr.ts';
import type { Seal } from '../seal/seal.ts';
import { checkToken, usedInToken } from '../time/token.ts';
import { checkAlgorithms } from './algorithms.ts';
import { clockSkew, postOf, type VerifyContext } from './context.ts';
import { strangeDrawing } from './drawing.ts';
import { attachmentNames, strangePart } from './parts.ts';
import { verifyCodes } from './picture.ts';
import { readRecord, recordContradiction, textDifference } from './record.ts';
import type { Report } from './report.ts';
import { checkSeal, checkValidity, reportOn, sealFrom } from './seal.ts';
import { checkStatus } from './status.ts';
import { checkTravelDocument } from './travel-document.ts';
import { checkFreshness, keyState, shownName, type Trust } from './trust.ts';
import { Checklist, sayTime } from './words.ts';

/** A scan has one picture a page; reading one takes up to a second. */
const maxPictures = 64;

/**
 * The verdict on a PDF (ETSI EN 319 102-1 §5.5, signatures with time): structure, signature, signer, time-stamp; then
 * that the seal, the record, the page and the log agree. A PDF without a signature is taken for a scan.
 * @param readCodes reads QR codes off the pictures of a scan
 */
export async function verifyPdf(
  bytes: Uint8Array,
  context: VerifyContext,
  readCodes: (picture: Picture) => Promise<ReadCodes>,
): Promise<Report> {
  const list = new Checklist(context.language);
  checkFreshness(list, context.trust.bundle, context.now);
  const broken = (error: unknown): Report => {
    if (!(error instanceof ConsulError) || (error.code !== 'PDF_INVALID' && error.code !== 'PDF_TOO_COMPLEX'))
      throw error;
    list.refused('structure', 'FORMAT_FAILURE', 'structure.broken', { detail: error.message });
    return reportOn(list, { subject: 'pdf' }, context);
  };
  try {
    const file = readPdf(bytes);
    const signatures = readSignatures(file);
    if (signatures.length === 0) return await verifyScan(file, list, context, readCodes);
    return await verifySigned(file, signatures, list, context);
  } catch (error) {
    return broken(error);
  }
}

async function verifyScan(
  file: PdfFile,
  list: Checklist,
  context: VerifyContext,
  readCodes: (picture: Picture) => Promise<ReadCodes>,
): Promise<Report> {
  const codes: ReadCode[] = [];
  const readers: ReadCodes['readers'][number][] = [];
  let pictures = 0;
  for (const image of pageImages(file)) {
    const picture = pictureOf(image);
    if (!picture) continue;
    if (++pictures > maxPictures) break;
    const found = await codesOn(picture, readCodes);
    codes.push(...(found?.codes ?? []));
    readers.push(...(found?.readers ?? []));
  }
  if (codes.length > 0) return verifyCodes({ codes, readers }, context);
  list.refused('coverage', 'SIGNED_DATA_NOT_FOUND', 'coverage.none');
  return reportOn(list, { subject: 'pdf' }, context);
}

/** A picture that cannot be read may be an ornament: the others count. */
async function codesOn(
  picture: Picture,
  readCodes: (picture: Picture) => Promise<ReadCodes>,
): Promise<ReadCodes | undefined> {
  try {
    return await readCodes(picture);
  } catch (error) {
    if (error instanceof ConsulError && error.code === 'PICTURE_UNREADABLE') return undefined;
    throw error;
  }
}

function pictureOf(image: PdfImage): Picture | undefined {
  switch (image.kind) {
    case 'jpeg':
      return image.bytes;
    case 'rgba':
      return { width: image.width, height: image.height, data: image.rgba };
    case 'unsupported':
      return undefined;
  }
}

async function verifySigned(
  file: PdfFile,
  signatures: readonly PdfSignature[],
  list: Checklist,
  context: VerifyContext,
): Promise<Report> {
  checkStructure(file, list);
  const cms = await checkSignature(file, signatures, list, context.trust);
  const attachments = readAttachments(file);
  const seal = sealOf(attachments, list);
  const logIndex = seal && (await checkLogProof(attachments, seal, list, context.trust));
  const time = cms && (await checkTimestamp(cms, logIndex, list, context));
  const { trust, now } = context;
  const at = time ?? now;
  if (cms) {
    checkAlgorithms(list, 'signature', usedAlgorithms(cms), at, trust.algorithms);
    await checkSigner(cms.certificate, at, seal, logIndex, list, trust);
  }
  let record: ReturnType<typeof recordOf>;
  if (seal) {
    await checkSeal(list, seal, trust, at, logIndex);
    record = recordOf(attachments, list);
    if (record) {
      await checkEqualities(file, record, seal, list, context.trust);
      const travel = attached(attachments, attachmentNames.travelSeal);
      await checkTravelDocument(list, { file, seal, travel, record: record.record }, context.trust, logIndex);
    }
    await checkStatus(list, seal.claims, context);
    checkValidity(list, seal.claims, context);
  }
  return reportOn(
    list,
    {
      subject: 'pdf',
      claims: seal?.claims,
      signedAt: time,
      signer: cms && shownName(cms.certificate),
      title: record?.record.title,
    },
    context,
  );
}

function checkStructure(file: PdfFile, list: Checklist): void {
  const [finding] = file.findings;
  if (finding) list.refused('structure', 'FORMAT_FAILURE', 'structure.finding', { detail: finding.message });
  else if (file.revisions.length > 1)
    list.refused('structure', 'FORMAT_FAILURE', 'structure.revisions', { count: file.revisions.length });
  else {
    const strange = strangePart(file) ?? strangeDrawing(file);
    if (strange) list.refused('structure', 'FORMAT_FAILURE', 'structure.finding', { detail: strange });
    else list.passed('structure', 'structure.passed');
  }
}

/** ETSI EN 319 142-1 §6.3 (k). */
const subFilter = 'ETSI.CAdES.detached';

/** The hole must be written in one way only, so that no byte in it can change unseen. */
function isLowerCase(file: PdfFile, [, start, end]: readonly [number, number, number, number]): boolean {
  const { bytes } = file;
  for (let at = start + 1; at < end - 1; at++) {
    const octet = bytes[at] as number;
    if (octet >= 0x41 && octet <= 0x46) return false;
  }
  return true;
}

/**
 * Whether something stands beside a signature that it does not cover and the bundle does not vouch for: certificates
 * must be held by the bundle byte for byte and stand once each, revocation data is not awaited.
 */
function hasStrangers({ certificates, crls, signer }: SignedData, trust: Trust): boolean {
  return (
    crls.length > 0 ||
    signer.unsigned.others.length > 0 ||
    certificates.some((certificate, at) => {
      const again = certificates.findIndex((other) => equalBytes(other, certificate)) !== at;
      return again || !trust.holds(certificate);
    })
  );
}

async function checkSignature(
  file: PdfFile,
  signatures: readonly PdfSignature[],
  list: Checklist,
  trust: Trust,
): Promise<VerifiedSignedData | undefined> {
  const [signature] = signatures;
  if (!signature || signatures.length > 1) {
    list.refused('coverage', 'FORMAT_FAILURE', 'coverage.many', { count: signatures.length });
    return undefined;
  }
  const { problems, signed, contents, byteRange, coversFile } = signature;
  const [problem] = problems;
  if (problem || !signed || !contents || !byteRange || !coversFile || signature.subFilter !== subFilter) {
    list.refused('coverage', 'FORMAT_FAILURE', 'coverage.partial', {
      detail: problem?.message ?? signature.subFilter,
    });
    return undefined;
  }
  list.passed('coverage', 'coverage.passed');
  if (!isLowerCase(file, byteRange)) {
    list.refused('signature-format', 'FORMAT_FAILURE', 'signature-format.failed', { detail: '/Contents' });
    return undefined;
  }

  const covered = concatBytes(...signed);
  const result = await verifySignedData(
    contents,
    padesProfile,
    { contentDigest: (algorithm) => trust.backend.digest(algorithm, covered), parse: trust.parse },
    trust.backend,
  );
  if (!result.valid) {
    const { subIndication, message } = result;
    if (subIndication === 'HASH_FAILURE')
      list.refused('signature-digest', subIndication, 'signature-digest.failed');
    else if (subIndication === 'SIG_CRYPTO_FAILURE')
      list.refused('signature-value', subIndication, 'signature-value.failed');
    else list.refused('signature-format', subIndication, 'signature-format.failed', { detail: message });
    return undefined;
  }
  if (hasStrangers(result.signed, trust))
    list.refused('signature-format', 'NO_CERTIFICATE_CHAIN_FOUND', 'signature-format.strange');
  else list.passed('signature-format', 'signature-format.passed');
  list.passed('signature-digest', 'signature-digest.passed');
  list.passed('signature-value', 'signature-value.passed', { algorithm: describeAlgorithm(result) });
  return result;
}

function describeAlgorithm({ algorithm }: VerifiedSignedData): string {
  switch (algorithm.name) {
    case 'ecdsa':
      return `ECDSA ${algorithm.curve}, ${algorithm.hash}`;
    case 'rsa-pkcs1':
    case 'rsa-pss':
      return `${algorithm.name.toUpperCase()}, ${algorithm.hash}`;
    case 'ed25519':
      return 'Ed25519';
  }
}

/** @returns the time that the time-stamp proves, when it is acceptable */
async function checkTimestamp(
  cms: VerifiedSignedData,
  logIndex: number | undefined,
  list: Checklist,
  { trust, now }: VerifyContext,
): Promise<Date | undefined> {
  const { signer } = cms.signed;
  const token = signer.unsigned.signatureTimestamp;
  if (!token) {
    list.refused('timestamp', 'SIG_CONSTRAINTS_FAILURE', 'timestamp.missing');
    return undefined;
  }
  const imprint = (algorithm: Parameters<Trust['backend']['digest']>[0]) =>
    trust.backend.digest(algorithm, signer.signature);
  const checked = await checkToken(token, { imprint, parse: trust.parse }, trust.backend);
  if (!checked.valid) {
    list.refused('timestamp', checked.subIndication, 'timestamp.failed', { detail: checked.message });
    return undefined;
  }
  if (!checkAlgorithms(list, 'timestamp', usedInToken(checked), now, trust.algorithms)) return undefined;
  const { genTime } = checked.info;
  const values = { name: shownName(checked.certificate), time: sayTime(list.language, genTime) };
  if (genTime.getTime() > now.getTime() + clockSkew) {
    list.refused('timestamp', 'TIMESTAMP_ORDER_FAILURE', 'timestamp.future', values);
    return undefined;
  }
  if (hasStrangers(checked.signed, trust) || checked.signed.signer.unsigned.signatureTimestamp) {
    list.refused('timestamp-authority', 'NO_CERTIFICATE_CHAIN_FOUND', 'timestamp-authority.strange', values);
    return undefined;
  }
  const known = trust.known('timestamp', checked.certificate.bytes);
  if (!known) {
    list.refused('timestamp-authority', 'NO_CERTIFICATE_CHAIN_FOUND', 'timestamp-authority.unknown', values);
    return undefined;
  }
  const path = await known.pathAt(genTime);
  if (!path.ok) {
    list.refused('timestamp-authority', 'CHAIN_CONSTRAINTS_FAILURE', 'timestamp-authority.path', {
      ...values,
      detail: path.message,
    });
    return undefined;
  }
  const state = keyState(known.entry, genTime, logIndex);
  if (state !== 'active') {
    list.refused('timestamp-authority', 'REVOKED', `signer.${state}`, values);
    return undefined;
  }
  list.passed('timestamp', 'timestamp.passed', values);
  list.passed('timestamp-authority', 'timestamp-authority.passed', values);
  return genTime;
}

async function checkSigner(
  certificate: Certificate,
  time: Date,
  seal: Seal | undefined,
  logIndex: number | undefined,
  list: Checklist,
  trust: Trust,
): Promise<void> {
  const values = { name: shownName(certificate), time: sayTime(list.language, time) };
  const known = trust.known('document', certificate.bytes);
  if (!known) {
    list.refused('signer', 'NO_CERTIFICATE_CHAIN_FOUND', 'signer.unknown', values);
    return;
  }
  const path = await known.pathAt(time);
  const { entry } = known;
  const state = keyState(entry, time, logIndex);
  if (!path.ok)
    list.refused('signer', 'CHAIN_CONSTRAINTS_FAILURE', 'signer.path', { ...values, detail: path.message });
  else if (seal && entry.post !== seal.claims.document.post)
    list.refused('signer', 'SIG_CONSTRAINTS_FAILURE', 'seal-signer.post', {
      claimed: seal.claims.document.post,
      actual: entry.post,
    });
  else if (state !== 'active') list.refused('signer', 'REVOKED', `signer.${state}`, values);
  else list.passed('signer', 'signer.passed', values);
}

/** The attachment of that name, when there is exactly one and both the file and the catalog list it. */
function attached(attachments: readonly Attachment[], name: string): Uint8Array | undefined {
  const named = attachments.filter((attachment) => attachment.name === name);
  const [only] = named;
  return named.length === 1 && only?.listed && only.associated ? only.bytes : undefined;
}

function sealOf(attachments: readonly Attachment[], list: Checklist): Seal | undefined {
  const bytes = attached(attachments, attachmentNames.seal);
  if (bytes) return sealFrom(list, bytes);
  list.refused('seal', 'SIG_CONSTRAINTS_FAILURE', 'seal.missing');
  return undefined;
}

function recordOf(
  attachments: readonly Attachment[],
  list: Checklist,
): { record: SealedRecord; bytes: Uint8Array } | undefined {
  const bytes = attached(attachments, attachmentNames.record);
  if (!bytes) {
    list.refused('record', 'SIG_CONSTRAINTS_FAILURE', 'record.missing');
    return undefined;
  }
  const reading = readRecord(bytes);
  if ('fault' in reading) {
    list.refused('record', 'FORMAT_FAILURE', 'record.broken', { detail: reading.fault });
    return undefined;
  }
  list.passed('record', 'record.passed');
  return { record: reading.value, bytes };
}

/** @returns the index of the entry, when the proof holds */
async function checkLogProof(
  attachments: readonly Attachment[],
  seal: Seal,
  list: Checklist,
  trust: Trust,
): Promise<number | undefined> {
  const proof = attached(attachments, attachmentNames.logProof);
  if (!proof) {
    list.refused('log-proof', 'SIG_CONSTRAINTS_FAILURE', 'log-proof.missing');
    return undefined;
  }
  const keys = await trust.logKeys(seal.claims.document.post);
  if (keys.length === 0) {
    list.refused('log-proof', 'NO_SIGNING_CERTIFICATE_FOUND', 'log-proof.unknown');
    return undefined;
  }
  try {
    const entry = await trust.backend.digest('sha256', seal.cose);
    const verdict = await verifyProof(proof, entry, keys, trust.backend);
    if (verdict.valid) {
      list.passed('log-proof', 'log-proof.passed', { index: verdict.index });
      return verdict.index;
    }
    list.refused('log-proof', 'HASH_FAILURE', 'log-proof.failed', { detail: verdict.message });
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    list.refused('log-proof', 'FORMAT_FAILURE', 'log-proof.failed', { detail: error.message });
  }
  return undefined;
}

/** The four equalities: seal and record, record and page, page and seal; the signature over all is checked before. */
async function checkEqualities(
  file: PdfFile,
  { record, bytes }: { readonly record: SealedRecord; readonly bytes: Uint8Array },
  seal: Seal,
  list: Checklist,
  trust: Trust,
): Promise<void> {
  const digest = await trust.backend.digest('sha256', bytes);
  if (equalBytes(digest.subarray(0, 16), seal.claims.document.recordDigest))
    list.passed('record-digest', 'record-digest.passed');
  else list.refused('record-digest', 'HASH_FAILURE', 'record-digest.failed');

  const contradiction = await recordContradiction(record, seal, trust.backend);
  if (contradiction)
    list.refused('record-seal', 'HASH_FAILURE', 'record-seal.failed', { detail: contradiction });
  else list.passed('record-seal', 'record-seal.passed');

  const difference = textDifference(record, pageContents(file));
  if (difference) list.refused('page-text', 'HASH_FAILURE', 'page-text.failed', { detail: difference });
  else list.passed('page-text', 'page-text.passed');

  const host = postOf(seal.claims, trust)?.host;
  const [drawn, ...others] = drawnSeals(file).filter(({ kind }) => kind === 'seal');
  if (drawn && others.length === 0 && host !== undefined && isDrawn(seal, host, drawn.matrix))
    list.passed('qr-code', 'qr-code.passed');
  else list.refused('qr-code', 'HASH_FAILURE', 'qr-code.failed');
}

function isDrawn(seal: Seal, host: string, matrix: SealMatrix): boolean {
  try {
    return isMatrixOf(sealUrl(seal.cose, host), matrix);
  } catch (error) {
    // A seal that fits into no printed code.
    if (error instanceof ConsulError && error.code === 'SCHEMA_VIOLATION') return false;
    throw error;
  }
}
