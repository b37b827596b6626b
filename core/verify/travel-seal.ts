import { namedCurveSpki } from '../crypto/explicit-curve.ts';
import { readSpki } from '../crypto/spki.ts';
import { signatureOf } from '../seal/foreign/signature-claim.ts';
import type { VdsSeal } from '../seal/foreign/vds-document.ts';
import { type KnownKey, keyState, shownName, type Trust } from './trust.ts';
import { type Checklist, sayTime } from './words.ts';

/**
 * Signature and signer of an ICAO seal, as at a time.
 * @param key the one that the seal names, where the bundle has it
 * @param at.post the post that must have made it, where that is known
 */
export async function checkTravelSeal(
  list: Checklist,
  seal: VdsSeal,
  key: KnownKey | undefined,
  at: {
    readonly trust: Trust;
    readonly time: Date;
    readonly provenIndex?: number | undefined;
    readonly post?: string;
  },
): Promise<void> {
  if (!key) {
    list.refused('travel-seal', 'NO_SIGNING_CERTIFICATE_FOUND', 'travel-seal.unknown');
    return;
  }
  const { certificate, entry } = key;
  if (!(await isSignedBy(seal, certificate.spki, at.trust))) {
    list.refused('travel-seal', 'SIG_CRYPTO_FAILURE', 'travel-seal.signature');
    return;
  }
  const values = { name: shownName(certificate), time: sayTime(list.language, at.time) };
  const path = await key.pathAt(at.time);
  const state = keyState(entry, at.time, at.provenIndex);
  if (!path.ok)
    list.refused('travel-seal', 'CHAIN_CONSTRAINTS_FAILURE', 'seal-signer.path', {
      ...values,
      detail: path.message,
    });
  else if (at.post !== undefined && entry.post !== at.post)
    list.refused('travel-seal', 'SIG_CONSTRAINTS_FAILURE', 'seal-signer.post', {
      claimed: at.post,
      actual: entry.post,
    });
  else if (state !== 'active') list.refused('travel-seal', 'REVOKED', `signer.${state}`, values);
  else if (seal.document !== 'emergency-travel-document')
    list.refused('travel-seal', 'CHAIN_CONSTRAINTS_FAILURE', 'travel-seal.kind');
  else
    list.passed('travel-seal', at.post === undefined ? 'travel-seal.alone' : 'travel-seal.passed', {
      post: entry.post,
    });
}

async function isSignedBy(seal: VdsSeal, certified: Uint8Array, { backend }: Trust): Promise<boolean> {
  const claim = signatureOf(seal);
  const spki = namedCurveSpki(certified);
  const algorithm = typeof claim === 'object' ? claim.algorithm(readSpki(spki)) : undefined;
  if (!algorithm || typeof claim !== 'object') return false;
  const key = await backend.importPublicKey(algorithm, spki);
  for (const data of claim.toBeSigned) if (await key.verify(claim.signature, data)) return true;
  return false;
}
