import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import * as fc from 'fast-check';
import * as fontkit from 'fontkit';
import { describe, expect, it } from 'vitest';
import { templateFor } from './choice.ts';
import { compileTemplate } from './compile.ts';
import { renderDocument } from './document.ts';
import { fonts, inputFor, manyScripts, preparedTemplate, priseEnCharge, recordWith } from './fixture.ts';
import { textsOf } from './layout.ts';
import { readPdf } from './read/document.ts';
import { PdfStream } from './read/objects.ts';
import { pageTexts } from './read/text.ts';
import { covers, defaultRepertoire, loadTemplate, serializeTemplate } from './template.ts';

describe('a compiled template', () => {
  it('comes back from its cache file and gives the same document', () => {
    const loaded = loadTemplate(serializeTemplate(preparedTemplate()));
    expect(loaded).toEqual(preparedTemplate());
    expect(renderDocument(loaded!, priseEnCharge, inputFor(priseEnCharge))).toEqual(
      renderDocument(preparedTemplate(), priseEnCharge, inputFor(priseEnCharge)),
    );
  });

  it('comes back with the texts that were shaped', async () => {
    const template = await templateFor(manyScripts, preparedTemplate(), () => fonts);
    expect(loadTemplate(serializeTemplate(template))).toEqual(template);
  });

  it('is not loaded from a damaged, cut or foreign cache file', () => {
    const bytes = serializeTemplate(preparedTemplate());
    expect(loadTemplate(new Uint8Array())).toBeUndefined();
    for (const length of [10, 40, 60, bytes.length - 1])
      expect(loadTemplate(bytes.subarray(0, length))).toBeUndefined();
    for (const position of [0, 20, 60, bytes.length >> 1, bytes.length - 1]) {
      const damaged = bytes.slice();
      damaged[position]! ^= 1;
      expect(loadTemplate(damaged)).toBeUndefined();
    }
  });

  it('is the same bytes for the same fonts and repertoire', () => {
    const again = compileTemplate({ fonts, repertoire: defaultRepertoire });
    expect(again.prefix).toEqual(preparedTemplate().prefix);
  });

  it('draws every character with the outline and the width of the shipped font', () => {
    const template = preparedTemplate();
    const file = readPdf(renderDocument(template, priseEnCharge, inputFor(priseEnCharge)));
    const source = fontkit.create(Buffer.from(fonts[0]!.regular)) as fontkit.Font;
    const resources = file.dict(file.object(template.fontResources, 0))!;
    const descendant = file.dict(file.array(file.dict(resources.get('F1'))!.get('DescendantFonts'))![0])!;
    const data = (value: Parameters<typeof file.stream>[0]): Uint8Array => {
      const stream = file.stream(value);
      expect(stream).toBeInstanceOf(PdfStream);
      return file.data(stream!);
    };
    const glyphOf = data(descendant.get('CIDToGIDMap'));
    const program = data(file.dict(descendant.get('FontDescriptor'))!.get('FontFile2'));
    // fontkit wants a character map to open a font at all; the embedded one has none, so it is read as a subset.
    const embedded = fontkit.create(Buffer.from(program)) as fontkit.Font;
    for (const character of defaultRepertoire.regular) {
      const point = character.codePointAt(0)!;
      const { code, advance } = template.characters.regular.get(point)!;
      const glyph = embedded.getGlyph((glyphOf[2 * code]! << 8) | glyphOf[2 * code + 1]!);
      const original = source.glyphForCodePoint(point);
      expect(glyph.path.toSVG(), character).toBe(original.path.toSVG());
      expect(glyph.advanceWidth, character).toBe(original.advanceWidth);
      expect(advance, character).toBe(original.advanceWidth);
    }
  });

  it('kerns as the shaping engine does', () => {
    const source = fontkit.create(Buffer.from(fonts[0]!.regular)) as fontkit.Font;
    const { characters, fonts: set } = preparedTemplate();
    for (const first of 'AFLPTVWYéo.')
      for (const second of 'AJTVYoé.,-') {
        const [a, b] = [first, second].map((c) => characters.regular.get(c.codePointAt(0)!)!.code) as [
          number,
          number,
        ];
        const run = source.layout(first + second, { liga: false });
        const expected = run.positions[0]!.xAdvance - run.glyphs[0]!.advanceWidth;
        expect(set[0]!.kerns.get((a << 16) | b) ?? 0, first + second).toBe(expected);
      }
  });

  it('is not compiled with a character that no font has', () => {
    expect(() => compileTemplate({ fonts, repertoire: { regular: 'aあ', bold: '' } })).toThrow(
      expect.objectContaining({ code: 'TEXT_UNPRINTABLE', message: expect.stringContaining('U+3042') }),
    );
  });
});

describe('the choice of a template', () => {
  const never = (): never => {
    throw new Error('the fonts were asked for');
  };

  it('keeps the prepared one for Latin text, without looking at a font', async () => {
    expect(await templateFor(priseEnCharge, preparedTemplate(), never)).toBe(preparedTemplate());
  });

  it.each(['Ελένη', 'Пётр', 'ليلى', 'Adébáyọ̀'])('compiles another for %s, which covers it', async (name) => {
    const record = recordWith(name);
    const template = await templateFor(record, preparedTemplate(), () => fonts);
    expect(template).not.toBe(preparedTemplate());
    expect(covers(template, textsOf(record))).toBe(true);
    const [page] = pageTexts(readPdf(renderDocument(template, record, inputFor(record))));
    expect(page?.text).toContain(name);
  });

  it.each([
    ['א', 'U+05D0'],
    ['漢', 'U+6F22'],
    ['a\u202eb', 'U+202E'],
    ['\ufeffa', 'U+FEFF'],
  ])('refuses %s, which no font can print', async (text, name) => {
    await expect(templateFor(recordWith(text), preparedTemplate(), () => fonts)).rejects.toThrow(
      expect.objectContaining({ code: 'TEXT_UNPRINTABLE', message: expect.stringContaining(name) }),
    );
  });

  it('does not change what is extracted', () => {
    const word = fc.string({
      unit: fc.constantFrom(...defaultRepertoire.regular.replace(/[\u0020\u00a0]/g, '')),
      minLength: 1,
      maxLength: 30,
    });
    const text = fc.array(word, { minLength: 1, maxLength: 40 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(text, (value) => {
        const record = recordWith(value);
        const oneOff = compileTemplate({
          fonts,
          repertoire: { regular: '', bold: '' },
          texts: textsOf(record),
        });
        const [fast, general] = [preparedTemplate(), oneOff].map((template) =>
          pageTexts(readPdf(renderDocument(template, record, inputFor(record)))),
        );
        expect(general).toEqual(fast);
        expect(fast![0]!.text.replaceAll('\n', '')).toBe(`Valeur${value}`);
      }),
      { numRuns: 12 },
    );
  });
});

describe('the way from a cache file to a signed document', () => {
  it('loads no PDF, font or bidi library', async () => {
    const room = fileURLToPath(new URL('.', import.meta.url));
    const { metafile } = await build({
      entryPoints: ['template', 'choice', 'document', 'sign'].map((name) => `${room}${name}.ts`),
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      outdir: 'unused',
      write: false,
      metafile: true,
    });
    const entries = Object.keys(metafile.inputs).filter((path) =>
      /core\/pdf\/(template|choice|document|sign)\.ts$/.test(path),
    );
    expect(entries).toHaveLength(4);
    const reached = new Set<string>();
    const follow = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      for (const edge of metafile.inputs[path]?.imports ?? [])
        if (edge.kind === 'import-statement') follow(edge.path);
    };
    for (const entry of entries) follow(entry);
    const packages = [...reached].filter((path) => !path.endsWith('.ts') && !path.startsWith('node:'));
    expect(packages.sort()).toEqual(['@signpdf/signpdf', '@signpdf/utils']);
  });
});
