import { toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { readCarrier } from '../seal/carrier.ts';
import type { ReadCodes } from '../seal/picture.ts';
import type { VerifyContext } from './context.ts';
import type { Report } from './report.ts';
import { reportOn, verifySeal } from './seal.ts';
import { checkFreshness } from './trust.ts';
import { Checklist } from './words.ts';

/** What a code carries as a seal, damaged or not, in a form to be compared; undefined for another code. */
function sealIn(text: string): string | undefined {
  try {
    const { cose, presentation } = readCarrier(text.trim());
    return [cose, ...(presentation ? [presentation] : [])].map(toHex).join('.');
  } catch (error) {
    if (error instanceof ConsulError && error.code === 'SEAL_FOREIGN') return undefined;
    if (error instanceof ConsulError) return text;
    throw error;
  }
}

/**
 * The verdict on a picture or scan, from the codes that were read on it: that of its one seal, however often it stands
 * there, with what its holder shows where the bare seal of the paper stands beside it. Where different seals stand on one
 * picture nobody can say which the paper goes by, and the verdict is inconclusive.
 */
export async function verifyCodes({ codes }: ReadCodes, context: VerifyContext): Promise<Report> {
  const seals = new Map<string, string>();
  for (const { text } of codes) {
    const seal = sealIn(text);
    if (seal !== undefined) seals.set(seal, text);
  }
  for (const seal of seals.keys()) {
    const [bare = '', presentation] = seal.split('.');
    if (presentation !== undefined) seals.delete(bare);
  }
  const [first] = seals.values();
  const shown = first ?? codes[0]?.text;
  if (shown !== undefined && seals.size <= 1) return verifySeal(shown, context);

  const list = new Checklist(context.language);
  checkFreshness(list, context.trust.bundle, context.now);
  if (shown === undefined) list.refused('seal', 'SIGNED_DATA_NOT_FOUND', 'seal.no-code');
  else list.refused('seal', 'SIGNED_DATA_NOT_FOUND', 'seal.many', { count: seals.size });
  return reportOn(list, { subject: 'unknown' }, context);
}
