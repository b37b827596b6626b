import type { Awaitable, PublicKey } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import type { Signer } from '../pki/signer.ts';
import { type CborKey, type CborMap, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { keyIdentifier, prepareCose, protectedType, readCose, signCose, toBeSigned } from './cose.ts';
import { inflateZlib } from './zlib.ts';

// IETF Token Status List, CWT form (draft-ietf-oauth-status-list-20): one entry of a few bits for every document of a
// post, found by the index that stands in its seal.

/** §5.2: media type of a status list token as a CWT, its value of header `typ`. */
const mediaType = 'application/statuslist+cwt';
/** CWT claims: RFC 8392 §3.1; `ttl` and `status_list` of §5.2. */
const claim = { subject: 2, expires: 4, issuedAt: 6, statusList: 65533, timeToLive: 65534 } as const;
/** ES256 (RFC 9053 §2.1) and its fully specified twin ESP256 (RFC 9864 §2.1). */
const es256 = -7;
const esp256 = -9;
const signatureLength = 64;
const maximumUri = 300;

/** Bounds of what is read: a token, and its list once inflated (134 million documents at one bit). */
const maximumToken = 8 * 1024 * 1024;
const maximumList = 16 * 1024 * 1024;
/** No deflate stream grows by more than this (one bit for 258 bytes twice). */
const maximumGrowth = 1032;

/** §4.1: 1, 2, 4 or 8 bits an entry. We write the first two. */
const widths = [1, 2, 4, 8] as const;
export type StatusBits = (typeof widths)[number];

/** §7.1 Status Types: values of an entry. */
export const statusType = { valid: 0, invalid: 1, suspended: 2 } as const;

/** Entries of a status list: the first is in the lowest bits of the first byte (§4.1). */
export interface StatusEntries {
  readonly bits: StatusBits;
  readonly list: Uint8Array;
}

/** How many entries a list has room for; those after the last document are 0. */
export const statusCapacity = ({ bits, list }: StatusEntries): number => (list.length * 8) / bits;

/** The value of an entry; undefined beyond the end. */
export function statusAt({ bits, list }: StatusEntries, index: number): number | undefined {
  const perByte = 8 / bits;
  const byte = list[Math.floor(index / perByte)];
  return byte === undefined ? undefined : (byte >> ((index % perByte) * bits)) & ((1 << bits) - 1);
}

/**
 * A list of `size` entries that are all valid but for those given.
 * @throws RangeError for an index that is not in the list or a status that has no room in its bits
 */
export function statusEntries(
  bits: StatusBits,
  size: number,
  statuses: Iterable<readonly [index: number, status: number]>,
): StatusEntries {
  const perByte = 8 / bits;
  const list = new Uint8Array(Math.ceil(size / perByte));
  for (const [index, status] of statuses) {
    if (!Number.isInteger(index) || index < 0 || index >= size) throw new RangeError(`no entry ${index}`);
    if (!Number.isInteger(status) || status < 0 || status >= 1 << bits)
      throw new RangeError(`no status ${status} in ${bits} bits`);
    const at = Math.floor(index / perByte);
    const shift = (index % perByte) * bits;
    list[at] = ((list[at] as number) & ~(((1 << bits) - 1) << shift)) | (status << shift);
  }
  return { bits, list };
}

/** Where the list of a post is found, and what it calls itself: the verifier's host serves it. */
export const statusListUri = ({ host, code }: { readonly host: string; readonly code: string }): string =>
  `https://${host}/status/${code}`;

/** What a status list token says, besides its entries. Times are seconds since 1970, `timeToLive` is seconds. */
export interface StatusListClaims {
  /** URI of the list, by which it is found and which it must name. */
  readonly subject: string;
  readonly issuedAt: number;
  /** After this the list says nothing any more. */
  readonly expires?: number;
  /** For how long a copy serves before a fresh one is looked for. */
  readonly timeToLive?: number;
}

/** A status list as it was read: well-formed, and its signature not yet checked. */
export interface StatusList extends StatusListClaims, StatusEntries {
  /** Identifier of the key, from either header: a hint where to look for it. */
  readonly kid: Uint8Array | undefined;
  readonly signature: Uint8Array;
  readonly toBeSigned: Uint8Array;
}

export interface StatusListMaker {
  readonly signer: Signer;
  /** As in seals: the first 8 bytes of SHA-256 over the signer's certificate. */
  readonly kid: Uint8Array;
  /** Makes a zlib stream (RFC 1950). Measured: zlib itself at its highest level makes a tenth less than fflate. */
  readonly deflate: (bytes: Uint8Array) => Uint8Array;
}

/**
 * A signed status list.
 * @throws ConsulError KEY_INVALID when the key is not for ECDSA on P-256 with SHA-256
 */
export async function makeStatusList(
  claims: StatusListClaims,
  { bits, list }: StatusEntries,
  { signer, kid, deflate }: StatusListMaker,
): Promise<Uint8Array> {
  const { algorithm } = signer;
  if (algorithm.name !== 'ecdsa' || algorithm.curve !== 'P-256' || algorithm.hash !== 'sha256')
    throw new ConsulError('KEY_INVALID', 'status lists are signed with ECDSA on P-256 and SHA-256');
  const payload = new Map<CborKey, CborValue>([
    [claim.subject, claims.subject],
    [claim.issuedAt, claims.issuedAt],
    [
      claim.statusList,
      new Map<CborKey, CborValue>([
        ['bits', bits],
        ['lst', deflate(list)],
      ]),
    ],
  ]);
  if (claims.expires !== undefined) payload.set(claim.expires, claims.expires);
  if (claims.timeToLive !== undefined) payload.set(claim.timeToLive, claims.timeToLive);
  return signCose(encodeCbor(payload), prepareCose(es256, kid, mediaType), (data) => signer.sign(data));
}

/**
 * Reads a status list token. Keys of maps may come in any order, as in the draft's own examples.
 * @throws ConsulError STATUS_LIST_INVALID
 */
export function readStatusList(bytes: Uint8Array): StatusList {
  try {
    return read(bytes);
  } catch (cause) {
    if (!(cause instanceof ConsulError) || cause.code === 'STATUS_LIST_INVALID') throw cause;
    throw new ConsulError('STATUS_LIST_INVALID', `not a status list: ${cause.message}`, { cause });
  }
}

function refuse(message: string): never {
  throw new ConsulError('STATUS_LIST_INVALID', `not a status list: ${message}`);
}

function read(bytes: Uint8Array): StatusList {
  const cose = readCose(bytes, maximumToken, 'any-order');
  if (protectedType(cose) !== mediaType) refuse(`its protected type is not ${mediaType}`);
  if (cose.algorithm !== es256 && cose.algorithm !== esp256) refuse(`COSE algorithm ${cose.algorithm}`);
  if (cose.signature.length !== signatureLength) refuse(`a signature of ${cose.signature.length} bytes`);
  const claims = decodeCbor(cose.payload, maximumToken, 'any-order');
  if (!(claims instanceof Map)) refuse('its payload is not a map');
  const list = (claims as CborMap).get(claim.statusList);
  if (!(list instanceof Map)) refuse('it has no claim status_list');
  return {
    ...readClaims(claims as CborMap),
    ...readStatusEntries(list as CborMap),
    kid: keyIdentifier(cose),
    signature: cose.signature,
    toBeSigned: toBeSigned(cose),
  };
}

function readClaims(claims: CborMap): StatusListClaims {
  const subject = claims.get(claim.subject);
  if (typeof subject !== 'string' || subject === '' || subject.length > maximumUri)
    refuse('it has no claim sub that is a URI');
  const seconds = (label: number, name: string): number | undefined => {
    const value = claims.get(label);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || value < 0) refuse(`the claim ${name} is not a whole number of seconds`);
    return value;
  };
  const issuedAt = seconds(claim.issuedAt, 'iat');
  if (issuedAt === undefined) refuse('it has no claim iat');
  const expires = seconds(claim.expires, 'exp');
  const timeToLive = seconds(claim.timeToLive, 'ttl');
  if (expires !== undefined && expires <= issuedAt) refuse('it expires before it is issued');
  if (timeToLive === 0) refuse('the claim ttl is 0');
  return {
    subject,
    issuedAt,
    ...(expires === undefined ? {} : { expires }),
    ...(timeToLive === undefined ? {} : { timeToLive }),
  };
}

/**
 * The map `status_list` (§4.3), its list inflated.
 * @throws ConsulError STATUS_LIST_INVALID, SEAL_INVALID when its zlib stream is damaged or larger than the bound
 */
export function readStatusEntries(map: CborMap): StatusEntries {
  const bits = widths.find((width) => width === map.get('bits'));
  const compressed = map.get('lst');
  if (bits === undefined) refuse('its bits are not 1, 2, 4 or 8');
  if (!(compressed instanceof Uint8Array)) refuse('its lst is not a byte string');
  const uri = map.get('aggregation_uri');
  if (uri !== undefined && typeof uri !== 'string') refuse('its aggregation_uri is not text');
  const bound = Math.min(maximumList, compressed.length * maximumGrowth);
  return { bits, list: inflateZlib(compressed, bound) };
}

/** Whether the key made this list. Trust in the key, its time and its state are for the caller. */
export function checkStatusListSignature(
  { signature, toBeSigned }: Pick<StatusList, 'signature' | 'toBeSigned'>,
  publicKey: PublicKey,
): Awaitable<boolean> {
  return publicKey.verify(signature, toBeSigned);
}

/** What a verifier has learned about a document from a list whose signature and name it has checked. */
export type DocumentStatus =
  | {
      readonly status: 'valid';
      /** Of the list: what happened after this it cannot know. Seconds since 1970. */
      readonly asOf: number;
      /** `aged`: its time to live is over, so a fresh one should be looked for. */
      readonly copy: 'fresh' | 'aged';
    }
  | { readonly status: 'revoked' | 'suspended'; readonly asOf: number }
  | {
      readonly status: 'unknown';
      /**
       * `expired`: the list speaks no more. `newer`: the document was issued after the list. `absent`: it has no such
       * entry. `future`: the list is dated after now. `foreign`: the entry has a meaning that is not ours.
       */
      readonly why: 'expired' | 'newer' | 'absent' | 'future' | 'foreign';
      readonly asOf: number;
    };

/** How far another clock may be ahead of ours, in seconds. */
const clockSkew = 300;

/**
 * The status of a document at `now`. A revocation is for good, so that a list which has expired still proves it;
 * nothing else is taken from such a list.
 * @param document its index, and when it was issued (seconds since 1970): an older list says nothing about it
 */
export function documentStatus(
  list: StatusListClaims & StatusEntries,
  document: { readonly statusIndex: number; readonly issuedAt: number },
  now: Date,
): DocumentStatus {
  const seconds = now.getTime() / 1000;
  const asOf = list.issuedAt;
  const value = statusAt(list, document.statusIndex);
  if (asOf > seconds + clockSkew) return { status: 'unknown', why: 'future', asOf };
  if (value === statusType.invalid) return { status: 'revoked', asOf };
  if (list.expires !== undefined && seconds >= list.expires)
    return { status: 'unknown', why: 'expired', asOf };
  if (document.issuedAt > asOf) return { status: 'unknown', why: 'newer', asOf };
  switch (value) {
    case undefined:
      return { status: 'unknown', why: 'absent', asOf };
    case statusType.valid: {
      const aged = list.timeToLive !== undefined && seconds >= asOf + list.timeToLive;
      return { status: 'valid', asOf, copy: aged ? 'aged' : 'fresh' };
    }
    case statusType.suspended:
      return { status: 'suspended', asOf };
    default:
      return { status: 'unknown', why: 'foreign', asOf };
  }
}
