import { ConsulError } from '../errors.ts';
import { hex16 } from './syntax.ts';
import { type Atom, type CompiledTemplate, eachWeight, type ShapedText, type Weight } from './template.ts';

/** Sets one line of text of the record (no "\n" in it) in a weight. */
export type Typesetter = (text: string, weight: Weight) => ShapedText;

const typesetters = new WeakMap<CompiledTemplate, Typesetter>();

/** Labels and sentences return in every document; this many texts, none of them long, are kept as they were set. */
const keptTexts = 1000;
const longestKept = 500;

/** The typesetter of a template: what was shaped when it was compiled, else character by character. */
export function typesetter(template: CompiledTemplate): Typesetter {
  const known = typesetters.get(template);
  if (known !== undefined) return known;
  const kept = eachWeight(() => new Map<string, ShapedText>());
  const set: Typesetter = (text, weight) => {
    const before = template.shaped[weight].get(text) ?? kept[weight].get(text);
    if (before !== undefined) return before;
    const atoms = segments(text).flatMap((segment) => plainAtoms(template, segment, weight));
    const fresh = { rightToLeft: false, atoms };
    if (kept[weight].size >= keptTexts) kept[weight].clear();
    if (text.length <= longestKept) kept[weight].set(text, fresh);
    return fresh;
  };
  typesetters.set(template, set);
  return set;
}

/** A part of a text that no line break divides, unless it is wider than the line. */
export interface Segment {
  readonly text: string;
  readonly space: boolean;
  readonly breakAfter: boolean;
}

/** Words longer than this are cut into pieces between which a line may end when it must. */
const longestWord = 20;
const pieceOfLongWord = 10;

/**
 * Where lines may end, after UAX #14 as far as names, addresses and sentences need it: after spaces, hyphens, dashes
 * and slashes; not at the spaces that French puts before high punctuation and inside guillemets.
 */
export function segments(text: string): Segment[] {
  const out: Segment[] = [];
  for (const word of text.match(/ +|[^ ]+/g) ?? []) {
    const space = word[0] === ' ';
    if (space) {
      out.push({ text: word, space: true, breakAfter: true });
      continue;
    }
    const previous = out.at(-1);
    if (previous?.space && (/^[:;!?»%€)]/.test(word) || out.at(-2)?.text.endsWith('«')))
      out[out.length - 1] = { text: previous.text, space: false, breakAfter: false };
    const parts = /[-‐–—/]/.test(word) ? (word.match(/[^-‐–—/]*[-‐–—/]+(?=\p{L})|.+$/gu) ?? [word]) : [word];
    for (const [i, part] of parts.entries()) pushWord(out, part, i < parts.length - 1);
  }
  return out;
}

function pushWord(out: Segment[], word: string, breakAfter: boolean): void {
  if (word.length <= longestWord) {
    out.push({ text: word, space: false, breakAfter });
    return;
  }
  const characters = [...word];
  for (let i = 0; i < characters.length; i += pieceOfLongWord) {
    const piece = characters.slice(i, i + pieceOfLongWord).join('');
    out.push({
      text: piece,
      space: false,
      breakAfter: breakAfter && i + pieceOfLongWord >= characters.length,
    });
  }
}

/** The atoms of a segment: more than one only where its characters are of several fonts. */
function plainAtoms(template: CompiledTemplate, segment: Segment, weight: Weight): Atom[] {
  const atoms: Atom[] = [];
  let run: { readonly font: number; text: string; width: number; show: string; code: number } | undefined;
  const push = (space: boolean, breakAfter: boolean): void => {
    if (run === undefined) return;
    const { text, font, show } = run;
    const strokes = [{ rise: 0, show }];
    const width = run.width * (template.fonts[font]?.scale ?? 1);
    atoms.push({ text, font, level: 0, width, strokes, space, breakAfter, actualText: false });
  };
  for (const character of segment.text) {
    const point = character.codePointAt(0) as number;
    const glyph = template.characters[weight].get(point);
    if (glyph === undefined) throw unprintable(point);
    if (run?.font !== glyph.font) {
      push(false, false);
      run = { font: glyph.font, text: '', width: 0, show: '', code: 0 };
    }
    const kern = template.fonts[glyph.font]?.kerns.get((run.code << 16) | glyph.code) ?? 0;
    run.text += character;
    run.width += kern + glyph.advance;
    run.show += kern === 0 ? hex16(glyph.code) : `>${-kern}<${hex16(glyph.code)}`;
    run.code = glyph.code;
  }
  push(segment.space, segment.breakAfter);
  return atoms;
}

/** Controls, format characters and lone surrogates: nothing that can stand on paper. */
export const isControl = (character: string): boolean => /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(character);

export function unprintable(point: number): ConsulError {
  const name = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
  const character = String.fromCodePoint(point);
  const shown = isControl(character) ? name : `${name} (${character})`;
  return new ConsulError('TEXT_UNPRINTABLE', `no font of the document can print the character ${shown}`);
}
