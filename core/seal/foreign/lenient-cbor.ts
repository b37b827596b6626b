import { ConsulError } from '../../errors.ts';

/** A value with a tag that the reader of the seal may care about (RFC 8949 §3.4). */
export interface TaggedCbor {
  readonly tag: number;
  readonly value: LenientCbor;
}
export type LenientKey = number | string;
export type LenientMap = ReadonlyMap<LenientKey, LenientCbor>;
export type LenientCbor =
  | number
  | bigint
  | string
  | boolean
  | null
  | undefined
  | Uint8Array
  | TaggedCbor
  | readonly LenientCbor[]
  | LenientMap;

const maximumDepth = 16;
const maximumItems = 10_000;
const indefinite = 31;
const breakCode = 0xff;

interface Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  items: number;
}

/**
 * One well-formed CBOR item (RFC 8949 appendix C) as other systems write it: any length of head, indefinite lengths,
 * floats, tags, keys in any order. Still refused: what is not well-formed, bytes after the item, a key that stands
 * twice or is neither a safe integer nor text, text that is not UTF-8, 17 levels and 10,001 items. Seals of consular
 * documents have a strict reader of their own, core/seal/cbor.ts.
 *
 * @param maximum the most bytes that are looked at
 * @throws ConsulError CBOR_INVALID
 */
export function decodeLenientCbor(bytes: Uint8Array, maximum: number): LenientCbor {
  if (bytes.length > maximum) refuse(`${bytes.length} bytes of CBOR exceed the bound of ${maximum}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const reader: Reader = { bytes, view, at: 0, items: 0 };
  const value = readItem(reader, 0);
  if (reader.at !== bytes.length) refuse('bytes follow the CBOR item');
  return value;
}

export const isTagged = (value: LenientCbor): value is TaggedCbor =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Map) &&
  !(value instanceof Uint8Array);

/** The value without the tags around it. */
export function untagged(value: LenientCbor): Exclude<LenientCbor, TaggedCbor> {
  let inner = value;
  while (isTagged(inner)) inner = inner.value;
  return inner as Exclude<LenientCbor, TaggedCbor>;
}

function readItem(reader: Reader, depth: number): LenientCbor {
  if (depth > maximumDepth) refuse(`CBOR nests deeper than ${maximumDepth} levels`);
  if (++reader.items > maximumItems) refuse(`CBOR of more than ${maximumItems} items`);
  const initial = take(reader, 1)[0] as number;
  const major = initial >> 5;
  const information = initial & 31;
  switch (major) {
    case 0:
      return small(argument(reader, information));
    case 1:
      return small(-1n - argument(reader, information));
    case 2:
      return information === indefinite
        ? joined(chunks(reader, 2))
        : new Uint8Array(take(reader, length(reader, information)));
    case 3:
      return information === indefinite
        ? chunks(reader, 3).map(text).join('')
        : text(take(reader, length(reader, information)));
    case 4:
      return readArray(reader, information, depth);
    case 5:
      return readMap(reader, information, depth);
    case 6: {
      const tag = small(argument(reader, information));
      if (typeof tag !== 'number') refuse('a tag beyond 53 bits');
      return { tag, value: readItem(reader, depth + 1) };
    }
    default:
      return readSimple(reader, information);
  }
}

function readArray(reader: Reader, information: number, depth: number): readonly LenientCbor[] {
  const items: LenientCbor[] = [];
  if (information === indefinite) while (!ended(reader)) items.push(readItem(reader, depth + 1));
  else for (let left = length(reader, information); left > 0; left--) items.push(readItem(reader, depth + 1));
  return items;
}

function readMap(reader: Reader, information: number, depth: number): LenientMap {
  const map = new Map<LenientKey, LenientCbor>();
  const entry = (): void => {
    const key = readItem(reader, depth + 1);
    if (typeof key !== 'number' && typeof key !== 'string')
      refuse('a key is neither a safe integer nor text');
    if (map.has(key)) refuse('a key stands twice in a map');
    map.set(key, readItem(reader, depth + 1));
  };
  if (information === indefinite) while (!ended(reader)) entry();
  else for (let left = length(reader, information); left > 0; left--) entry();
  return map;
}

function readSimple(reader: Reader, information: number): LenientCbor {
  switch (information) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
      return null;
    case 23:
      return undefined;
    case 25:
      return half(take(reader, 2));
    case 26:
      take(reader, 4);
      return reader.view.getFloat32(reader.at - 4);
    case 27:
      take(reader, 8);
      return reader.view.getFloat64(reader.at - 8);
    default:
      refuse('a simple value that is not understood');
  }
}

/** RFC 8949 appendix D. */
function half(bytes: Uint8Array): number {
  const bits = ((bytes[0] as number) << 8) | (bytes[1] as number);
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  const value =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : (fraction + 0x400) * 2 ** (exponent - 25);
  return bits >> 15 === 1 ? -value : value;
}

/** The definite pieces of a string of indefinite length (§3.2.3). */
function chunks(reader: Reader, major: 2 | 3): Uint8Array[] {
  const parts: Uint8Array[] = [];
  while (!ended(reader)) {
    if (++reader.items > maximumItems) refuse(`CBOR of more than ${maximumItems} items`);
    const initial = take(reader, 1)[0] as number;
    if (initial >> 5 !== major || (initial & 31) === indefinite)
      refuse('a piece of a string is of another type');
    parts.push(take(reader, length(reader, initial & 31)));
  }
  return parts;
}

function ended(reader: Reader): boolean {
  if (reader.at >= reader.bytes.length) refuse('the CBOR ends too early');
  if (reader.bytes[reader.at] !== breakCode) return false;
  reader.at += 1;
  return true;
}

function argument(reader: Reader, information: number): bigint {
  if (information < 24) return BigInt(information);
  if (information > 27) refuse('a reserved head');
  const size = 1 << (information - 24);
  let value = 0n;
  for (const byte of take(reader, size)) value = (value << 8n) | BigInt(byte);
  return value;
}

/** A length or count that the bytes which are left can hold: each item takes one at least. */
function length(reader: Reader, information: number): number {
  const value = argument(reader, information);
  if (value > BigInt(reader.bytes.length - reader.at)) refuse('the CBOR ends too early');
  return Number(value);
}

function take(reader: Reader, count: number): Uint8Array {
  if (reader.at + count > reader.bytes.length) refuse('the CBOR ends too early');
  reader.at += count;
  return reader.bytes.subarray(reader.at - count, reader.at);
}

const small = (value: bigint): number | bigint => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function text(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new ConsulError('CBOR_INVALID', 'a text is not UTF-8', { cause });
  }
}

function refuse(message: string): never {
  throw new ConsulError('CBOR_INVALID', message);
}
