import { foreignReport } from '../seal/foreign/report.ts';
import { type ForeignTrust, readForeignTrust, type TrustFile } from '../seal/foreign/trust-list.ts';
import { checkForeign, type ForeignVerdict, type InvalidReason } from '../seal/foreign/verify.ts';
import { type ForeignSystem, foreignSystem } from '../seal/foreign.ts';
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
import { describeBundle } from './trust.ts';
import { printable, say, type VerifyLanguage } from './words.ts';

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

/**
 * The verdict on a seal of another system, by trust lists that were handed in. What it says is shown even where it is
 * not proven, unless it was tampered with.
 *
 * @throws ConsulError TRUST_INVALID
 */
export async function verifyForeignCode(code: Code, context: VerifyContext): Promise<Report> {
  const { now, language, trust } = context;
  const { seal, verdict } = await checkForeign(code, await trustIn(context), { now }, trust.backend);
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
