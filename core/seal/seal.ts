import type { Awaitable, CryptoBackend, PublicKey } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import type { CertifiedSigner } from '../pki/signer.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { claimsFromCbor, claimsToCbor, type SealClaims, type UnknownClaim } from './claims.ts';
import { type CosePreparation, prepareCose, protectedKid, readCose, signCose, toBeSigned } from './cose.ts';
import { lowS } from './low-s.ts';

/** ES256 (RFC 9053 §2.1), which is written, and its fully specified twin ESP256 (RFC 9864 §2.1). */
const es256 = -7;
const esp256 = -9;
const kidLength = 8;
const signatureLength = 64;
/** The largest QR code holds 4,296 characters of base32, which are 2,685 bytes. */
const maximumSeal = 2685;

/** A signer whose part of every seal is ready: parsed and hashed once, used for all. */
export interface SealSigner {
  readonly kid: Uint8Array;
  readonly cose: CosePreparation;
  sign(toBeSigned: Uint8Array): Awaitable<Uint8Array>;
}

/** A seal as it was read: well-formed, and its signature not yet checked. */
export interface Seal {
  /** The whole COSE_Sign1. */
  readonly cose: Uint8Array;
  /** First 8 bytes of the SHA-256 of the signer's certificate. */
  readonly kid: Uint8Array;
  readonly algorithm: typeof es256 | typeof esp256;
  readonly claims: SealClaims;
  readonly unknown: readonly UnknownClaim[];
  readonly protected: Uint8Array;
  readonly payload: Uint8Array;
  /** r||s, 64 bytes. */
  readonly signature: Uint8Array;
  readonly toBeSigned: Uint8Array;
}

/** The key identifier of seals: the first 8 bytes of SHA-256 over the certificate's DER. */
export async function sealKid(
  certificate: Uint8Array,
  backend: Pick<CryptoBackend, 'digest'>,
): Promise<Uint8Array> {
  return (await backend.digest('sha256', certificate)).slice(0, kidLength);
}

/**
 * Makes ready what is the same in all seals of one signer.
 *
 * @throws ConsulError KEY_INVALID when the key is not for ECDSA on P-256 with SHA-256
 */
export async function prepareSealSigner(
  signer: CertifiedSigner,
  backend: Pick<CryptoBackend, 'digest'>,
): Promise<SealSigner> {
  const { algorithm } = signer;
  if (algorithm.name !== 'ecdsa' || algorithm.curve !== 'P-256' || algorithm.hash !== 'sha256') {
    throw new ConsulError('KEY_INVALID', 'seals are signed with ECDSA on P-256 and SHA-256');
  }
  const kid = await sealKid(signer.certificate, backend);
  return { kid, cose: prepareCose(es256, kid), sign: (data) => signer.sign(data) };
}

/**
 * Claims in, COSE_Sign1 out; at once when the signer signs at once.
 *
 * @throws ConsulError SCHEMA_VIOLATION when a claim has no valid form
 */
export function makeSeal(claims: SealClaims, signer: SealSigner): Awaitable<Uint8Array> {
  const payload = encodeCbor(claimsToCbor(claims));
  return signCose(payload, signer.cose, (data) => {
    const signature = signer.sign(data);
    return signature instanceof Uint8Array ? checkedLowS(signature) : signature.then(checkedLowS);
  });
}

/**
 * Reads a seal in the one form that `makeSeal` gives: tag 18, protected algorithm and key identifier, nothing
 * unprotected, deterministic CBOR throughout. ESP256 and a high s are read as well.
 *
 * @throws ConsulError SEAL_INVALID or CBOR_INVALID
 */
export function readSeal(cose: Uint8Array): Seal {
  const sign1 = readCose(cose, maximumSeal);
  const { algorithm, signature, payload } = sign1;
  if (algorithm !== es256 && algorithm !== esp256) {
    throw new ConsulError('SEAL_INVALID', `COSE algorithm ${algorithm} is not one of seals (-7, -9)`);
  }
  const kid = protectedKid(sign1);
  if (kid?.length !== kidLength) {
    throw new ConsulError('SEAL_INVALID', `the seal has no protected key identifier of ${kidLength} bytes`);
  }
  if (sign1.unprotected.size > 0) {
    throw new ConsulError('SEAL_INVALID', 'the seal has headers that its signature does not cover');
  }
  if (signature.length !== signatureLength) {
    throw new ConsulError('SEAL_INVALID', `a signature of ${signature.length} bytes is not r||s of P-256`);
  }
  return {
    cose,
    kid,
    algorithm,
    ...claimsFromCbor(decodeCbor(payload, maximumSeal)),
    protected: sign1.protected,
    payload,
    signature,
    toBeSigned: toBeSigned(sign1),
  };
}

/** Whether the key made this seal. Trust in the key, its time and its state are for the caller. */
export function checkSealSignature(
  seal: Pick<Seal, 'signature' | 'toBeSigned'>,
  publicKey: PublicKey,
): Awaitable<boolean> {
  return publicKey.verify(seal.signature, seal.toBeSigned);
}

function checkedLowS(signature: Uint8Array): Uint8Array {
  if (signature.length !== signatureLength) {
    throw new ConsulError(
      'KEY_INVALID',
      `the signer gave ${signature.length} bytes instead of r||s of P-256`,
    );
  }
  return lowS(signature);
}
