import { type Budget, invalid, tooComplex } from './bounds.ts';
import { undoFilters } from './filters.ts';
import type { Findings } from './findings.ts';
import { readIndirect } from './indirect.ts';
import { Lexer } from './lexer.ts';
import { isArray, type PdfDict, PdfRef, PdfStream, wholeNumber } from './objects.ts';

export interface UsedEntry {
  readonly kind: 'used';
  /** Byte where `num gen obj` stands. */
  readonly offset: number;
  readonly gen: number;
}

export interface PackedEntry {
  readonly kind: 'packed';
  /** Number of the object stream. */
  readonly container: number;
  readonly index: number;
}

export interface FreeEntry {
  readonly kind: 'free';
  readonly gen: number;
}

export type XrefEntry = UsedEntry | PackedEntry | FreeEntry;

/** One cross-reference section with its trailer and end marks. */
export interface XrefSection {
  readonly offset: number;
  readonly entries: ReadonlyMap<number, XrefEntry>;
  readonly trailer: PdfDict;
  readonly previous: number | undefined;
  /**
   * The number after the `startxref` that follows this section; undefined where none follows, as in the first section of
   * some linearized files.
   */
  readonly startxref: number | undefined;
  /** After `%%EOF`. */
  readonly end: number;
}

const eofMark = [0x25, 0x25, 0x45, 0x4f, 0x46];
const startMark = [0x73, 0x74, 0x61, 0x72, 0x74, 0x78, 0x72, 0x65, 0x66];

function lastIndexOf(bytes: Uint8Array, mark: readonly number[], from: number): number {
  for (let at = from; at >= 0; at--) {
    let i = 0;
    while (i < mark.length && bytes[at + i] === mark[i]) i++;
    if (i === mark.length) return at;
  }
  return -1;
}

/** Reads `startxref`, its number and `%%EOF`, each on its own line (ISO 32000-2 §7.5.5). */
function readEnd(lexer: Lexer): { startxref: number; end: number } {
  const { bytes } = lexer;
  lexer.expect('startxref');
  lineEnd(lexer);
  const startxref = lexer.digits();
  lineEnd(lexer);
  for (const octet of eofMark)
    if (bytes[lexer.position++] !== octet) invalid(lexer.position - 1, '"%%EOF" must stand here');
  return { startxref, end: lexer.position };
}

function lineEnd(lexer: Lexer): void {
  const { bytes } = lexer;
  while (bytes[lexer.position] === 0x20) lexer.position++;
  const at = lexer.position;
  if (bytes[at] === 0x0d) lexer.position++;
  if (bytes[lexer.position] === 0x0a) lexer.position++;
  if (lexer.position === at) lexer.fail('a line must end here');
}

/** The offset that the last `startxref` of the file gives. */
export function findLastXref(bytes: Uint8Array, budget: Budget): number {
  const eof = lastIndexOf(bytes, eofMark, bytes.length - eofMark.length);
  if (eof < 0) invalid(bytes.length, 'no "%%EOF": the file is cut short');
  const start = lastIndexOf(bytes, startMark, eof - startMark.length);
  if (start < 0) invalid(eof, 'no "startxref" before "%%EOF"');
  const lexer = new Lexer(bytes, start, bytes.length, budget, { references: true });
  return readEnd(lexer).startxref;
}

class EntryTable {
  readonly entries = new Map<number, XrefEntry>();
  readonly #findings: Findings;
  readonly #limit: number;

  constructor(findings: Findings, limit: number) {
    this.#findings = findings;
    this.#limit = limit;
  }

  add(num: number, entry: XrefEntry, offset: number): void {
    if (this.entries.has(num)) {
      this.#findings.note('duplicate-xref-entry', offset, `object ${num} is listed twice in one revision`);
      return;
    }
    if (this.entries.size >= this.#limit) tooComplex(`more than ${this.#limit} objects`);
    this.entries.set(num, entry);
  }
}

function readNumber(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = at; i < at + length; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (!(digit >= 0 && digit <= 9)) invalid(i, 'a cross-reference entry of another form');
    value = value * 10 + digit;
  }
  return value;
}

/** ISO 32000-2 §7.5.4: entries of exactly twenty bytes. */
function readTable(lexer: Lexer, table: EntryTable, limit: number): void {
  const { bytes } = lexer;
  lineEnd(lexer);
  let subsections = 0;
  while (!lexer.accept('trailer')) {
    if (++subsections > limit) tooComplex('too many cross-reference subsections');
    const first = lexer.digits();
    if (bytes[lexer.position++] !== 0x20) invalid(lexer.position - 1, 'a subsection header of another form');
    const count = lexer.digits();
    lineEnd(lexer);
    if (count > limit) tooComplex(`more than ${limit} objects`);
    let at = lexer.position;
    if (at + count * 20 > lexer.end) invalid(at, 'the cross-reference table is cut short');
    for (let i = 0; i < count; i++, at += 20) {
      const value = readNumber(bytes, at, 10);
      const gen = readNumber(bytes, at + 11, 5);
      const kind = bytes[at + 17];
      const endOne = bytes[at + 18];
      const endTwo = bytes[at + 19];
      const lineEnds =
        (endOne === 0x20 && (endTwo === 0x0a || endTwo === 0x0d)) || (endOne === 0x0d && endTwo === 0x0a);
      if (bytes[at + 10] !== 0x20 || bytes[at + 16] !== 0x20 || !lineEnds)
        invalid(at, 'a cross-reference entry of another form');
      if (kind === 0x6e) table.add(first + i, { kind: 'used', offset: value, gen }, at);
      else if (kind === 0x66) table.add(first + i, { kind: 'free', gen }, at);
      else invalid(at, 'a cross-reference entry of another form');
    }
    lexer.position = at;
  }
}

function field(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = at; i < at + width; i++) value = value * 256 + (bytes[i] as number);
  return value;
}

/** ISO 32000-2 §7.5.8. */
function readXrefStream(stream: PdfStream, table: EntryTable, budget: Budget, limit: number): void {
  const { dict, start } = stream;
  if (dict.get('Type') !== 'XRef') invalid(start, 'not a cross-reference stream');
  const { bytes, rest } = undoFilters(
    stream,
    (value) =>
      value instanceof PdfRef
        ? invalid(start, 'an indirect entry in a cross-reference stream')
        : (value ?? null),
    budget,
    Math.min(budget.inflatedLeft, 32 * limit),
  );
  if (rest.length > 0) invalid(start, 'a cross-reference stream with another filter than FlateDecode');
  budget.spendInflated(bytes.length);
  const size = wholeNumber(dict, 'Size', start);
  const w = dict.get('W');
  if (!isArray(w) || w.length !== 3) invalid(start, '/W is not three numbers');
  const [w0, w1, w2] = w.map((item) =>
    typeof item === 'number' && Number.isInteger(item) && item >= 0 && item <= 6
      ? item
      : invalid(start, '/W is not three numbers'),
  ) as [number, number, number];
  const index = dict.get('Index') ?? [0, size];
  if (!isArray(index) || index.length % 2 !== 0) invalid(start, '/Index is not pairs of numbers');
  const width = w0 + w1 + w2;
  if (width === 0) invalid(start, '/W is all zero');
  let at = 0;
  for (let i = 0; i < index.length; i += 2) {
    const first = index[i];
    const count = index[i + 1];
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count))
      invalid(start, '/Index is not pairs of numbers');
    if ((count as number) > limit) tooComplex(`more than ${limit} objects`);
    for (let n = 0; n < (count as number); n++, at += width) {
      if (at + width > bytes.length) invalid(start, 'a cross-reference stream is cut short');
      const kind = w0 === 0 ? 1 : field(bytes, at, w0);
      const second = field(bytes, at + w0, w1);
      const third = field(bytes, at + w0 + w1, w2);
      const num = (first as number) + n;
      if (kind === 0) table.add(num, { kind: 'free', gen: third }, start);
      else if (kind === 1) table.add(num, { kind: 'used', offset: second, gen: third }, start);
      else if (kind === 2) table.add(num, { kind: 'packed', container: second, index: third }, start);
      else invalid(start, 'a cross-reference entry of an unknown type');
    }
  }
  if (at !== bytes.length) invalid(start, 'bytes after the entries of a cross-reference stream');
}

function previousOf(trailer: PdfDict, offset: number): number | undefined {
  return trailer.has('Prev') ? wholeNumber(trailer, 'Prev', offset) : undefined;
}

/**
 * The cross-reference section that begins exactly at `offset`, with what must follow it up to `%%EOF`.
 * @throws ConsulError PDF_INVALID, also for hybrid-reference and encrypted files; PDF_TOO_COMPLEX
 */
export function readSection(
  bytes: Uint8Array,
  offset: number,
  budget: Budget,
  findings: Findings,
  entriesLeft: number,
): XrefSection {
  if (offset >= bytes.length) invalid(offset, 'startxref or /Prev points outside the file');
  const lexer = new Lexer(bytes, offset, bytes.length, budget, { findings, references: true });
  const table = new EntryTable(findings, entriesLeft);
  let trailer: PdfDict;
  const isStream = !lexer.accept('xref');
  if (!isStream) {
    readTable(lexer, table, entriesLeft);
    const value = lexer.value();
    if (!(value instanceof Map)) invalid(lexer.position, 'the trailer is not a dictionary');
    trailer = value;
    if (trailer.has('XRefStm')) invalid(offset, 'a hybrid-reference file');
  } else {
    const object = readIndirect(lexer, () =>
      invalid(offset, 'an indirect length of a cross-reference stream'),
    );
    if (!(object.value instanceof PdfStream)) invalid(offset, 'no cross-reference section stands here');
    trailer = object.value.dict;
    readXrefStream(object.value, table, budget, entriesLeft);
    const own = table.entries.get(object.num);
    if (own && (own.kind !== 'used' || own.offset !== offset))
      invalid(offset, 'a cross-reference stream that lists itself elsewhere');
    if (!own) table.add(object.num, { kind: 'used', offset, gen: object.gen }, offset);
  }
  if (trailer.has('Encrypt')) invalid(offset, 'the file is encrypted');
  const size = wholeNumber(trailer, 'Size', offset);
  for (const num of table.entries.keys())
    if (num >= size) {
      findings.note('size-mismatch', offset, `object ${num} is above /Size ${size}`);
      break;
    }
  const sectionEnd = lexer.position;
  lexer.skipSpace();
  const open = isStream && !lexer.startsWith('startxref');
  const { startxref, end } = open ? { startxref: undefined, end: sectionEnd } : readEnd(lexer);
  return {
    offset,
    entries: table.entries,
    trailer,
    previous: previousOf(trailer, offset),
    startxref,
    end,
  };
}
