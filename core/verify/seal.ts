import { ConsulError } from '../errors.ts';
import { readCarrier } from '../seal/carrier.ts';
import type { SealClaims } from '../seal/claims.ts';
import { checkSealSignature, readSeal, type Seal } from '../seal/seal.ts';
import { acceptableUntilAll, refuseAlgorithms } from './algorithms.ts';
import { clockSkew, postOf, type VerifyContext } from './context.ts';
import { checkDisclosures } from './disclosure.ts';
import { conclude, type Disclosed, type FurtherSigner, type Report, type ShownField } from './report.ts';
import { checkStatus } from './status.ts';
import { checkFreshness, describeBundle, type KnownKey, keyState, shownName, type Trust } from './trust.ts';
import { Checklist, printable, say, sayDay, sayTime } from './words.ts';

/** ES256 (RFC 9053 §2.1), with which every seal of ours is made. */
const sealAlgorithm = { name: 'ecdsa', curve: 'P-256', hash: 'sha256' } as const;

/** A seal, and what its holder shows beside it (core/seal/disclosure.ts), not yet held against it. */
interface SealRead extends Seal {
  readonly presentation?: Uint8Array | undefined;
}

/** The text of a QR code, or the COSE bytes of a seal; undefined where the code did not hold one. */
export function sealFrom(list: Checklist, source: string | Uint8Array): SealRead | undefined {
  try {
    const { cose, presentation } =
      typeof source === 'string' ? readCarrier(source.trim()) : { cose: source, presentation: undefined };
    const seal = readSeal(cose);
    list.passed('seal', 'seal.passed');
    return { ...seal, presentation };
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    if (error.code === 'SEAL_FOREIGN') {
      const detail = error.details[0]?.message ?? error.message;
      list.refused('seal', 'SIGNED_DATA_NOT_FOUND', 'seal.foreign', { detail });
    } else list.refused('seal', 'FORMAT_FAILURE', 'seal.broken', { detail: error.message });
    return undefined;
  }
}

/**
 * Signature, signer and post of a seal.
 * @param at when the seal is proven to have existed, else now: its algorithm must be acceptable then
 * @param provenIndex index in the log, where a proof was checked: a key compromised later does not harm the seal
 */
export async function checkSeal(
  list: Checklist,
  seal: Seal,
  trust: Trust,
  at: Date,
  provenIndex?: number,
): Promise<KnownKey | undefined> {
  const key = await trust.sealKey(seal.kid);
  if (!key) {
    list.refused('seal-signer', 'NO_SIGNING_CERTIFICATE_FOUND', 'seal-signer.unknown');
    return undefined;
  }
  if (!(await checkSealSignature(seal, key.publicKey))) {
    list.refused('seal-signature', 'SIG_CRYPTO_FAILURE', 'seal-signature.failed');
    return undefined;
  }
  list.passed('seal-signature', 'seal-signature.passed');
  const used = { signature: sealAlgorithm, key: key.certificate.publicKeyAlgorithm };
  if (at.getTime() >= acceptableUntilAll([used], trust.algorithms)) refuseAlgorithms(list, 'seal', at);

  const { claims } = seal;
  const issuedAt = new Date(claims.issuedAt * 1000);
  const name = shownName(key.certificate);
  const values = { name, time: sayTime(list.language, issuedAt) };
  const path = await key.pathAt(issuedAt);
  const { entry } = key;
  const state = keyState(entry, issuedAt, provenIndex);
  if (!path.ok) {
    list.refused('seal-signer', 'CHAIN_CONSTRAINTS_FAILURE', 'seal-signer.path', {
      ...values,
      detail: path.message,
    });
  } else if (entry.post !== claims.document.post) {
    list.refused('seal-signer', 'SIG_CRYPTO_FAILURE', 'seal-signer.post', {
      claimed: claims.document.post,
      actual: entry.post,
    });
  } else if (state !== 'active') {
    const doubt = state === 'compromised' && provenIndex === undefined;
    list.refused('seal-signer', doubt ? 'REVOKED_NO_POE' : 'REVOKED', `signer.${state}`, values);
  } else list.passed('seal-signer', 'seal-signer.passed', values);
  return key;
}

/** Whether the document is in force now; genuine and in force are two things. */
export function checkValidity(
  list: Checklist,
  claims: SealClaims,
  { trust, now, dayAt }: VerifyContext,
): void {
  const seconds = now.getTime() / 1000;
  const zone = postOf(claims, trust)?.timeZone;
  const day = (time: number): string => sayDay(list.language, new Date(time * 1000), zone, dayAt);
  if (claims.issuedAt > seconds + clockSkew / 1000)
    list.refused('validity', 'NOT_YET_VALID', 'validity.future', { from: day(claims.issuedAt) });
  else if (claims.notBefore !== undefined && seconds < claims.notBefore)
    list.refused('validity', 'NOT_YET_VALID', 'validity.not-yet', { from: day(claims.notBefore) });
  else if (claims.expires !== undefined && seconds >= claims.expires)
    list.refused('validity', 'EXPIRED', 'validity.expired', { until: day(claims.expires) });
  else if (claims.expires === undefined) list.passed('validity', 'validity.unlimited');
  else list.passed('validity', 'validity.passed', { until: day(claims.expires) });
}

const writtenDay = (day: string): Date =>
  new Date(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}T00:00:00Z`);

/** What the seal says, as lines to compare with the paper. */
export function sealFields(
  claims: SealClaims,
  { language, trust, dayAt }: VerifyContext,
): readonly ShownField[] {
  const { document, identity } = claims;
  const post = postOf(claims, trust);
  const day = (time: number | undefined): string | undefined =>
    time === undefined ? undefined : sayDay(language, new Date(time * 1000), post?.timeZone, dayAt);
  const values = {
    number: document.number,
    type: document.type,
    post: post ? `${post[language]} (${document.post})` : document.post,
    issuedAt: day(claims.issuedAt),
    validFrom: day(claims.notBefore),
    validUntil: day(claims.expires),
    familyName: identity?.familyName,
    givenName: identity?.givenName,
    fullName: identity?.fullName,
    secondName: identity?.secondName,
    dateOfBirth: identity?.dateOfBirth
      ? sayDay(language, writtenDay(identity.dateOfBirth))
      : document.incompleteBirthDate,
    placeOfBirth: document.placeOfBirth,
    sex: identity?.sex && say(language, `sex.${identity.sex}`),
    nationality: identity?.nationality,
    travelDocument: document.travelDocument,
  } as const;
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ label: say(language, `field.${name as keyof typeof values}`), value }],
  );
}

export function documentOf(claims: SealClaims): NonNullable<Report['document']> {
  const time = (seconds: number): string => new Date(seconds * 1000).toISOString();
  return {
    type: claims.document.type,
    number: claims.document.number,
    post: claims.document.post,
    issuedAt: time(claims.issuedAt),
    ...(claims.notBefore === undefined ? {} : { validFrom: time(claims.notBefore) }),
    ...(claims.expires === undefined ? {} : { validUntil: time(claims.expires) }),
  };
}

/** What a report is put together from once all checks are made. */
export interface Findings {
  readonly subject: Report['subject'];
  readonly claims?: SealClaims | undefined;
  readonly signedAt?: Date | undefined;
  readonly signer?: string | undefined;
  readonly level?: Report['level'] | undefined;
  readonly furtherSignatures?: readonly FurtherSigner[];
  /** Title of the document, from its record. */
  readonly title?: string | undefined;
  readonly disclosed?: Disclosed | undefined;
}

export function reportOn(list: Checklist, found: Findings, context: VerifyContext): Report {
  const { trust, now, language } = context;
  const { cause, ...verdict } = conclude(list.checks);
  const { claims, disclosed } = found;
  const sealTrusted =
    claims !== undefined &&
    list.checks.some((check) => check.id === 'seal-signature' && check.outcome === 'passed');
  const values = sealTrusted
    ? {
        title: found.title ?? `${claims.document.type} ${claims.document.number}`,
        post: postOf(claims, trust)?.[language] ?? claims.document.post,
        signedAt: sayTime(language, found.signedAt ?? new Date(claims.issuedAt * 1000)),
      }
    : {};
  const summary = cause
    ? say(language, verdict.indication === 'TOTAL-FAILED' ? 'summary.failed' : 'summary.indeterminate', {
        reason: cause.message,
      })
    : say(
        language,
        disclosed ? 'summary.passed-disclosed' : `summary.passed${found.subject === 'pdf' ? '' : '-seal'}`,
        values,
      );
  const further = (found.furtherSignatures ?? []).map((one) => ({ ...one, signer: printable(one.signer) }));
  return {
    version: 1,
    subject: found.subject,
    ...verdict,
    summary,
    checks: list.checks,
    ...(sealTrusted ? { document: documentOf(claims) } : {}),
    ...(found.signedAt ? { signedAt: found.signedAt.toISOString() } : {}),
    ...(found.signer ? { signer: printable(found.signer) } : {}),
    ...(found.level ? { level: found.level } : {}),
    ...(further.length > 0 ? { furtherSignatures: further } : {}),
    fields: sealTrusted ? sealFields(claims, context) : [],
    ...(disclosed ? { disclosed } : {}),
    compareWithPaper: sealTrusted && found.subject === 'seal',
    trust: describeBundle(trust.bundle, now),
    verifiedAt: now.toISOString(),
  };
}

/** A seal alone: the text of a QR code, or COSE bytes. From paper only the fields in the seal can be checked. */
export async function verifySeal(source: string | Uint8Array, context: VerifyContext): Promise<Report> {
  const list = new Checklist(context.language);
  checkFreshness(list, context.trust.bundle, context.now);
  const seal = sealFrom(list, source);
  let disclosed: Disclosed | undefined;
  if (seal && (await checkSeal(list, seal, context.trust, context.now))) {
    disclosed = await checkDisclosures(list, seal, seal.presentation, context.trust.backend);
    await checkStatus(list, seal.claims, context);
    checkValidity(list, seal.claims, context);
  }
  return reportOn(list, { subject: 'seal', claims: seal?.claims, disclosed }, context);
}
