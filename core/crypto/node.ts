import {
  constants,
  createPublicKey,
  getCurves,
  hash,
  type KeyObject,
  verify as nodeVerify,
  randomBytes,
} from 'node:crypto';
import { ConsulError } from '../errors.ts';
import type { BrainpoolAlgorithm, CryptoBackend, PublicKey, SignatureAlgorithm } from './backend.ts';
import { brainpoolCurves, curves } from './curves.ts';
import { importableSpki } from './spki.ts';

/** The same bytes without the ways of Buffer, whose `slice` shares memory. */
const plain = (buffer: Buffer): Uint8Array =>
  new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);

function keyObject(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({
      key: Buffer.from(spki.buffer, spki.byteOffset, spki.byteLength),
      format: 'der',
      type: 'spki',
    });
  } catch (cause) {
    throw new ConsulError('CERTIFICATE_INVALID', 'the public key is not a valid key', { cause });
  }
}

/** OpenSSL may have been built without the curves of RFC 5639. */
function demandCurve(algorithm: SignatureAlgorithm | BrainpoolAlgorithm): void {
  if (algorithm.name === 'ecdsa-brainpool' && !getCurves().includes(algorithm.curve))
    throw new ConsulError('ALGORITHM_UNSUPPORTED', `this platform has no ${algorithm.curve}`);
}

function publicKey(algorithm: SignatureAlgorithm | BrainpoolAlgorithm, key: KeyObject): PublicKey {
  switch (algorithm.name) {
    case 'ecdsa':
    case 'ecdsa-brainpool': {
      const { fieldLength } =
        algorithm.name === 'ecdsa' ? curves[algorithm.curve] : brainpoolCurves[algorithm.curve];
      const length = 2 * fieldLength;
      const input = { key, dsaEncoding: 'ieee-p1363' as const };
      return {
        verify: (signature, data) =>
          signature.length === length && nodeVerify(algorithm.hash, data, input, signature),
      };
    }
    case 'rsa-pkcs1': {
      const input = { key, padding: constants.RSA_PKCS1_PADDING };
      return { verify: (signature, data) => nodeVerify(algorithm.hash, data, input, signature) };
    }
    case 'rsa-pss': {
      const input = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltLength };
      return { verify: (signature, data) => nodeVerify(algorithm.hash, data, input, signature) };
    }
    case 'ed25519':
      return {
        verify: (signature, data) => signature.length === 64 && nodeVerify(null, data, key, signature),
      };
  }
}

/** The backend over node:crypto; every answer is there at once. */
export const nodeBackend: CryptoBackend = {
  digest: (name, data) => plain(hash(name, data, 'buffer')),
  importPublicKey: (algorithm, spki) => {
    const importable = importableSpki(algorithm, spki);
    demandCurve(algorithm);
    return publicKey(algorithm, keyObject(importable));
  },
  random: (length) => plain(randomBytes(length)),
};
