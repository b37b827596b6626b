import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { segments, typesetter } from './atoms.ts';
import { manyScripts, preparedTemplate, priseEnCharge } from './fixture.ts';
import { type Layout, layOut, type Mark, pageSize, sealSide, textsOf } from './layout.ts';
import { breakLines } from './lines.ts';
import type { Block, DocumentRecord } from './record.ts';

const set = typesetter(preparedTemplate());
const lay = (record: DocumentRecord): Layout => layOut(record, set, { modules: 69 });
const recordOf = (...blocks: Block[]): DocumentRecord => ({ ...priseEnCharge, blocks });
const sentence = 'Le présent acte est délivré pour servir et valoir ce que de droit. ';

type TextMark = Extract<Mark, { kind: 'text' }>;
const textMarks = (layout: Layout, page: number): TextMark[] =>
  layout.pages[page]!.marks.filter((mark): mark is TextMark => mark.kind === 'text');
const textOf = (mark: TextMark): string =>
  mark.lines.map(({ line }) => line.atoms.map((atom) => atom.text).join('')).join('');

describe('lines', () => {
  it('end after spaces, hyphens and dashes', () => {
    expect(segments('Jean-Paul du Pont—Neuf').map(({ text }) => text)).toEqual([
      'Jean-',
      'Paul',
      ' ',
      'du',
      ' ',
      'Pont—',
      'Neuf',
    ]);
  });

  it('do not end at the spaces of French punctuation', () => {
    const unbreakable = segments('« oui » : 15 % !').filter(
      ({ text, breakAfter }) => text === ' ' && !breakAfter,
    );
    expect(unbreakable).toHaveLength(5);
  });

  it('hold all of the text, within the measure unless one piece of a word is wider', () => {
    const text = fc.string({ unit: fc.constantFrom(...'abc WM-é/'), maxLength: 200 });
    fc.assert(
      fc.property(text, fc.integer({ min: 500, max: 60_000 }), (value, measure) => {
        const lines = breakLines(set(value, 'regular'), measure);
        expect(lines.flatMap(({ atoms }) => atoms.map((atom) => atom.text)).join('')).toBe(value);
        for (const line of lines) {
          const pieces = line.atoms.filter((atom) => !atom.space);
          if (pieces.length > 1) expect(line.width).toBeLessThanOrEqual(measure + 1e-6);
        }
      }),
    );
  });

  it('end inside a word that is longer than the line', () => {
    const lines = breakLines(set('W'.repeat(200), 'regular'), 40_000);
    expect(lines.length).toBeGreaterThan(3);
    for (const { width } of lines) expect(width).toBeLessThanOrEqual(40_000);
  });
});

describe('the layout', () => {
  it('keeps everything within the page and its margins, and no two lines of one column on each other', () => {
    const block = fc.oneof(
      fc.record({ kind: fc.constant('paragraph' as const), text: fc.nat(12).map((n) => sentence.repeat(n)) }),
      fc.record({ kind: fc.constant('heading' as const), text: fc.constant('Titre') }),
      fc.record({
        kind: fc.constant('rows' as const),
        rows: fc.array(
          fc.nat(8).map((n) => ({ field: 'f', label: 'Libellé assez long', value: sentence.repeat(n) })),
          { maxLength: 12 },
        ),
      }),
    );
    fc.assert(
      fc.property(fc.array(block, { maxLength: 14 }), (blocks) => {
        const layout = lay(recordOf(...blocks, ...priseEnCharge.blocks.slice(-2)));
        for (const page of layout.pages) {
          const taken = new Map<number, number[]>();
          const lines = page.marks.flatMap((mark) => (mark.kind === 'text' ? mark.lines : []));
          for (const { x, y, size, line } of lines) {
            expect(x).toBeGreaterThan(60);
            expect(x + (line.width * size) / 1000).toBeLessThan(pageSize.width - 60);
            expect(y).toBeGreaterThan(55);
            expect(y).toBeLessThan(pageSize.height - 40);
            const column = taken.get(Math.round(x)) ?? [];
            for (const other of column) expect(Math.abs(other - y)).toBeGreaterThan(size);
            taken.set(Math.round(x), [...column, y]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('says every text of the record once, in its order', () => {
    const layout = lay({ ...priseEnCharge, blocks: [...priseEnCharge.blocks, ...priseEnCharge.blocks] });
    const texts = textsOf(priseEnCharge).map(({ text }) => text);
    const printed = layout.pages.flatMap((_, i) => textMarks(layout, i).map(textOf)).join('');
    expect(layout.pages.length).toBeGreaterThan(1);
    // The footer is set first, the page numbers last.
    const once = texts.slice(1, -2).join('');
    expect(printed).toBe(once + once);
  });

  it('never leaves a heading at the foot of a page', () => {
    for (let n = 1; n < 60; n++) {
      const filler = Array.from({ length: n }, () => ({ kind: 'paragraph', text: 'Une ligne.' }) as const);
      const layout = lay(
        recordOf(
          ...filler,
          { kind: 'heading', text: 'Titre' },
          { kind: 'paragraph', text: sentence.repeat(6) },
        ),
      );
      for (const page of layout.pages) {
        const last = page.marks.at(-1);
        expect(last?.element.type).not.toBe('H2');
      }
    }
  });

  it('never leaves one line of a paragraph alone on a page', () => {
    for (let n = 1; n < 60; n++) {
      const filler = Array.from({ length: n }, () => ({ kind: 'paragraph', text: 'Une ligne.' }) as const);
      const layout = lay(recordOf(...filler, { kind: 'paragraph', text: sentence.repeat(6) }));
      for (const [i] of layout.pages.entries())
        for (const mark of textMarks(layout, i))
          if (textOf(mark) !== 'Une ligne.') expect(mark.lines.length).toBeGreaterThan(1);
    }
  });

  it('never puts who signs on a page without a line of the act', () => {
    for (let n = 1; n < 70; n++) {
      const filler = Array.from({ length: n }, () => ({ kind: 'paragraph', text: 'Une ligne.' }) as const);
      const layout = lay(recordOf(...filler, ...priseEnCharge.blocks.slice(-2)));
      const last = layout.pages.length - 1;
      const texts = textMarks(layout, last).map(textOf);
      expect(texts).toContain('Fait à Paris, le 3 mars 2026');
      expect(texts.filter((text) => text === 'Une ligne.').length).toBeGreaterThanOrEqual(Math.min(n, 3));
      expect(layout.pages[last]!.marks.some(({ kind }) => kind === 'seal')).toBe(true);
    }
  });

  it('takes space from between the blocks where that saves a page', () => {
    expect(lay(priseEnCharge).pages).toHaveLength(1);
  });

  it('numbers the pages', () => {
    const layout = lay(
      recordOf(
        { kind: 'paragraph', text: sentence.repeat(55) },
        { kind: 'paragraph', text: sentence.repeat(55) },
      ),
    );
    const footers = layout.pages.map(({ footer }) =>
      footer.map(({ line }) => line.atoms.map((atom) => atom.text).join('')).join(''),
    );
    expect(footers).toEqual([1, 2].map((page) => `${priseEnCharge.footer} · ${page} / 2`));
  });

  it('lists the texts that a template must cover, those of complex scripts whole', () => {
    const texts = textsOf(manyScripts);
    expect(texts).toContainEqual({ text: 'محمد عبد السلام بن علي الأنصاري', weight: 'regular' });
    expect(texts).toContainEqual({ text: 'Jean-Baptiste MOUSSAVOU', weight: 'bold' });
  });

  it('draws the seal at least 30 mm wide and no module under 0.3386 mm', () => {
    for (let version = 1; version <= 25; version++) {
      const modules = 17 + 4 * version;
      const side = (sealSide(modules) * 25.4) / 72;
      expect(side).toBeGreaterThanOrEqual(30 - 1e-9);
      expect(side / (modules + 8)).toBeGreaterThanOrEqual(0.3386 - 1e-9);
    }
  });
});
