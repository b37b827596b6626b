import type { Awaitable, SignatureAlgorithm } from '../crypto/backend.ts';

/** A private key that may be used but not seen: in a file, in a token, in a test. */
export interface Signer {
  readonly algorithm: SignatureAlgorithm;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** ECDSA as r||s. */
  sign(data: Uint8Array): Awaitable<Uint8Array>;
}

/** A signer with its certificate and the certificates between it and a root (issuer first, root left out), DER. */
export interface CertifiedSigner extends Signer {
  readonly certificate: Uint8Array;
  readonly chain: readonly Uint8Array[];
}
