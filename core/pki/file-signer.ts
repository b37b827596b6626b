import { constants, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { CurveName, SignatureAlgorithm } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import type { CertifiedSigner, Signer } from './signer.ts';

const curveNames: Readonly<Record<string, CurveName>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

function algorithmOf(key: KeyObject): SignatureAlgorithm {
  if (key.asymmetricKeyType === 'ed25519') return { name: 'ed25519' };
  const curve = curveNames[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (curve)
    return {
      name: 'ecdsa',
      curve,
      hash: curve === 'P-384' ? 'sha384' : curve === 'P-521' ? 'sha512' : 'sha256',
    };
  // RFC 8017 §8.1, the salt as long as the hash; PKCS#1 v1.5 may not be used any more in a few years (TS 119 312).
  if (key.asymmetricKeyType === 'rsa') return { name: 'rsa-pss', hash: 'sha256', saltLength: 32 };
  throw new ConsulError('KEY_INVALID', `a private key of the kind ${key.asymmetricKeyType} cannot sign here`);
}

/** A signer over a private key held in memory. @throws ConsulError KEY_INVALID */
export function keySigner(key: KeyObject): Signer {
  const algorithm = algorithmOf(key);
  const hash = algorithm.name === 'ed25519' ? undefined : algorithm.hash;
  const options =
    algorithm.name === 'rsa-pss'
      ? ({ key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltLength } as const)
      : ({ key, dsaEncoding: 'ieee-p1363' } as const);
  return {
    algorithm,
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'der' }),
    sign: (data) => sign(hash, data, options),
  };
}

export function certifiedSigner(
  key: KeyObject,
  certificate: Uint8Array,
  chain: readonly Uint8Array[],
): CertifiedSigner {
  return { ...keySigner(key), certificate, chain };
}
