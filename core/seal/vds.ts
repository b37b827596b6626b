import { concatBytes } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { decodeC40, encodeC40 } from './c40.ts';

/** Header of an ICAO visible digital seal (Doc 9303-13 §2.2); dates are YYYY-MM-DD. */
export interface VdsHeader {
  /** Of the standard: 3 or 4. In the bytes it is one less. */
  readonly version: 3 | 4;
  /** One to three letters. */
  readonly issuingCountry: string;
  /** Two letters of the state and two of the signer. */
  readonly signer: string;
  /** Hexadecimal serial number of the signer's certificate: five digits in version 3, any up to 255 in version 4. */
  readonly certificateReference: string;
  readonly issued: string;
  readonly signed: string;
  /** Document feature definition reference. */
  readonly definition: number;
  /** Document type category. */
  readonly category: number;
}

export interface VdsFeature {
  readonly tag: number;
  readonly value: Uint8Array;
}

/** A visible digital seal as it was read; its signature is not checked. */
export interface Vds {
  readonly header: VdsHeader;
  readonly features: readonly VdsFeature[];
  /** r||s. */
  readonly signature: Uint8Array;
  /** Header and message: what the signature covers. */
  readonly toBeSigned: Uint8Array;
}

const magic = 0xdc;
const signatureTag = 0xff;
/** The largest two-dimensional bar codes hold less. */
const maximumLength = 4096;
const datesAndTypes = 8;

/**
 * Reads a visible digital seal of version 3 or 4 (Doc 9303-13 §2).
 *
 * @throws ConsulError SEAL_INVALID (there: WRONG_FORMAT)
 */
export function readVds(bytes: Uint8Array): Vds {
  if (bytes.length > maximumLength) throw wrong(`${bytes.length} bytes are more than a bar code holds`);
  const { header, length } = readHeader(bytes);
  const features: VdsFeature[] = [];
  let at = length;
  for (;;) {
    const feature = readFeature(bytes, at);
    if (feature.tag === signatureTag) {
      if (feature.end !== bytes.length) throw wrong('bytes follow the signature of the seal');
      return {
        header,
        features,
        signature: feature.value,
        toBeSigned: new Uint8Array(bytes.subarray(0, at)),
      };
    }
    features.push({ tag: feature.tag, value: feature.value });
    at = feature.end;
  }
}

/**
 * Header and message of a seal, which are to be signed.
 *
 * @throws ConsulError SCHEMA_VIOLATION when a field of the header does not fit
 */
export function vdsToBeSigned(header: VdsHeader, features: readonly VdsFeature[]): Uint8Array {
  return concatBytes(writeHeader(header), ...features.map(({ tag, value }) => tlv(tag, value)));
}

/**
 * The seal: what was signed, and the signature zone.
 *
 * @param signature r||s
 */
export function sealVds(toBeSigned: Uint8Array, signature: Uint8Array): Uint8Array {
  return concatBytes(toBeSigned, tlv(signatureTag, signature));
}

function readHeader(bytes: Uint8Array): { readonly header: VdsHeader; readonly length: number } {
  const version = versionOf(bytes);
  const issuingCountry = decodeC40(part(bytes, 2, 4));
  if (!/^[A-Z]{1,3} *$/.test(issuingCountry) || issuingCountry.length !== 3) {
    throw wrong('the issuing country of the seal is malformed');
  }
  const start = 4;
  const digits = version === 3 ? 5 : referenceLength(decodeC40(part(bytes, start, start + 4)));
  const characters = version === 3 ? 4 + digits : 6 + digits;
  const end = start + Math.ceil(characters / 3) * 2;
  const identifier = decodeC40(part(bytes, start, end));
  const certificateReference = identifier.slice(-digits);
  if (identifier.length !== characters || !/^[A-Z0-9]{4}[0-9A-F]+$/.test(identifier)) {
    throw wrong('the signer of the seal is malformed');
  }
  const rest = part(bytes, end, end + datesAndTypes);
  return {
    header: {
      version,
      issuingCountry: issuingCountry.trimEnd(),
      signer: identifier.slice(0, 4),
      certificateReference,
      issued: readDate(rest.subarray(0, 3)),
      signed: readDate(rest.subarray(3, 6)),
      definition: rest[6] as number,
      category: rest[7] as number,
    },
    length: end + datesAndTypes,
  };
}

function versionOf(bytes: Uint8Array): 3 | 4 {
  if (bytes[0] !== magic) throw wrong('the bytes do not begin as a visible digital seal');
  if (bytes[1] === 2) return 3;
  if (bytes[1] === 3) return 4;
  throw wrong(`version byte ${bytes[1]} is not of a visible digital seal`);
}

/** German authorities whose version 4 seals, unlike all others, give the length of the reference in decimal. */
const decimalSigners = new Set(['DEME', 'DEZV']);

/** Version 4: two hexadecimal digits after the signer say how long the reference is. */
function referenceLength(signerAndLength: string): number {
  const digits = signerAndLength.slice(4, 6);
  if (!/^[0-9A-F]{2}$/.test(digits) || digits === '00')
    throw wrong('the length of the reference is malformed');
  return Number.parseInt(digits, decimalSigners.has(signerAndLength.slice(0, 4)) ? 10 : 16);
}

function writeHeader(header: VdsHeader): Uint8Array {
  const { version, issuingCountry, signer, certificateReference: reference } = header;
  const longest = version === 3 ? 5 : 0xff;
  if (!/^[A-Z]{1,3}$/.test(issuingCountry) || !/^[A-Z0-9]{4}$/.test(signer)) {
    throw new ConsulError('SCHEMA_VIOLATION', 'the country or signer of the seal is malformed');
  }
  if (!/^[0-9A-F]+$/.test(reference) || reference.length > longest) {
    throw new ConsulError(
      'SCHEMA_VIOLATION',
      `the certificate reference is not 1 to ${longest} hexadecimal digits`,
    );
  }
  const identifier =
    version === 3
      ? signer + reference.padStart(5, '0')
      : signer + reference.length.toString(16).toUpperCase().padStart(2, '0') + reference;
  return concatBytes(
    Uint8Array.of(magic, version - 1),
    encodeC40(issuingCountry.padEnd(3, '<')),
    encodeC40(identifier),
    writeDate(header.issued),
    writeDate(header.signed),
    Uint8Array.of(header.definition, header.category),
  );
}

/** Doc 9303-13 §2.3.1: the number MMDDYYYY in three bytes. */
function readDate(bytes: Uint8Array): string {
  const number = ((bytes[0] as number) << 16) | ((bytes[1] as number) << 8) | (bytes[2] as number);
  const digits = String(number).padStart(8, '0');
  const date = `${digits.slice(4)}-${digits.slice(0, 2)}-${digits.slice(2, 4)}`;
  if (!isDay(date)) throw wrong('a date of the seal is not a day');
  return date;
}

function writeDate(date: string): Uint8Array {
  if (!isDay(date))
    throw new ConsulError('SCHEMA_VIOLATION', 'a date of the seal is not a day as YYYY-MM-DD');
  const number = Number(date.slice(5, 7) + date.slice(8, 10) + date.slice(0, 4));
  return Uint8Array.of(number >> 16, (number >> 8) & 0xff, number & 0xff);
}

function isDay(date: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) return false;
  const time = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date);
}

/** Tag, length as in DER, value (Doc 9303-13 §2.3.2). */
function readFeature(bytes: Uint8Array, start: number) {
  const tag = bytes[start];
  const initial = bytes[start + 1];
  if (tag === undefined || initial === undefined) throw wrong('the seal ends before its signature');
  const more = initial < 0x80 ? 0 : initial - 0x80;
  if (more > 2 || initial === 0x80) throw wrong('a length of the seal is malformed');
  let length = more === 0 ? initial : 0;
  for (const byte of part(bytes, start + 2, start + 2 + more)) length = length * 256 + byte;
  if ((more === 1 && length < 0x80) || (more === 2 && length < 0x100)) {
    throw wrong('a length of the seal is longer than it needs to be');
  }
  const valueStart = start + 2 + more;
  const end = valueStart + length;
  return { tag, value: new Uint8Array(part(bytes, valueStart, end)), end };
}

function tlv(tag: number, value: Uint8Array): Uint8Array {
  const { length } = value;
  if (length < 0x80) return concatBytes(Uint8Array.of(tag, length), value);
  if (length < 0x100) return concatBytes(Uint8Array.of(tag, 0x81, length), value);
  return concatBytes(Uint8Array.of(tag, 0x82, length >> 8, length & 0xff), value);
}

function part(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (end > bytes.length) throw wrong('the seal is cut');
  return bytes.subarray(start, end);
}

const wrong = (message: string): ConsulError => new ConsulError('SEAL_INVALID', message);
