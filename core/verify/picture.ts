import { toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { readCarrier } from '../seal/carrier.ts';
import type { ReadCodes } from '../seal/picture.ts';
import { type Code, isForeign, verifyCode } from './code.ts';
import type { VerifyContext } from './context.ts';
import type { Report } from './report.ts';
import { reportOn } from './seal.ts';
import { checkFreshness } from './trust.ts';
import { Checklist } from './words.ts';

/** What a code carries as a seal, damaged or not, in a form to be compared; undefined for another code. */
function sealIn({ text, bytes }: Code): string | undefined {
  try {
    const { cose, presentation } = readCarrier(text.trim(), bytes);
    return [cose, ...(presentation ? [presentation] : [])].map(toHex).join('.');
  } catch (error) {
    if (error instanceof ConsulError && error.code === 'SEAL_FOREIGN') return undefined;
    if (error instanceof ConsulError) return text;
    throw error;
  }
}

/**
 * The verdict on a picture or scan, from the codes that were read on it: that of its one seal, however often it stands
 * there, with what its holder shows where the bare seal of the paper stands beside it; where there is no consular seal,
 * that of its one seal of another system. Where different seals stand on one picture nobody can say which the paper goes
 * by, and the verdict is inconclusive.
 */
export async function verifyCodes({ codes }: ReadCodes, context: VerifyContext): Promise<Report> {
  const seals = new Map<string, Code>();
  const foreign = new Map<string, Code>();
  for (const code of codes) {
    const seal = sealIn(code);
    if (isForeign(code)) foreign.set(toHex(code.bytes), code);
    else if (seal !== undefined) seals.set(seal, code);
  }
  for (const seal of seals.keys()) {
    const [bare = '', presentation] = seal.split('.');
    if (presentation !== undefined) seals.delete(bare);
  }
  const found = seals.size > 0 ? seals : foreign;
  const [shown = codes[0]] = found.values();
  if (shown !== undefined && found.size <= 1) return verifyCode(shown, context);

  const list = new Checklist(context.language);
  checkFreshness(list, context.trust.bundle, context.now);
  if (shown === undefined) list.refused('seal', 'SIGNED_DATA_NOT_FOUND', 'seal.no-code');
  else list.refused('seal', 'SIGNED_DATA_NOT_FOUND', 'seal.many', { count: found.size });
  return reportOn(list, { subject: 'unknown' }, context);
}
