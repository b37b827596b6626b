import { ecdsaSignatureToDer } from '../crypto/ecdsa-signature.ts';
import { bitString, sequence } from '../der/writer.ts';
import { writeAlgorithmIdentifier } from './algorithm.ts';
import type { Signer } from './signer.ts';

/**
 * SIGNED{} of X.509: what is signed, how, and the signature; certificates, CRLs and OCSP responses have this form.
 * @param more what a BasicOCSPResponse has after its signature
 */
export async function signedStructure(
  tbs: Uint8Array,
  signer: Signer,
  ...more: readonly Uint8Array[]
): Promise<Uint8Array> {
  const value = await signer.sign(tbs);
  const signature = signer.algorithm.name === 'ecdsa' ? ecdsaSignatureToDer(value) : value;
  return sequence(tbs, writeAlgorithmIdentifier(signer.algorithm), bitString(signature), ...more);
}
