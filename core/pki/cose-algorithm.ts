import type { SignatureAlgorithm } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';

/** COSE algorithms of keys that have certificates: ES256, ES384 (RFC 9053 §2.1) and PS256 (RFC 8230 §2). */
const algorithms: readonly (readonly [number, SignatureAlgorithm])[] = [
  [-7, { name: 'ecdsa', curve: 'P-256', hash: 'sha256' }],
  [-35, { name: 'ecdsa', curve: 'P-384', hash: 'sha384' }],
  [-37, { name: 'rsa-pss', hash: 'sha256', saltLength: 32 }],
];

const curveOf = (algorithm: SignatureAlgorithm): string | undefined =>
  algorithm.name === 'ecdsa' ? algorithm.curve : undefined;

/** @throws ConsulError KEY_INVALID for a key that signs in another way */
export function coseAlgorithmOf(algorithm: SignatureAlgorithm): number {
  for (const [id, known] of algorithms)
    if (known.name === algorithm.name && curveOf(known) === curveOf(algorithm)) return id;
  throw new ConsulError('KEY_INVALID', `a key for ${algorithm.name} signs no statements here`);
}

export const signatureAlgorithmOf = (id: number): SignatureAlgorithm | undefined =>
  algorithms.find(([known]) => known === id)?.[1];
