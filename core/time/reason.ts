import { cmsReasons } from '../cms/reason.ts';
import { ConsulError } from '../errors.ts';
import type { SubIndication } from '../verify/report.ts';

/** Why a time-stamp token is refused, with the sub-indication of ETSI EN 319 102-1 that it means. */
export const tokenReasons = {
  ...cmsReasons,
  'tst-version': 'FORMAT_FAILURE',
  'tst-extension': 'SIG_CONSTRAINTS_FAILURE',
  imprint: 'HASH_FAILURE',
  'imprint-algorithm': 'CRYPTO_CONSTRAINTS_FAILURE',
  nonce: 'SIG_CONSTRAINTS_FAILURE',
  policy: 'SIG_CONSTRAINTS_FAILURE',
  'tsa-name': 'SIG_CONSTRAINTS_FAILURE',
  'tsa-usage': 'CHAIN_CONSTRAINTS_FAILURE',
} as const satisfies Record<string, SubIndication>;

export type TokenReason = keyof typeof tokenReasons;

/** A refusal on its way to a verdict: a ConsulError CMS_INVALID whose first detail names the reason. */
export function refuse(reason: TokenReason, message: string): never {
  throw new ConsulError('CMS_INVALID', message, { details: [{ where: reason, message }] });
}
