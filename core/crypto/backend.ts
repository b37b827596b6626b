/** A value that one backend has at once (node:crypto) and another later (WebCrypto). Always `await` it. */
export type Awaitable<T> = T | Promise<T>;

export type DigestName = 'sha256' | 'sha384' | 'sha512';

export type CurveName = 'P-256' | 'P-384' | 'P-521';

/**
 * A signature scheme with all of its parameters. ECDSA signatures are always r||s here (IEEE P1363, twice the
 * length of the field); the DER form of CMS and X.509 is converted at the edge by `ecdsaSignatureFromDer`.
 */
export type SignatureAlgorithm =
  | { readonly name: 'ecdsa'; readonly curve: CurveName; readonly hash: DigestName }
  | { readonly name: 'rsa-pkcs1'; readonly hash: DigestName }
  | { readonly name: 'rsa-pss'; readonly hash: DigestName; readonly saltLength: number }
  | { readonly name: 'ed25519' };

/** The curves of RFC 5639 that seals of ICAO and of German authorities are signed on. */
export type BrainpoolCurve =
  | 'brainpoolP224r1'
  | 'brainpoolP256r1'
  | 'brainpoolP320r1'
  | 'brainpoolP384r1'
  | 'brainpoolP512r1';

/**
 * ECDSA for foreign seals only. It is no `SignatureAlgorithm`, so that nothing which judges documents, certificates or
 * time-stamps can come to accept these curves or SHA-224. A backend may lack it.
 */
export interface BrainpoolAlgorithm {
  readonly name: 'ecdsa-brainpool';
  readonly curve: BrainpoolCurve;
  readonly hash: DigestName | 'sha224';
}

/** A parsed public key bound to one scheme; parse once, use often (parsing costs fifteen signatures). */
export interface PublicKey {
  /** False for any signature that is wrong in value, length or range; never throws for a wrong one. */
  verify(signature: Uint8Array, data: Uint8Array): Awaitable<boolean>;
}

/** What verification needs of a platform. Adapters: `nodeBackend` (node:crypto), `webBackend` (WebCrypto). */
export interface CryptoBackend {
  /** SHA-1 only names things (certificate references of ICAO bar codes); no signature is ever checked over it. */
  digest(name: DigestName | 'sha1', data: Uint8Array): Awaitable<Uint8Array>;
  /**
   * @param spki DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7); its algorithm and curve must be those of `algorithm`
   * @throws ConsulError CERTIFICATE_INVALID when the key cannot be parsed or is of another kind,
   *   ALGORITHM_UNSUPPORTED for a brainpool curve that this platform does not have
   */
  importPublicKey(algorithm: SignatureAlgorithm | BrainpoolAlgorithm, spki: Uint8Array): Awaitable<PublicKey>;
  random(length: number): Uint8Array;
}
