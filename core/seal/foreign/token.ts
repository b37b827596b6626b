import { ConsulError } from '../../errors.ts';
import { toBeSigned as sigStructure } from '../cose.ts';
import {
  decodeLenientCbor,
  isTagged,
  type LenientCbor,
  type LenientKey,
  type LenientMap,
  untagged,
} from './lenient-cbor.ts';

/** A CBOR web token (RFC 8392) in COSE_Sign1 as other systems write it; its signature is not checked. */
export interface ForeignToken {
  /** COSE algorithm; undefined where no header names one. */
  readonly algorithm?: number;
  readonly kid?: Uint8Array;
  readonly issuer?: string;
  /** Seconds since 1970; a fraction is possible. */
  readonly issuedAt?: number;
  readonly notBefore?: number;
  readonly expires?: number;
  readonly claims: LenientMap;
  readonly signature: Uint8Array;
  readonly toBeSigned: Uint8Array;
}

/** What is inside COSE_Encrypt0 is for whoever has the key. */
export interface EncryptedToken {
  readonly encrypted: true;
}

/** RFC 8392 §6, RFC 9052 table 1. */
const tags = { cwt: 61, sign1: 18, encrypt0: 16 } as const;
const headers = { algorithm: 1, critical: 2, kid: 4 } as const;
const claim = { issuer: 1, expires: 4, notBefore: 5, issuedAt: 6 } as const;

/**
 * Reads a CWT in COSE_Sign1, with or without its tags. The protected header goes before the other one; critical
 * headers are refused, because none is understood here.
 *
 * @param maximum the most bytes that are looked at
 * @throws ConsulError SEAL_INVALID, CBOR_INVALID
 */
export function readToken(cose: Uint8Array, maximum: number): ForeignToken | EncryptedToken {
  const item = decodeLenientCbor(cose, maximum);
  const tag = innerTag(item);
  if (tag === tags.encrypt0) return { encrypted: true };
  if (tag !== undefined && tag !== tags.sign1) throw wrong(`tag ${tag} is not of COSE_Sign1`);
  const parts = untagged(item);
  if (!Array.isArray(parts) || parts.length !== 4) throw wrong('a COSE_Sign1 is an array of four');
  const [protectedHeader, unprotected, payload, signature] = (parts as readonly LenientCbor[]).map(untagged);
  if (
    !(protectedHeader instanceof Uint8Array) ||
    !(unprotected instanceof Map) ||
    !(payload instanceof Uint8Array) ||
    !(signature instanceof Uint8Array)
  )
    throw wrong('a part of the COSE_Sign1 is of another type or detached');
  const protectedMap =
    protectedHeader.length === 0 ? new Map() : mapIn(protectedHeader, maximum, 'the protected header');
  if (protectedMap.has(headers.critical) || unprotected.has(headers.critical))
    throw wrong('a critical header is not understood');
  const header = (label: LenientKey): LenientCbor =>
    untagged(protectedMap.has(label) ? protectedMap.get(label) : unprotected.get(label));
  const algorithm = header(headers.algorithm);
  const kid = header(headers.kid);
  const claims = mapIn(payload, maximum, 'the payload');
  return {
    ...(typeof algorithm === 'number' ? { algorithm } : {}),
    ...(kid instanceof Uint8Array ? { kid } : {}),
    ...times(claims),
    claims,
    signature,
    toBeSigned: sigStructure({ protected: protectedHeader, payload }),
  };
}

function innerTag(item: LenientCbor): number | undefined {
  let tag: number | undefined;
  let inner = item;
  while (isTagged(inner)) {
    if (tag !== undefined && tag !== tags.cwt) throw wrong('two tags of COSE around one token');
    tag = inner.tag;
    inner = inner.value;
  }
  return tag === tags.cwt ? undefined : tag;
}

function mapIn(bytes: Uint8Array, maximum: number, what: string): LenientMap {
  const value = untagged(decodeLenientCbor(bytes, maximum));
  if (!(value instanceof Map)) throw wrong(`${what} is not a map`);
  return value;
}

function times(claims: LenientMap) {
  const issuer = untagged(claims.get(claim.issuer));
  const time = (label: number): number | undefined => {
    const value = untagged(claims.get(label));
    if (value === undefined || value === null) return undefined;
    // Up to the year 9999, so that it is a date.
    if (typeof value !== 'number' || !(value >= 0 && value <= 253_402_300_799))
      throw wrong('a time of the token is not a date');
    return value;
  };
  const issuedAt = time(claim.issuedAt);
  const notBefore = time(claim.notBefore);
  const expires = time(claim.expires);
  return {
    ...(typeof issuer === 'string' ? { issuer } : {}),
    ...(issuedAt === undefined ? {} : { issuedAt }),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(expires === undefined ? {} : { expires }),
  };
}

const wrong = (message: string): ConsulError => new ConsulError('SEAL_INVALID', message);
