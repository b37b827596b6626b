import { deflateSync } from 'node:zlib';
import { concatBytes } from '../bytes.ts';
import { ascii } from './syntax.ts';
import type { CrossReference } from './template.ts';

/**
 * Speed against size: level 4 takes twice as long for a tenth less. The streams of a page are short: the full window
 * would take four times the memory, and most of the time, of each.
 */
const compression = { level: 1, windowBits: 14, memLevel: 7 };
/** Below this the frame of deflate costs more than it saves. */
const worthCompressing = 320;

/** How an update continues a file (ISO 32000-1 §7.5.6). */
export interface Continuation {
  /** The first number that no object has. */
  readonly next: number;
  /** The cross-reference section before. */
  readonly previous: number;
  /** `table`: the file knows neither object streams nor cross-reference streams, so the update has none either. */
  readonly form: 'stream' | 'table';
}

type Place = CrossReference & { readonly generation?: number };

/**
 * Numbers and collects the objects of a file, or of an update to one. Dictionaries go together into one object stream
 * (ISO 32000-1 §7.5.7) and the places of all objects into a cross-reference stream (§7.5.8): a tagged page has dozens of
 * small objects, which would take more room than its text.
 */
export class FileWriter {
  readonly #places = new Map<number, Place | undefined>();
  readonly #parts: Uint8Array[];
  readonly #packed: { readonly self: number; readonly body: string }[] = [];
  readonly #after: Continuation | undefined;
  #next: number;
  #length: number;

  /** Continues after bytes that hold the first objects of the file, or with `after` as an update to a whole file. */
  constructor(before: Uint8Array, entries: readonly CrossReference[], after?: Continuation) {
    this.#after = after;
    this.#next = after?.next ?? 1;
    for (const entry of entries) this.#places.set(this.#next++, entry);
    this.#parts = [before];
    this.#length = before.length;
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** The number of an object that is written later. */
  reserve(): number {
    this.#places.set(this.#next, undefined);
    return this.#next++;
  }

  /** @param body ASCII, not a stream */
  object(self: number, body: string): void {
    if (this.#after?.form === 'table') this.plainObject(self, body);
    else this.#packed.push({ self, body });
  }

  /** An object that must be found in the file as it is written here. */
  plainObject(self: number, body: string | Uint8Array, generation = 0): void {
    this.#places.set(self, { offset: this.#length, ...(generation > 0 ? { generation } : {}) });
    this.add(ascii(`${self} ${generation} obj\n`));
    this.add(typeof body === 'string' ? ascii(body) : body);
    this.add(ascii('\nendobj\n'));
  }

  stream(
    self: number,
    bytes: Uint8Array,
    { dictionary = '', compress = true }: { readonly dictionary?: string; readonly compress?: boolean } = {},
  ): void {
    const deflated = compress && bytes.length > worthCompressing;
    const chunkSize = Math.min(16_384, Math.max(1024, bytes.length >> 1));
    const data = deflated ? deflateSync(bytes, { ...compression, chunkSize }) : bytes;
    const filter = deflated ? ' /Filter /FlateDecode' : '';
    this.#places.set(self, { offset: this.#length });
    this.add(ascii(`${self} 0 obj\n<<${dictionary} /Length ${data.length}${filter}>>\nstream\n`));
    this.add(data);
    this.add(ascii('\nendstream\nendobj\n'));
  }

  /** Writes the dictionaries collected so far into an object stream. */
  pack(): void {
    if (this.#packed.length === 0) return;
    const container = this.reserve();
    let index = '';
    let bodies = '';
    for (const [i, { self, body }] of this.#packed.entries()) {
      this.#places.set(self, { container, index: i });
      index += `${self} ${bodies.length} `;
      bodies += `${body}\n`;
    }
    const dictionary = `/Type /ObjStm /N ${this.#packed.length} /First ${index.length}`;
    this.#packed.length = 0;
    this.stream(container, ascii(index + bodies), { dictionary });
  }

  /** All that was written. */
  bytes(): Uint8Array {
    return concatBytes(...this.#parts);
  }

  /** What was written behind the bytes that it began with. */
  added(): Uint8Array {
    return concatBytes(...this.#parts.slice(1));
  }

  /** Where the objects are, in the order of their numbers. */
  entries(): CrossReference[] {
    return this.#sorted().map(([, place]) => place);
  }

  /**
   * Ends the file or the update; no line end follows `%%EOF`.
   * @param trailer the entries of the trailer besides those of the cross-reference section
   */
  finish(trailer: string): Uint8Array {
    this.pack();
    if (this.#after?.form === 'table') this.#table(this.#after, trailer);
    else this.#crossReferenceStream(trailer);
    return this.bytes();
  }

  #crossReferenceStream(trailer: string): void {
    const self = this.reserve();
    const start = this.#length;
    this.#places.set(self, { offset: start });
    const places = this.#sorted();
    const after = this.#after;
    const sections = runs(places).map((run) => `${run[0]?.[0]} ${run.length}`);
    const index = after ? ` /Index [${sections.join(' ')}] /Prev ${after.previous}` : '';
    const entries = after ? entryTable(places) : concatBytes(freeHead, entryTable(places));
    this.stream(self, entries, {
      dictionary: `/Type /XRef /Size ${this.#next} /W [1 4 2]${index}${trailer}`,
    });
    this.add(ascii(`startxref\n${start}\n%%EOF`));
  }

  /** ISO 32000-1 §7.5.4: sections of entries of exactly twenty bytes. */
  #table({ previous }: Continuation, trailer: string): void {
    const start = this.#length;
    let table = 'xref\n';
    for (const run of runs(this.#sorted())) {
      table += `${run[0]?.[0]} ${run.length}\n`;
      for (const [num, place] of run) {
        if (!('offset' in place)) throw new RangeError(`object ${num} lies in an object stream`);
        table += `${digits(place.offset, 10)} ${digits(place.generation ?? 0, 5)} n \n`;
      }
    }
    this.add(
      ascii(
        `${table}trailer\n<</Size ${this.#next} /Prev ${previous}${trailer}>>\nstartxref\n${start}\n%%EOF`,
      ),
    );
  }

  #sorted(): [number, Place][] {
    return [...this.#places]
      .sort(([a], [b]) => a - b)
      .map(([num, place]) => {
        if (place === undefined) throw new RangeError(`object ${num} was never written`);
        return [num, place];
      });
  }

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }
}

/** Keys and signatures do not shrink, and reading compressed data costs more than a few bytes are worth. */
const worthwhile = 0.8;

/**
 * A stream object, from its dictionary to `endstream`, for `plainObject`: made once for many files, so compressed as well
 * as can be where that helps.
 *
 * @param dictionary its entries besides length and filter
 */
export function streamObject(bytes: Uint8Array, dictionary = ''): Uint8Array {
  const deflated = deflateSync(bytes, { level: 9 });
  const small = deflated.length < worthwhile * bytes.length;
  const data = small ? deflated : bytes;
  const filter = small ? ' /Filter /FlateDecode' : '';
  return concatBytes(
    ascii(`<<${dictionary} /Length ${data.length}${filter}>>\nstream\n`),
    data,
    ascii('\nendstream'),
  );
}

const digits = (value: number, count: number): string => String(value).padStart(count, '0');

/** Objects whose numbers follow one another, together. */
function runs(places: readonly [number, Place][]): [number, Place][][] {
  const found: [number, Place][][] = [];
  for (const place of places) {
    const last = found.at(-1);
    if (last && place[0] === (last.at(-1)?.[0] ?? 0) + 1) last.push(place);
    else found.push([place]);
  }
  return found;
}

/** Bytes of an entry: kind, then offset and generation, or object stream and index (ISO 32000-1 table 18). */
const entryLength = 7;

/** Object 0 heads the list of free objects. */
const freeHead = Uint8Array.of(0, 0, 0, 0, 0, 0xff, 0xff);

function entryTable(places: readonly [number, Place][]): Uint8Array {
  const table = new Uint8Array(entryLength * places.length);
  const view = new DataView(table.buffer);
  for (const [i, [, place]] of places.entries()) {
    const at = entryLength * i;
    const inFile = 'offset' in place;
    view.setUint8(at, inFile ? 1 : 2);
    view.setUint32(at + 1, inFile ? place.offset : place.container);
    view.setUint16(at + 5, inFile ? (place.generation ?? 0) : place.index);
  }
  return table;
}
