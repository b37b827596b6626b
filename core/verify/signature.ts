import { concatBytes, equalBytes } from '../bytes.ts';
import type { SignedData } from '../cms/read.ts';
import { padesProfile, type VerifiedSignedData, verifySignedData } from '../cms/verify.ts';
import { changes } from '../pdf/read/changes.ts';
import type { PdfFile } from '../pdf/read/document.ts';
import type { PdfSignature } from '../pdf/read/signature.ts';
import type { Certificate } from '../pki/certificate.ts';
import type { Seal } from '../seal/seal.ts';
import type { CheckId, SubIndication } from './report.ts';
import { keyState, shownName, type Trust } from './trust.ts';
import { type Checklist, type MessageKey, sayTime } from './words.ts';

/** ETSI EN 319 142-1 §6.3 (k) and §5.4.3. */
const subFilters = { signature: 'ETSI.CAdES.detached', timestamp: 'ETSI.RFC3161' } as const;

/** A signature whose form and place have no fault. */
export type PlacedSignature = PdfSignature &
  Readonly<
    Required<{ [K in 'signed' | 'contents' | 'revision' | 'byteRange']: NonNullable<PdfSignature[K]> }>
  >;

/** The signatures of a file by what they are, oldest first. */
export interface SignatureParts {
  /** That of the post, over the file as it was issued. */
  readonly document: PlacedSignature;
  readonly further: readonly PlacedSignature[];
  /** Document timestamps. */
  readonly timestamps: readonly PlacedSignature[];
}

/** The hole must be written in one way only, so that no byte in it can change unseen. */
export function isLowerCase({ bytes }: PdfFile, { byteRange }: PlacedSignature): boolean {
  const [, start, end] = byteRange;
  for (let at = start + 1; at < end - 1; at++) {
    const octet = bytes[at] as number;
    if (octet >= 0x41 && octet <= 0x46) return false;
  }
  return true;
}

/** What is wrong with the form or place of a signature. */
function placeFault(signature: PdfSignature): string | undefined {
  const [problem] = signature.problems;
  if (problem) return problem.message;
  const { kind, subFilter, byteRange, signed, contents, revision } = signature;
  if (kind === 'unknown' || subFilter !== subFilters[kind]) return subFilter;
  if (!signed || !contents || !byteRange || revision === undefined) return signature.name;
  return undefined;
}

const isPlaced = (signature: PdfSignature): signature is PlacedSignature => signature.problems.length === 0;

/**
 * Whether the signatures together cover the file: the first the document as it was issued, each later one all that was
 * there before it; only validation data, which is signed itself, may come after the last.
 */
export function checkCoverage(
  file: PdfFile,
  signatures: readonly PdfSignature[],
  list: Checklist,
): SignatureParts | undefined {
  const partial = (detail: string): undefined => {
    list.refused('coverage', 'FORMAT_FAILURE', 'coverage.partial', { detail });
  };
  for (const signature of signatures) {
    const fault = placeFault(signature);
    if (fault !== undefined) return partial(fault);
  }
  const placed = signatures.filter(isPlaced).sort((a, b) => a.revision - b.revision);
  const [document, ...later] = placed;
  if (document?.kind !== 'signature' || document.revision !== 0) return partial('/Sig');
  if (new Set(placed.map(({ revision }) => revision)).size < placed.length) {
    list.refused('coverage', 'FORMAT_FAILURE', 'coverage.many', { count: placed.length });
    return undefined;
  }
  const last = placed.at(-1)?.revision ?? 0;
  if (file.revisions.length > last + 1)
    for (const { revision, kinds } of changes(file))
      if (revision > last && kinds.join() !== 'dss')
        return partial(`revision ${revision + 1}: ${kinds.join(', ')}`);
  // A line end behind it is covered by nothing.
  if (file.revisions.at(-1)?.eof !== file.bytes.length) return partial('%%EOF');
  list.passed('coverage', 'coverage.passed');
  return {
    document,
    further: later.filter(({ kind }) => kind === 'signature'),
    timestamps: later.filter(({ kind }) => kind === 'timestamp'),
  };
}

/**
 * Whether something stands beside a signature that it does not cover and the bundle does not vouch for: certificates
 * must be held by the bundle byte for byte and stand once each, revocation data is not awaited.
 * @param own the certificate of the signer, where it is not for the bundle to hold but judged by itself
 */
export function hasStrangers(
  { certificates, crls, signer }: SignedData,
  trust: Trust,
  own?: Uint8Array,
): boolean {
  return (
    crls.length > 0 ||
    signer.unsigned.others.length > 0 ||
    certificates.some((certificate, at) => {
      const again = certificates.findIndex((other) => equalBytes(other, certificate)) !== at;
      const known = own !== undefined && equalBytes(certificate, own);
      return again || !(known || trust.holds(certificate));
    })
  );
}

/** Why a signature is refused: the check that fails, and what is said of it. */
interface SignatureFault {
  readonly id: Extract<CheckId, `signature-${string}`>;
  readonly subIndication: SubIndication;
  readonly key: MessageKey;
  readonly detail?: string;
}

/** The digest of what a signature covers. */
export const digestOf =
  ({ signed }: PlacedSignature, trust: Trust) =>
  (algorithm: Parameters<Trust['backend']['digest']>[0]) =>
    trust.backend.digest(algorithm, concatBytes(...signed));

/** Form, digest and value of one signature. */
export async function verifySignature(
  file: PdfFile,
  signature: PlacedSignature,
  trust: Trust,
): Promise<VerifiedSignedData | SignatureFault> {
  if (!isLowerCase(file, signature))
    return {
      id: 'signature-format',
      subIndication: 'FORMAT_FAILURE',
      key: 'signature-format.failed',
      detail: '/Contents',
    };
  const result = await verifySignedData(
    signature.contents,
    padesProfile,
    { contentDigest: digestOf(signature, trust), parse: trust.parse },
    trust.backend,
  );
  if (result.valid) return result;
  const { subIndication, message } = result;
  if (subIndication === 'HASH_FAILURE')
    return { id: 'signature-digest', subIndication, key: 'signature-digest.failed' };
  if (subIndication === 'SIG_CRYPTO_FAILURE')
    return { id: 'signature-value', subIndication, key: 'signature-value.failed' };
  return { id: 'signature-format', subIndication, key: 'signature-format.failed', detail: message };
}

export async function checkSignature(
  file: PdfFile,
  signature: PlacedSignature,
  list: Checklist,
  trust: Trust,
): Promise<VerifiedSignedData | undefined> {
  const result = await verifySignature(file, signature, trust);
  if (!('valid' in result)) {
    const { id, subIndication, key, detail = '' } = result;
    list.refused(id, subIndication, key, { detail });
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

export async function checkSigner(
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
