import {
  constants,
  createPublicKey,
  hash,
  type KeyObject,
  verify as nodeVerify,
  randomBytes,
} from 'node:crypto';
import { ConsulError } from '../errors.ts';
import type { CryptoBackend, PublicKey, SignatureAlgorithm } from './backend.ts';
import { curves } from './curves.ts';
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

function publicKey(algorithm: SignatureAlgorithm, key: KeyObject): PublicKey {
  switch (algorithm.name) {
    case 'ecdsa': {
      const length = 2 * curves[algorithm.curve].fieldLength;
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
  importPublicKey: (algorithm, spki) => publicKey(algorithm, keyObject(importableSpki(algorithm, spki))),
  random: (length) => plain(randomBytes(length)),
};
