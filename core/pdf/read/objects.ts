import { invalid } from './bounds.ts';

/** An indirect reference `num gen R`. */
export class PdfRef {
  readonly num: number;
  readonly gen: number;

  constructor(num: number, gen: number) {
    this.num = num;
    this.gen = gen;
  }
}

const hexDigits = new Int8Array(256).fill(-1);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  hexDigits[digit.charCodeAt(0)] = value;
  hexDigits[digit.toUpperCase().charCodeAt(0)] = value;
}

const escapes: Readonly<Record<number, number>> = {
  110: 0x0a,
  114: 0x0d,
  116: 0x09,
  98: 0x08,
  102: 0x0c,
  40: 0x28,
  41: 0x29,
  92: 0x5c,
};

/** A string object and where it stands, delimiters included; its form was checked by the lexer. */
export class PdfString {
  readonly #source: Uint8Array;
  readonly start: number;
  readonly end: number;
  #bytes: Uint8Array | undefined;

  constructor(source: Uint8Array, start: number, end: number) {
    this.#source = source;
    this.start = start;
    this.end = end;
  }

  /** Whether it is written `<…>`. */
  get hex(): boolean {
    return this.#source[this.start] === 0x3c;
  }

  /** What it says (ISO 32000-2 §7.3.4). */
  get bytes(): Uint8Array {
    if (!this.#bytes) {
      const out = new Uint8Array(this.hex ? (this.end - this.start - 1) >> 1 : this.end - this.start - 2);
      const length = this.read(out);
      this.#bytes = length === out.length ? out : out.subarray(0, length);
    }
    return this.#bytes;
  }

  /** Most bytes that `read` may give. */
  get room(): number {
    return this.end - this.start;
  }

  /** Writes what it says into `out` and gives the length. */
  read(out: Uint8Array): number {
    return this.hex ? this.#readHex(out) : this.#readLiteral(out);
  }

  #readHex(out: Uint8Array): number {
    const source = this.#source;
    const end = this.end - 1;
    let length = 0;
    let high = -1;
    for (let i = this.start + 1; i < end; i++) {
      const digit = hexDigits[source[i] as number] as number;
      if (digit < 0) continue;
      if (high < 0) high = digit;
      else {
        out[length++] = (high << 4) | digit;
        high = -1;
      }
    }
    if (high >= 0) out[length++] = high << 4;
    return length;
  }

  #readLiteral(out: Uint8Array): number {
    const source = this.#source;
    const end = this.end - 1;
    let length = 0;
    for (let i = this.start + 1; i < end; i++) {
      let octet = source[i] as number;
      if (octet === 0x0d) {
        if (source[i + 1] === 0x0a) i++;
        octet = 0x0a;
      } else if (octet === 0x5c) {
        octet = source[++i] as number;
        if (octet === 0x0d) {
          if (source[i + 1] === 0x0a) i++;
          continue;
        }
        if (octet === 0x0a) continue;
        if (octet >= 0x30 && octet <= 0x37) {
          let value = octet - 0x30;
          for (let n = 0; n < 2; n++) {
            const next = source[i + 1] as number;
            if (next < 0x30 || next > 0x37) break;
            value = value * 8 + next - 0x30;
            i++;
          }
          octet = value & 0xff;
        } else octet = escapes[octet] ?? octet;
      }
      out[length++] = octet;
    }
    return length;
  }
}

/** A name is its characters, each one byte, after #xx was read. */
export type PdfName = string;
export type PdfArray = readonly PdfObject[];
export type PdfDict = ReadonlyMap<string, PdfObject>;

/** A stream: its dictionary and its bytes as they stand in the file. */
export class PdfStream {
  readonly dict: PdfDict;
  readonly raw: Uint8Array;
  /** Byte of the file where the data starts. */
  readonly start: number;

  constructor(dict: PdfDict, raw: Uint8Array, start: number) {
    this.dict = dict;
    this.raw = raw;
    this.start = start;
  }
}

export type PdfObject =
  | null
  | boolean
  | number
  | PdfName
  | PdfString
  | PdfRef
  | PdfArray
  | PdfDict
  | PdfStream;

export function isDict(value: PdfObject | undefined): value is PdfDict {
  return value instanceof Map;
}

export function isArray(value: PdfObject | undefined): value is PdfArray {
  return Array.isArray(value);
}

/** An entry that must be a whole number not below zero and not indirect, as the file structure demands. */
export function wholeNumber(dict: PdfDict, key: string, offset: number): number {
  const value = dict.get(key);
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    invalid(offset, `/${key} is not a whole number`);
  return value;
}
