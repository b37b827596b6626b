import { deflateSync } from 'node:zlib';
import { concatBytes, latin1 } from '../../bytes.ts';
import {
  catalog,
  fillByteRange,
  hello,
  type Objects,
  pageObjects,
  pages,
  pdf,
  signatureObjects,
  signedCatalog,
  update,
  xrefStreamFile,
} from './fixture.ts';

/** For tests only: files that are small to send and large, deep or endless to read. */
export interface Bomb {
  readonly name: string;
  readonly code: 'PDF_TOO_COMPLEX' | 'PDF_INVALID';
  readonly file: () => Uint8Array;
}

const bomb = (name: string, file: () => Uint8Array, code: Bomb['code'] = 'PDF_TOO_COMPLEX'): Bomb => ({
  name,
  code,
  file,
});

const mebibyte = 1 << 20;
const deflated = (data: Uint8Array | string, times = 1): Uint8Array => {
  let out = typeof data === 'string' ? latin1(data) : data;
  for (let i = 0; i < times; i++) out = new Uint8Array(deflateSync(out));
  return out;
};
const spaces = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0x20);
const numbered = (from: number, count: number, body: (num: number) => Objects[number]): Objects =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [from + i, body(from + i)]));

/** A cross-reference stream whose rows come from few bytes. */
function xrefBomb(size: number, index: string, rows: Uint8Array, filter: string): Uint8Array {
  const head = latin1('%PDF-2.0\n');
  const body = latin1(
    `8 0 obj\n<</Type /XRef /Size ${size} /W [1 4 2] ${index} /Root 1 0 R ${filter} /Length ${rows.length}>>\nstream\n`,
  );
  const end = latin1(`\nendstream\nendobj\nstartxref\n${head.length}\n%%EOF\n`);
  return concatBytes(head, body, rows, end);
}

/** A table that says it has so many entries, and has one. */
function tableBomb(sections: string): Uint8Array {
  const start = '%PDF-1.7\n'.length;
  return latin1(`%PDF-1.7\nxref\n${sections}trailer\n<</Size 9 /Root 1 0 R>>\nstartxref\n${start}\n%%EOF\n`);
}

const stream = (filter: string, data: Uint8Array): Objects[number] => ({ dict: `/Filter ${filter}`, data });
/** With a signature in its form, so that a verdict goes on to read the pages. */
const asSigned = (objects: Objects, size?: number): Uint8Array =>
  fillByteRange(
    pdf({ ...objects, 1: signedCatalog, ...signatureObjects() }, size === undefined ? {} : { size }),
  );

const content = (filter: string, data: Uint8Array): Uint8Array =>
  asSigned({ ...pageObjects(''), 4: stream(filter, data) });

const form = (resources: string, data: string): Objects[number] => ({
  dict: `/Type /XObject /Subtype /Form /BBox [0 0 1 1] /Resources <<${resources}>>`,
  data,
});

function formsThatDrawForms(levels: number, times: number): Uint8Array {
  const font = '/Font <</F1 5 0 R>>';
  return asSigned({
    ...pageObjects('/X0 Do', '/XObject <</X0 20 0 R>>'),
    ...numbered(20, levels, (num) =>
      form(`${font} /XObject <</X${num - 19} ${num + 1} 0 R>>`, `/X${num - 19} Do `.repeat(times)),
    ),
    [20 + levels]: form(font, 'BT /F1 1 Tf (lol) Tj ET'),
  });
}

function manyRevisions(count: number): Uint8Array {
  let file = pdf(pageObjects(hello));
  for (let i = 0; i < count; i++) file = update(file, { 9: `${i}` });
  return file;
}

const image = (entries: string): Uint8Array =>
  asSigned({
    ...pageObjects('', '/XObject <</Im 20 0 R>>'),
    20: { dict: `/Type /XObject /Subtype /Image ${entries}`, data: 'x' },
  });

const withPages = (body: string, more: Objects = {}): Uint8Array =>
  asSigned({ ...pageObjects(hello), 2: body, ...more });

export const bombs: readonly Bomb[] = [
  bomb('an object stream of a million arrays', () =>
    xrefStreamFile({ bomb: `[${'[[]] '.repeat(4_000_000)}]` }),
  ),
  bomb('an object stream of 64 MiB of spaces', () => xrefStreamFile({ bomb: ' '.repeat(64 * mebibyte) })),
  bomb('an object stream of dictionaries', () =>
    xrefStreamFile({ bomb: `[${'<</A<</B()>>>>'.repeat(2_000_000)}]` }),
  ),
  bomb('an object stream of strings', () => xrefStreamFile({ bomb: `[${'()'.repeat(8_000_000)}]` })),
  bomb('deep nesting of arrays', () => pdf({ ...pageObjects(hello), 9: '['.repeat(100_000) })),
  bomb('deep nesting of dictionaries', () => pdf({ ...pageObjects(hello), 9: '<</A'.repeat(100_000) })),
  bomb('an array of numbers', () => pdf({ ...pageObjects(hello), 9: `[${'1 '.repeat(4_000_000)}]` })),
  bomb('an array of dictionaries', () => pdf({ ...pageObjects(hello), 9: `[${'<<>>'.repeat(1_000_000)}]` })),
  bomb('a table of ten thousand million entries', () => tableBomb('0 9999999999\n')),
  bomb('a table of a hundred million entries', () => tableBomb('0 100000000\n')),
  bomb('a table of half a million sections', () => tableBomb('0 0\n'.repeat(500_000))),
  bomb('a cross-reference stream of 60 MiB of zeros', () =>
    xrefBomb(9_000_000, '', deflated(new Uint8Array(60 * mebibyte)), '/Filter /FlateDecode'),
  ),
  bomb('a cross-reference stream of a million entries', () =>
    xrefBomb(1_000_000, '', deflated(new Uint8Array(7_000_000).fill(1)), '/Filter /FlateDecode'),
  ),
  bomb(
    'a cross-reference stream of numbers without end',
    () => xrefBomb(2 ** 31 - 1, `/Index [${'0 0 '.repeat(200_000)}]`, new Uint8Array(7), ''),
    'PDF_INVALID',
  ),
  bomb('a content of 64 MiB of spaces', () => content('/FlateDecode', deflated(spaces(64 * mebibyte)))),
  bomb('a content of three million operators', () =>
    content('/FlateDecode', deflated('q Q '.repeat(1_500_000))),
  ),
  bomb('a content that is deflated four times over', () =>
    content(`[${'/FlateDecode '.repeat(4)}]`, deflated(spaces(64 * mebibyte), 4)),
  ),
  bomb('a content of many filters', () =>
    content(`[${'/FlateDecode '.repeat(100_000)}]`, deflated(hello, 3)),
  ),
  bomb('a content under a predictor of long rows', () =>
    content(
      '/FlateDecode /DecodeParms <</Predictor 15 /Colors 32 /BitsPerComponent 16 /Columns 700000>>',
      deflated(new Uint8Array(3 * (1 + 64 * 700_000))),
    ),
  ),
  bomb('a content under a predictor of rows of one byte', () =>
    content(
      '/FlateDecode /DecodeParms <</Predictor 12 /Columns 1>>',
      deflated(new Uint8Array(60 * mebibyte)),
    ),
  ),
  bomb('contents of ten thousand streams', () => {
    const one = stream('/FlateDecode', deflated(spaces(100_000)));
    const many = numbered(1000, 10_000, () => one);
    const page = (pageObjects(hello)[3] as string).replace(
      '4 0 R',
      `[${Object.keys(many).join(' 0 R ')} 0 R]`,
    );
    return asSigned({ ...pageObjects(hello), 3: page, ...many }, 20_000);
  }),
  bomb('forms that draw forms that draw forms', () => formsThatDrawForms(10, 10)),
  bomb('forms nested too deeply', () => formsThatDrawForms(30, 1)),
  bomb(
    'a form that draws itself',
    () =>
      asSigned({
        ...pageObjects('/X Do', '/XObject <</X 20 0 R>>'),
        20: form('/XObject <</X 20 0 R>>', '/X Do'),
      }),
    'PDF_INVALID',
  ),
  bomb('lengths that depend on each other', () =>
    pdf({
      ...pageObjects(hello),
      ...numbered(10, 30, (num) => `<</Length ${num + 1} 0 R>>\nstream\n\nendstream`),
    }),
  ),
  bomb('many revisions', () => manyRevisions(70)),
  bomb('a picture of too many pixels', () =>
    image('/Width 65000 /Height 65000 /BitsPerComponent 1 /ColorSpace /DeviceGray'),
  ),
  bomb(
    'a tree of pages that goes in a circle',
    () => withPages(pages.replace('[3 0 R]', '[2 0 R]')),
    'PDF_INVALID',
  ),
  bomb(
    'a tree of pages that has a page twice',
    () => withPages(pages.replace('[3 0 R]', '[3 0 R 3 0 R]')),
    'PDF_INVALID',
  ),
  bomb('a tree of pages of ten thousand levels', () =>
    withPages('<</Type /Pages /Kids [100 0 R] /Count 1>>', {
      ...numbered(100, 10_000, (num) => `<</Type /Pages /Kids [${num + 1} 0 R] /Count 1>>`),
      10100: '<</Type /Page>>',
    }),
  ),
  bomb('a tree of twenty thousand pages', () =>
    withPages(
      `<</Type /Pages /Kids [${Array.from({ length: 20_000 }, (_, i) => `${i + 100} 0 R`).join(' ')}] /Count 9>>`,
      {
        ...numbered(100, 20_000, () => '<</Type /Page /MediaBox [0 0 9 9]>>'),
      },
    ),
  ),
  bomb(
    'references that go in a circle',
    () => pdf({ ...pageObjects(hello), 1: catalog.replace('2 0 R', '20 0 R'), 20: '21 0 R', 21: '20 0 R' }),
    'PDF_INVALID',
  ),
];
