import { describe, expect, it } from 'vitest';
import { compileTemplate } from './compile.ts';
import { fonts } from './fixture.ts';
import { breakLines, placeRuns } from './lines.ts';
import type { Atom, ShapedText } from './template.ts';

function shaped(text: string): ShapedText {
  const template = compileTemplate({
    fonts,
    repertoire: { regular: '', bold: '' },
    texts: [{ text, weight: 'regular' }],
  });
  return template.shaped.regular.get(text)!;
}

const codes = (atom: Atom): string[] =>
  atom.strokes.flatMap(({ show }) => show.replace(/>[^<]*</g, '').match(/.{4}/g) ?? []);

/** The words of a line as they stand from left to right. */
function fromTheLeft(text: ShapedText): string[] {
  const [line] = breakLines(text, Number.POSITIVE_INFINITY);
  return placeRuns(line!)
    .map((run) => ({
      text: run.atoms.map((atom) => atom.text).join(''),
      left: (run.level & 1) === 1 ? run.x - run.atoms.reduce((sum, atom) => sum + atom.width, 0) : run.x,
    }))
    .sort((a, b) => a.left - b.left)
    .map((run) => run.text.trim())
    .filter((run) => run !== '');
}

describe('shaping', () => {
  it('joins Arabic letters: one letter has an initial, a medial and a final form', () => {
    const [atom] = shaped('ههه').atoms;
    const [first, middle, last] = codes(atom!);
    expect(new Set([first, middle, last]).size).toBe(3);
    const [alone] = shaped('ه').atoms;
    expect(codes(alone!)).toHaveLength(1);
  });

  it('draws lam and alef as their ligature: narrower than the two side by side', () => {
    const width = (text: string): number => shaped(text).atoms.reduce((sum, atom) => sum + atom.width, 0);
    expect(width('لا')).toBeLessThan(0.9 * width('ل\u200cا'));
  });

  it('keeps letters apart at a zero width non-joiner, which itself is not drawn', () => {
    const [atom] = shaped('ب\u200cب').atoms;
    expect(new Set(codes(atom!)).size).toBe(1);
    expect(codes(atom!)).toHaveLength(2);
    expect(atom!.actualText).toBe(false);
  });

  it('sets a combining mark on its letter without moving what follows', () => {
    const width = (text: string): number => shaped(text).atoms.reduce((sum, atom) => sum + atom.width, 0);
    expect(width('ɛ\u0301ma')).toBe(width('ɛ\u0301') + width('ma\u0301'));
  });

  it('takes the direction of a text from its first strong letter', () => {
    expect(shaped('محمد Ndong').rightToLeft).toBe(true);
    expect(shaped('Ndong محمد').rightToLeft).toBe(false);
  });

  it('puts runs in the order of UAX #9', () => {
    expect(fromTheLeft(shaped('Jean محمد علي né'))).toEqual(['Jean', 'محمد علي', 'né']);
    expect(fromTheLeft(shaped('شارع 14 جويلية'))).toEqual(['جويلية', '14', 'شارع']);
    expect(fromTheLeft(shaped('مدينة Paris بفرنسا'))).toEqual(['بفرنسا', 'Paris', 'مدينة']);
  });

  it('is told by isolates where a name ends: what follows stays on its right', () => {
    // Without them the number is an Arabic one (UAX #9 rule W2) and stands on the left of the name.
    expect(fromTheLeft(shaped('par محمد, 12 rue'))).toEqual(['par', '12', 'محمد,', 'rue']);
    expect(fromTheLeft(shaped('par \u2068محمد\u2069, 12 rue'))).toEqual(['par', 'محمد', ', 12 rue']);
  });

  it('mirrors brackets in right-to-left text', () => {
    const template = compileTemplate({
      fonts,
      repertoire: { regular: '()', bold: '' },
      texts: [{ text: '(م', weight: 'regular' }],
    });
    const [mirrored] = template.shaped.regular.get('(م')!.atoms;
    const plain = template.characters.regular.get(0x28)!.code;
    // Another glyph than in left-to-right text, that still says "(".
    expect(codes(mirrored!)).not.toEqual([plain.toString(16).padStart(4, '0')]);
    expect(mirrored!.actualText).toBe(false);
  });

  it('writes the text of every atom in reading order', () => {
    const text = 'شارع 14 جويلية رقم 27 (باريس) Ndong ẹ̀kọ́';
    expect(
      shaped(text)
        .atoms.map((atom) => atom.text)
        .join(''),
    ).toBe(text);
  });
});
