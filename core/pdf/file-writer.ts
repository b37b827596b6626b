import { deflateSync } from 'node:zlib';
import { concatBytes, toHex } from '../bytes.ts';
import { ascii } from './syntax.ts';
import type { CrossReference } from './template.ts';

/**
 * Speed against size: level 4 takes twice as long for a tenth less. The streams of a page are short: the full window
 * would take four times the memory, and most of the time, of each.
 */
const compression = { level: 1, windowBits: 14, memLevel: 7 };
/** Below this the frame of deflate costs more than it saves. */
const worthCompressing = 320;

/**
 * Numbers and collects the objects of a file. Dictionaries go together into one object stream (ISO 32000-1 §7.5.7) and
 * the places of all objects into a cross-reference stream (§7.5.8): a tagged page has dozens of small objects, which
 * would take more room than its text.
 */
export class FileWriter {
  readonly #entries: (CrossReference | undefined)[];
  readonly #parts: Uint8Array[];
  readonly #packed: { readonly self: number; readonly body: string }[] = [];
  #length: number;

  /** Continues after bytes that hold the first objects of the file. */
  constructor(prefix: Uint8Array, entries: readonly CrossReference[]) {
    this.#entries = [...entries];
    this.#parts = [prefix];
    this.#length = prefix.length;
  }

  /** The number of an object that is written later. */
  reserve(): number {
    return this.#entries.push(undefined);
  }

  /** @param body ASCII, not a stream */
  object(self: number, body: string): void {
    this.#packed.push({ self, body });
  }

  /** An object that must be found in the file as it is written here. */
  plainObject(self: number, body: string | Uint8Array): void {
    this.#entries[self - 1] = { offset: this.#length };
    this.#add(ascii(`${self} 0 obj\n`));
    this.#add(typeof body === 'string' ? ascii(body) : body);
    this.#add(ascii('\nendobj\n'));
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
    this.#entries[self - 1] = { offset: this.#length };
    this.#add(ascii(`${self} 0 obj\n<<${dictionary} /Length ${data.length}${filter}>>\nstream\n`));
    this.#add(data);
    this.#add(ascii('\nendstream\nendobj\n'));
  }

  /** Writes the dictionaries collected so far into an object stream. */
  pack(): void {
    if (this.#packed.length === 0) return;
    const container = this.reserve();
    let index = '';
    let bodies = '';
    for (const [i, { self, body }] of this.#packed.entries()) {
      this.#entries[self - 1] = { container, index: i };
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

  /** Where the objects are. */
  entries(): CrossReference[] {
    return this.#entries.map((entry, i) => {
      if (entry === undefined) throw new RangeError(`object ${i + 1} was never written`);
      return entry;
    });
  }

  /** Ends the file; no line end follows `%%EOF`. */
  finish({
    root,
    info,
    id,
  }: {
    readonly root: number;
    readonly info: number;
    readonly id: Uint8Array;
  }): Uint8Array {
    this.pack();
    const self = this.reserve();
    const start = this.#length;
    this.#entries[self - 1] = { offset: start };
    const table = crossReferenceTable(this.entries());
    const identifier = `<${toHex(id)}>`;
    this.stream(self, table, {
      dictionary:
        `/Type /XRef /Size ${self + 1} /W [1 4 2] /Root ${root} 0 R /Info ${info} 0 R` +
        ` /ID [${identifier} ${identifier}]`,
    });
    this.#add(ascii(`startxref\n${start}\n%%EOF`));
    return this.bytes();
  }

  #add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }
}

/** Entries of seven bytes: kind, then offset and generation, or object stream and index (ISO 32000-1 table 18). */
function crossReferenceTable(entries: readonly CrossReference[]): Uint8Array {
  const table = new Uint8Array(7 * (entries.length + 1));
  const view = new DataView(table.buffer);
  view.setUint16(5, 0xffff);
  for (const [i, entry] of entries.entries()) {
    const at = 7 * (i + 1);
    const inFile = 'offset' in entry;
    view.setUint8(at, inFile ? 1 : 2);
    view.setUint32(at + 1, inFile ? entry.offset : entry.container);
    view.setUint16(at + 5, inFile ? 0 : entry.index);
  }
  return table;
}
