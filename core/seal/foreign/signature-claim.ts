import type { BrainpoolAlgorithm, DigestName, SignatureAlgorithm } from '../../crypto/backend.ts';
import { brainpoolCurves, curves } from '../../crypto/curves.ts';
import type { PublicKeyAlgorithm } from '../../crypto/spki.ts';
import type { ForeignSeal } from './read.ts';
import type { ForeignToken } from './token.ts';
import { signerNames } from './trust-list.ts';

export type Algorithm = SignatureAlgorithm | BrainpoolAlgorithm;

/** What a seal says of its signature. */
export interface SignatureClaim {
  readonly signature: Uint8Array;
  /** What it may cover; one of them is enough. */
  readonly toBeSigned: readonly Uint8Array[];
  /** Names under which a trust list may know the signer. */
  readonly names: readonly string[];
  /** A certificate that came with the seal. */
  readonly certificate?: Uint8Array;
  /** The scheme with a key of this kind; undefined where the two do not go together or it is not accepted. */
  algorithm(key: PublicKeyAlgorithm): Algorithm | undefined;
}

/** @returns undefined for a seal that says of itself that it is not signed */
export function signatureOf(seal: ForeignSeal): SignatureClaim | 'encrypted' | undefined {
  switch (seal.system) {
    case 'claim169-encrypted':
      return 'encrypted';
    case 'hcert':
      return tokenSignature(seal.token, []);
    case 'claim169':
      return tokenSignature(
        seal.token,
        seal.token.issuer === undefined ? [] : [signerNames.issuer(seal.token.issuer)],
      );
    case '2d-doc':
      return {
        signature: seal.signature,
        toBeSigned: seal.toBeSigned,
        names: [signerNames.twoDDoc(seal.authority, seal.certificate)],
        algorithm: ecdsaBySize,
      };
    case 'vds': {
      const { header, signature, toBeSigned } = seal.vds;
      return {
        signature,
        toBeSigned: [toBeSigned],
        names: [signerNames.vds(header.signer, header.certificateReference)],
        algorithm: ecdsaBySize,
      };
    }
    case 'vds-nc':
      return {
        signature: seal.signature,
        toBeSigned: [seal.toBeSigned],
        names: [],
        ...(seal.certificate ? { certificate: seal.certificate } : {}),
        algorithm: (key) => ecdsa(key, joseHashes[seal.algorithm]),
      };
    case 'idb': {
      const { signature, toBeSigned } = seal;
      if (!signature) return undefined;
      return {
        signature: signature.value,
        toBeSigned: [toBeSigned],
        names: [signerNames.idb(signature.certificateReference)],
        ...(signature.certificate ? { certificate: signature.certificate } : {}),
        algorithm: (key) => ecdsa(key, signature.hash),
      };
    }
  }
}

const joseHashes: Readonly<Record<string, DigestName>> = {
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
};
/** COSE algorithms (RFC 9053 §2.1, RFC 8230 §2, RFC 9864). */
const coseEcdsa: Readonly<Record<number, DigestName>> = {
  [-7]: 'sha256',
  [-9]: 'sha256',
  [-35]: 'sha384',
  [-51]: 'sha384',
  [-36]: 'sha512',
  [-52]: 'sha512',
};
const cosePss: Readonly<Record<number, readonly [DigestName, number]>> = {
  [-37]: ['sha256', 32],
  [-38]: ['sha384', 48],
  [-39]: ['sha512', 64],
};
const coseEdDsa: readonly (number | undefined)[] = [-8, -19];

function tokenSignature(token: ForeignToken, otherNames: readonly string[]): SignatureClaim {
  const { algorithm, kid, signature, toBeSigned } = token;
  return {
    signature,
    toBeSigned: [toBeSigned],
    names: kid ? [signerNames.kid(kid)] : otherNames,
    algorithm: (key) => {
      if (algorithm === undefined) return undefined;
      if (key.kind === 'ec') return ecdsa(key, coseEcdsa[algorithm]);
      const pss = cosePss[algorithm];
      if (key.kind === 'rsa') return pss && { name: 'rsa-pss', hash: pss[0], saltLength: pss[1] };
      return key.kind === 'ed25519' && coseEdDsa.includes(algorithm) ? { name: 'ed25519' } : undefined;
    },
  };
}

/** ECDSA with this hash and a key of this kind. */
export function ecdsa(
  key: PublicKeyAlgorithm,
  hash: DigestName | 'sha224' | undefined,
): Algorithm | undefined {
  if (hash === undefined) return undefined;
  if (key.kind === 'ec' && hash !== 'sha224') return { name: 'ecdsa', curve: key.curve, hash };
  if (key.kind === 'unsupported' && key.brainpool)
    return { name: 'ecdsa-brainpool', curve: key.brainpool, hash };
  return undefined;
}

/** Doc 9303-13 §2.4, ANTS §3.5: the hash goes by the size of the curve. */
function ecdsaBySize(key: PublicKeyAlgorithm): Algorithm | undefined {
  const octets =
    key.kind === 'ec'
      ? curves[key.curve].fieldLength
      : key.kind === 'unsupported' && key.brainpool
        ? brainpoolCurves[key.brainpool].fieldLength
        : undefined;
  if (octets === undefined) return undefined;
  return ecdsa(key, octets <= 28 ? 'sha224' : octets <= 32 ? 'sha256' : octets <= 48 ? 'sha384' : 'sha512');
}
