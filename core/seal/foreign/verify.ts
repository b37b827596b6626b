import type { CryptoBackend } from '../../crypto/backend.ts';
import { ConsulError } from '../../errors.ts';
import { equalNames } from '../../pki/name.ts';
import type { HcertKind } from './hcert.ts';
import { isIssuedByOne } from './issued-by.ts';
import { type ForeignSeal, readForeign } from './read.ts';
import { type SignatureClaim, signatureOf } from './signature-claim.ts';
import { readSignerCertificate, type SignerCertificate } from './signer-certificate.ts';
import { type ForeignTrust, signerNames, type TrustedSigner } from './trust-list.ts';

/**
 * Why a seal is not valid: the sub-indications of Doc 9303-13 appendix D, used for every system alike, and what those
 * that have it need besides.
 */
export type InvalidReason =
  | 'WRONG_FORMAT'
  | 'UNKNOWN_CERTIFICATE'
  | 'UNTRUSTED_CERTIFICATE'
  | 'INVALID_DOCUMENTTYPE'
  | 'EXPIRED_CERTIFICATE'
  | 'REVOKED_CERTIFICATE'
  | 'INVALID_SIGNATURE'
  /** The certificate of the signer begins later. */
  | 'NOT_YET_VALID_CERTIFICATE'
  /** The token itself says until when it may be used. */
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  /** The signature cannot be checked here, and nothing is said about it. */
  | 'UNSUPPORTED_ALGORITHM'
  | 'UNSIGNED'
  | 'ENCRYPTED';

export interface SealSigner {
  /** RFC 4514. */
  readonly subject: string;
  readonly issuer: string;
  readonly notAfter: Date;
}

interface Signed {
  readonly signer?: SealSigner;
}

/** The verdict on a seal of another system. */
export type ForeignVerdict =
  | (Signed & {
      readonly status: 'VALID';
      readonly signature: 'valid';
      /** Appendix D: a feature that is not known takes nothing away. */
      readonly subIndication?: 'UNKNOWN_FEATURE';
    })
  | (Signed & {
      readonly status: 'INVALID';
      readonly subIndication: InvalidReason;
      /** The signature by itself: it may well be right where the seal is not valid. */
      readonly signature: 'valid' | 'invalid' | 'not-checked';
      /** What exactly, in English. */
      readonly detail?: string;
    });

export interface ForeignOptions {
  readonly now: Date;
}

/** How far another clock may be ahead of ours, in milliseconds. */
const clockSkew = 5 * 60_000;

const invalid = (
  subIndication: InvalidReason,
  signature: 'valid' | 'invalid' | 'not-checked',
  more: { readonly signer?: SealSigner; readonly detail?: string } = {},
): ForeignVerdict => ({ status: 'INVALID', subIndication, signature, ...more });

/**
 * Reads and checks whatever seal of another system a code holds. A broken seal is a verdict (WRONG_FORMAT), and has no
 * `seal` in the answer.
 *
 * @throws ConsulError SEAL_FOREIGN when the code is of no system that is read here
 */
export async function checkForeign(
  content: { readonly text: string; readonly bytes?: Uint8Array },
  trust: ForeignTrust,
  options: ForeignOptions,
  backend: CryptoBackend,
): Promise<{ readonly seal?: ForeignSeal; readonly verdict: ForeignVerdict }> {
  let seal: ForeignSeal;
  try {
    seal = readForeign(content.text, content.bytes);
  } catch (error) {
    if (!(error instanceof ConsulError) || error.code === 'SEAL_FOREIGN') throw error;
    return { verdict: invalid('WRONG_FORMAT', 'not-checked', { detail: error.message }) };
  }
  return { seal, verdict: await verifyForeign(seal, trust, options, backend) };
}

/**
 * Checks a seal of another system: who signed it and whether they are trusted, the signature, the certificate, the kind
 * of document, and the times that the seal says of itself. Whether what it says is printed on the paper is for the
 * reader to compare.
 *
 * @param options.now when it is checked; certificates of 2D-Docs are looked at on the day they were used, as their
 *   specification asks (§5.1)
 */
export async function verifyForeign(
  seal: ForeignSeal,
  trust: ForeignTrust,
  options: ForeignOptions,
  backend: CryptoBackend,
): Promise<ForeignVerdict> {
  const claim = signatureOf(seal);
  if (claim === 'encrypted') return invalid('ENCRYPTED', 'not-checked');
  if (claim === undefined || claim.signature.length === 0) return invalid('UNSIGNED', 'not-checked');
  const candidates = claim.names.flatMap((name) => trust.signers.get(name) ?? []);
  const embedded = claim.certificate && (await embeddedSigner(claim.certificate, trust, backend));
  if (embedded && 'verdict' in embedded) return embedded.verdict;
  const found = await signerThatFits(claim, [...(embedded?.signers ?? []), ...candidates], backend);
  if ('verdict' in found) return found.verdict;
  const { signer } = found;
  const shown = shownSigner(signer);
  const problem = (reason: InvalidReason, detail?: string): ForeignVerdict =>
    invalid(reason, 'valid', { ...shown, ...(detail === undefined ? {} : { detail }) });

  if (embedded?.signers.includes(signer) && !embedded.trusted) return problem('UNTRUSTED_CERTIFICATE');
  if (signer.revoked) return problem('REVOKED_CERTIFICATE');
  const { certificate } = signer;
  if (certificate && !(await agreesWithAuthority(certificate, trust, backend)))
    return problem('UNTRUSTED_CERTIFICATE');
  const wrongTime = tokenTime(seal, options.now);
  if (wrongTime) return problem(wrongTime);
  if (certificate && !maySeal(certificate, seal)) return problem('INVALID_DOCUMENTTYPE');
  if (certificate) {
    const time = certificateTime(seal, options.now);
    if (time > certificate.notAfter) return problem('EXPIRED_CERTIFICATE');
    if (time < certificate.notBefore) return problem('NOT_YET_VALID_CERTIFICATE');
  }
  if (seal.system === 'hcert' && seal.problems.length > 0)
    return problem('WRONG_FORMAT', `not as the schema asks: ${seal.problems.join(', ')}`);
  return {
    status: 'VALID',
    signature: 'valid',
    ...shown,
    ...(hasUnknownFeature(seal) ? { subIndication: 'UNKNOWN_FEATURE' } : {}),
  };
}

type Found = { readonly signer: TrustedSigner } | { readonly verdict: ForeignVerdict };

/** The signer whose key made the signature; more than one may go by the same name. */
async function signerThatFits(
  claim: SignatureClaim,
  candidates: readonly TrustedSigner[],
  backend: CryptoBackend,
): Promise<Found> {
  const [first] = candidates;
  if (!first) return { verdict: invalid('UNKNOWN_CERTIFICATE', 'not-checked') };
  let unsupported: string | undefined;
  let isChecked = false;
  for (const signer of candidates) {
    const algorithm = claim.algorithm(signer.key);
    if (!algorithm) {
      unsupported ??= 'the seal names an algorithm that is not accepted, or not of the key of its signer';
      continue;
    }
    try {
      const key = await backend.importPublicKey(algorithm, signer.spki);
      isChecked = true;
      for (const data of claim.toBeSigned) if (await key.verify(claim.signature, data)) return { signer };
    } catch (error) {
      if (!(error instanceof ConsulError)) throw error;
      unsupported ??= error.message;
    }
  }
  if (isChecked) return { verdict: invalid('INVALID_SIGNATURE', 'invalid', shownSigner(first)) };
  return {
    verdict: invalid('UNSUPPORTED_ALGORITHM', 'not-checked', {
      ...shownSigner(first),
      ...(unsupported === undefined ? {} : { detail: unsupported }),
    }),
  };
}

function shownSigner({ certificate }: TrustedSigner): Signed {
  if (!certificate) return {};
  const { subject, issuer, notAfter } = certificate;
  return { signer: { subject: subject.text, issuer: issuer.text, notAfter } };
}

/** Doc 9303-12 §7.1.3 and VDS-NC §4: for signers of seals. */
const sealPurposes = new Set(['2.23.136.1.1.11.1', '2.23.136.1.1.14.2']);

/** A certificate out of the seal is trusted where it is listed, or made for seals by a listed authority. */
async function embeddedSigner(
  der: Uint8Array,
  trust: ForeignTrust,
  backend: CryptoBackend,
): Promise<
  | { readonly signers: readonly TrustedSigner[]; readonly trusted: boolean }
  | { readonly verdict: ForeignVerdict }
> {
  let certificate: SignerCertificate;
  try {
    certificate = readSignerCertificate(der);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    return { verdict: invalid('WRONG_FORMAT', 'not-checked', { detail: error.message }) };
  }
  const listed = trust.signers.get(
    signerNames.certificate(await backend.digest('sha256', certificate.bytes)),
  );
  if (listed) return { signers: listed, trusted: true };
  const signers = [{ certificate, spki: certificate.spki, key: certificate.key, revoked: false }];
  const isForSeals = certificate.extendedKeyUsage.some((purpose) => sealPurposes.has(purpose));
  const issuers = trust.authorities.filter((authority) => equalNames(authority.subject, certificate.issuer));
  return { signers, trusted: isForSeals && (await isIssuedByOne(certificate, issuers, backend)) };
}

/** Where the list has the authority that a signer names, that very authority must have signed the certificate. */
async function agreesWithAuthority(
  certificate: SignerCertificate,
  trust: ForeignTrust,
  backend: CryptoBackend,
): Promise<boolean> {
  const issuers = trust.authorities.filter((authority) => equalNames(authority.subject, certificate.issuer));
  return issuers.length === 0 || isIssuedByOne(certificate, issuers, backend);
}

/** The moment at which the certificate of the signer must be valid. */
function certificateTime(seal: ForeignSeal, now: Date): Date {
  return seal.system === '2d-doc' && seal.signed !== undefined ? new Date(`${seal.signed}T12:00:00Z`) : now;
}

/** RFC 8392 §3.1: the times in a token. */
function tokenTime(seal: ForeignSeal, now: Date): 'EXPIRED' | 'NOT_YET_VALID' | undefined {
  if (seal.system !== 'hcert' && seal.system !== 'claim169') return undefined;
  const { expires, notBefore, issuedAt } = seal.token;
  // The gateway's own test cases hold in the very second of their expiry.
  if (expires !== undefined && now.getTime() > expires * 1000) return 'EXPIRED';
  const beginning = Math.max(notBefore ?? 0, issuedAt ?? 0) * 1000;
  return now.getTime() + clockSkew < beginning ? 'NOT_YET_VALID' : undefined;
}

/** Commission decision (EU) 2021/1073: what a signer of health certificates may certify; with and without a zero. */
const healthPurpose = /^1\.3\.6\.1\.4\.1\.(?:0\.)?1847\.2021\.1\.([123])$/;
const healthKinds: Readonly<Record<HcertKind, string>> = { t: '1', v: '2', r: '3' };
/** VDS-NC §4: document types of its signers. */
const vdsNcTypes: Readonly<Record<string, string>> = { 'icao.vacc': 'NV', 'icao.test': 'NT' };

/**
 * Whether the certificate of the signer lets it seal a document of this kind, as far as it says. One that says that it
 * is for another system is for no other, however its names read.
 */
function maySeal({ documentTypes, extendedKeyUsage }: SignerCertificate, seal: ForeignSeal): boolean {
  const health = extendedKeyUsage.flatMap((purpose) => healthPurpose.exec(purpose)?.[1] ?? []);
  const isForSeals = extendedKeyUsage.some((purpose) => sealPurposes.has(purpose));
  const allows = (type: string | undefined): boolean =>
    documentTypes === undefined || type === undefined || documentTypes.includes(type);
  switch (seal.system) {
    case 'hcert':
      return health.length === 0 ? !isForSeals : health.includes(healthKinds[seal.kind]);
    case 'vds':
      return health.length === 0 && allows(seal.mrz?.slice(0, 2).replaceAll('<', ''));
    case 'vds-nc':
      return health.length === 0 && allows(vdsNcTypes[seal.type]);
    case 'idb':
      return health.length === 0;
    case '2d-doc':
    case 'claim169':
    case 'claim169-encrypted':
      return health.length === 0 && !isForSeals;
  }
}

/** Appendix D: UNKNOWN_FEATURE. */
const hasUnknownFeature = (seal: ForeignSeal): boolean =>
  seal.system === 'vds' && seal.document !== undefined && seal.fields.some(({ name }) => name === undefined);
