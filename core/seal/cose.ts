import { concatBytes, utf8 } from '../bytes.ts';
import type { Awaitable } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import { type CborKey, type CborMap, type CborValue, decodeCbor, encodeCbor, type KeyOrder } from './cbor.ts';

/** COSE header parameters (RFC 9052 §3.1, table 3; `type` is RFC 9596). */
const header = { algorithm: 1, critical: 2, kid: 4, type: 16 } as const;
/** Header parameters whose meaning is acted upon here; only these may be named as critical. */
const understood = new Set<CborValue>([header.algorithm, header.kid]);

/** COSE_Sign1 (RFC 9052 §4.2), read and not yet verified. */
export interface CoseSign1 {
  /** The protected header as it stands in the structure and is signed. */
  readonly protected: Uint8Array;
  readonly headers: CborMap;
  /** Not signed: anyone may have changed it. */
  readonly unprotected: CborMap;
  /** COSE algorithm, taken from the protected header alone. */
  readonly algorithm: number;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** What is the same in every COSE_Sign1 of one key: made once by `prepareCose`. */
export interface CosePreparation {
  /** Tag 18, array of four, protected header, empty unprotected header. */
  readonly opening: Uint8Array;
  /** Sig_structure up to the payload. */
  readonly toBeSignedOpening: Uint8Array;
}

/** Tag 18 (RFC 9052 table 1), then an array of four. */
const tag = 0xd2;
const arrayOfFour = 0x84;
const emptyMap = 0xa0;
const emptyBytes = 0x40;
/** Sig_structure: an array of four that begins with the context of COSE_Sign1 (RFC 9052 §4.4). */
const signatureContext = concatBytes(Uint8Array.of(arrayOfFour, 0x6a), utf8('Signature1'));

/** @param type media type of the whole, where its format asks for one (RFC 9596) */
export function prepareCose(algorithm: number, kid: Uint8Array, type?: string): CosePreparation {
  const headers = new Map<CborKey, CborValue>([
    [header.algorithm, algorithm],
    [header.kid, kid],
  ]);
  if (type !== undefined) headers.set(header.type, type);
  const protectedHeader = byteString(encodeCbor(headers));
  return {
    opening: concatBytes(Uint8Array.of(tag, arrayOfFour), protectedHeader, Uint8Array.of(emptyMap)),
    toBeSignedOpening: concatBytes(signatureContext, protectedHeader, Uint8Array.of(emptyBytes)),
  };
}

/**
 * Signs a payload with a prepared header.
 *
 * @param sign gives the signature over Sig_structure, at once or later; the result comes in the same way
 */
export function signCose(
  payload: Uint8Array,
  prepared: CosePreparation,
  sign: (toBeSigned: Uint8Array) => Awaitable<Uint8Array>,
): Awaitable<Uint8Array> {
  const head = byteStringHead(payload.length);
  const assemble = (signature: Uint8Array) =>
    concatBytes(prepared.opening, head, payload, byteStringHead(signature.length), signature);
  const signature = sign(concatBytes(prepared.toBeSignedOpening, head, payload));
  return signature instanceof Uint8Array ? assemble(signature) : signature.then(assemble);
}

/**
 * The bytes that a signature of COSE_Sign1 covers: Sig_structure (RFC 9052 §4.4).
 *
 * @param external application data that is signed and not carried
 */
export function toBeSigned(
  cose: Pick<CoseSign1, 'protected' | 'payload'>,
  external: Uint8Array = new Uint8Array(),
): Uint8Array {
  return concatBytes(
    signatureContext,
    byteString(cose.protected),
    byteString(external),
    byteStringHead(cose.payload.length),
    cose.payload,
  );
}

/**
 * Reads a tagged COSE_Sign1 in deterministic CBOR with an attached payload. A label in both headers (RFC 9052 §3), an
 * algorithm outside the protected header and a critical parameter that is not understood are refused; which algorithms
 * and keys count is for the caller to say.
 *
 * @param maximum the most bytes that are looked at
 * @param keys of the maps, as `decodeCbor` takes it
 * @throws ConsulError SEAL_INVALID when it is not a COSE_Sign1, CBOR_INVALID when it is not deterministic CBOR
 */
export function readCose(bytes: Uint8Array, maximum = 4096, keys: KeyOrder = 'sorted'): CoseSign1 {
  if (bytes[0] !== tag) throw new ConsulError('SEAL_INVALID', 'the bytes are not a COSE_Sign1 with tag 18');
  const parts = decodeCbor(bytes.subarray(1), maximum, keys);
  if (!Array.isArray(parts) || parts.length !== 4) {
    throw new ConsulError('SEAL_INVALID', 'a COSE_Sign1 is an array of four');
  }
  const [protectedHeader, unprotected, payload, signature] = parts as readonly CborValue[];
  if (
    !(protectedHeader instanceof Uint8Array) ||
    !(unprotected instanceof Map) ||
    !(payload instanceof Uint8Array) ||
    !(signature instanceof Uint8Array)
  ) {
    throw new ConsulError('SEAL_INVALID', 'a part of the COSE_Sign1 is of another type or detached');
  }
  // RFC 9052 §3: an empty protected header is an empty byte string. There is no algorithm in it either way.
  const headers = decodeCbor(protectedHeader, maximum, keys);
  if (!(headers instanceof Map)) throw new ConsulError('SEAL_INVALID', 'the protected header is not a map');
  for (const label of unprotected.keys()) {
    if (headers.has(label)) {
      throw new ConsulError('SEAL_INVALID', `header ${label} is both protected and unprotected`);
    }
  }
  demandUnderstood(headers, unprotected);
  const algorithm = headers.get(header.algorithm);
  if (typeof algorithm !== 'number') {
    throw new ConsulError('SEAL_INVALID', 'the protected header names no algorithm');
  }
  return { protected: protectedHeader, headers, unprotected, algorithm, payload, signature };
}

/** The identifier of the key, when it is in the protected header. */
export function protectedKid(cose: CoseSign1): Uint8Array | undefined {
  const kid = cose.headers.get(header.kid);
  return kid instanceof Uint8Array ? kid : undefined;
}

/** The media type of the whole (RFC 9596), when it is in the protected header. */
export function protectedType(cose: CoseSign1): string | undefined {
  const type = cose.headers.get(header.type);
  return typeof type === 'string' ? type : undefined;
}

/** The identifier of the key in either header; who names a key proves nothing by it. */
export function keyIdentifier(cose: CoseSign1): Uint8Array | undefined {
  const kid = cose.headers.get(header.kid) ?? cose.unprotected.get(header.kid);
  return kid instanceof Uint8Array ? kid : undefined;
}

/** RFC 9052 §3.1, "crit": protected, not empty, and every label in it is present and understood. */
function demandUnderstood(headers: CborMap, unprotected: CborMap): void {
  if (unprotected.has(header.critical)) {
    throw new ConsulError('SEAL_INVALID', 'the list of critical headers is not protected');
  }
  if (!headers.has(header.critical)) return;
  const labels = headers.get(header.critical);
  if (!Array.isArray(labels) || labels.length === 0) {
    throw new ConsulError('SEAL_INVALID', 'the list of critical headers is malformed');
  }
  for (const label of labels as readonly CborValue[]) {
    if (!understood.has(label) || !headers.has(label as CborKey)) {
      throw new ConsulError('SEAL_INVALID', 'a critical header is not understood');
    }
  }
}

/** The shortest head of a CBOR byte string (major type 2). */
function byteStringHead(length: number): Uint8Array {
  if (length < 24) return Uint8Array.of(0x40 | length);
  if (length < 0x100) return Uint8Array.of(0x58, length);
  if (length < 0x10000) return Uint8Array.of(0x59, length >> 8, length & 0xff);
  return Uint8Array.of(0x5a, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}

const byteString = (bytes: Uint8Array): Uint8Array => concatBytes(byteStringHead(bytes.length), bytes);
