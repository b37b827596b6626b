import { encode } from 'cborg';
import { ConsulError } from '../errors.ts';

export type CborKey = number | string;
/** Integers outside the safe range of a number are bigint. There are no floats, tags, `undefined` or simple values. */
export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<CborKey, CborValue>;
export type CborMap = ReadonlyMap<CborKey, CborValue>;

/** No seal, status list or trust bundle nests deeper than this by far. */
const maximumDepth = 16;
const largest = (1n << 64n) - 1n;

/**
 * Core deterministic encoding (RFC 8949 §4.2.1): shortest heads, definite lengths, map keys in bytewise order.
 * cborg orders by major type, then within one type by length and bytes, which is that order for keys that are integers
 * and text; no other keys are allowed here. Reading has a strict reader of its own: cborg accepts items that RFC 8949
 * does not (`a100ff`), and reading, writing again and comparing costs four times
 * as much.
 *
 * @throws ConsulError CBOR_INVALID for a number with a fraction or beyond 64 bits, text that is not in NFC or not
 *   Unicode, a key that is neither integer nor text, and more than 16 levels
 */
export function encodeCbor(value: CborValue): Uint8Array {
  demandDeterministic(value, 0);
  return encode(value);
}

/**
 * Exactly one item in core deterministic encoding, within the same bounds as `encodeCbor`; nothing after it. The reader
 * knows one encoding of each value and no other, so that what it reads is what `encodeCbor` writes.
 *
 * @param maximum the most bytes that are looked at
 * @param keys `any-order` for formats that do not ask makers to sort the keys of maps; none may stand twice either way
 * @throws ConsulError CBOR_INVALID
 */
export function decodeCbor(bytes: Uint8Array, maximum = 4096, keys: KeyOrder = 'sorted'): CborValue {
  if (bytes.length > maximum) refuse(`${bytes.length} bytes of CBOR exceed the bound of ${maximum}`);
  const reader = { bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), keys, at: 0 };
  const value = readItem(reader, 0);
  if (reader.at !== bytes.length) refuse('bytes follow the CBOR item');
  return value;
}

export type KeyOrder = 'sorted' | 'any-order';

interface Reader {
  readonly bytes: Uint8Array;
  readonly keys: KeyOrder;
  at: number;
}

function readItem(reader: Reader, depth: number): CborValue {
  if (depth > maximumDepth) refuse(`CBOR nests deeper than ${maximumDepth} levels`);
  const initial = reader.bytes[reader.at++];
  if (initial === undefined) refuse('the CBOR ends too early');
  switch (initial >> 5) {
    case 0:
      return readArgument(reader, initial & 31);
    case 1:
      return negative(readArgument(reader, initial & 31));
    case 2: {
      const length = count(reader, initial & 31, 1);
      reader.at += length;
      return new Uint8Array(reader.bytes.subarray(reader.at - length, reader.at));
    }
    case 3:
      return readText(reader, initial & 31);
    case 4:
      return readArray(reader, count(reader, initial & 31, 1), depth + 1);
    case 5:
      return readMap(reader, count(reader, initial & 31, 2), depth + 1);
    default:
      if (initial === 0xf4) return false;
      if (initial === 0xf5) return true;
      if (initial === 0xf6) return null;
      refuse('a tag, float or simple value is not in the profile');
  }
}

/** The number in a head; each has one form, the shortest (RFC 8949 §4.2.1). */
function readArgument(reader: Reader, information: number): number | bigint {
  if (information < 24) return information;
  if (information > 27) refuse('an indefinite length or reserved head is not in the profile');
  const size = 1 << (information - 24);
  if (reader.at + size > reader.bytes.length) refuse('the CBOR ends too early');
  let value = 0;
  for (let i = 0; i < Math.min(size, 4); i++) value = value * 256 + (reader.bytes[reader.at++] as number);
  if (size < 8) {
    if (value < (shortest[information - 24] as number)) refuse('a head is longer than it needs to be');
    return value;
  }
  if (value === 0) refuse('a head is longer than it needs to be');
  let low = 0;
  for (let i = 0; i < 4; i++) low = low * 256 + (reader.bytes[reader.at++] as number);
  const whole = value * 2 ** 32 + low;
  return Number.isSafeInteger(whole) ? whole : (BigInt(value) << 32n) | BigInt(low);
}

/** The least value that needs one, two and four bytes. */
const shortest = [24, 0x100, 0x10000] as const;

function negative(argument: number | bigint): number | bigint {
  if (typeof argument === 'number' && argument < Number.MAX_SAFE_INTEGER) return -1 - argument;
  return -1n - BigInt(argument);
}

/** A length or count that the bytes which are left can hold. */
function count(reader: Reader, information: number, bytesEach: number): number {
  const argument = readArgument(reader, information);
  if (argument > (reader.bytes.length - reader.at) / bytesEach) refuse('the CBOR ends too early');
  return argument as number;
}

function readText(reader: Reader, information: number): string {
  const length = count(reader, information, 1);
  const end = reader.at + length;
  const start = reader.at;
  reader.at = end;
  let text = '';
  if (length <= 32) {
    let at = start;
    for (; at < end && (reader.bytes[at] as number) < 0x80; at++) {
      text += String.fromCharCode(reader.bytes[at] as number);
    }
    if (at === end) return text;
  }
  try {
    text = utf8Decoder.decode(reader.bytes.subarray(start, end));
  } catch (cause) {
    throw new ConsulError('CBOR_INVALID', 'a text is not UTF-8', { cause });
  }
  demandText(text);
  return text;
}

/** A decoder costs more to make than to use. */
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readArray(reader: Reader, length: number, depth: number): readonly CborValue[] {
  const items: CborValue[] = [];
  for (let left = length; left > 0; left--) items.push(readItem(reader, depth));
  return items;
}

function readMap(reader: Reader, entries: number, depth: number): CborMap {
  const map = new Map<CborKey, CborValue>();
  let before = -1;
  let beforeEnd = -1;
  for (let left = entries; left > 0; left--) {
    const start = reader.at;
    const key = readItem(reader, depth);
    if (typeof key !== 'number' && typeof key !== 'string')
      refuse('a key is neither a safe integer nor text');
    // Bytewise and strictly: no key stands twice (RFC 8949 §4.2.1, §5.6).
    if (reader.keys === 'any-order') {
      if (map.has(key)) refuse('a key of a map stands twice');
    } else if (before >= 0 && !precedes(reader.bytes, before, beforeEnd, start, reader.at)) {
      refuse('the keys of a map are not in order');
    }
    before = start;
    beforeEnd = reader.at;
    map.set(key, readItem(reader, depth));
  }
  return map;
}

function precedes(bytes: Uint8Array, one: number, oneEnd: number, other: number, otherEnd: number): boolean {
  const length = Math.min(oneEnd - one, otherEnd - other);
  for (let i = 0; i < length; i++) {
    const difference = (bytes[one + i] as number) - (bytes[other + i] as number);
    if (difference !== 0) return difference < 0;
  }
  return oneEnd - one < otherEnd - other;
}

function demandDeterministic(value: unknown, depth: number): void {
  if (depth > maximumDepth) refuse(`CBOR nests deeper than ${maximumDepth} levels`);
  switch (typeof value) {
    case 'number':
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) refuse('a number is not an integer');
      return;
    case 'bigint':
      if (value > largest || value < -largest - 1n) refuse('an integer has more than 64 bits');
      return;
    case 'string':
      demandText(value);
      return;
    case 'boolean':
      return;
    case 'object':
      if (value === null || value instanceof Uint8Array) return;
      if (Array.isArray(value)) {
        for (const item of value) demandDeterministic(item, depth + 1);
        return;
      }
      if (value instanceof Map) {
        for (const [key, item] of value) {
          if (typeof key !== 'number' && typeof key !== 'string') {
            refuse('a key is neither a safe integer nor text');
          }
          demandDeterministic(key, depth + 1);
          demandDeterministic(item, depth + 1);
        }
        return;
      }
  }
  refuse('a value has no deterministic CBOR form');
}

const printableAscii = /^[ -~]*$/;

function demandText(text: string): void {
  if (printableAscii.test(text)) return;
  if (/\p{Surrogate}/u.test(text)) refuse('a text is not Unicode');
  if (text.normalize('NFC') !== text) refuse('a text is not in Unicode normalisation form C');
}

function refuse(message: string): never {
  throw new ConsulError('CBOR_INVALID', message);
}
