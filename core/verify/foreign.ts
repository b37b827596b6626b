import { ConsulError } from '../errors.ts';
import { foreignReport } from '../seal/foreign/report.ts';
import { type ForeignTrust, readForeignTrust, type TrustFile } from '../seal/foreign/trust-list.ts';
import type { VdsSeal } from '../seal/foreign/vds-document.ts';
import { checkForeign, type ForeignVerdict, type InvalidReason } from '../seal/foreign/verify.ts';
import { type ForeignSystem, foreignSystem } from '../seal/foreign.ts';
import { type Mrz, readMrz } from '../seal/mrz.ts';
import type { Code } from './code.ts';
import type { VerifyContext } from './context.ts';
import {
  type Check,
  type CheckId,
  conclude,
  type Report,
  type SubIndication,
  subIndications,
} from './report.ts';
import { checkTravelSeal } from './travel-seal.ts';
import { checkFreshness, describeBundle, type KnownKey } from './trust.ts';
import { Checklist, printable, say, sayDay, type VerifyLanguage } from './words.ts';

/** The check that a reason of Doc 9303-13 appendix D belongs to, and what EN 319 102-1 calls it. */
export const foreignReasons: Readonly<Record<InvalidReason, readonly [CheckId, SubIndication]>> = {
  WRONG_FORMAT: ['seal', 'FORMAT_FAILURE'],
  ENCRYPTED: ['seal', 'SIGNED_DATA_NOT_FOUND'],
  UNSIGNED: ['seal-signature', 'SIGNED_DATA_NOT_FOUND'],
  INVALID_SIGNATURE: ['seal-signature', 'SIG_CRYPTO_FAILURE'],
  UNSUPPORTED_ALGORITHM: ['seal-signature', 'CRYPTO_CONSTRAINTS_FAILURE'],
  UNKNOWN_CERTIFICATE: ['seal-signer', 'NO_SIGNING_CERTIFICATE_FOUND'],
  UNTRUSTED_CERTIFICATE: ['seal-signer', 'NO_CERTIFICATE_CHAIN_FOUND'],
  INVALID_DOCUMENTTYPE: ['seal-signer', 'CHAIN_CONSTRAINTS_FAILURE'],
  // A seal proves no time: nobody can tell whether it was made while the certificate was in force.
  EXPIRED_CERTIFICATE: ['seal-signer', 'OUT_OF_BOUNDS_NO_POE'],
  NOT_YET_VALID_CERTIFICATE: ['seal-signer', 'OUT_OF_BOUNDS_NO_POE'],
  REVOKED_CERTIFICATE: ['seal-signer', 'REVOKED_NO_POE'],
  EXPIRED: ['validity', 'EXPIRED'],
  NOT_YET_VALID: ['validity', 'NOT_YET_VALID'],
};

const lists = new WeakMap<readonly TrustFile[], Promise<ForeignTrust>>();

/** The lists, read once. */
function trustIn({ foreignTrust = [], trust }: VerifyContext): Promise<ForeignTrust> {
  let read = lists.get(foreignTrust);
  if (!read) {
    read = readForeignTrust(foreignTrust, trust.backend);
    lists.set(foreignTrust, read);
  }
  return read;
}

/** The checks in the order in which they are made, as far as they came. */
function checksOf(verdict: ForeignVerdict, message: string, language: VerifyLanguage): readonly Check[] {
  const passed = (id: CheckId, text: string): Check => ({ id, outcome: 'passed', message: text });
  const formed = passed('seal', say(language, 'seal.passed'));
  const signed = passed('seal-signature', say(language, 'seal-signature.passed'));
  if (verdict.status === 'VALID') return [formed, signed, passed('seal-signer', message)];
  const [id, subIndication] = foreignReasons[verdict.subIndication];
  const outcome = subIndications[subIndication] === 'TOTAL-FAILED' ? 'failed' : 'indeterminate';
  return [
    ...(id === 'seal' ? [] : [formed]),
    ...(verdict.signature === 'valid' ? [signed] : []),
    { id, outcome, subIndication, message },
  ];
}

/** The ICAO seal of a document of ours by itself: the trust bundle vouches for it, and the zone says until when. */
async function verifyTravelSeal(seal: VdsSeal, key: KnownKey, context: VerifyContext): Promise<Report> {
  const { now, language, trust } = context;
  const list = new Checklist(language);
  checkFreshness(list, trust.bundle, now);
  const time = new Date(`${seal.vds.header.signed}T12:00:00Z`);
  await checkTravelSeal(list, seal, key, { trust, time });
  const signed = list.checks.every(({ outcome }) => outcome === 'passed');
  const zone = zoneOf(seal);
  if (signed && zone) checkExpiry(list, zone.dateOfExpiry, now);
  const { cause, ...outcome } = conclude(list.checks);
  const prefix = outcome.indication === 'TOTAL-FAILED' ? 'summary.failed' : 'summary.indeterminate';
  const words = foreignReport(seal, { status: 'VALID', signature: 'valid' }, language);
  const post = trust.bundle.posts.find(({ code }) => code === key.entry.post);
  const values = {
    title: `${words.system}, ${words.kind} ${zone?.number ?? ''}`.trim(),
    post: post?.[language] ?? key.entry.post,
  };
  return {
    version: 1,
    subject: 'travel-seal',
    ...outcome,
    summary: cause
      ? say(language, prefix, { reason: cause.message })
      : say(language, 'summary.passed-seal', values),
    checks: list.checks,
    fields: signed ? words.fields : [],
    compareWithPaper: signed,
    trust: describeBundle(trust.bundle, now),
    verifiedAt: now.toISOString(),
  };
}

function zoneOf({ mrz }: VdsSeal): Mrz | undefined {
  try {
    return mrz === undefined ? undefined : readMrz(mrz.replace(/^.{36}/, '$&\n'));
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    return undefined;
  }
}

/** @param expiry YYMMDD: such a document holds for days, so that the century is known */
function checkExpiry(list: Checklist, expiry: string, now: Date): void {
  const day = new Date(`20${expiry.slice(0, 2)}-${expiry.slice(2, 4)}-${expiry.slice(4)}T00:00:00Z`);
  if (Number.isNaN(day.getTime())) return;
  const until = sayDay(list.language, day);
  if (now.getTime() >= day.getTime() + 86_400_000)
    list.refused('validity', 'EXPIRED', 'validity.expired', { until });
  else list.passed('validity', 'validity.passed', { until });
}

/**
 * The verdict on a seal of another system, by trust lists that were handed in. What it says is shown even where it is
 * not proven, unless it was tampered with.
 *
 * @throws ConsulError TRUST_INVALID
 */
export async function verifyForeignCode(code: Code, context: VerifyContext): Promise<Report> {
  const { now, language, trust } = context;
  const { seal, verdict } = await checkForeign(code, await trustIn(context), { now }, trust.backend);
  if (seal?.system === 'vds') {
    const { signer, certificateReference } = seal.vds.header;
    const key = trust.travelSealKey(signer, certificateReference);
    if (key) return verifyTravelSeal(seal, key, context);
  }
  const system = seal?.system ?? (foreignSystem(code.text, code.bytes) as ForeignSystem);
  const words = foreignReport(seal ?? system, verdict, language);
  const checks = checksOf(verdict, words.verdict, language);
  const { cause, ...outcome } = conclude(checks);
  const prefix = outcome.indication === 'TOTAL-FAILED' ? 'summary.failed' : 'summary.indeterminate';
  return {
    version: 1,
    subject: 'foreign-seal',
    ...outcome,
    summary: cause ? say(language, prefix, { reason: words.headline }) : words.headline,
    checks,
    foreign: {
      system,
      issuer: words.issuer,
      kind: words.kind,
      status: verdict.status,
      ...(verdict.subIndication ? { reason: verdict.subIndication } : {}),
      signature: verdict.signature,
    },
    ...(verdict.signer ? { signer: printable(verdict.signer.subject) } : {}),
    fields: verdict.signature === 'invalid' ? [] : words.fields,
    compareWithPaper: verdict.status === 'VALID',
    trust: describeBundle(trust.bundle, now),
    verifiedAt: now.toISOString(),
  };
}
