import * as fontkit from 'fontkit';
import { PDFContext, PDFStream } from 'pdf-lib';
import { latin1 } from '../bytes.ts';
import { FileWriter } from './file-writer.ts';
import { fontFor, type IndexedFont, shapeText } from './shaping.ts';
import { SubsetFont } from './subset-font.ts';
import {
  type CharacterGlyph,
  type CompiledTemplate,
  type CrossReference,
  eachWeight,
  needsShaping,
  type ShapedText,
  type StyledText,
  type Weight,
  weights,
} from './template.ts';

/** One type family as it is shipped: TrueType files. */
export interface FontFamily {
  readonly regular: Uint8Array;
  readonly bold: Uint8Array;
  /** Letters of machine-readable zones. */
  readonly machine?: Uint8Array;
  /** Size beside that of the text; 1 where it is left out. */
  readonly scale?: number;
}

/**
 * Builds once all that is the same for every document: the font subsets with their metrics, and the objects that hold
 * them.
 *
 * @param input.fonts families in the order of preference; a character is set in the first that has it
 * @param input.repertoire characters that every text of a weight may use
 * @param input.texts texts known beforehand; those of complex scripts are shaped here and only here
 * @throws ConsulError TEXT_UNPRINTABLE for a character that no family has
 */
export function compileTemplate(input: {
  readonly fonts: readonly FontFamily[];
  readonly repertoire: Readonly<Partial<Record<Weight, string>>>;
  readonly texts?: readonly StyledText[];
}): CompiledTemplate {
  const all = input.fonts.flatMap(({ regular, bold, machine, scale = 1 }) => [
    { of: 'regular', font: openFont(regular), scale } as const,
    { of: 'bold', font: openFont(bold), scale } as const,
    ...(machine ? [{ of: 'machine', font: openFont(machine), scale } as const] : []),
  ]);
  const texts = input.texts ?? [];

  const characters = eachWeight(() => new Map<number, CharacterGlyph>());
  const shaped = eachWeight(() => new Map<string, ShapedText>());
  for (const weight of weights) {
    const fonts = all.map((font, index) => ({ ...font, index })).filter(({ of }) => of === weight);
    const mine = texts.filter((text) => text.weight === weight).map(({ text }) => text);
    const plain = [input.repertoire[weight] ?? '', ...mine.filter((text) => !needsShaping(text))].join('');
    for (const character of [...new Set(plain)].sort())
      characters[weight].set(...characterGlyph(character, fonts));
    for (const text of mine) if (needsShaping(text)) shaped[weight].set(text, shapeText(text, fonts));
  }
  return assemble(all, characters, shaped);
}

function openFont(file: Uint8Array): SubsetFont {
  const font = fontkit.create(Buffer.from(file.buffer, file.byteOffset, file.length));
  if (!('glyphForCodePoint' in font)) throw new RangeError('a font collection cannot be embedded');
  return new SubsetFont(font);
}

function characterGlyph(character: string, fonts: readonly IndexedFont[]): [number, CharacterGlyph] {
  const { index, font } = fontFor(fonts, character);
  const point = character.codePointAt(0) as number;
  const glyph = font.source.glyphForCodePoint(point).id;
  return [point, { font: index, code: font.code(glyph, character), advance: font.advance(glyph) }];
}

/** Embeds the fonts that are used, numbers them anew, and writes all objects out as the beginning of a PDF file. */
function assemble(
  all: readonly { readonly font: SubsetFont; readonly scale: number }[],
  characters: CompiledTemplate['characters'],
  shaped: CompiledTemplate['shaped'],
): CompiledTemplate {
  const used = all.filter(({ font }) => font.used);
  const renumbered = (index: number): number => used.indexOf(all[index] as (typeof used)[number]);
  const context = PDFContext.create();
  const resources = used.map(({ font }, i) => [`F${i + 1}`, font.embed(context)] as const);
  const fontResources = context.register(context.obj(Object.fromEntries(resources))).objectNumber;
  const rowScope = context.register(context.obj({ O: 'Table', Scope: 'Row' })).objectNumber;
  return {
    ...write(context),
    fontResources,
    rowScope,
    fonts: used.map(({ font, scale }, i) => ({
      name: font.name,
      resource: `F${i + 1}`,
      scale,
      kerns: font.kerns(),
    })),
    characters: eachWeight((weight) =>
      changed(characters[weight], (glyph) => ({ ...glyph, font: renumbered(glyph.font) })),
    ),
    shaped: eachWeight((weight) =>
      changed(shaped[weight], (text) => ({
        ...text,
        atoms: text.atoms.map((atom) => ({ ...atom, font: renumbered(atom.font) })),
      })),
    ),
  };
}

const changed = <K, V>(map: ReadonlyMap<K, V>, change: (value: V) => V): Map<K, V> =>
  new Map([...map].map(([key, value]) => [key, change(value)]));

/** The objects of a context as the beginning of a file: streams one by one, the rest in an object stream. */
function write(context: PDFContext): { prefix: Uint8Array; entries: readonly CrossReference[] } {
  const objects = context.enumerateIndirectObjects();
  // Four bytes above 127 tell transfer programs that the file is binary (ISO 32000-1 §7.5.2).
  const file = new FileWriter(latin1('%PDF-1.7\n%\u00e2\u00e3\u00cf\u00d3\n'), []);
  for (const _ of objects) file.reserve();
  for (const [{ objectNumber }, object] of objects) {
    if (object instanceof PDFStream) {
      const body = new Uint8Array(object.sizeInBytes());
      object.copyBytesInto(body, 0);
      file.plainObject(objectNumber, body);
    } else file.object(objectNumber, object.toString());
  }
  file.pack();
  return { prefix: file.bytes(), entries: file.entries() };
}
