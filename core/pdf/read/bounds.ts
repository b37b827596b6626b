import { ConsulError } from '../../errors.ts';

/** What the reader spends at most on one file; more is refused with PDF_TOO_COMPLEX. */
export interface Bounds {
  readonly fileBytes: number;
  /** Entries of all cross-reference sections together. */
  readonly objects: number;
  /** Units of parsed values: a number or name is one, a reference two, a string or array four, a dictionary eight. */
  readonly values: number;
  /** Levels of arrays and dictionaries inside one object. */
  readonly depth: number;
  readonly revisions: number;
  /** Bytes that come out of all decompression together, images left out. */
  readonly inflatedBytes: number;
  readonly pages: number;
  /** Operators of all content streams, those of a form counted each time it is drawn, and that as 32. */
  readonly operators: number;
  /** UTF-16 units of all extracted text. */
  readonly textLength: number;
  /** Bytes of one image, decompressed and as RGBA together. */
  readonly imageBytes: number;
}

const mebibyte = 1 << 20;

export const defaultBounds: Bounds = {
  fileBytes: 64 * mebibyte,
  objects: 100_000,
  values: 3_000_000,
  depth: 64,
  revisions: 64,
  inflatedBytes: 48 * mebibyte,
  pages: 5_000,
  operators: 2_000_000,
  textLength: 8 * mebibyte,
  imageBytes: 160 * mebibyte,
};

/** @throws ConsulError PDF_INVALID always */
export function invalid(offset: number, what: string): never {
  throw new ConsulError('PDF_INVALID', `not a sound PDF at byte ${offset}: ${what}`);
}

/** @throws ConsulError PDF_TOO_COMPLEX always */
export function tooComplex(what: string): never {
  throw new ConsulError('PDF_TOO_COMPLEX', `the PDF is refused: ${what}`);
}

/** Table entries of DEFLATE codes: a block of few bytes can ask for 65,536 of them. */
const codeTableEntries = 200_000_000;

/** What is left of the bounds while one file is read. */
export class Budget {
  readonly bounds: Bounds;
  #values: number;
  #inflated: number;
  #codes = codeTableEntries;
  #operators: number;
  #text: number;

  constructor(bounds: Bounds) {
    this.bounds = bounds;
    this.#values = bounds.values;
    this.#inflated = bounds.inflatedBytes;
    this.#operators = bounds.operators;
    this.#text = bounds.textLength;
  }

  get inflatedLeft(): number {
    return this.#inflated;
  }

  spendValues(units: number): void {
    this.#values -= units;
    if (this.#values < 0) tooComplex(`more than ${this.bounds.values} values`);
  }

  spendInflated(bytes: number): void {
    this.#inflated -= bytes;
    if (this.#inflated < 0) tooComplex(`more than ${this.bounds.inflatedBytes} bytes when decompressed`);
  }

  spendCodes(entries: number): void {
    this.#codes -= entries;
    if (this.#codes < 0) tooComplex('too many DEFLATE blocks');
  }

  spendOperators(count: number): void {
    this.#operators -= count;
    if (this.#operators < 0) tooComplex(`more than ${this.bounds.operators} content operators`);
  }

  spendText(units: number): void {
    this.#text -= units;
    if (this.#text < 0) tooComplex(`more than ${this.bounds.textLength} characters`);
  }
}
