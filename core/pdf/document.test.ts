import jsqr from 'jsqr';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { fromLatin1, utf8 } from '../bytes.ts';
import { templateFor } from './choice.ts';
import { renderDocument } from './document.ts';
import {
  fonts,
  inputFor,
  manyScripts,
  preparedTemplate,
  priseEnCharge,
  qrOf,
  recordWith,
  sealText,
} from './fixture.ts';
import { ask, missing, pictures, scanned } from './judges.ts';
import { readAttachments } from './read/attachments.ts';
import { readPdf } from './read/document.ts';
import { drawnSeals, pageTexts } from './read/text.ts';
import type { Block, DocumentRecord } from './record.ts';

const french = renderDocument(preparedTemplate(), priseEnCharge, inputFor(priseEnCharge));
const scripts = renderDocument(
  await templateFor(manyScripts, preparedTemplate(), () => fonts),
  manyScripts,
  inputFor(manyScripts),
);
const longRecord: DocumentRecord = {
  ...priseEnCharge,
  blocks: priseEnCharge.blocks.flatMap((block): Block[] =>
    Array.from({ length: block.kind === 'rows' ? 3 : 1 }, () => block),
  ),
};
const long = renderDocument(preparedTemplate(), longRecord, inputFor(longRecord));

/** Every text of a block, in reading order. */
function textsIn(block: Block): string[] {
  switch (block.kind) {
    case 'letterhead':
      return block.lines;
    case 'title':
      return [block.text, block.subtitle];
    case 'heading':
    case 'paragraph':
      return [block.text];
    case 'rows':
      return block.rows.flatMap(({ label, value }) => [label, value]);
    case 'closing':
      return [block.placeAndDate, ...block.lines];
    case 'seal':
      return block.caption;
    case 'travel-seal':
      return [...block.caption, block.zone];
  }
}

const linesIn = (record: DocumentRecord): string[] =>
  record.blocks.flatMap((block) => textsIn(block)).flatMap((text) => text.split('\n'));

const squeezed = (text: string): string => text.normalize('NFC').replace(/[\s\p{Cf}]+/gu, '');

describe('a document', () => {
  for (const [name, file] of Object.entries({ french, scripts, long })) {
    it.skipIf(missing('qpdf'))(`qpdf finds no fault in it (${name})`, () => {
      const { status, output } = ask('qpdf', file, '--check', 'FILE');
      expect(output).toContain('No syntax or stream encoding errors found');
      expect(status).toBe(0);
    });

    it.skipIf(missing('pdffonts'))(`embeds every font as a subset with Unicode (${name})`, () => {
      const lines = ask('pdffonts', file, 'FILE').output.trim().split('\n').slice(2);
      expect(lines.length).toBeGreaterThan(1);
      for (const line of lines)
        expect(line).toMatch(/^[A-Z]{6}\+Noto\S+ +CID TrueType +Identity-H +yes yes yes/);
    });
  }

  it('is under 60 KB', () => {
    expect(french.length).toBeLessThan(60_000);
    expect(scripts.length).toBeLessThan(60_000);
  });

  it('is the same bytes for the same input', () => {
    expect(renderDocument(preparedTemplate(), priseEnCharge, inputFor(priseEnCharge))).toEqual(french);
  });

  it('ends with %%EOF alone, so that nothing is taken off before it is signed', () => {
    expect(fromLatin1(french.subarray(-7))).toMatch(/\d\n%%EOF$/);
  });

  it.skipIf(missing('pdfinfo'))('has title, language, tags and metadata', () => {
    const info = ask('pdfinfo', french, 'FILE').output;
    expect(info).toMatch(/^Title: +Attestation de prise en charge PC-2026-000123$/m);
    expect(info).toMatch(/^Tagged: +yes$/m);
    expect(info).toMatch(/^Metadata Stream: +yes$/m);
    expect(info).toMatch(/^Page size: .*\(A4\)$/m);
    expect(info).toMatch(/^Pages: +1$/m);
    const metadata = ask('pdfinfo', french, '-meta', 'FILE').output;
    expect(metadata).toContain('<dc:language><rdf:Bag><rdf:li>fr</rdf:li>');
    expect(metadata).not.toMatch(/pdfaid|pdfuaid/);
  });

  it.skipIf(missing('pdfinfo'))('is tagged with headings, a table of rows and a figure', () => {
    const structure = ask('pdfinfo', french, '-struct-text', 'FILE').output;
    expect(structure).not.toMatch(/error|warning/i);
    expect(structure).toMatch(/^ {2}H1 \(block\)\n {4}"Attestation de prise en charge"$/m);
    expect(structure).toMatch(
      / Table \(block\)\n +TR\n +TH:\n +\/Scope \/Row\n +"Nom et prénoms"\n +TD\n +"NDONG OBIANG Marie-Thérèse"/,
    );
    expect(structure).toMatch(/Figure/);
    expect(structure).not.toContain('1 / 1');
  });

  it.skipIf(missing('mutool'))('mutool names its fonts without complaint', () => {
    const { output } = ask('mutool', french, 'info', 'FILE');
    expect(output).not.toMatch(/error|warning/i);
    expect(output).toContain('NotoSans-Bold');
  });

  it.skipIf(missing('pdftotext'))('gives every field back through pdftotext', () => {
    for (const [file, record] of [
      [french, priseEnCharge],
      [long, longRecord],
      [scripts, manyScripts],
    ] as const) {
      const text = squeezed(ask('pdftotext', file, '-layout', 'FILE', '-').output);
      // The order of mixed lines is pdftotext's own; every word must be there.
      for (const field of linesIn(record))
        for (const word of field.split(' ')) expect(text).toContain(squeezed(word).replace(/[،.,]$/, ''));
    }
    const names = squeezed(ask('pdftotext', scripts, '-layout', 'FILE', '-').output);
    for (const name of [
      'محمد عبد السلام بن علي الأنصاري',
      'Ελευθέριος Παπαδόπουλος',
      'Фёдор Михайлович Щербаков',
      'Adébáyọ̀ Ọlátúnjí Ẹ̀kọ́',
    ])
      expect(names).toContain(squeezed(name));
  });

  it('says in the order of its content exactly what the record says', () => {
    for (const [file, record] of [
      [french, priseEnCharge],
      [long, longRecord],
      [scripts, manyScripts],
    ] as const) {
      const pages = pageTexts(readPdf(file));
      expect(squeezed(pages.map(({ text }) => text).join(''))).toBe(squeezed(linesIn(record).join('')));
      for (const [i, { artifacts }] of pages.entries())
        expect(artifacts).toBe(`${record.footer} · ${i + 1} / ${pages.length}`);
    }
  });

  it('carries its files as associated files, byte for byte', () => {
    const { attachments } = inputFor(priseEnCharge);
    const carried = readAttachments(readPdf(french));
    expect(carried.map(({ name }) => name).sort()).toEqual(['record.json', 'seal.cose']);
    for (const { name, bytes } of attachments)
      expect(carried.find((file) => file.name === name)?.bytes).toEqual(bytes);
    expect(fromLatin1(french)).not.toContain('"letterhead"');
  });

  it('cannot be made to look as if it had a second placeholder for the signature', () => {
    const placeholder = '/ByteRange [0 /********** /********** /**********] /Contents <00>';
    const record = { ...recordWith(placeholder), title: placeholder, language: 'fr' };
    const input = inputFor(record);
    const file = renderDocument(preparedTemplate(), record, {
      ...input,
      signature: { name: placeholder, reason: placeholder, location: placeholder },
    });
    expect(fromLatin1(file).split('/ByteRange')).toHaveLength(2);
  });

  it('refuses a character that no font has and names its code point', () => {
    for (const [text, name] of [
      ['Zoé 🎓', 'U+1F393'],
      ['א', 'U+05D0'],
      ['a\u202eb', 'U+202E'],
      ['a\tb', 'U+0009'],
      ['a\u00adb', 'U+00AD'],
      ['\ud800', 'U+D800'],
    ] as const) {
      expect(() => renderDocument(preparedTemplate(), recordWith(text), inputFor(priseEnCharge))).toThrow(
        expect.objectContaining({ code: 'TEXT_UNPRINTABLE', message: expect.stringContaining(name) }),
      );
    }
  });
});

describe('the seal', () => {
  it('is drawn module for module', () => {
    const [seal, ...others] = drawnSeals(readPdf(french));
    const qr = qrOf(sealText);
    expect(others).toHaveLength(0);
    expect(seal?.matrix).toEqual({ size: qr.size, modules: qr.modules });
  });

  it('has modules of at least 0.3386 mm, whatever its version', () => {
    for (const length of [40, 440, 900]) {
      const qr = qrOf(sealText.slice(0, 28) + 'A'.repeat(length));
      const file = renderDocument(preparedTemplate(), priseEnCharge, inputFor(priseEnCharge, qr));
      const [width] = drawnSeals(readPdf(file))[0]?.placement ?? [0];
      expect((width * 25.4) / 72).toBeGreaterThanOrEqual(0.3385);
    }
  });

  const unreadable = missing('pdftoppm');
  it.skipIf(unreadable || missing('zbarimg'))('is read by zbarimg at 200 dpi', () => {
    for (const file of [french, scripts]) expect(scanned(pictures(file, 200).at(-1)!)).toBe(sealText);
  });

  it.skipIf(unreadable)('is read by jsqr at 200 dpi', () => {
    const { data, width, height } = PNG.sync.read(Buffer.from(pictures(french, 200).at(-1)!));
    const read = jsqr as unknown as typeof jsqr.default;
    expect(read(new Uint8ClampedArray(data), width, height)?.data).toBe(sealText);
  });
});

describe('metadata', () => {
  it('escapes what is markup in XML', () => {
    const record = { ...priseEnCharge, title: '<a> & "b" \u0001' };
    const file = renderDocument(preparedTemplate(), record, inputFor(record));
    expect(fromLatin1(file)).toContain('&#60;a&#62; &#38; &#34;b&#34; ');
    expect(fromLatin1(file)).toContain(fromLatin1(utf8('\ufffd')));
  });
});
