import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import type { Font } from 'fontkit';
import { type PDFContext, type PDFRef, PDFString } from 'pdf-lib';
import { latin1 } from '../bytes.ts';
import { pairKerning } from './kerning.ts';
import { hex16 } from './syntax.ts';
import { withoutHinting } from './unhinted.ts';

/** What fontkit's subset really does; its published types say otherwise. */
interface Subset {
  /** @returns the number of the glyph in the subset */
  includeGlyph(glyph: number): number;
  encode(): Uint8Array;
}

interface Entry {
  /** Glyph in the shipped font, and in the subset. */
  readonly source: number;
  readonly subset: number;
  readonly text: string;
  readonly advance: number;
}

/**
 * One shipped font as the document embeds it. A code stands for a glyph together with the text that it prints, so that
 * two characters drawn by one glyph (Đ and Ð in many fonts) still come back as themselves.
 */
export class SubsetFont {
  readonly source: Font;
  readonly #subset: Subset;
  readonly #codes = new Map<string, number>();
  readonly #entries: Entry[] = [];

  constructor(source: Font) {
    this.source = source;
    this.#subset = source.createSubset() as unknown as Subset;
  }

  get used(): boolean {
    return this.#entries.length > 0;
  }

  get name(): string {
    return this.source.postscriptName;
  }

  /** @returns the code, 1 for the first glyph asked for; 0 stays .notdef and is never shown */
  code(glyph: number, text: string): number {
    const key = `${glyph} ${text}`;
    const known = this.#codes.get(key);
    if (known !== undefined) return known;
    this.#entries.push({
      source: glyph,
      subset: this.#subset.includeGlyph(glyph),
      text,
      advance: this.advance(glyph),
    });
    this.#codes.set(key, this.#entries.length);
    return this.#entries.length;
  }

  /** Advance of a glyph in 1/1000 em. */
  advance(glyph: number): number {
    return this.scaled(this.source.getGlyph(glyph).advanceWidth);
  }

  /** Font units to 1/1000 em, to three decimals so that it prints the same everywhere. */
  scaled(units: number): number {
    return Math.round((units * 1_000_000) / this.source.unitsPerEm) / 1000;
  }

  /** Kerning between codes, `first << 16 | second`, in 1/1000 em. */
  kerns(): Map<number, number> {
    const codesOf = new Map<number, number[]>();
    for (const [i, { source }] of this.#entries.entries()) {
      const codes = codesOf.get(source);
      if (codes === undefined) codesOf.set(source, [i + 1]);
      else codes.push(i + 1);
    }
    const kerns = new Map<number, number>();
    for (const [first, row] of pairKerning(this.source, [...codesOf.keys()]))
      for (const [second, adjustment] of row)
        for (const a of codesOf.get(first) ?? [])
          for (const b of codesOf.get(second) ?? []) kerns.set((a << 16) | b, this.scaled(adjustment));
    return kerns;
  }

  /** Writes the objects of the font (ISO 32000-1 §9.7) and gives the reference of the Type 0 dictionary. */
  embed(context: PDFContext): PDFRef {
    const program = withoutHinting(this.#subset.encode());
    const baseFont = `${subsetTag(program)}+${this.name}`;
    const { ascent, descent, capHeight, xHeight, italicAngle, bbox } = this.source;
    const descriptor = context.obj({
      Type: 'FontDescriptor',
      FontName: baseFont,
      // Symbolic (bit 3): the glyphs go beyond the Adobe standard Latin set.
      Flags: 4,
      FontBBox: [bbox.minX, bbox.minY, bbox.maxX, bbox.maxY].map((units) => this.scaled(units)),
      ItalicAngle: italicAngle,
      Ascent: this.scaled(ascent),
      Descent: this.scaled(descent),
      CapHeight: this.scaled(capHeight || ascent),
      XHeight: this.scaled(xHeight),
      StemV: Math.round(this.source['OS/2'].usWeightClass / 5),
      FontFile2: context.register(stream(context, program, { Length1: program.length })),
    });
    const descendant = context.obj({
      Type: 'Font',
      Subtype: 'CIDFontType2',
      BaseFont: baseFont,
      CIDSystemInfo: {
        Registry: PDFString.of('Adobe'),
        Ordering: PDFString.of('Identity'),
        Supplement: 0,
      },
      CIDToGIDMap: context.register(stream(context, this.#glyphMap())),
      FontDescriptor: context.register(descriptor),
      W: [1, this.#entries.map(({ advance }) => advance)],
    });
    return context.register(
      context.obj({
        Type: 'Font',
        Subtype: 'Type0',
        BaseFont: baseFont,
        Encoding: 'Identity-H',
        DescendantFonts: [context.register(descendant)],
        ToUnicode: context.register(stream(context, latin1(this.#toUnicode()))),
      }),
    );
  }

  #glyphMap(): Uint8Array {
    const map = new Uint8Array(2 * (this.#entries.length + 1));
    for (const [i, { subset }] of this.#entries.entries()) {
      map[2 * i + 2] = subset >> 8;
      map[2 * i + 3] = subset & 0xff;
    }
    return map;
  }

  /** ISO 32000-1 §9.10.3. Sections hold at most 100 lines, as the CMap specification asks. */
  #toUnicode(): string {
    const ranges: { first: number; last: number; readonly units: number[] }[] = [];
    for (const [i, { text }] of this.#entries.entries()) {
      const units = utf16(text);
      const previous = ranges.at(-1);
      const code = i + 1;
      // A range may not cross from one first byte to the next, in codes and in what they stand for.
      if (
        previous?.last === code - 1 &&
        (code & 0xff) !== 0 &&
        units.length === 1 &&
        previous.units.length === 1 &&
        ((units[0] as number) & 0xff) !== 0 &&
        units[0] === (previous.units[0] as number) + code - previous.first
      )
        previous.last = code;
      else if (text !== '') ranges.push({ first: code, last: code, units });
    }
    const sections: string[] = [];
    for (let i = 0; i < ranges.length; i += 100) {
      const lines = ranges
        .slice(i, i + 100)
        .map(
          ({ first, last, units }) => `<${hex16(first)}> <${hex16(last)}> <${units.map(hex16).join('')}>\n`,
        );
      sections.push(`${lines.length} beginbfrange\n${lines.join('')}endbfrange\n`);
    }
    return [
      '/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n',
      '/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n',
      '/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n',
      '1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n',
      ...sections,
      'endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n',
    ].join('');
  }
}

/** A Flate stream at the best level: the constant part is compressed once. */
function stream(context: PDFContext, bytes: Uint8Array, entries: Record<string, number> = {}) {
  return context.stream(deflateSync(bytes, { level: 9 }), { Filter: 'FlateDecode', ...entries });
}

/** ISO 32000-1 §9.6.4: six capitals that differ between subsets; here they follow from the bytes of the subset. */
function subsetTag(program: Uint8Array): string {
  const digest = createHash('sha256').update(program).digest();
  return Array.from(digest.subarray(0, 6), (byte) => String.fromCharCode(65 + (byte % 26))).join('');
}

const utf16 = (text: string): number[] => Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
