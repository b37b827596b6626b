import { toHex } from '../../bytes.ts';
import type { DigestName } from '../../crypto/backend.ts';
import { ConsulError } from '../../errors.ts';
import { decodeBase32 } from '../base32.ts';
import { decodeC40 } from '../c40.ts';
import { inflateZlib } from '../zlib.ts';

export interface IdbMessage {
  readonly tag: number;
  readonly value: Uint8Array;
}

/** How an ICAO bar code says that it was signed. */
export interface IdbSignature {
  readonly hash: DigestName;
  /** Last five bytes of the SHA-1 of the signer's certificate, hexadecimal. */
  readonly certificateReference: string;
  /** YYYY-MM-DD; `XX` for what the mask leaves out. */
  readonly signed: string;
  /** DER, where the certificate is inside. */
  readonly certificate?: Uint8Array;
  /** r||s. */
  readonly value: Uint8Array;
}

/** A bar code in the ICAO data structure (Doc 9303-13 part 2, RDB1); its signature is not checked. */
export interface Idb {
  readonly system: 'idb';
  /** One to three letters. */
  readonly country: string;
  readonly messages: readonly IdbMessage[];
  /** Absent where the flag says that the code is not signed. */
  readonly signature?: IdbSignature;
  readonly toBeSigned: Uint8Array;
}

const idbMark = /^[RN]DB1[A-D]/;

const maximumInflated = 16_384;
const maximumMessages = 100;
const tags = { messages: 0x61, certificate: 0x7e, signature: 0x7f } as const;
const hashes: Readonly<Record<number, DigestName>> = { 1: 'sha256', 2: 'sha384', 3: 'sha512' };
/** Country; with a signature also its algorithm, the certificate reference and the date. */
const headerLengths = { plain: 2, signed: 12 } as const;

/**
 * Reads an ICAO bar code: mark, flag (signed, compressed), base32 of the header and its groups.
 *
 * @throws ConsulError SEAL_INVALID
 */
export function readIdb(text: string): Idb {
  if (!idbMark.test(text)) throw wrong('the text does not begin as an ICAO bar code');
  const flags = text.charCodeAt(4) - 'A'.charCodeAt(0);
  const isSigned = (flags & 1) !== 0;
  const payload = decodeBase32(text.slice(5).replace(/=+$/, ''));
  const bytes = (flags & 2) === 0 ? payload : inflateZlib(payload, maximumInflated);
  const headerLength = isSigned ? headerLengths.signed : headerLengths.plain;
  if (bytes.length < headerLength) throw wrong('the bar code is cut');
  const country = decodeC40(bytes.subarray(0, 2));
  if (!/^[A-Z]{1,3} *$/.test(country)) throw wrong('the country of the bar code is malformed');
  const group = readTlv(bytes, headerLength);
  if (group.tag !== tags.messages) throw wrong('the bar code does not begin with its messages');
  return {
    system: 'idb',
    country: country.trimEnd(),
    messages: readMessages(group.value),
    ...(isSigned ? { signature: readSignature(bytes, group.end) } : demandEnd(bytes, group.end)),
    toBeSigned: new Uint8Array(bytes.subarray(0, group.end)),
  };
}

function demandEnd(bytes: Uint8Array, at: number): Record<string, never> {
  if (at !== bytes.length) throw wrong('bytes follow the messages of the bar code');
  return {};
}

function readMessages(bytes: Uint8Array): readonly IdbMessage[] {
  const messages: IdbMessage[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (messages.length === maximumMessages)
      throw wrong(`a bar code of more than ${maximumMessages} messages`);
    const { tag, value, end } = readTlv(bytes, at);
    messages.push({ tag, value });
    at = end;
  }
  return messages;
}

function readSignature(bytes: Uint8Array, start: number): IdbSignature {
  const hash = hashes[bytes[2] as number];
  if (!hash) throw wrong(`signature algorithm ${bytes[2]} of the bar code is not known`);
  let next = readTlv(bytes, start);
  const certificate = next.tag === tags.certificate ? next.value : undefined;
  if (certificate) next = readTlv(bytes, next.end);
  if (next.tag !== tags.signature) throw wrong('the bar code has no signature');
  if (next.end !== bytes.length) throw wrong('bytes follow the signature of the bar code');
  return {
    hash,
    certificateReference: toHex(bytes.subarray(3, 8)),
    signed: maskedDate(bytes.subarray(8, 12)),
    ...(certificate ? { certificate } : {}),
    value: next.value,
  };
}

/** Tag, length as in DER, value. */
function readTlv(bytes: Uint8Array, start: number) {
  const [tag, initial] = bytes.subarray(start, start + 2);
  if (tag === undefined || initial === undefined) throw wrong('the bar code is cut');
  const more = initial < 0x80 ? 0 : initial - 0x80;
  if (more > 2 || initial === 0x80) throw wrong('a length of the bar code is malformed');
  let length = more === 0 ? initial : 0;
  for (let i = 0; i < more; i++) length = length * 256 + (bytes[start + 2 + i] ?? 0);
  if ((more === 1 && length < 0x80) || (more === 2 && length < 0x100))
    throw wrong('a length of the bar code is longer than it needs to be');
  const valueStart = start + 2 + more;
  const end = valueStart + length;
  if (end > bytes.length) throw wrong('the bar code is cut');
  return { tag, value: new Uint8Array(bytes.subarray(valueStart, end)), end };
}

/**
 * A date of which parts may be unknown: a mask whose bits from the highest stand for the digits of MMDDYYYY, then the
 * number MMDDYYYY in three bytes.
 */
export function maskedDate(bytes: Uint8Array): string {
  const mask = bytes[0] as number;
  const digits = [...String(Number.parseInt(toHex(bytes.subarray(1, 4)), 16)).padStart(8, '0')]
    .map((digit, i) => ((mask >> (7 - i)) & 1 ? 'X' : digit))
    .join('');
  if (digits.length !== 8) throw wrong('a date of the bar code is not a day');
  const date = `${digits.slice(4)}-${digits.slice(0, 2)}-${digits.slice(2, 4)}`;
  if (mask === 0 && !isDay(date)) throw wrong('a date of the bar code is not a day');
  return date;
}

function isDay(date: string): boolean {
  const time = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date);
}

const wrong = (message: string): ConsulError => new ConsulError('SEAL_INVALID', message);
