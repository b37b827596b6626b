import { ConsulError } from '../errors.ts';
import type {
  BrainpoolAlgorithm,
  CryptoBackend,
  CurveName,
  DigestName,
  PublicKey,
  SignatureAlgorithm,
} from './backend.ts';
import { curves } from './curves.ts';
import { importableSpki } from './spki.ts';

const hashNames: Readonly<Record<DigestName | 'sha1', string>> = {
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
};

type ImportParameters = AlgorithmIdentifier | EcKeyImportParams | RsaHashedImportParams;
type VerifyParameters = AlgorithmIdentifier | EcdsaParams | RsaPssParams;

function parameters(algorithm: SignatureAlgorithm): { import: ImportParameters; verify: VerifyParameters } {
  switch (algorithm.name) {
    case 'ecdsa':
      return {
        import: { name: 'ECDSA', namedCurve: algorithm.curve satisfies CurveName },
        verify: { name: 'ECDSA', hash: hashNames[algorithm.hash] },
      };
    case 'rsa-pkcs1': {
      const scheme = { name: 'RSASSA-PKCS1-v1_5', hash: hashNames[algorithm.hash] };
      return { import: scheme, verify: scheme };
    }
    case 'rsa-pss':
      return {
        import: { name: 'RSA-PSS', hash: hashNames[algorithm.hash] },
        verify: { name: 'RSA-PSS', saltLength: algorithm.saltLength },
      };
    case 'ed25519':
      return { import: { name: 'Ed25519' }, verify: { name: 'Ed25519' } };
  }
}

/** The length that is right before the platform looks; RSA is left to it. */
function hasRightLength(algorithm: SignatureAlgorithm, signature: Uint8Array): boolean {
  switch (algorithm.name) {
    case 'ecdsa':
      return signature.length === 2 * curves[algorithm.curve].fieldLength;
    case 'ed25519':
      return signature.length === 64;
    case 'rsa-pkcs1':
    case 'rsa-pss':
      return true;
  }
}

/** WebCrypto takes no view of shared memory, and no caller has one. */
const source = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>;

/** The backend over WebCrypto, for browsers; every answer is a promise. */
export function webBackend(crypto: Crypto): CryptoBackend {
  const { subtle } = crypto;
  return {
    digest: async (name, data) => new Uint8Array(await subtle.digest(hashNames[name], source(data))),

    async importPublicKey(
      algorithm: SignatureAlgorithm | BrainpoolAlgorithm,
      spki: Uint8Array,
    ): Promise<PublicKey> {
      const importable = importableSpki(algorithm, spki);
      // No WebCrypto has the curves of RFC 5639, nor SHA-224.
      if (algorithm.name === 'ecdsa-brainpool')
        throw new ConsulError('ALGORITHM_UNSUPPORTED', `this platform has no ${algorithm.curve}`);
      const names = parameters(algorithm);
      let key: CryptoKey;
      try {
        key = await subtle.importKey('spki', source(importable), names.import, false, ['verify']);
      } catch (cause) {
        const lacking = cause instanceof Error && cause.name === 'NotSupportedError';
        throw new ConsulError(
          'CERTIFICATE_INVALID',
          lacking
            ? `this platform cannot check ${algorithm.name} signatures`
            : 'the public key is not a valid key',
          { cause },
        );
      }
      return {
        verify: async (signature, data) =>
          hasRightLength(algorithm, signature) &&
          subtle.verify(names.verify, key, source(signature), source(data)),
      };
    },

    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
  };
}
