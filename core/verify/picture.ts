import { ConsulError } from '../errors.ts';
import { readCarrier } from '../seal/carrier.ts';
import type { ReadCodes } from '../seal/picture.ts';
import type { Report } from './report.ts';
import { reportOn, type VerifyContext, verifySeal } from './seal.ts';
import { checkFreshness } from './trust.ts';
import { Checklist } from './words.ts';

function isSeal(text: string): boolean {
  try {
    readCarrier(text);
    return true;
  } catch (error) {
    if (error instanceof ConsulError && error.code === 'SEAL_FOREIGN') return false;
    if (error instanceof ConsulError) return true;
    throw error;
  }
}

/**
 * The verdict on a picture or scan, from the codes that were read on it: that of its one seal. Where several seals
 * stand on one picture nobody can say which the paper goes by, and the verdict is inconclusive unless they agree.
 */
export async function verifyCodes({ codes }: ReadCodes, context: VerifyContext): Promise<Report> {
  const seals = codes.filter((code) => isSeal(code.text));
  const [first, ...more] = seals;
  const shown = first ?? codes[0];
  if (shown && more.length === 0) return verifySeal(shown.text, context);

  const list = new Checklist(context.language);
  checkFreshness(list, context.trust.bundle, context.now);
  if (shown) list.refused('seal', 'SIGNED_DATA_NOT_FOUND', 'seal.many', { count: seals.length });
  else list.refused('seal', 'SIGNED_DATA_NOT_FOUND', 'seal.no-code');
  return reportOn(list, { subject: 'unknown' }, context);
}
