import { equalBytes } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import { type Presentation, presentedDigest, readPresentation } from '../seal/disclosure.ts';
import type { Seal } from '../seal/seal.ts';
import type { Disclosed } from './report.ts';
import type { Checklist } from './words.ts';

/**
 * Holds what a holder shows of the private fields against the digest in the seal, whose signature is checked before.
 * One wrong field makes the whole presentation wrong: nothing of it is then told as proven.
 *
 * @param bytes the presentation beside the seal, where there is one
 */
export async function checkDisclosures(
  list: Checklist,
  { claims }: Seal,
  bytes: Uint8Array | undefined,
  backend: Pick<CryptoBackend, 'digest'>,
): Promise<Disclosed | undefined> {
  const { privateDigest } = claims.document;
  if (bytes === undefined) {
    if (privateDigest) list.notChecked('disclosures', 'disclosures.none');
    return undefined;
  }
  if (!privateDigest) {
    list.refused('disclosures', 'HASH_FAILURE', 'disclosures.foreign');
    return undefined;
  }
  const presentation = presentationIn(list, bytes);
  if (!presentation) return undefined;
  const { shown, withheld } = presentation;
  const counts = { shown: shown.length, withheld: withheld.length };
  if (new Set(shown.map(({ label }) => label)).size < shown.length)
    list.refused('disclosures', 'HASH_FAILURE', 'disclosures.doubled');
  else if (!equalBytes(await presentedDigest(presentation, backend), privateDigest))
    list.refused('disclosures', 'HASH_FAILURE', 'disclosures.failed');
  else {
    list.passed('disclosures', 'disclosures.passed', counts);
    return { fields: shown.map(({ label, value }) => ({ label, value })), withheld: withheld.length };
  }
  return undefined;
}

function presentationIn(list: Checklist, bytes: Uint8Array): Presentation | undefined {
  try {
    return readPresentation(bytes);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    list.refused('disclosures', 'FORMAT_FAILURE', 'disclosures.broken', { detail: error.message });
    return undefined;
  }
}
