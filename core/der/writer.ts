import { compareBytes, concatBytes, latin1, utf8 } from '../bytes.ts';
import { contextTag, tag } from './tags.ts';

function header(identifier: number, length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(identifier, length);
  if (length < 0x100) return Uint8Array.of(identifier, 0x81, length);
  if (length < 0x10000) return Uint8Array.of(identifier, 0x82, length >> 8, length & 0xff);
  if (length < 0x1000000)
    return Uint8Array.of(identifier, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff);
  return Uint8Array.of(
    identifier,
    0x84,
    length >>> 24,
    (length >> 16) & 0xff,
    (length >> 8) & 0xff,
    length & 0xff,
  );
}

/** An element with the given identifier octet over the concatenated content. */
export function element(identifier: number, ...content: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of content) length += part.length;
  return concatBytes(header(identifier, length), ...content);
}

export const sequence = (...members: readonly Uint8Array[]): Uint8Array => element(tag.sequence, ...members);

/** SET OF, put in order (X.690 §11.6). */
export const setOf = (members: readonly Uint8Array[], identifier: number = tag.set): Uint8Array =>
  element(identifier, ...[...members].sort(compareBytes));

/** `[number] EXPLICIT`. */
export const explicit = (number: number, inner: Uint8Array): Uint8Array =>
  element(contextTag(number, true), inner);

/** The content of `encoded` under another identifier octet, for IMPLICIT tagging. */
export function implicit(identifier: number, encoded: Uint8Array): Uint8Array {
  const out = new Uint8Array(encoded);
  out[0] = identifier;
  return out;
}

/** INTEGER from a number, a bigint, or the big-endian octets of a non-negative number. */
export function integer(value: number | bigint | Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) {
    let start = 0;
    while (start < value.length - 1 && value[start] === 0) start++;
    const magnitude = value.subarray(start);
    if (magnitude.length === 0) return element(tag.integer, Uint8Array.of(0));
    return (magnitude[0] as number) >= 0x80
      ? element(tag.integer, Uint8Array.of(0), magnitude)
      : element(tag.integer, magnitude);
  }
  let rest = BigInt(value);
  const octets: number[] = [];
  do {
    octets.unshift(Number(rest & 0xffn));
    rest >>= 8n;
  } while (
    !(rest === 0n && (octets[0] as number) < 0x80) &&
    !(rest === -1n && (octets[0] as number) >= 0x80)
  );
  return element(tag.integer, Uint8Array.from(octets));
}

export const boolean = (value: boolean): Uint8Array => element(tag.boolean, Uint8Array.of(value ? 0xff : 0));

export const nul: Uint8Array = element(tag.null);

export function oid(dotted: string): Uint8Array {
  const arcs = dotted.split('.').map(BigInt);
  const [first, second, ...rest] = arcs;
  if (first === undefined || second === undefined)
    throw new RangeError(`not an object identifier: ${dotted}`);
  const octets: number[] = [];
  for (const arc of [first * 40n + second, ...rest]) {
    const group: number[] = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) group.unshift(Number(left & 0x7fn) | 0x80);
    octets.push(...group);
  }
  return element(tag.oid, Uint8Array.from(octets));
}

export const octetString = (...content: readonly Uint8Array[]): Uint8Array =>
  element(tag.octetString, ...content);

/** BIT STRING of whole octets. */
export const bitString = (content: Uint8Array): Uint8Array =>
  element(tag.bitString, Uint8Array.of(0), content);

export const utf8String = (text: string): Uint8Array => element(tag.utf8String, utf8(text));
export const printableString = (text: string): Uint8Array => element(tag.printableString, latin1(text));
export const ia5String = (text: string): Uint8Array => element(tag.ia5String, latin1(text));

const digits = (value: number, width: number): string => String(value).padStart(width, '0');

function clock(date: Date): string {
  return [
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ]
    .map((part) => digits(part, 2))
    .join('');
}

/** `fraction` keeps the milliseconds, without trailing zeros (RFC 3161 §2.4.2). */
export function generalizedTime(date: Date, options: { fraction?: boolean } = {}): Uint8Array {
  const milliseconds = options.fraction ? digits(date.getUTCMilliseconds(), 3).replace(/0+$/, '') : '';
  return element(
    tag.generalizedTime,
    latin1(`${digits(date.getUTCFullYear(), 4)}${clock(date)}${milliseconds && `.${milliseconds}`}Z`),
  );
}

/** UTCTime through 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). */
export function time(date: Date): Uint8Array {
  const year = date.getUTCFullYear();
  if (year < 1950 || year > 2049) return generalizedTime(date);
  return element(tag.utcTime, latin1(`${digits(year % 100, 2)}${clock(date)}Z`));
}
