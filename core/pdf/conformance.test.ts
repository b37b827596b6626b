import { describe, expect, it } from 'vitest';
import { fromLatin1, fromUtf8 } from '../bytes.ts';
import { templateFor } from './choice.ts';
import { renderDocument } from './document.ts';
import { extendTo } from './extend.ts';
import { fonts, inputFor, manyScripts, preparedTemplate, priseEnCharge } from './fixture.ts';
import { readAttachments } from './read/attachments.ts';
import { type PdfFile, readPdf } from './read/document.ts';
import {
  isArray,
  isDict,
  type PdfDict,
  type PdfObject,
  PdfRef,
  PdfStream,
  PdfString,
} from './read/objects.ts';
import { contentsOf, pagesOf } from './read/pages.ts';
import { readSignatures } from './read/signature.ts';
import { textString } from './read/text-string.ts';
import type { Block, DocumentRecord } from './record.ts';
import { postCast, signedDocument } from './signed.fixture.ts';
import { srgbProfile } from './srgb.ts';

/** The languages of the captions told, so that nothing stands in the way of the full claim. */
const withLanguages = (record: DocumentRecord): DocumentRecord => ({
  ...record,
  blocks: record.blocks.map(
    (block): Block => (block.kind === 'seal' ? { ...block, languages: ['fr', 'fr', 'en'] } : block),
  ),
});

const cast = await postCast();
const archival = { archival: true, certification: {} } as const;
const record = withLanguages(priseEnCharge);
const signed = await signedDocument(cast, archival, record);
const extended = await extendTo(signed, 'B-LTA', { data: cast.evidence }, cast.stamps);
const draft = (of: DocumentRecord): Uint8Array =>
  renderDocument(preparedTemplate(), of, { ...inputFor(of), ...archival });

const metadata = (pdf: Uint8Array): string => {
  const file = readPdf(pdf);
  return fromUtf8(file.stream(file.catalog().get('Metadata'))?.raw ?? new Uint8Array());
};

/** Every object that is reached from the trailer, with those inside it. */
function* parts(file: PdfFile): Generator<PdfObject> {
  const seen = new Set<number>();
  const open: PdfObject[] = [...(file.revisions.at(-1)?.trailer.values() ?? [])];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (value instanceof PdfRef) {
      if (seen.has(value.num)) continue;
      seen.add(value.num);
      open.push(file.resolve(value));
      continue;
    }
    yield value;
    if (isArray(value)) open.push(...value);
    else if (isDict(value)) open.push(...value.values());
    else if (value instanceof PdfStream) open.push(...value.dict.values());
  }
}

const dicts = (file: PdfFile): PdfDict[] =>
  [...parts(file)].flatMap((value) =>
    isDict(value) ? [value] : value instanceof PdfStream ? [value.dict] : [],
  );
const ofType = (file: PdfFile, type: string): PdfDict[] =>
  dicts(file).filter((dict) => dict.get('Type') === type);
const contents = (file: PdfFile): string =>
  pagesOf(file)
    .map((page) => fromLatin1(contentsOf(file, page)))
    .join('');
const widgets = (file: PdfFile): PdfDict[] => dicts(file).filter((dict) => dict.get('Subtype') === 'Widget');
const elements = (file: PdfFile): PdfDict[] =>
  dicts(file).filter((dict) => typeof dict.get('S') === 'string' && dict.has('P'));
const numbers = (file: PdfFile, value: PdfObject | undefined): number[] =>
  (file.array(value) ?? []).map((item) => file.number(item) ?? Number.NaN);
const everywhere = (file: PdfFile, names: string): string[] =>
  names.split(' ').filter((name) => dicts(file).some((dict) => dict.has(name)));
const hidden = (rectangle: number[]): boolean =>
  rectangle[0] === rectangle[2] && rectangle[1] === rectangle[3];

/** Requirements of ISO 19005-3, by clause. Each gives what stands against it. */
const archive: readonly (readonly [string, (file: PdfFile) => unknown[]])[] = [
  [
    '6.1.2 the header names PDF 1.n, then four bytes above 127',
    ({ bytes }) =>
      /^%PDF-1\.[0-7]\n%[\x80-\xff]{4}\n/.test(fromLatin1(bytes.subarray(0, 32))) ? [] : ['header'],
  ],
  [
    '6.1.3 every trailer has an identifier of two strings, and none is encrypted',
    ({ revisions }) =>
      revisions.filter(({ trailer }) => {
        const id = trailer.get('ID');
        return (
          !isArray(id) ||
          id.length !== 2 ||
          !id.every((part) => part instanceof PdfString) ||
          trailer.has('Encrypt')
        );
      }),
  ],
  [
    '6.1.3 nothing but a line end follows the last %%EOF',
    ({ bytes }) => (/%%EOF\n?$/.test(fromLatin1(bytes.subarray(-8))) ? [] : ['end']),
  ],
  [
    '6.1.6 strings in hexadecimal have an even number of digits',
    ({ findings }) => findings.filter(({ id }) => id === 'odd-hex-string'),
  ],
  [
    '6.1.7 streams are inside the file, of the length they say, and use Flate alone',
    (file) =>
      [...parts(file)]
        .filter((value) => value instanceof PdfStream)
        .filter(
          ({ dict, raw }) =>
            dict.has('F') ||
            dict.get('Length') !== raw.length ||
            !['FlateDecode', undefined].includes(file.name(dict.get('Filter'))),
        ),
  ],
  [
    '6.1.9 objects and their keywords stand on lines as they must',
    ({ bytes, revisions }) =>
      revisions.flatMap(({ entries }) =>
        [...entries.entries()].filter(
          ([num, entry]) =>
            entry.kind === 'used' &&
            !fromLatin1(bytes.subarray(entry.offset - 1, entry.offset + 24)).startsWith(`\n${num} 0 obj\n`),
        ),
      ),
  ],
  [
    '6.1.12 the only permission is that of a certification, without digests of objects',
    (file) => [
      ...[...(file.dict(file.catalog().get('Perms'))?.keys() ?? ['none'])].filter((key) => key !== 'DocMDP'),
      ...everywhere(file, 'DigestMethod DigestValue DigestLocation'),
    ],
  ],
  [
    '6.1.13 no string is above 32,767 bytes, no name above 127',
    (file) =>
      [...parts(file)].filter((value) =>
        value instanceof PdfString
          ? value.bytes.length > 32_767
          : typeof value === 'string' && value.length > 127,
      ),
  ],
  [
    '6.2.2 pages draw by known operators alone',
    (file) =>
      contents(file)
        .split('\n')
        .map((line) => line.slice(line.lastIndexOf(' ') + 1))
        .filter((operator) => !/^(BMC|BDC|EMC|BT|ET|Tf|Tm|Ts|TJ|rg|f|Q|)$/.test(operator)),
  ],
  [
    '6.2.3 one output intent, with a profile of three components for colours that are all DeviceRGB or DeviceGray',
    (file) => {
      const [intent, ...others] = (file.array(file.catalog().get('OutputIntents')) ?? []).map((item) =>
        file.dict(item),
      );
      const profile = file.stream(intent?.get('DestOutputProfile'));
      const data = profile && file.data(profile);
      const sound =
        intent?.get('S') === 'GTS_PDFA1' &&
        intent.has('OutputConditionIdentifier') &&
        profile?.dict.get('N') === 3 &&
        data !== undefined &&
        Buffer.compare(data, srgbProfile()) === 0;
      return [...others, ...(sound ? [] : ['intent']), ...everywhere(file, 'ColorSpace Shading Pattern')];
    },
  ],
  [
    '6.2.5, 6.2.8, 6.2.10 no graphics state, picture, transparency or PostScript',
    (file) => [
      ...everywhere(file, 'ExtGState SMask CA ca BM Group PS OPI Ref Alternates TR HTP'),
      ...dicts(file).filter((dict) => dict.get('Subtype') === 'Image'),
    ],
  ],
  [
    '6.2.11.4 every font is embedded, in an Identity-H font of TrueType glyphs',
    (file) =>
      ofType(file, 'Font').filter((font) => {
        if (font.get('Subtype') === 'Type0') return font.get('Encoding') !== 'Identity-H';
        const descriptor = file.dict(font.get('FontDescriptor'));
        return (
          font.get('Subtype') !== 'CIDFontType2' || !descriptor?.has('FontFile2') || !font.has('CIDToGIDMap')
        );
      }),
  ],
  ['6.2.11.4.2 there is no /CIDSet that could be incomplete', (file) => everywhere(file, 'CIDSet')],
  [
    '6.2.11.7 every font tells its characters',
    (file) =>
      ofType(file, 'Font').filter(
        (font) => font.get('Subtype') === 'Type0' && !file.stream(font.get('ToUnicode')),
      ),
  ],
  [
    '6.2.11.7 no shown code is without a character, or one of private use',
    (file) => {
      const maps = ofType(file, 'Font')
        .filter((font) => font.has('ToUnicode'))
        .map((font) => fromLatin1(file.data(file.stream(font.get('ToUnicode')) as PdfStream)));
      return maps.filter((map) => /<(0000|feff|fffe|e[0-9a-f]{3}|f[0-8][0-9a-f]{2})>\n/.test(map));
    },
  ],
  ['6.2.11.8 no shown code is .notdef', (file) => contents(file).match(/\[<(?:[0-9a-f]{4})*?0000/g) ?? []],
  [
    '6.3.1 the only annotations are widgets',
    (file) =>
      pagesOf(file)
        .flatMap(({ dict }) => file.array(dict.get('Annots')) ?? [])
        .filter((item) => file.dict(item)?.get('Subtype') !== 'Widget'),
  ],
  [
    '6.3.2 annotations are printed and not hidden',
    (file) => widgets(file).filter((widget) => ((file.number(widget.get('F')) ?? 0) & 0b100111) !== 4),
  ],
  [
    '6.3.3 annotations that take room have one appearance, a stream',
    (file) =>
      widgets(file).filter((widget) => {
        const appearance = file.dict(widget.get('AP'));
        if (!appearance) return !hidden(numbers(file, widget.get('Rect')));
        return appearance.size !== 1 || !file.stream(appearance.get('N'))?.dict.has('Resources');
      }),
  ],
  [
    '6.4 and 6.5 no form made by a program, no action, no script',
    (file) => everywhere(file, 'NeedAppearances XFA NeedsRendering AA OpenAction JavaScript JS URI Launch'),
  ],
  [
    '6.4.3 signatures cover their revision and hold their certificates',
    (file) => readSignatures(file).filter(({ problems, contents: der }) => problems.length > 0 || !der),
  ],
  [
    '6.6.2 the metadata are a plain stream that says the same as /Info',
    (file) => {
      const stream = file.stream(file.catalog().get('Metadata'));
      const packet = fromUtf8(stream?.raw ?? new Uint8Array());
      const info = file.dict(file.revisions.at(-1)?.trailer.get('Info'));
      const text = (key: string): string => {
        const value = file.resolve(info?.get(key));
        return value instanceof PdfString ? textString(value) : '';
      };
      const date = text('CreationDate').replace(
        /^D:(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/,
        '$1-$2-$3T$4:$5:$6Z',
      );
      return [
        ...(stream?.dict.has('Filter') ? ['filter'] : []),
        ...['Title', 'Producer'].filter((key) => !packet.includes(`>${text(key)}</`)),
        ...['Create', 'Modify'].filter((act) => !packet.includes(`<xmp:${act}Date>${date}</xmp:${act}Date>`)),
        ...(text('ModDate') === text('CreationDate') ? [] : ['ModDate']),
        ...[...(info?.keys() ?? [])].filter((key) => !/^(Title|Producer|CreationDate|ModDate)$/.test(key)),
      ];
    },
  ],
  [
    '6.6.2.1 the packet header has neither bytes nor encoding',
    (file) =>
      /<\?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"\?>/.test(metadata(file.bytes))
        ? []
        : ['header'],
  ],
  [
    '6.6.2.3 properties are of predefined schemas, or described',
    (file) => {
      const predefined = new Set([
        'x',
        'rdf',
        'dc',
        'xmp',
        'pdf',
        'pdfaid',
        'pdfaExtension',
        'pdfaSchema',
        'pdfaProperty',
      ]);
      const packet = metadata(file.bytes);
      return [...new Set([...packet.matchAll(/<([A-Za-z]+):/g)].map(([, prefix = '']) => prefix))].filter(
        (prefix) =>
          !predefined.has(prefix) && !packet.includes(`<pdfaSchema:prefix>${prefix}</pdfaSchema:prefix>`),
      );
    },
  ],
  [
    '6.7 the structure is marked, with standard types and the language of the text',
    (file) => {
      const catalog = file.catalog();
      const standard = /^(Document|H1|H2|P|Table|TR|TH|TD|Figure|Form)$/;
      return [
        ...(file.dict(catalog.get('MarkInfo'))?.get('Marked') === true ? [] : ['Marked']),
        ...(catalog.has('Lang') ? [] : ['Lang']),
        ...elements(file).filter((element) => !standard.test(String(element.get('S')))),
        ...everywhere(file, 'RoleMap'),
      ];
    },
  ],
  [
    '6.8 embedded files have name, type, date and relation, and belong to the document',
    (file) =>
      readAttachments(file).filter(
        ({ mediaType, relationship, listed, associated }) =>
          !mediaType || !relationship || !listed || !associated,
      ),
  ],
  [
    '6.9 to 6.11 no layers, no alternate presentations, no requirements',
    (file) => everywhere(file, 'OCProperties OC AlternatePresentations PresSteps Requirements'),
  ],
];

/** Requirements of ISO 14289-1, by clause. */
const accessible: readonly (readonly [string, (file: PdfFile) => unknown[]])[] = [
  [
    '7.1 what is drawn is tagged or an artifact',
    (file) => {
      const wrong: string[] = [];
      let depth = 0;
      for (const line of contents(file).split('\n')) {
        if (/B(MC|DC)$/.test(line)) depth++;
        else if (line === 'EMC') depth--;
        else if (depth === 0 && line !== '') wrong.push(line);
      }
      return wrong;
    },
  ],
  [
    '7.1 every mark has its element in the parent tree',
    (file) => {
      const tree =
        file.array(
          file.dict(file.dict(file.catalog().get('StructTreeRoot'))?.get('ParentTree'))?.get('Nums'),
        ) ?? [];
      return pagesOf(file).filter(({ dict }) => {
        const own = tree[2 * (file.number(dict.get('StructParents')) ?? 0) + 1];
        return (file.array(own) ?? []).length !== (contents(file).match(/<<\/MCID \d+>>/g) ?? []).length;
      });
    },
  ],
  [
    '7.1 the title is told, and shown in the window',
    (file) => [
      ...(metadata(file.bytes).includes('<dc:title>') ? [] : ['title']),
      ...(file.dict(file.catalog().get('ViewerPreferences'))?.get('DisplayDocTitle') === true
        ? []
        : ['DisplayDocTitle']),
    ],
  ],
  [
    '7.2 a text of another language says so',
    (file) => {
      const languages = elements(file).flatMap((element) => {
        const value = file.resolve(element.get('Lang'));
        return value instanceof PdfString ? [textString(value)] : [];
      });
      return languages.includes('en') ? [] : ['Lang'];
    },
  ],
  [
    '7.3 a figure has words in its place',
    (file) => elements(file).filter((element) => element.get('S') === 'Figure' && !element.has('Alt')),
  ],
  [
    '7.4 headings begin with H1 and leave out no level',
    (file) => {
      const order: string[] = [];
      const walk = (value: PdfObject | undefined): void => {
        const element = file.dict(value);
        const type = element?.get('S');
        if (typeof type === 'string' && /^H\d$/.test(type)) order.push(type);
        const kids = file.resolve(element?.get('K'));
        for (const kid of isArray(kids) ? kids : []) if (kid instanceof PdfRef) walk(kid);
      };
      walk(file.dict(file.catalog().get('StructTreeRoot'))?.get('K'));
      return order[0] === 'H1' && order.filter((type) => type === 'H1').length === 1 ? [] : order;
    },
  ],
  [
    '7.5 a row has a header with its scope',
    (file) =>
      elements(file).filter(
        (element) => element.get('S') === 'TH' && file.dict(element.get('A'))?.get('Scope') !== 'Row',
      ),
  ],
  [
    '7.18.1 a field that is seen has a description',
    (file) =>
      widgets(file).filter((widget) => !hidden(numbers(file, widget.get('Rect'))) && !widget.has('TU')),
  ],
  [
    '7.18.3 tabs follow the structure where there are annotations',
    (file) => pagesOf(file).filter(({ dict }) => dict.has('Annots') && dict.get('Tabs') !== 'S'),
  ],
  [
    '7.18.4 a field that is seen is in a Form element',
    (file) => {
      const forms = elements(file).filter((element) => element.get('S') === 'Form');
      const referred = forms.map((form) => file.dict(file.dict(form.get('K'))?.get('Obj')));
      const seen = widgets(file).filter((widget) => !hidden(numbers(file, widget.get('Rect'))));
      return seen.length === 1 && referred.length === 1 && referred[0] === seen[0] ? [] : seen;
    },
  ],
  [
    'ISO 32000-1 table 344 figures and tables on one page say what they take of it',
    (file) =>
      elements(file)
        .filter((element) => element.get('S') === 'Figure' || element.get('S') === 'Table')
        .filter((element) => numbers(file, file.dict(element.get('A'))?.get('BBox')).length !== 4),
  ],
];

describe.each([
  ['signed', signed],
  ['extended to B-LTA', extended],
])('a document for the archive, %s, meets ISO 19005-3', (_, pdf) => {
  const file = readPdf(pdf);
  it.each(archive)('%s', (_clause, against) => expect(against(file)).toEqual([]));
});

describe.each([
  ['signed', signed],
  ['extended to B-LTA', extended],
])('a document for the archive, %s, meets ISO 14289-1', (_, pdf) => {
  const file = readPdf(pdf);
  it.each(accessible)('%s', (_clause, against) => expect(against(file)).toEqual([]));
});

describe('the checks', () => {
  it('find what stands against a document that is not made for the archive', async () => {
    const of: DocumentRecord = {
      ...priseEnCharge,
      blocks: priseEnCharge.blocks.filter(({ kind }) => kind !== 'title'),
    };
    const file = readPdf(await signedDocument(cast, {}, of));
    const clauses = [...archive, ...accessible]
      .filter(([, against]) => against(file).length > 0)
      .map(([clause]) => clause.split(' ')[0]);
    expect(clauses).toEqual(['6.1.12', '6.2.3', '7.2', '7.4', 'ISO']);
  });
});

describe('the claim', () => {
  const claims = (pdf: Uint8Array): string[] =>
    [...metadata(pdf).matchAll(/<pdf(?:ua|a)id:\w+>(\w)</g)].map(([, value = '']) => value);

  it('is PDF/A-3a and PDF/UA-1 where every language is told', () => {
    expect(claims(signed)).toEqual(['3', 'A', '1']);
    expect(claims(extended)).toEqual(['3', 'A', '1']);
  });

  it('is PDF/A-3u alone where the languages of the captions are not told', () => {
    expect(claims(draft(priseEnCharge))).toEqual(['3', 'U']);
  });

  it('is PDF/A-3b alone where glyphs have no character of their own', async () => {
    const of = withLanguages(manyScripts);
    const template = await templateFor(of, preparedTemplate(), () => fonts);
    expect(claims(renderDocument(template, of, { ...inputFor(of), ...archival }))).toEqual(['3', 'B']);
  });

  it('is none where the document is not made for the archive', async () => {
    expect(claims(await signedDocument(cast))).toEqual([]);
  });

  it('costs less than 3 KB', async () => {
    expect(signed.length - (await signedDocument(cast, {}, record)).length).toBeLessThan(3072);
  });
});
