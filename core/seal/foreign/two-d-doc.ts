import { fromLatin1, latin1, toHex } from '../../bytes.ts';
import { ConsulError } from '../../errors.ts';
import { decodeBase32 } from '../base32.ts';
import { decodeC40 } from '../c40.ts';
import catalogue from './two-d-doc-catalogue.json' with { type: 'json' };

/** One data identifier with its value as it stands in the code. */
export interface TwoDDocField {
  readonly id: string;
  readonly value: string;
  /** The issuer cut the value to fit (§3.4, record separator). */
  readonly truncated?: true;
}

/** A 2D-Doc of version 2, 3 or 4 as it was read; its signature is not checked. Dates are YYYY-MM-DD. */
export interface TwoDDoc {
  readonly system: '2d-doc';
  readonly version: 2 | 3 | 4;
  readonly form: 'c40' | 'binary';
  /** Identifier of the certification authority: country and two digits, for example FR03. */
  readonly authority: string;
  /** Identifier of the signer's certificate at that authority. */
  readonly certificate: string;
  /** When the document was issued; undefined where the code does not date it. */
  readonly issued?: string;
  readonly signed?: string;
  readonly documentType: string;
  /** `01`, `0001` in the binary form; absent in version 2. */
  readonly perimeter?: string;
  /** Alpha-2, alpha-3 in the binary form; absent before version 4. */
  readonly country?: string;
  readonly fields: readonly TwoDDocField[];
  /** Data behind the signature, which nobody vouches for (§3.6). */
  readonly annex: readonly TwoDDocField[];
  /** r||s. */
  readonly signature: Uint8Array;
  /**
   * What the signature may cover: the data as they stand, then the same data with one group separator more. Encoders
   * leave out the one between the mandatory and the optional data where the last mandatory value is of fixed length
   * (§3.4), and sign it nevertheless. All of them read to the same fields.
   */
  readonly toBeSigned: readonly Uint8Array[];
}

interface FieldDefinition {
  readonly min: number;
  readonly max: number | null;
  readonly form?: string;
  readonly fr: string;
  readonly en: string;
}

/** §7 of the specification, perimeter 01. */
export const twoDDocFields: Readonly<Record<string, FieldDefinition>> = catalogue.fields;
/** §6 of the specification, perimeter 01. */
export const twoDDocTypes: Readonly<Record<string, { readonly fr: string; readonly en: string }>> =
  catalogue.documents;

const groupSeparator = '\x1d';
const recordSeparator = '\x1e';
const unitSeparator = '\x1f';

const maximumFields = 100;
const maximumSeparators = 40;

const binaryMark = '\u00dc\u0004';

/**
 * Reads a 2D-Doc of France or Tunisia (ANTS, Spécifications techniques des codes à barres 2D-Doc, version 3.3.4), in
 * the C40 form of versions 2 to 4 or the binary form of version 4.
 *
 * @param bytes the content as it stands in the code, where a reader gave it
 * @throws ConsulError SEAL_INVALID
 */
export function readTwoDDoc(text: string, bytes?: Uint8Array): TwoDDoc {
  const raw = bytes ?? toLatin1(text);
  const content = fromLatin1(raw);
  return content.startsWith(binaryMark) ? readBinary(raw) : readC40(content);
}

function toLatin1(text: string): Uint8Array {
  try {
    return latin1(text);
  } catch (cause) {
    throw new ConsulError('SEAL_INVALID', 'a 2D-Doc holds no such characters', { cause });
  }
}

/** §3.3.1 to §3.3.3: marker, version, authority, certificate, two dates, type; then perimeter; then country. */
const header =
  /^DC(?:02([A-Z0-9]{4})([A-Z0-9]{4})([0-9A-F]{4})([0-9A-F]{4})([A-Z0-9]{2})|03([A-Z0-9]{4})([A-Z0-9]{4})([0-9A-F]{4})([0-9A-F]{4})([A-Z0-9]{2})([A-Z0-9]{2})|04([A-Z0-9]{4})([A-Z0-9]{4})([0-9A-F]{4})([0-9A-F]{4})([A-Z0-9]{2})([A-Z0-9]{2})([A-Z]{2}))/;

function readC40(text: string): TwoDDoc {
  const matched = header.exec(text);
  if (!matched) throw wrong('the header of the 2D-Doc is malformed or of a version other than 02 to 04');
  const [opening, ...groups] = matched;
  const [authority, certificate, issued, signed, documentType, perimeter, country] = groups.filter(
    (group) => group !== undefined,
  ) as [string, string, string, string, string, string?, string?];
  const separator = text.indexOf(unitSeparator);
  if (separator < 0) throw wrong('the 2D-Doc has no signature');
  const message = text.slice(opening.length, separator);
  // §3.5: the signature is base32 without padding; what follows it is the annex.
  const tail = text.slice(separator + 1);
  const end = [...tail].findIndex(isSeparator);
  const signature = end < 0 ? tail : tail.slice(0, end);
  const { fields, gaps } = readFields(message);
  return {
    system: '2d-doc',
    version: Number(text[3]) as 2 | 3 | 4,
    form: 'c40',
    authority,
    certificate,
    ...dated('issued', daysSince2000(issued)),
    ...dated('signed', daysSince2000(signed)),
    documentType,
    ...(perimeter === undefined ? {} : { perimeter }),
    ...(country === undefined ? {} : { country }),
    fields,
    annex: end < 0 ? [] : readFields(tail.slice(end)).fields,
    signature: decodeBase32(signature.replace(/=+$/, '')),
    toBeSigned: [message, ...gaps.map((at) => message.slice(0, at) + groupSeparator + message.slice(at))].map(
      (variant) => latin1(opening + variant),
    ),
  };
}

/**
 * §3.4.1: identifier and value; a value of fixed length needs no separator.
 *
 * @returns the fields, and where a value of fixed length is followed by a field without a separator between them
 */
function readFields(message: string): {
  readonly fields: readonly TwoDDocField[];
  readonly gaps: readonly number[];
} {
  const fields: TwoDDocField[] = [];
  const gaps: number[] = [];
  let at = 0;
  while (at < message.length) {
    if (isSeparator(message[at])) {
      at += 1;
      continue;
    }
    const id = message.slice(at, at + 2);
    if (!/^[0-9A-Z]{2}$/.test(id)) throw wrong('a data identifier of the 2D-Doc is malformed');
    if (fields.length === maximumFields) throw wrong(`a 2D-Doc of more than ${maximumFields} fields`);
    at += 2;
    const definition = twoDDocFields[id];
    const fixed = definition && definition.min === definition.max ? definition.min : undefined;
    let end = at;
    while (end < message.length && !isSeparator(message[end]) && end - at !== fixed) end++;
    if (fixed !== undefined && end - at !== fixed) throw wrong(`field ${id} of the 2D-Doc is cut`);
    const truncated = message[end] === recordSeparator;
    fields.push({ id, value: message.slice(at, end), ...(truncated ? { truncated } : {}) });
    if (fixed !== undefined && end < message.length && !isSeparator(message[end])) gaps.push(end);
    at = end;
  }
  return { fields, gaps: gaps.slice(0, maximumSeparators) };
}

const isSeparator = (character: string | undefined): boolean =>
  character === groupSeparator || character === recordSeparator;

const dated = <Name extends 'issued' | 'signed'>(name: Name, date: string | undefined) =>
  (date === undefined ? {} : { [name]: date }) as { readonly [K in Name]?: string };

/** §3.3: days since 1 January 2000 in hexadecimal; FFFF for no date. */
export function daysSince2000(hex: string): string | undefined {
  if (hex === 'FFFF') return undefined;
  return new Date(Date.UTC(2000, 0, 1 + Number.parseInt(hex, 16))).toISOString().slice(0, 10);
}

const binaryHeaderLength = 19;
const signatureMark = 0xff;
const longLength = 0xff;

/** §3.3.4: a fixed structure of 19 bytes, then blocks of identifier, length and value. */
function readBinary(bytes: Uint8Array): TwoDDoc {
  if (bytes.length < binaryHeaderLength) throw wrong('the 2D-Doc is cut');
  const country = decodeC40(bytes.subarray(2, 4));
  const identifier = decodeC40(bytes.subarray(4, 10));
  if (!/^[A-Z]{2,3} ?$/.test(country) || !/^[A-Z0-9]{8,9} ?$/.test(identifier) || identifier.length !== 9)
    throw wrong('the header of the 2D-Doc is malformed');
  const fields: TwoDDocField[] = [];
  let at = binaryHeaderLength;
  for (;;) {
    const id = bytes[at];
    if (id === undefined) throw wrong('the 2D-Doc has no signature');
    if (id === signatureMark) break;
    if (fields.length === maximumFields) throw wrong(`a 2D-Doc of more than ${maximumFields} fields`);
    const block = readBlock(bytes, at + 1);
    fields.push({ id: toHex(Uint8Array.of(id)).toUpperCase(), value: binaryValue(block.value) });
    at = block.end;
  }
  return {
    system: '2d-doc',
    version: 4,
    form: 'binary',
    authority: identifier.slice(0, 4),
    certificate: identifier.slice(4).trimEnd(),
    ...dated('issued', packedDate(bytes.subarray(10, 13))),
    ...dated('signed', packedDate(bytes.subarray(13, 16))),
    documentType: toHex(bytes.subarray(16, 17)).toUpperCase(),
    perimeter: toHex(bytes.subarray(17, 19)).toUpperCase(),
    country: country.trimEnd(),
    fields,
    annex: [],
    signature: binarySignature(bytes.subarray(at + 1)),
    toBeSigned: [new Uint8Array(bytes.subarray(0, at))],
  };
}

/** §3.4.2: one byte of length, or FF and two bytes of it. */
function readBlock(bytes: Uint8Array, start: number): { readonly value: Uint8Array; readonly end: number } {
  const [first, high, low] = bytes.subarray(start, start + 3);
  const isLong = first === longLength;
  const length = isLong ? (high ?? 0) * 256 + (low ?? 0) : first;
  const valueStart = start + (isLong ? 3 : 1);
  if (length === undefined || valueStart + length > bytes.length) throw wrong('the 2D-Doc is cut');
  return { value: new Uint8Array(bytes.subarray(valueStart, valueStart + length)), end: valueStart + length };
}

/** r||s is of even length, so that an odd number of bytes begins with that length. */
function binarySignature(rest: Uint8Array): Uint8Array {
  if (rest.length % 2 === 0) return new Uint8Array(rest);
  const { value, end } = readBlock(rest, 0);
  if (end !== rest.length) throw wrong('bytes follow the signature of the 2D-Doc');
  return value;
}

/** Texts are in C40; what is not a text is shown in hexadecimal. */
function binaryValue(bytes: Uint8Array): string {
  try {
    return decodeC40(bytes);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    return toHex(bytes);
  }
}

/** §3.4.2: the number MMDDYYYY in three bytes; FFFFFF for no date. */
function packedDate(bytes: Uint8Array): string | undefined {
  const number = Number.parseInt(toHex(bytes), 16);
  if (number === 0xffffff) return undefined;
  const digits = String(number).padStart(8, '0');
  const date = `${digits.slice(4)}-${digits.slice(0, 2)}-${digits.slice(2, 4)}`;
  const time = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(date))
    throw wrong('a date of the 2D-Doc is not a day');
  return date;
}

const wrong = (message: string): ConsulError => new ConsulError('SEAL_INVALID', message);
