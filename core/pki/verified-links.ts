import { toHex } from '../bytes.ts';
import type { CryptoBackend, PublicKey, SignatureAlgorithm } from '../crypto/backend.ts';
import { ecdsaSignatureFromDer } from '../crypto/ecdsa-signature.ts';
import type { PublicKeyAlgorithm } from '../crypto/spki.ts';
import { ConsulError } from '../errors.ts';
import { type AlgorithmIdentifier, signatureAlgorithmFor } from './algorithm.ts';
import { type AlgorithmPolicy, acceptableUntil } from './algorithm-policy.ts';

/** A signed structure of X.509: certificate, CRL or OCSP response. */
export interface SignedStructure {
  readonly bytes: Uint8Array;
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
}

export interface IssuerKey {
  readonly spki: Uint8Array;
  readonly publicKeyAlgorithm: PublicKeyAlgorithm;
}

/**
 * Signatures found good before, by the digest of the issuer's key and the whole signed structure, so that thousands
 * of documents under one CA cost one check. Nothing but the signature is remembered: time, usage and revocation are
 * judged anew each time.
 */
export class VerifiedLinks {
  readonly #capacity: number;
  readonly #known = new Set<string>();
  /** By the bytes of a structure that was read, so that a large CRL is digested once. */
  readonly #digests = new WeakMap<Uint8Array, string>();

  constructor(capacity = 10_000) {
    this.#capacity = capacity;
  }

  /** What names a link: the digests of both ends. */
  async name(backend: CryptoBackend, issuer: IssuerKey, signed: SignedStructure): Promise<string> {
    return (await this.#digest(backend, issuer.spki)) + (await this.#digest(backend, signed.bytes));
  }

  async #digest(backend: CryptoBackend, bytes: Uint8Array): Promise<string> {
    const known = this.#digests.get(bytes);
    if (known) return known;
    const digest = toHex(await backend.digest('sha256', bytes));
    this.#digests.set(bytes, digest);
    return digest;
  }

  has(link: string): boolean {
    return this.#known.has(link);
  }

  /** The oldest is forgotten where the capacity is reached. */
  add(link: string): void {
    for (const oldest of this.#known) {
      if (this.#known.size < this.#capacity) break;
      this.#known.delete(oldest);
    }
    this.#known.add(link);
  }
}

export type LinkVerdict = 'good' | 'bad-signature' | 'algorithm' | 'too-complex';

/** Checks signatures between certificates, each once, not more than a bound of them, under one policy. */
export class LinkChecker {
  readonly #backend: CryptoBackend;
  readonly #links: VerifiedLinks;
  readonly #policy: AlgorithmPolicy;
  readonly #keys = new Map<string, PublicKey>();
  readonly #failed = new Map<string, LinkVerdict>();
  #left: number;

  constructor(backend: CryptoBackend, links: VerifiedLinks, maxChecks: number, policy: AlgorithmPolicy) {
    this.#backend = backend;
    this.#links = links;
    this.#policy = policy;
    this.#left = maxChecks;
  }

  /** @param at the control time, at which the algorithm must be acceptable */
  async check(issuer: IssuerKey, signed: SignedStructure, at: Date): Promise<LinkVerdict> {
    const algorithm = acceptedAlgorithm(signed.signatureAlgorithm, issuer.publicKeyAlgorithm);
    if (!algorithm || at.getTime() >= this.endOf(issuer, signed)) return 'algorithm';
    const link = await this.#links.name(this.#backend, issuer, signed);
    if (this.#links.has(link)) return 'good';
    const known = this.#failed.get(link);
    if (known) return known;
    const verdict = await this.#verify(issuer, signed, algorithm);
    if (verdict === 'good') this.#links.add(link);
    else if (verdict !== 'too-complex') this.#failed.set(link, verdict);
    return verdict;
  }

  /** When the algorithm of this link ends to be acceptable, in milliseconds since 1970. */
  endOf(issuer: IssuerKey, signed: SignedStructure): number {
    const signature = acceptedAlgorithm(signed.signatureAlgorithm, issuer.publicKeyAlgorithm);
    if (!signature) return Number.NEGATIVE_INFINITY;
    return acceptableUntil({ signature, key: issuer.publicKeyAlgorithm }, this.#policy);
  }

  async #verify(
    issuer: IssuerKey,
    signed: SignedStructure,
    algorithm: SignatureAlgorithm,
  ): Promise<LinkVerdict> {
    const signature =
      algorithm.name === 'ecdsa'
        ? ecdsaSignatureFromDer(signed.signature, algorithm.curve)
        : signed.signature;
    if (!signature) return 'bad-signature';
    if (this.#left <= 0) return 'too-complex';
    this.#left -= 1;
    const key = await this.#importKey(algorithm, issuer.spki);
    if (!key) return 'algorithm';
    return (await key.verify(signature, signed.tbs)) ? 'good' : 'bad-signature';
  }

  async #importKey(algorithm: SignatureAlgorithm, spki: Uint8Array): Promise<PublicKey | undefined> {
    const id = `${JSON.stringify(algorithm)} ${toHex(spki)}`;
    const known = this.#keys.get(id);
    if (known) return known;
    try {
      const key = await this.#backend.importPublicKey(algorithm, spki);
      this.#keys.set(id, key);
      return key;
    } catch (error) {
      // A key that looks right and is none, for instance a point off the curve, is a verdict about the certificate.
      if (error instanceof ConsulError && error.code === 'CERTIFICATE_INVALID') return undefined;
      throw error;
    }
  }
}

function acceptedAlgorithm(
  identifier: AlgorithmIdentifier,
  key: PublicKeyAlgorithm,
): SignatureAlgorithm | undefined {
  try {
    return signatureAlgorithmFor(identifier, key);
  } catch (error) {
    if (error instanceof ConsulError && error.code === 'DER_INVALID') return undefined;
    throw error;
  }
}
