import { createHash } from 'node:crypto';
import { concatBytes, equalBytes, fromUtf8, utf8 } from '../bytes.ts';

/** The two weights that the page uses, and the letters of machine-readable zones (OCR-B). */
export const weights = ['regular', 'bold', 'machine'] as const;
export type Weight = (typeof weights)[number];

/** The same for each weight. */
export const eachWeight = <T>(make: (weight: Weight) => T): Record<Weight, T> => ({
  regular: make('regular'),
  bold: make('bold'),
  machine: make('machine'),
});

/** One character as a content stream shows it. */
export interface CharacterGlyph {
  /** Index into `CompiledTemplate.fonts`. */
  readonly font: number;
  /** Character code in that font: two bytes, Identity-H. */
  readonly code: number;
  /** 1/1000 of the size of its font. */
  readonly advance: number;
}

/** Glyphs drawn at one height: `show` is the inside of `[<...>] TJ`, `rise` the height in 1/1000 of the size of the font. */
export interface Stroke {
  readonly rise: number;
  readonly show: string;
}

/**
 * The smallest piece of text that layout moves: the letters between two places where a line may end, of one font and
 * one bidi level. Its glyphs are in reading order: the pen begins at the left end and stops at the right end, or the
 * other way round where the level is odd.
 */
export interface Atom {
  readonly text: string;
  readonly font: number;
  /** UAX #9 embedding level; odd is right to left. */
  readonly level: number;
  /** 1/1000 em of the text, the scale of the font included. */
  readonly width: number;
  readonly strokes: readonly Stroke[];
  /** A space: it may hang over the end of a line. */
  readonly space: boolean;
  /** A line may end after it. */
  readonly breakAfter: boolean;
  /** The ToUnicode texts of its glyphs do not add up to `text`: /ActualText is needed. */
  readonly actualText: boolean;
}

/** A text of the record that needs shaping or reordering, set once when the template is compiled. */
export interface ShapedText {
  /** The paragraph level is right to left (UAX #9 rule P3). */
  readonly rightToLeft: boolean;
  readonly atoms: readonly Atom[];
}

export interface TemplateFont {
  /** PostScript name without the subset tag. */
  readonly name: string;
  /** Its name in the font resources of every page. */
  readonly resource: string;
  /** Its size beside that of the text that it is set in: Naskh at the size of a sans looks too small. */
  readonly scale: number;
  /** Adjustments between two codes (`first << 16 | second`) in 1/1000 of its size; negative brings them closer. */
  readonly kerns: ReadonlyMap<number, number>;
}

/** Where an object is: at an offset of the file, or at an index of an object stream. */
export type CrossReference =
  | { readonly offset: number }
  | { readonly container: number; readonly index: number };

/**
 * All that is the same for every document: the objects of the fonts already written out, where each is, and the
 * metrics that layout needs. Object `i + 1` is where `entries[i]` says.
 */
export interface CompiledTemplate {
  readonly prefix: Uint8Array;
  readonly entries: readonly CrossReference[];
  /** Object number of the dictionary of font resources. */
  readonly fontResources: number;
  /** Object number of the attribute object `<< /O /Table /Scope /Row >>`. */
  readonly rowScope: number;
  readonly fonts: readonly TemplateFont[];
  readonly characters: Readonly<Record<Weight, ReadonlyMap<number, CharacterGlyph>>>;
  readonly shaped: Readonly<Record<Weight, ReadonlyMap<string, ShapedText>>>;
}

/** A text and the weight it is set in. */
export interface StyledText {
  readonly text: string;
  readonly weight: Weight;
}

/**
 * Right-to-left scripts, combining marks, joiners and directional isolates: text that a table from character to glyph
 * cannot set. (The ranges are the blocks that UAX #9 reserves for right-to-left scripts.)
 */
const complexScript =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}\p{M}\u200c-\u200f\u2066-\u2069]/u;

/** Whether a text must be shaped and reordered when the template is compiled. */
export const needsShaping = (text: string): boolean => complexScript.test(text);

function range(from: number, to: number): string {
  let out = '';
  for (let code = from; code <= to; code++) out += String.fromCodePoint(code);
  return out;
}

/** Basic Latin, Latin-1, and the punctuation of French and English with the spaces of French typography. */
const westernRepertoire = [
  range(0x20, 0x7e),
  range(0xa0, 0xac),
  range(0xae, 0xff),
  'ŒœŠšŸŽž\u2009\u2010\u2011–—‘’‚“”„•…\u202f‹›€№™',
].join('');

/**
 * What a template covers without knowing the document. Values are regular: they have Latin Extended-A and the letters
 * of African languages outside it too. Bold is for titles, headings and the name of who signs; a post whose bold texts
 * use other letters names them when it compiles.
 */
export const defaultRepertoire = {
  regular: [westernRepertoire, range(0x100, 0x17f), 'ƁɓƊɗƉɖƎǝƐɛƑƒƔɣƖɩƘƙƝɲƆɔƤƥƬƭƱʊƲʋƳƴǸǹẸẹỌọṢṣḤḥẒẓ'].join(''),
  bold: westernRepertoire,
} as const satisfies Partial<Record<Weight, string>>;

/** Whether the template can set all of these texts. */
export function covers(template: CompiledTemplate, texts: readonly StyledText[]): boolean {
  return texts.every(({ text, weight }) => {
    if (template.shaped[weight].has(text)) return true;
    if (needsShaping(text)) return false;
    const characters = template.characters[weight];
    for (const character of text) if (!characters.has(character.codePointAt(0) as number)) return false;
    return true;
  });
}

/** Changes whenever a template written by an older version must not be used any more. */
const formatVersion = 'consul template 2\n';

interface Stored extends Omit<CompiledTemplate, 'prefix' | 'fonts' | 'characters' | 'shaped'> {
  readonly fonts: readonly (Omit<TemplateFont, 'kerns'> & { readonly kerns: readonly number[] })[];
  /** Four numbers a character: code point, font, code, advance. */
  readonly characters: Readonly<Record<Weight, readonly number[]>>;
  readonly shaped: Readonly<Record<Weight, readonly (readonly [string, ShapedText])[]>>;
}

/** The bytes of a cache file; `loadTemplate` reads them without any PDF or font library. */
export function serializeTemplate(template: CompiledTemplate): Uint8Array {
  const flatten = (characters: ReadonlyMap<number, CharacterGlyph>): number[] =>
    [...characters].flatMap(([point, { font, code, advance }]) => [point, font, code, advance]);
  const stored: Stored = {
    entries: template.entries,
    fontResources: template.fontResources,
    rowScope: template.rowScope,
    fonts: template.fonts.map((font) => ({ ...font, kerns: [...font.kerns].flat() })),
    characters: eachWeight((weight) => flatten(template.characters[weight])),
    shaped: eachWeight((weight) => [...template.shaped[weight]]),
  };
  const head = utf8(formatVersion);
  const tables = utf8(JSON.stringify(stored));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, tables.length);
  const body = concatBytes(length, tables, template.prefix);
  return concatBytes(head, sha256(body), body);
}

/**
 * Reads what `serializeTemplate` wrote.
 *
 * @returns undefined when the bytes are damaged or of another version: compile again
 */
export function loadTemplate(bytes: Uint8Array): CompiledTemplate | undefined {
  const head = utf8(formatVersion);
  if (bytes.length < head.length + 36 || !equalBytes(bytes.subarray(0, head.length), head)) return undefined;
  const digest = bytes.subarray(head.length, head.length + 32);
  const body = bytes.subarray(head.length + 32);
  if (!equalBytes(sha256(body), digest)) return undefined;
  const length = new DataView(body.buffer, body.byteOffset).getUint32(0);
  const stored = JSON.parse(fromUtf8(body.subarray(4, 4 + length))) as Stored;
  return {
    ...stored,
    prefix: body.slice(4 + length),
    fonts: stored.fonts.map((font) => ({ ...font, kerns: new Map(pairs(font.kerns)) })),
    characters: eachWeight((weight) => new Map(characterEntries(stored.characters[weight]))),
    shaped: eachWeight((weight) => new Map(stored.shaped[weight])),
  };
}

function* pairs(flat: readonly number[]): Generator<[number, number]> {
  for (let i = 0; i + 1 < flat.length; i += 2) yield [flat[i] as number, flat[i + 1] as number];
}

function* characterEntries(flat: readonly number[]): Generator<[number, CharacterGlyph]> {
  for (let i = 0; i + 3 < flat.length; i += 4) {
    const [point, font, code, advance] = flat.slice(i, i + 4) as [number, number, number, number];
    yield [point, { font, code, advance }];
  }
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
