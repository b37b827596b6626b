import { ConsulError } from '../errors.ts';
import type { SubIndication } from '../verify/report.ts';

/** Why a SignedData is refused, with the sub-indication of ETSI EN 319 102-1 that it means. */
export const cmsReasons = {
  /** Not DER, cut short, bytes after the end, or not the ASN.1 of the standard. */
  encoding: 'FORMAT_FAILURE',
  'too-large': 'FORMAT_FAILURE',
  'not-signed-data': 'FORMAT_FAILURE',
  version: 'FORMAT_FAILURE',
  'signer-count': 'FORMAT_FAILURE',
  'digest-algorithms': 'FORMAT_FAILURE',
  'content-embedded': 'FORMAT_FAILURE',
  'content-missing': 'FORMAT_FAILURE',
  'content-type': 'FORMAT_FAILURE',
  'certificate-format': 'FORMAT_FAILURE',
  certificate: 'FORMAT_FAILURE',
  'attribute-missing': 'FORMAT_FAILURE',
  'attribute-repeated': 'FORMAT_FAILURE',
  'attribute-values': 'FORMAT_FAILURE',
  'attribute-order': 'FORMAT_FAILURE',
  'attribute-unknown': 'SIG_CONSTRAINTS_FAILURE',
  'signing-time': 'SIG_CONSTRAINTS_FAILURE',
  'signing-certificate-missing': 'NO_SIGNING_CERTIFICATE_FOUND',
  'signing-certificate-sha1': 'CRYPTO_CONSTRAINTS_FAILURE',
  'signing-certificate-hash': 'NO_SIGNING_CERTIFICATE_FOUND',
  'signing-certificate-issuer': 'NO_SIGNING_CERTIFICATE_FOUND',
  'signing-certificate-policies': 'SIG_CONSTRAINTS_FAILURE',
  'certificate-missing': 'NO_SIGNING_CERTIFICATE_FOUND',
  algorithm: 'CRYPTO_CONSTRAINTS_FAILURE',
  'algorithm-protection': 'SIG_CONSTRAINTS_FAILURE',
  'message-digest': 'HASH_FAILURE',
  signature: 'SIG_CRYPTO_FAILURE',
} as const satisfies Record<string, SubIndication>;

export type CmsReason = keyof typeof cmsReasons;

/** A refusal on its way to a verdict: a ConsulError CMS_INVALID whose first detail names the reason. */
export function refuse(reason: CmsReason, message: string): never {
  throw new ConsulError('CMS_INVALID', message, { details: [{ where: reason, message }] });
}

/** Why a signature or token is refused. `Reason` is a closed union; the message is for people. */
export interface Refusal<Reason extends string> {
  readonly valid: false;
  readonly reason: Reason;
  readonly subIndication: SubIndication;
  readonly message: string;
}

/** The reason inside an error, or undefined for an error that says nothing about what was read. */
function reasonOf(error: ConsulError): string | undefined {
  switch (error.code) {
    case 'CMS_INVALID':
      return error.details[0]?.where;
    case 'DER_INVALID':
      return 'encoding';
    case 'CERTIFICATE_INVALID':
      return 'certificate';
    default:
      return undefined;
  }
}

/** The verdict that an error of a reader or check means; any other error is thrown on. */
export function refusalFrom<Reason extends string>(
  error: unknown,
  reasons: Readonly<Record<Reason, SubIndication>>,
): Refusal<Reason> {
  if (!(error instanceof ConsulError)) throw error;
  const reason = reasonOf(error);
  if (reason === undefined || !(reason in reasons)) throw error;
  const known = reason as Reason;
  return { valid: false, reason: known, subIndication: reasons[known], message: error.message };
}
