import { equalBytes } from '../bytes.ts';
import type { VerifiedSignedData } from '../cms/verify.ts';
import { ConsulError } from '../errors.ts';
import { verifyProof } from '../log/proof.ts';
import type { SignatureLevel } from '../pdf/level.ts';
import { type Attachment, readAttachments } from '../pdf/read/attachments.ts';
import { type PdfFile, readPdf } from '../pdf/read/document.ts';
import { type PdfImage, pageImages } from '../pdf/read/images.ts';
import type { SealMatrix } from '../pdf/read/seal.ts';
import { type PdfSignature, readSignatures } from '../pdf/read/signature.ts';
import { drawnSeals, pageContents } from '../pdf/read/text.ts';
import type { SealedRecord } from '../pdf/record.ts';
import { sealUrl } from '../seal/carrier.ts';
import type { Picture, ReadCode, ReadCodes } from '../seal/picture.ts';
import { isMatrixOf } from '../seal/qr.ts';
import type { Seal } from '../seal/seal.ts';
import { postOf, type VerifyContext } from './context.ts';
import { strangeDrawing } from './drawing.ts';
import { checkFurther } from './further.ts';
import { attachmentNames, strangePart } from './parts.ts';
import { verifyCodes } from './picture.ts';
import { readRecord, recordContradiction, textDifference } from './record.ts';
import type { Report } from './report.ts';
import { strangeUpdate } from './revisions.ts';
import { checkRevocation, type EvidenceState, type SignedAt } from './revocation.ts';
import { checkSeal, checkValidity, reportOn, sealFrom } from './seal.ts';
import { checkCoverage, checkSignature, checkSigner } from './signature.ts';
import { checkStatus } from './status.ts';
import { checkTimes, type ProvenTimes } from './timestamps.ts';
import { checkTravelDocument } from './travel-document.ts';
import { checkFreshness, shownName, type Trust } from './trust.ts';
import { Checklist } from './words.ts';

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
  const parts = checkCoverage(file, signatures, list);
  const cms = parts && (await checkSignature(file, parts.document, list, context.trust));
  const attachments = readAttachments(file);
  const seal = sealOf(attachments, list);
  const logIndex = seal && (await checkLogProof(attachments, seal, list, context.trust));
  const proof = cms && (await checkTimes(file, cms, parts.timestamps, logIndex, list, context));
  const time = proof?.signed?.time;
  const at = time ?? context.now;
  if (cms) await checkSigner(cms.certificate, at, seal, logIndex, list, context.trust);
  const further = proof ? await checkFurther(file, parts.further, logIndex, list, context) : [];
  const evidence = proof && (await checkEvidence(file, cms, further, proof, list, context));
  let record: ReturnType<typeof recordOf>;
  if (seal) {
    await checkSeal(list, seal, context.trust, at, logIndex);
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
      level: cms && levelOf(proof, evidence),
      furtherSignatures: further.map(({ certificate, time }) => ({
        signer: shownName(certificate),
        signedAt: time.toISOString(),
      })),
      signer: cms && shownName(cms.certificate),
      title: record?.record.title,
    },
    context,
  );
}

function checkStructure(file: PdfFile, list: Checklist): void {
  const [finding] = file.findings;
  if (finding) list.refused('structure', 'FORMAT_FAILURE', 'structure.finding', { detail: finding.message });
  else {
    const strange = strangePart(file) ?? strangeDrawing(file);
    const added = strange ? undefined : strangeUpdate(file);
    const count = file.revisions.length - 1;
    if (strange) list.refused('structure', 'FORMAT_FAILURE', 'structure.finding', { detail: strange });
    else if (added) list.refused('structure', 'FORMAT_FAILURE', 'structure.update', { detail: added });
    else if (count > 0) list.passed('structure', 'structure.extended', { count });
    else list.passed('structure', 'structure.passed');
  }
}

/** Revocation of the signer, where the bundle knows it, and of all who signed after. */
function checkEvidence(
  file: PdfFile,
  { certificate }: VerifiedSignedData,
  further: readonly SignedAt[],
  proof: ProvenTimes,
  list: Checklist,
  context: VerifyContext,
): Promise<EvidenceState | undefined> {
  const known = context.trust.known('document', certificate.bytes);
  const own = known ? [{ ...known, time: proof.signed?.time ?? context.now }] : [];
  return checkRevocation(file, [...own, ...further], proof, list, context);
}

/** What the checks have shown of the level (ETSI EN 319 142-1 §6). */
function levelOf(proof: ProvenTimes | undefined, evidence: EvidenceState | undefined): SignatureLevel {
  if (!proof?.signed) return 'B-B';
  if (!evidence) return 'B-T';
  return evidence === 'archived' ? 'B-LTA' : 'B-LT';
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
