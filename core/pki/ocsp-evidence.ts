import { equalBytes } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import type { Certificate } from './certificate.ts';
import { isPermanent, type RevokedEntry } from './crl.ts';
import { equalNames } from './name.ts';
import { type OcspResponse, ocspOid, type SingleResponse } from './ocsp.ts';
import { isIssuedBy, issuerIdOf, responderKeyHash } from './ocsp-cert-id.ts';
import type { LinkChecker } from './verified-links.ts';

/** Why nothing may be concluded from an OCSP response for a certificate. */
export type OcspDefect =
  | 'other-certificate'
  | 'critical-extension'
  | 'responder-unknown'
  | 'responder-not-issued-here'
  | 'responder-not-for-ocsp'
  | 'responder-invalid'
  | 'responder-revoked'
  | 'responder-unchecked'
  | 'bad-signature'
  | 'algorithm'
  | 'too-complex'
  | 'nonce'
  | 'of-the-future'
  | 'stale'
  | 'retention';

export type OcspVerdict =
  | { readonly status: 'good' }
  | ({ readonly status: 'revoked' } & RevokedEntry)
  /** The responder, who may be believed, does not know the certificate. */
  | { readonly status: 'unknown' }
  | { readonly status: 'unusable'; readonly reason: OcspDefect; readonly message: string };

export interface OcspContext {
  /** When the response is to be fresh, its responder valid and its algorithms acceptable. */
  readonly at: Date;
  readonly links: LinkChecker;
  readonly digest: CryptoBackend['digest'];
  /** Path validation of a delegated responder right under the authority (RFC 5280 §6.1). @returns what is wrong */
  responderDefect(responder: Certificate, issuer: Certificate): Promise<string | undefined>;
  /** What CRLs say of a delegated responder. */
  responderStatus(responder: Certificate, issuer: Certificate): Promise<'good' | 'revoked' | 'unknown'>;
}

type Unusable = Extract<OcspVerdict, { status: 'unusable' }>;

const unusable = (reason: OcspDefect, message: string): Unusable => ({ status: 'unusable', reason, message });

/**
 * Without nextUpdate a response is the newest there is at the moment it is given (RFC 6960 §2.4): it serves for as long
 * as an answer may be on its way and clocks differ.
 */
const maxAgeWithoutNextUpdate = 3_600_000;

async function isNamed(
  { responder }: OcspResponse,
  candidate: Certificate,
  digest: CryptoBackend['digest'],
): Promise<boolean> {
  return responder.by === 'name'
    ? equalNames(responder.name, candidate.subject)
    : equalBytes(responder.hash, await responderKeyHash(candidate, digest));
}

/** Whether a key usage, where there is one, lets the key sign what is neither certificate nor CRL. */
const maySign = ({ extensions: { keyUsage } }: Certificate): boolean =>
  !keyUsage || keyUsage.has('digitalSignature');

async function signatureDefect(
  response: OcspResponse,
  signer: Certificate,
  { links, at }: OcspContext,
): Promise<Unusable | undefined> {
  switch (await links.check(signer, response, at)) {
    case 'good':
      return undefined;
    case 'bad-signature':
      return unusable(
        'bad-signature',
        `the OCSP response is not signed by the key of ${signer.subject.text}`,
      );
    case 'algorithm':
      return unusable('algorithm', 'the OCSP response is signed by an algorithm that is not accepted');
    case 'too-complex':
      return unusable('too-complex', 'too many signatures to check');
  }
}

/** RFC 6960 §4.2.2.2: a certificate with id-kp-OCSPSigning, issued by the authority itself, by the same key. */
async function delegateDefect(
  delegate: Certificate,
  issuer: Certificate,
  context: OcspContext,
): Promise<Unusable | undefined> {
  const name = delegate.subject.text;
  if (!equalNames(delegate.issuer, issuer.subject))
    return unusable('responder-not-issued-here', `${name} has its certificate from another authority`);
  if (!delegate.extensions.extendedKeyUsage?.includes(ocspOid.signing) || !maySign(delegate))
    return unusable('responder-not-for-ocsp', `${name} may not sign OCSP responses`);
  if ((await context.links.check(issuer, delegate, context.at)) !== 'good')
    return unusable('responder-not-issued-here', `${name} has no certificate by the key of the authority`);
  const defect = await context.responderDefect(delegate, issuer);
  if (defect) return unusable('responder-invalid', defect);
  // RFC 6960 §4.2.2.2.1: with id-pkix-ocsp-nocheck it needs no proof of its own; a CRL that revokes it counts still.
  const status = await context.responderStatus(delegate, issuer);
  if (status === 'revoked') return unusable('responder-revoked', `${name} was revoked`);
  if (status === 'unknown' && !delegate.extensions.all.has(ocspOid.noCheck))
    return unusable('responder-unchecked', `it is not known whether ${name} was revoked`);
  return undefined;
}

/** Whether the authority or one of its delegates signed the response. */
async function responderDefect(
  response: OcspResponse,
  issuer: Certificate,
  context: OcspContext,
): Promise<Unusable | undefined> {
  let problem = unusable('responder-unknown', 'the certificate of the OCSP responder was not given');
  for (const candidate of [issuer, ...response.certificates]) {
    if (!(await isNamed(response, candidate, context.digest))) continue;
    const own = equalBytes(candidate.spki, issuer.spki) && equalNames(candidate.subject, issuer.subject);
    const defect = own
      ? maySign(issuer)
        ? undefined
        : unusable('responder-not-for-ocsp', `${issuer.subject.text} may sign certificates and CRLs only`)
      : await delegateDefect(candidate, issuer, context);
    const found = defect ?? (await signatureDefect(response, candidate, context));
    if (!found) return undefined;
    problem = found;
  }
  return problem;
}

function timeDefect(
  response: OcspResponse,
  { thisUpdate, nextUpdate, archiveCutoff }: SingleResponse,
  certificate: Certificate,
  at: Date,
): Unusable | undefined {
  const second = Math.floor(at.getTime() / 1000) * 1000;
  const fresh = nextUpdate?.getTime() ?? thisUpdate.getTime() + maxAgeWithoutNextUpdate;
  // Written so that a date that is none refuses.
  if (!(thisUpdate.getTime() <= second && response.producedAt.getTime() <= second))
    return unusable('of-the-future', `the OCSP response is of ${response.producedAt.toISOString()}`);
  if (second > fresh) return unusable('stale', `the OCSP response is of ${thisUpdate.toISOString()}`);
  if (thisUpdate > response.producedAt)
    return unusable('of-the-future', 'the OCSP response speaks of a time after it was made');
  // RFC 6960 §4.4.4: of a certificate that had expired, a responder knows only what it says that it keeps.
  if (certificate.notAfter < thisUpdate && !(archiveCutoff && archiveCutoff <= certificate.notAfter))
    return unusable(
      'retention',
      'the certificate had expired, and the responder does not say that it kept it',
    );
  return undefined;
}

/** Of several answers about one certificate the worst counts. */
function worst(answers: readonly SingleResponse[]): SingleResponse | undefined {
  const rank = { revoked: 0, unknown: 1, good: 2 } as const;
  return answers.toSorted((a, b) => rank[a.status.status] - rank[b.status.status])[0];
}

/**
 * What an OCSP response proves about one certificate (RFC 6960 §3.2). A revocation for good counts however old the
 * response is; anything else needs a fresh one.
 * @param issuer the certificate above it in its path, itself already judged
 */
export async function ocspEvidence(
  response: OcspResponse,
  certificate: Certificate,
  issuer: Certificate,
  context: OcspContext,
): Promise<OcspVerdict> {
  const answers: SingleResponse[] = [];
  for (const single of response.responses) {
    const { hash, serial } = single.certificate;
    if (!hash || !equalBytes(serial, certificate.serial)) continue;
    if (isIssuedBy(single.certificate, await issuerIdOf(issuer, hash, context.digest))) answers.push(single);
  }
  const answer = worst(answers);
  if (!answer || !equalNames(certificate.issuer, issuer.subject))
    return unusable('other-certificate', `the OCSP response is not about ${certificate.subject.text}`);
  const notUnderstood = response.notUnderstood ?? answers.find((one) => one.notUnderstood)?.notUnderstood;
  if (notUnderstood) return unusable('critical-extension', `the OCSP response has ${notUnderstood}`);
  const untrusted = await responderDefect(response, issuer, context);
  if (untrusted) return untrusted;
  const { status } = answer;
  if (status.status === 'revoked' && isPermanent(status.reason)) return status;
  return timeDefect(response, answer, certificate, context.at) ?? status;
}
