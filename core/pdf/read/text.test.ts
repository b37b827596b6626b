import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { latin1 } from '../../bytes.ts';
import { readAttachments } from './attachments.ts';
import { readPdf } from './document.ts';
import { catalog, hello, type Objects, pageObjects, pdf } from './fixture.ts';
import { pageImages } from './images.ts';
import { drawnSeals, pageContents } from './text.ts';

const contentOf = (
  content: string,
  more: Objects = {},
  resources = '',
): ReturnType<typeof pageContents>[number] =>
  pageContents(readPdf(pdf({ ...pageObjects(content, resources), ...more })))[0]!;
const textOf = (content: string, more: Objects = {}, resources = ''): string =>
  contentOf(content, more, resources).text;
const invalid = expect.objectContaining({ code: 'PDF_INVALID' });

const cmap = (body: string): Objects => ({
  5: '<</Type /Font /Subtype /Type0 /Encoding /Identity-H /BaseFont /X /ToUnicode 21 0 R /DescendantFonts []>>',
  21: {
    dict: '',
    data: `/CMapName /X def 1 begincodespacerange <0000> <ffff> endcodespacerange ${body} endcmap`,
  },
});

describe('page text', () => {
  it('is what every text operator shows, with a line end where the line changes', () => {
    expect(
      textOf(
        `BT /F1 12 Tf 14 TL 10 100 Td (a) Tj [(b) -200 (c)] TJ T* (d) Tj (e) ' 1 2 (f) " 0 -20 TD (g) Tj T* (h) Tj 1 0 0 1 5 5 Tm (i) Tj ET`,
      ),
    ).toBe('abc\nd\ne\nf\ng\nh\ni');
  });

  it('stays on the line that Tm and cm set, whatever operators come between', () => {
    expect(
      textOf(
        'q 2 0 0 2 5 5 cm BT /F1 12 Tf 1 0 0 1 9 50 Tm (a) Tj 0 g (b) Tj 1 0 0 1 60 50 Tm (c) Tj ET Q BT /F1 12 Tf 1 0 0 1 9 105 Tm (d) Tj ET',
      ),
    ).toBe('abcd');
  });

  it('keeps escapes, octal codes and Windows-1252', () => {
    expect(textOf('BT /F1 12 Tf (\\(\\101\\)\\\r\n\\n \x80 \xe9) Tj <4142 43> Tj ET')).toBe(
      '(A)\ufffd € éABC',
    );
  });

  it('goes through /ToUnicode: bfchar, bfrange, ligatures, surrogates; an unknown code is U+FFFD', () => {
    const map = cmap(
      '2 beginbfchar <0001> <00660066> <0002> <d83dde00> endbfchar 2 beginbfrange <0010> <0012> <0041> <0020> <0021> [<0078> <0079>] endbfrange',
    );
    expect(textOf('BT /F1 12 Tf <000100020010001100120020002100ff> Tj ET', map)).toBe('ff😀ABCxy\ufffd');
  });

  it('has /ActualText in place of glyphs, and tells what the glyphs said', () => {
    const content = contentOf(
      'BT /F1 12 Tf /Span <</ActualText <feff06270628>>> BDC (xy) Tj 0 3 Td (z) Tj EMC ( end) Tj ET',
    );
    expect(content.text).toBe('اب end'.replace(' end', '\n end'));
    expect(content.replacements).toEqual([{ actualText: 'اب', shown: 'xyz' }]);
  });

  it('puts /ActualText over nothing, and text that is not painted, aside', () => {
    const content = contentOf(
      '/Span <</ActualText (ghost)>> BDC EMC BT /F1 12 Tf 3 Tr (hidden) Tj 0 Tr (seen) Tj ET',
    );
    expect(content).toMatchObject({ text: 'seen', hidden: 'ghost\nhidden' });
  });

  it('sets artifacts apart', () => {
    const content = contentOf(
      '/P <</MCID 0>> BDC BT /F1 12 Tf (body) Tj ET EMC /Artifact BMC BT /F1 12 Tf (foot) Tj ET EMC',
    );
    expect(content).toMatchObject({ text: 'body', artifacts: 'foot' });
  });

  it('ends a line between marked contents on one baseline', () => {
    expect(
      textOf('BT /F1 12 Tf /TH <</MCID 0>> BDC (label) Tj EMC /TD <</MCID 1>> BDC (value) Tj EMC ET'),
    ).toBe('label\nvalue');
  });

  it('includes what forms draw, with their own resources', () => {
    const form = {
      20: {
        dict: '/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources <</Font <</F9 5 0 R>>>>',
        data: 'BT /F9 1 Tf (inside) Tj ET',
      },
    };
    expect(textOf('/Fm Do', form, '/XObject <</Fm 20 0 R>>')).toBe('inside');
  });

  const refused: Record<string, string> = {
    'an unknown operator': 'BT /F1 12 Tf (a) Tx ET',
    'text outside a text object': '/F1 12 Tf (a) Tj',
    'text before a font': 'BT (a) Tj ET',
    'an unknown font': 'BT /F2 12 Tf (a) Tj ET',
    'Q without q': 'Q',
    'q without Q': 'q',
    'BT without ET': 'BT',
    'EMC without a beginning': 'EMC',
    'marked content without an end': '/P BMC',
    'an inline image': 'BI /W 1 ID x EI',
    'operands without an operator': '1 2 3',
    'an operator with too few operands': '1 Td',
    'an unknown object': '/Fm Do',
    'a dictionary that is cut short': '/P <</MCID 0 BDC EMC',
  };
  for (const [name, content] of Object.entries(refused))
    it(`is refused for ${name}`, () => {
      expect(() => textOf(content)).toThrow(invalid);
    });

  it('is refused for a form that draws itself', () => {
    const form = {
      20: {
        dict: '/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources <</XObject <</Fm 20 0 R>>>>',
        data: '/Fm Do',
      },
    };
    expect(() => textOf('/Fm Do', form, '/XObject <</Fm 20 0 R>>')).toThrow(invalid);
  });

  it('does not take the CMap of one document for that of another', () => {
    const show = (target: string): string =>
      textOf('BT /F1 12 Tf <0001> Tj ET', cmap(`1 beginbfchar <0001> <00${target}> endbfchar`));
    expect([show('41'), show('42'), show('41')]).toEqual(['A', 'B', 'A']);
  });
});

describe('the seal', () => {
  const size = 21;
  const dark = (row: number, column: number): boolean =>
    row === 0 || column === 0 || row === 20 || column === 20 || (row * column) % 3 === 1;
  const runs = (change: (x: number, y: number) => string = (x, y) => `${x} ${y} 1 1 re`): string => {
    const out: string[] = [];
    for (let row = 0; row < size; row++)
      for (let column = 0; column < size; column++)
        if (dark(row, column)) out.push(change(column + 4, 24 - row));
    return out.join('\n');
  };
  const sealed = (
    data: string,
    box = '[0 0 29 29]',
    content = 'q 2 0 0 2 10 20 cm /ConsulSeal Do Q',
  ): Uint8Array =>
    pdf({
      ...pageObjects(content, '/XObject <</ConsulSeal 20 0 R>>'),
      20: { dict: `/Type /XObject /Subtype /Form /BBox ${box}`, data },
    });
  const sealsOf = (file: Uint8Array): ReturnType<typeof drawnSeals> => drawnSeals(readPdf(file));

  it('is read as a matrix, with its place on the page', () => {
    const [seal, ...others] = sealsOf(sealed(`0 g\n${runs()}\nf\n`));
    expect(others).toEqual([]);
    expect(seal?.matrix.size).toBe(size);
    expect(seal?.placement).toEqual([2, 0, 0, 2, 10, 20]);
    for (let row = 0; row < size; row++)
      for (let column = 0; column < size; column++)
        expect(seal?.matrix.modules[row * size + column]).toBe(dark(row, column) ? 1 : 0);
  });

  it('may overlap its neighbours a little', () => {
    const [seal] = sealsOf(sealed(`0 g\n${runs((x, y) => `${x} ${y} 1.02 1.05 re`)}\nf`));
    expect(seal?.matrix.size).toBe(size);
  });

  it('counts as often as it is drawn, and not when it is not', () => {
    const data = `0 g\n${runs()}\nf`;
    expect(sealsOf(sealed(data, '[0 0 29 29]', ''))).toHaveLength(0);
    expect(sealsOf(sealed(data, '[0 0 29 29]', '/ConsulSeal Do /ConsulSeal Do'))).toHaveLength(2);
  });

  const refused: Record<string, [string, string?]> = {
    'another colour': [`1 g\n${runs()}\nf`],
    'no colour': [`${runs()}\nf`],
    'a white patch after the modules': [`0 g\n${runs()}\nf\n1 g\n4 4 9 9 re\nf`],
    'a colour between modules': [`0 g\n4 4 1 1 re\n1 g\n${runs()}\nf`],
    'no fill': [`0 g\n${runs()}\n`],
    'another operator': [`0 g\n${runs()}\n1 0 0 1 0 0 cm\nf`],
    text: [`0 g\n${runs()}\nBT ET\nf`],
    'a size that no QR symbol has': ['0 g\n4 4 22 22 re\nf'],
    'a rectangle between modules': [`0 g\n4.5 4 1 1 re\n${runs()}\nf`],
    'an empty rectangle': [`0 g\n9 9 0 1 re\n${runs()}\nf`],
    'a negative number': [`0 g\n-4 4 1 1 re\n${runs()}\nf`],
    'modules outside its box': [`0 g\n${runs()}\nf`, '[0 0 20 20]'],
    nothing: [''],
  };
  for (const [name, [data, box]] of Object.entries(refused))
    it(`is refused with ${name}`, () => {
      expect(() => sealsOf(sealed(data, box))).toThrow(invalid);
    });
});

describe('attachments', () => {
  const specification = (name: string, stream: number): string =>
    `<</Type /Filespec /F (${name}) /UF (${name}) /AFRelationship /Data /EF <</F ${stream} 0 R>>>>`;
  const withFiles = (more: Objects, names = '[(a) 20 0 R]', af = '[20 0 R 22 0 R]'): Uint8Array =>
    pdf({
      ...pageObjects(hello),
      1: catalog.replace('>>', ` /AF ${af} /Names <</EmbeddedFiles <</Names ${names}>>>>>>`),
      20: specification('a.json', 21),
      21: { dict: '/Type /EmbeddedFile /Subtype /application#2Fjson /Params <</Size 2>>', data: '{}' },
      22: specification('b.bin', 23),
      23: { dict: '/Filter /FlateDecode', data: deflateSync(latin1('bytes')) },
      ...more,
    });

  it('are those of the name tree and of /AF, each once', () => {
    expect(readAttachments(readPdf(withFiles({})))).toEqual([
      {
        name: 'a.json',
        relationship: 'Data',
        mediaType: 'application/json',
        listed: true,
        associated: true,
        bytes: latin1('{}'),
      },
      {
        name: 'b.bin',
        relationship: 'Data',
        mediaType: undefined,
        listed: false,
        associated: true,
        bytes: Uint8Array.from(latin1('bytes')),
      },
    ]);
    expect(readAttachments(readPdf(pdf(pageObjects(hello))))).toEqual([]);
  });

  it('both appear when two have the same name', () => {
    const names = readAttachments(readPdf(withFiles({ 22: specification('a.json', 23) }))).map(
      ({ name }) => name,
    );
    expect(names).toEqual(['a.json', 'a.json']);
  });

  const refused: Record<string, Objects> = {
    'a wrong size': { 21: { dict: '/Params <</Size 3>>', data: '{}' } },
    'another filter': { 21: { dict: '/Filter /LZWDecode', data: '{}' } },
    'two names': { 20: '<</F (a) /UF (b) /EF <</F 21 0 R>>>>' },
    'two contents': { 20: '<</F (a) /UF (a) /EF <</F 21 0 R /UF 23 0 R>>>>' },
    'no data': { 20: '<</F (a)>>' },
    'no name': { 20: '<</EF <</F 21 0 R>>>>' },
  };
  for (const [name, more] of Object.entries(refused))
    it(`are refused with ${name}`, () => {
      expect(() => readAttachments(readPdf(withFiles(more)))).toThrow(invalid);
    });

  it('are refused in a tree that goes in a circle', () => {
    const file = pdf({
      ...pageObjects(hello),
      1: catalog.replace('>>', ' /Names <</EmbeddedFiles 20 0 R>>>>'),
      20: '<</Kids [20 0 R]>>',
    });
    expect(() => readAttachments(readPdf(file))).toThrow(invalid);
  });
});

describe('pictures of a scan', () => {
  const imagesOf = (dict: string, data: Uint8Array | string, more: Objects = {}): unknown[] => [
    ...pageImages(
      readPdf(
        pdf({
          ...pageObjects('', '/XObject <</Im 20 0 R>>'),
          20: { dict: `/Type /XObject /Subtype /Image ${dict}`, data },
          ...more,
        }),
      ),
    ),
  ];
  const gray = (...values: number[]): Uint8Array =>
    Uint8Array.from(values.flatMap((value) => [value, value, value, 255]));

  it('are JPEG files as they are', () => {
    const data = latin1('\xff\xd8\xff\xd9');
    expect(
      imagesOf('/Width 8 /Height 8 /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter /DCTDecode', data),
    ).toEqual([{ page: 0, width: 8, height: 8, kind: 'jpeg', bytes: data }]);
  });

  const rows: [string, string, Uint8Array | string, Uint8Array, Objects?][] = [
    [
      'gray',
      '/BitsPerComponent 8 /ColorSpace /DeviceGray',
      latin1('\x00\x80\xff\x10'),
      gray(0, 0x80, 0xff, 0x10),
    ],
    ['one bit', '/BitsPerComponent 1 /ColorSpace /DeviceGray', latin1('\x40\x80'), gray(0, 255, 255, 0)],
    [
      'one bit inverted',
      '/BitsPerComponent 1 /ColorSpace /DeviceGray /Decode [1 0]',
      latin1('\x40\x80'),
      gray(255, 0, 0, 255),
    ],
    ['a mask', '/ImageMask true', latin1('\x40\x80'), gray(0, 255, 255, 0)],
    [
      'RGB with a PNG predictor',
      '/BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter /FlateDecode /DecodeParms <</Predictor 15 /Colors 3 /Columns 2>>',
      deflateSync(Uint8Array.from([1, 1, 2, 3, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1])),
      Uint8Array.from([1, 2, 3, 255, 2, 3, 4, 255, 2, 3, 4, 255, 3, 4, 5, 255]),
    ],
    [
      'a palette',
      '/BitsPerComponent 1 /ColorSpace [/Indexed /DeviceRGB 1 <ffffff 000000>]',
      latin1('\x40\x80'),
      gray(255, 0, 0, 255),
    ],
    [
      'an ICC profile of one component',
      '/BitsPerComponent 8 /ColorSpace [/ICCBased 21 0 R]',
      latin1('\x01\x02\x03\x04'),
      gray(1, 2, 3, 4),
      { 21: { dict: '/N 1', data: '' } },
    ],
  ];
  for (const [name, dict, data, rgba, more] of rows)
    it(`are pixels: ${name}`, () => {
      expect(imagesOf(`/Width 2 /Height 2 ${dict}`, data, more)).toEqual([
        { page: 0, width: 2, height: 2, kind: 'rgba', rgba },
      ]);
    });

  it('say what is not read', () => {
    expect(
      imagesOf('/Width 2 /Height 2 /BitsPerComponent 1 /ColorSpace /DeviceGray /Filter /CCITTFaxDecode', 'x'),
    ).toEqual([{ page: 0, width: 2, height: 2, kind: 'unsupported', reason: 'the filter CCITTFaxDecode' }]);
  });

  it('are refused when their data is cut short', () => {
    expect(() => imagesOf('/Width 9 /Height 9 /BitsPerComponent 8 /ColorSpace /DeviceGray', 'x')).toThrow(
      invalid,
    );
  });
});
