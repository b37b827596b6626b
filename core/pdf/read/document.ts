import { type Bounds, Budget, defaultBounds, invalid, tooComplex } from './bounds.ts';
import { undoFilters } from './filters.ts';
import { type Finding, Findings } from './findings.ts';
import { type IndirectObject, readIndirect } from './indirect.ts';
import { isWhite, Lexer } from './lexer.ts';
import {
  isArray,
  isDict,
  type PdfArray,
  type PdfDict,
  type PdfObject,
  PdfRef,
  PdfStream,
  wholeNumber,
} from './objects.ts';
import { type HeldObject, type Revision, type RevisionFrame, readRevisions } from './revisions.ts';
import type { PackedEntry, UsedEntry, XrefEntry } from './xref.ts';

/** A length may be an object in an object stream whose length is an object, and so on: this far. */
const maxLengthNesting = 4;
const maxReferences = 8;

/** Reads the objects of the revisions one after the other, each looked up as its revision sees it. */
class ObjectReader {
  readonly #bytes: Uint8Array;
  readonly #budget: Budget;
  readonly #findings: Findings;
  readonly #frames: readonly RevisionFrame[];
  readonly #held: Map<number, HeldObject>[] = [];
  /** By offset: two revisions may list the same object. */
  readonly #read = new Map<number, IndirectObject>();
  readonly #containers = new Map<PdfStream, ReadonlyMap<number, PdfObject>>();
  #nesting = 0;

  constructor(bytes: Uint8Array, budget: Budget, findings: Findings, frames: readonly RevisionFrame[]) {
    this.#bytes = bytes;
    this.#budget = budget;
    this.#findings = findings;
    this.#frames = frames;
  }

  get segments(): readonly IndirectObject[] {
    return [...this.#read.values()];
  }

  readRevision(frame: RevisionFrame): Revision {
    const held = new Map<number, HeldObject>();
    this.#held.push(held);
    const added: number[] = [];
    const changed: number[] = [];
    const freed: number[] = [];
    for (const [num, entry] of frame.entries) {
      if (entry.kind === 'used') this.#load(num, frame.index);
      if (frame.index === 0) {
        if (entry.kind !== 'free') added.push(num);
        continue;
      }
      const before = this.#entry(num, frame.index - 1);
      const existed = before !== undefined && before.kind !== 'free';
      if (entry.kind === 'free') {
        if (existed) freed.push(num);
      } else if (!existed) added.push(num);
      else if (!sameEntry(before, entry)) changed.push(num);
      if (entry.kind === 'used' && !(before && sameEntry(before, entry))) this.#checkPlace(num, entry, frame);
    }
    for (const [num, entry] of frame.entries) {
      if (entry.kind === 'packed') this.#load(num, frame.index);
      else if (entry.kind === 'free') held.set(num, { gen: entry.gen, value: null, offset: undefined });
    }
    return { ...frame, objects: held, added, changed, freed };
  }

  #checkPlace(num: number, entry: UsedEntry, frame: RevisionFrame): void {
    if (entry.offset < frame.start || entry.offset >= frame.end)
      this.#findings.note(
        'entry-outside-revision',
        entry.offset,
        `object ${num} of revision ${frame.index + 1} stands in another revision`,
      );
  }

  #entry(num: number, revision: number): XrefEntry | undefined {
    for (let i = revision; i >= 0; i--) {
      const entry = this.#frames[i]?.entries.get(num);
      if (entry) return entry;
    }
    return undefined;
  }

  /** The object as the revision sees it, read where it was not yet. */
  #load(num: number, revision: number): PdfObject {
    for (let i = revision; i >= 0; i--) {
      const known = this.#held[i]?.get(num);
      if (known) return known.value;
      const entry = this.#frames[i]?.entries.get(num);
      if (!entry) continue;
      if (entry.kind === 'free') return null;
      const held = entry.kind === 'used' ? this.#loadUsed(num, entry, i) : this.#loadPacked(num, entry, i);
      this.#held[i]?.set(num, held);
      return held.value;
    }
    return null;
  }

  #loadUsed(num: number, entry: UsedEntry, revision: number): HeldObject {
    let object = this.#read.get(entry.offset);
    if (!object) {
      if (entry.offset >= this.#bytes.length)
        invalid(entry.offset, `object ${num} is listed outside the file`);
      const lexer = new Lexer(this.#bytes, entry.offset, this.#bytes.length, this.#budget, {
        findings: this.#findings,
        references: true,
      });
      object = readIndirect(lexer, (ref, offset) => this.#length(ref, offset, revision));
      this.#read.set(entry.offset, object);
    }
    if (object.num !== num || object.gen !== entry.gen)
      invalid(entry.offset, `object ${num} ${entry.gen} is listed where ${object.num} ${object.gen} stands`);
    return { gen: object.gen, value: object.value, offset: entry.offset };
  }

  #length(ref: PdfRef, offset: number, revision: number): number {
    if (++this.#nesting > maxLengthNesting) tooComplex('lengths of streams that depend on each other');
    const value = this.#load(ref.num, revision);
    this.#nesting--;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      invalid(offset, '/Length is not a whole number');
    for (let later = revision + 1; later < this.#frames.length; later++)
      if (this.#frames[later]?.entries.has(ref.num))
        this.#findings.note(
          'redefined-length',
          offset,
          'a later revision replaces the length of this stream',
        );
    return value;
  }

  #loadPacked(num: number, entry: PackedEntry, revision: number): HeldObject {
    if (this.#entry(entry.container, revision)?.kind !== 'used')
      invalid(0, `object ${num} is listed in the object stream ${entry.container}, which does not exist`);
    const stream = this.#load(entry.container, revision);
    if (!(stream instanceof PdfStream) || stream.dict.get('Type') !== 'ObjStm')
      invalid(0, `object ${num} is listed in ${entry.container}, which is not an object stream`);
    let objects = this.#containers.get(stream);
    if (!objects) {
      objects = this.#readContainer(stream, entry.container, revision);
      this.#containers.set(stream, objects);
    }
    const value = objects.get(num);
    if (value === undefined)
      invalid(stream.start, `object ${num} is not in the object stream that is listed`);
    return { gen: 0, value, offset: undefined };
  }

  /** ISO 32000-2 §7.5.7. Every object in it must be listed by the cross-reference as standing there. */
  #readContainer(stream: PdfStream, container: number, revision: number): ReadonlyMap<number, PdfObject> {
    const { bytes, rest } = undoFilters(
      stream,
      (value) => (value instanceof PdfRef ? this.#load(value.num, revision) : (value ?? null)),
      this.#budget,
      this.#budget.inflatedLeft,
    );
    if (rest.length > 0) invalid(stream.start, 'an object stream with another filter than FlateDecode');
    this.#budget.spendInflated(bytes.length);
    const count = wholeNumber(stream.dict, 'N', stream.start);
    const first = wholeNumber(stream.dict, 'First', stream.start);
    if (count > this.#budget.bounds.objects) tooComplex('too many objects in an object stream');
    if (first > bytes.length) invalid(stream.start, '/First of an object stream is too large');
    const options = { findings: this.#findings, references: true };
    const header = new Lexer(bytes, 0, first, this.#budget, options);
    const places: { num: number; at: number }[] = [];
    for (let i = 0; i < count; i++) {
      header.skipSpace();
      const num = header.digits();
      header.skipSpace();
      places.push({ num, at: first + header.digits() });
    }
    header.skipSpace();
    if (header.position < first) this.#strayInside(stream);
    const objects = new Map<number, PdfObject>();
    for (const [index, { num, at }] of places.entries()) {
      const end = places[index + 1]?.at ?? bytes.length;
      if (at > end || end > bytes.length)
        invalid(stream.start, 'the offsets in an object stream are not in order');
      const lexer = new Lexer(bytes, at, end, this.#budget, options);
      const value = lexer.value();
      lexer.skipSpace();
      if (lexer.position < end) this.#strayInside(stream);
      if (objects.has(num))
        this.#findings.note(
          'duplicate-xref-entry',
          stream.start,
          `object ${num} stands twice in an object stream`,
        );
      else objects.set(num, value);
      const entry = this.#entry(num, revision);
      if (entry?.kind !== 'packed' || entry.container !== container || entry.index !== index)
        this.#findings.note(
          'orphan-object',
          stream.start,
          `object ${num} in an object stream is not listed by the cross-reference`,
        );
    }
    return objects;
  }

  #strayInside(stream: PdfStream): void {
    this.#findings.note('stray-bytes', stream.start, 'bytes in an object stream that belong to no object');
  }
}

function sameEntry(a: XrefEntry, b: XrefEntry): boolean {
  if (a.kind === 'used') return b.kind === 'used' && a.offset === b.offset && a.gen === b.gen;
  return a.kind === 'packed' && b.kind === 'packed' && a.container === b.container && a.index === b.index;
}

/** The version line and the comment of high bytes that may follow it (ISO 32000-2 §7.5.2). */
function readHeader(bytes: Uint8Array): { version: string; end: number } {
  const line = String.fromCharCode(...bytes.subarray(0, 8));
  const version = /^%PDF-(1\.[0-7]|2\.0)$/.exec(line)?.[1];
  if (!version) invalid(0, 'the file does not begin with %PDF-1.0 to %PDF-2.0');
  let at = 8;
  while (bytes[at] === 0x20) at++;
  if (bytes[at] !== 0x0a && bytes[at] !== 0x0d) invalid(8, 'the version must end its line');
  while (bytes[at] === 0x0a || bytes[at] === 0x0d) at++;
  if (bytes[at] === 0x25) {
    const end = Math.min(bytes.length, at + 64);
    while (at < end && bytes[at] !== 0x0a && bytes[at] !== 0x0d) at++;
  }
  return { version, end: at };
}

/** Whether `digits digits obj` stands somewhere in the range. */
function holdsObject(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start + 4; at + 2 < end; at++) {
    if (bytes[at] !== 0x6f || bytes[at + 1] !== 0x62 || bytes[at + 2] !== 0x6a) continue;
    let i = at - 1;
    const spaces = (): boolean => {
      const from = i;
      while (i >= start && isWhite(bytes[i])) i--;
      return i < from;
    };
    const digits = (): boolean => {
      const from = i;
      while (i >= start && (bytes[i] as number) >= 0x30 && (bytes[i] as number) <= 0x39) i--;
      return i < from;
    };
    if (spaces() && digits() && spaces() && digits()) return true;
  }
  return false;
}

/** Every byte belongs to the header, to one object or to one cross-reference section; the rest is white space. */
function checkCoverage(
  bytes: Uint8Array,
  headerEnd: number,
  segments: { start: number; end: number }[],
  end: number,
  findings: Findings,
): void {
  segments.sort((a, b) => a.start - b.start);
  let at = headerEnd;
  const gap = (to: number): void => {
    for (let i = at; i < to; i++) {
      const octet = bytes[i];
      if (octet === 0x20 || octet === 0x0a || octet === 0x0d || octet === 0x09) continue;
      if (holdsObject(bytes, i, to))
        findings.note('orphan-object', i, 'an object that no cross-reference entry points at');
      else findings.note('stray-bytes', i, `${to - i} bytes that belong to no object`);
      return;
    }
  };
  for (const segment of segments) {
    if (segment.start < at) invalid(segment.start, 'two objects overlap');
    gap(segment.start);
    at = segment.end;
  }
  gap(end);
}

/** A PDF that was read in full: every object of every revision, and what was odd about the file. */
export class PdfFile {
  readonly bytes: Uint8Array;
  readonly version: string;
  /** The oldest first; at least one. */
  readonly revisions: readonly Revision[];
  readonly findings: readonly Finding[];
  /** @internal what is left for streams, content and text */
  readonly budget: Budget;
  readonly #decoded = new WeakMap<PdfStream, Uint8Array>();
  readonly #newest: number;

  constructor(
    bytes: Uint8Array,
    version: string,
    revisions: readonly Revision[],
    findings: readonly Finding[],
    budget: Budget,
  ) {
    this.bytes = bytes;
    this.version = version;
    this.revisions = revisions;
    this.findings = findings;
    this.budget = budget;
    this.#newest = revisions.length - 1;
  }

  /** The object as it is at the end of `revision`, by default of the newest; null where it does not exist. */
  object(num: number, gen: number, revision: number = this.#newest): PdfObject {
    for (let i = revision; i >= 0; i--) {
      const held = this.revisions[i]?.objects.get(num);
      if (held) return held.gen === gen ? held.value : null;
    }
    return null;
  }

  /** Follows references; a reference to nothing is null (ISO 32000-2 §7.3.10). */
  readonly resolve = (value: PdfObject | undefined, revision: number = this.#newest): PdfObject => {
    let at: PdfObject = value ?? null;
    for (let i = 0; at instanceof PdfRef; i++) {
      if (i === maxReferences) invalid(0, `the reference ${at.num} goes in a circle`);
      at = this.object(at.num, at.gen, revision);
    }
    return at;
  };

  /** The value as a dictionary, undefined where there is none; another type is refused. The same for the others. */
  dict(value: PdfObject | undefined, revision?: number): PdfDict | undefined {
    const found = this.resolve(value, revision);
    if (found === null) return undefined;
    return isDict(found) ? found : invalid(0, 'a dictionary must stand where another object stands');
  }

  array(value: PdfObject | undefined, revision?: number): PdfArray | undefined {
    const found = this.resolve(value, revision);
    if (found === null) return undefined;
    return isArray(found) ? found : invalid(0, 'an array must stand where another object stands');
  }

  stream(value: PdfObject | undefined, revision?: number): PdfStream | undefined {
    const found = this.resolve(value, revision);
    if (found === null) return undefined;
    return found instanceof PdfStream ? found : invalid(0, 'a stream must stand where another object stands');
  }

  name(value: PdfObject | undefined, revision?: number): string | undefined {
    const found = this.resolve(value, revision);
    if (found === null) return undefined;
    return typeof found === 'string' ? found : invalid(0, 'a name must stand where another object stands');
  }

  number(value: PdfObject | undefined, revision?: number): number | undefined {
    const found = this.resolve(value, revision);
    if (found === null) return undefined;
    return typeof found === 'number' ? found : invalid(0, 'a number must stand where another object stands');
  }

  /** The document catalog (ISO 32000-2 §7.7.2) at the end of `revision`. */
  catalog(revision: number = this.#newest): PdfDict {
    const catalog = this.dict(this.revisions[revision]?.trailer.get('Root'), revision);
    if (catalog?.get('Type') !== 'Catalog') invalid(0, '/Root is not the document catalog');
    return catalog;
  }

  /**
   * The data of a stream with FlateDecode undone; kept, so that it is paid once.
   * @throws ConsulError PDF_INVALID for another filter or damaged data, PDF_TOO_COMPLEX
   */
  data(stream: PdfStream): Uint8Array {
    const known = this.#decoded.get(stream);
    if (known) return known;
    const { bytes, rest } = undoFilters(stream, this.resolve, this.budget, this.budget.inflatedLeft);
    if (rest[0]) invalid(stream.start, `the filter ${rest[0].name} is not supported here`);
    if (bytes !== stream.raw) this.budget.spendInflated(bytes.length);
    this.#decoded.set(stream, bytes);
    return bytes;
  }
}

/**
 * Reads a PDF strictly and within bounds: cross-reference sections must stand exactly where they are announced, every
 * entry must point at its object, every object must be whole. What a lenient reader would pass over is either an error
 * or one of `findings`.
 * @param bytes the whole file; kept, not copied
 * @throws ConsulError PDF_INVALID when damaged, truncated, encrypted or hybrid; PDF_TOO_COMPLEX beyond the bounds
 */
export function readPdf(bytes: Uint8Array, bounds: Bounds = defaultBounds): PdfFile {
  if (bytes.length > bounds.fileBytes) tooComplex(`more than ${bounds.fileBytes} bytes`);
  const budget = new Budget(bounds);
  const findings = new Findings();
  const header = readHeader(bytes);
  const frames = readRevisions(bytes, budget, findings);
  const reader = new ObjectReader(bytes, budget, findings, frames);
  const revisions = frames.map((frame) => reader.readRevision(frame));
  const sections = revisions.flatMap((revision) => revision.sections);
  const starts = new Set(sections.map((section) => section.start));
  const segments = [...reader.segments.filter(({ start }) => !starts.has(start)), ...sections];
  checkCoverage(bytes, header.end, segments, revisions.at(-1)?.eof ?? 0, findings);
  const file = new PdfFile(bytes, header.version, revisions, findings.list, budget);
  file.catalog();
  return file;
}
