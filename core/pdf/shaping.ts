import bidiFactory, { type Bidi } from 'bidi-js';
import type { GlyphPosition } from 'fontkit';
import { isControl, segments, unprintable } from './atoms.ts';
import type { SubsetFont } from './subset-font.ts';
import { hex16 } from './syntax.ts';
import type { Atom, ShapedText, Stroke } from './template.ts';

// The package ships CommonJS types for what is the factory itself at run time.
const bidi = (bidiFactory as unknown as () => Bidi)();

/** A font of the weight that is being set, with its index among the fonts of the template. */
export interface IndexedFont {
  readonly index: number;
  readonly font: SubsetFont;
  /** Size beside that of the text. */
  readonly scale: number;
}

/** Directional marks and isolates (UAX #9): they steer the order and leave no mark on the paper. */
const directional = /[\u061c\u200e\u200f\u2066-\u2069]/;
/** ZERO WIDTH NON-JOINER and JOINER: they steer the joining of letters. */
const joiner = /[\u200c\u200d]/;
const mark = /\p{M}/u;

/**
 * A letter of no advance (the alef of a lam-alef) has the place of its neighbour. Two thousandths of an em to the left,
 * which nobody sees, tell programs that sort text by place which of the two is read first.
 */
const asideOfNeighbour = 2;

/** The first font in the order of preference that has the character. */
export function fontFor(fonts: readonly IndexedFont[], character: string): IndexedFont {
  const point = character.codePointAt(0) as number;
  const found = isControl(character)
    ? undefined
    : fonts.find(({ font }) => font.source.hasGlyphForCodePoint(point));
  if (found === undefined) throw unprintable(point);
  return found;
}

/**
 * Sets a text that a table from character to glyph cannot set: embedding levels by UAX #9, then each word, level and
 * font apart through the OpenType shaping of its font.
 *
 * @param text one line of the record
 * @param fonts in the order of preference
 * @throws ConsulError TEXT_UNPRINTABLE
 */
export function shapeText(text: string, fonts: readonly IndexedFont[]): ShapedText {
  const { levels, paragraphs } = bidi.getEmbeddingLevels(text, 'auto');
  const atoms: Atom[] = [];
  let position = 0;
  for (const segment of segments(text)) {
    const runs = runsOf(segment.text, levels.subarray(position, position + segment.text.length), fonts);
    position += segment.text.length;
    for (const [i, run] of runs.entries()) {
      const last = i === runs.length - 1;
      atoms.push(shapeRun(run, segment.space, segment.breakAfter && last));
    }
  }
  return { rightToLeft: ((paragraphs[0]?.level ?? 0) & 1) === 1, atoms };
}

interface Run {
  readonly indexed: IndexedFont;
  readonly level: number;
  text: string;
}

function runsOf(text: string, levels: Uint8Array, fonts: readonly IndexedFont[]): Run[] {
  const runs: Run[] = [];
  let position = 0;
  let interrupted = false;
  for (const character of text) {
    const level = levels[position] ?? 0;
    position += character.length;
    if (directional.test(character)) {
      interrupted = true;
      continue;
    }
    const current = runs.at(-1);
    const inherits =
      current !== undefined && !interrupted && (joiner.test(character) || mark.test(character));
    const has =
      inherits && current.indexed.font.source.hasGlyphForCodePoint(character.codePointAt(0) as number);
    const indexed = has ? current.indexed : joiner.test(character) ? undefined : fontFor(fonts, character);
    // A joiner with nothing before it that could join has no effect.
    if (indexed === undefined) continue;
    if (current !== undefined && !interrupted && current.indexed === indexed && current.level === level)
      current.text += character;
    else runs.push({ indexed, level, text: character });
    interrupted = false;
  }
  return runs;
}

function shapeRun({ indexed, level, text }: Run, space: boolean, breakAfter: boolean): Atom {
  const { font, index, scale } = indexed;
  const rightToLeft = (level & 1) === 1;
  const mirror = (character: string): string =>
    rightToLeft ? (bidi.getMirroredCharacter(character) ?? character) : character;
  const run = font.source.layout(
    Array.from(text, mirror).join(''),
    { liga: rightToLeft, clig: rightToLeft },
    undefined,
    undefined,
    rightToLeft ? 'rtl' : 'ltr',
  );

  // Where each glyph belongs, from the left end of the run.
  let width = 0;
  const placed = run.glyphs.map((glyph, i) => {
    const at = run.positions[i] as GlyphPosition;
    if (glyph.id === 0) throw unprintable(glyph.codePoints[0] ?? 0xfffd);
    const advance = font.scaled(at.xAdvance);
    const characters = Array.from(String.fromCodePoint(...glyph.codePoints), mirror).join('');
    const aside = rightToLeft && advance === 0 && !mark.test(characters) ? asideOfNeighbour : 0;
    const x = width + font.scaled(at.xOffset) - aside;
    width += advance;
    // The engine leaves a space of no advance where a joiner was.
    const joins = advance === 0 && /^[ \u200c\u200d]$/.test(characters);
    return { id: glyph.id, x, rise: font.scaled(at.yOffset), characters, joins };
  });
  const printed = placed.filter(({ joins }) => !joins);
  if (rightToLeft) printed.reverse();

  // The pen goes through the run in reading order: from its right end to the left where that is how it reads.
  const strokes: Stroke[] = [];
  let show = '';
  let rise = 0;
  let pen = rightToLeft ? width : 0;
  const moveTo = (x: number): void => {
    const distance = rounded(x - pen);
    if (distance !== 0) show += `>${-distance}<`;
    pen = x;
  };
  for (const glyph of printed) {
    if (glyph.rise !== rise && show !== '') {
      strokes.push({ rise, show });
      show = '';
    }
    rise = glyph.rise;
    moveTo(glyph.x);
    show += hex16(font.code(glyph.id, glyph.characters));
    pen += font.advance(glyph.id);
  }
  moveTo(rightToLeft ? 0 : width);
  strokes.push({ rise, show });

  const shown = printed.map(({ characters }) => characters).join('');
  // Programs that sort text by place take a raised mark for one of another line.
  const raised = !rightToLeft && strokes.length > 1;
  const actualText = raised || shown !== text.replaceAll(/[\u200c\u200d]/g, '');
  return {
    text,
    font: index,
    level,
    width: rounded(width * scale),
    strokes,
    space,
    breakAfter,
    actualText,
  };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
