import { ConsulError } from '../errors.ts';
import { readCarrier } from '../seal/carrier.ts';
import { foreignSystem } from '../seal/foreign.ts';
import { readSeal } from '../seal/seal.ts';
import type { VerifyContext } from './context.ts';
import type { Report } from './report.ts';
import { verifySeal } from './seal.ts';

/** What a bar code holds. */
export interface Code {
  readonly text: string;
  /** The content as it stands in the code, where a reader gave it. */
  readonly bytes?: Uint8Array;
}

/** Whether a code holds the seal of another system. Both kinds may come as a Claim 169; ours has consular claims. */
export function isForeign({ text, bytes }: Code): boolean {
  const system = foreignSystem(text, bytes);
  return system === 'claim169' ? !isOurs(text) : system !== undefined;
}

function isOurs(claim169: string): boolean {
  try {
    readSeal(readCarrier(claim169).cose);
    return true;
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    return false;
  }
}

/**
 * The verdict on the content of a code: a consular seal, or one of the systems that the world already reads, which are
 * loaded when one is met.
 *
 * @throws ConsulError TRUST_INVALID for a trust list of other systems that cannot be read, once it is needed
 */
export async function verifyCode(code: Code, context: VerifyContext): Promise<Report> {
  if (!isForeign(code)) return verifySeal(code.text, context);
  const { verifyForeignCode } = await import('./foreign.ts');
  return verifyForeignCode(code, context);
}
