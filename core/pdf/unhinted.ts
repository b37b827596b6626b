import { concatBytes } from '../bytes.ts';

/**
 * Takes the hinting out of a TrueType font: the instructions of simple glyphs and the tables that only they use.
 * What is printed does not change (no printer or viewer of today hints at these sizes) and a subset halves in size.
 *
 * @param font an sfnt with glyf outlines, as fontkit's subsetter writes it
 */
export function withoutHinting(font: Uint8Array): Uint8Array {
  const tables = readTables(font);
  const head = new Uint8Array(table(tables, 'head'));
  const glyf = table(tables, 'glyf');
  const loca = table(tables, 'loca');
  const longOffsets = view(head).getInt16(50) === 1;
  const glyphCount = view(table(tables, 'maxp')).getUint16(4);
  const offset = (glyph: number): number =>
    longOffsets ? view(loca).getUint32(4 * glyph) : 2 * view(loca).getUint16(2 * glyph);

  const outlines: Uint8Array[] = [];
  const ends: number[] = [];
  let length = 0;
  for (let glyph = 0; glyph < glyphCount; glyph++) {
    const parts = unhintedGlyph(glyf.subarray(offset(glyph), offset(glyph + 1)));
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    outlines.push(...parts, new Uint8Array(-size & 3));
    length += size + (-size & 3);
    ends.push(length);
  }
  const short = length < 0x20000;
  const newLoca = new Uint8Array((short ? 2 : 4) * (glyphCount + 1));
  for (const [glyph, end] of ends.entries()) {
    if (short) view(newLoca).setUint16(2 * glyph + 2, end / 2);
    else view(newLoca).setUint32(4 * glyph + 4, end);
  }
  view(head).setInt16(50, short ? 0 : 1);

  const maxp = new Uint8Array(table(tables, 'maxp'));
  // maxZones 1; no twilight points, storage, functions, instruction definitions, stack or instructions.
  if (maxp.length >= 32) {
    maxp.fill(0, 14, 28);
    view(maxp).setUint16(14, 1);
  }
  return writeTables([
    ['glyf', concatBytes(...outlines)],
    ['head', head],
    ['hhea', table(tables, 'hhea')],
    ['hmtx', table(tables, 'hmtx')],
    ['loca', newLoca],
    ['maxp', maxp],
  ]);
}

/** OpenType `glyf`: a simple glyph keeps its instructions between the contour ends and the flags. */
function unhintedGlyph(glyph: Uint8Array): Uint8Array[] {
  if (glyph.length === 0) return [];
  const contours = view(glyph).getInt16(0);
  if (contours < 0) return [unhintedComposite(glyph)];
  const instructions = 10 + 2 * contours;
  const size = view(glyph).getUint16(instructions);
  return [glyph.subarray(0, instructions), new Uint8Array(2), glyph.subarray(instructions + 2 + size)];
}

/** A composite glyph ends with its instructions where the flag WE_HAVE_INSTRUCTIONS is set. */
function unhintedComposite(glyph: Uint8Array): Uint8Array {
  const out = new Uint8Array(glyph);
  let position = 10;
  for (;;) {
    const flags = view(out).getUint16(position);
    view(out).setUint16(position, flags & ~0x100);
    const scale = flags & 0x8 ? 2 : flags & 0x40 ? 4 : flags & 0x80 ? 8 : 0;
    position += 4 + (flags & 0x1 ? 4 : 2) + scale;
    if ((flags & 0x20) === 0) return out.subarray(0, position);
  }
}

function readTables(font: Uint8Array): Map<string, Uint8Array> {
  const tables = new Map<string, Uint8Array>();
  const count = view(font).getUint16(4);
  for (let i = 0; i < count; i++) {
    const entry = 12 + 16 * i;
    const tag = String.fromCharCode(...font.subarray(entry, entry + 4));
    const start = view(font).getUint32(entry + 8);
    tables.set(tag, font.subarray(start, start + view(font).getUint32(entry + 12)));
  }
  return tables;
}

function table(tables: ReadonlyMap<string, Uint8Array>, tag: string): Uint8Array {
  const bytes = tables.get(tag);
  if (bytes === undefined) throw new RangeError(`the font has no table ${tag}`);
  return bytes;
}

function writeTables(tables: readonly (readonly [tag: string, bytes: Uint8Array])[]): Uint8Array {
  const directory = new Uint8Array(12 + 16 * tables.length);
  const header = view(directory);
  const power = 2 ** Math.floor(Math.log2(tables.length));
  header.setUint32(0, 0x00010000);
  header.setUint16(4, tables.length);
  header.setUint16(6, 16 * power);
  header.setUint16(8, Math.log2(power));
  header.setUint16(10, 16 * (tables.length - power));
  const parts = [directory];
  let offset = directory.length;
  for (const [i, [tag, bytes]] of tables.entries()) {
    const padded = new Uint8Array(bytes.length + (-bytes.length & 3));
    padded.set(bytes);
    const entry = 12 + 16 * i;
    for (let c = 0; c < 4; c++) directory[entry + c] = tag.charCodeAt(c);
    header.setUint32(entry + 4, checksum(padded));
    header.setUint32(entry + 8, offset);
    header.setUint32(entry + 12, bytes.length);
    parts.push(padded);
    offset += padded.length;
  }
  return concatBytes(...parts);
}

function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 4) sum = (sum + view(bytes).getUint32(i)) >>> 0;
  return sum;
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
