import { concatBytes, fromLatin1, latin1 } from '../bytes.ts';
import { detachedAnatomy, forge } from '../cms/forge.ts';
import type { TestCertified } from '../cms/testing-ca.ts';
import { streamObject } from '../pdf/file-writer.ts';
import { readPdf } from '../pdf/read/document.ts';
import { replaced, update } from '../pdf/read/fixture.ts';
import { type PdfDict, type PdfObject, PdfRef } from '../pdf/read/objects.ts';
import type { Revision } from '../pdf/read/revisions.ts';
import { readSignatures } from '../pdf/read/signature.ts';
import { textObject } from '../pdf/serialize.ts';
import { IncrementalUpdate, readForUpdate } from '../pdf/update.ts';
import { rewritten } from './rewrite.fixture.ts';

/**
 * For tests only: the published attacks on signed PDFs, as generators that take any signed file. Mladenov et al., "1
 * Trillion Dollar Refund" (2019); Mainka et al., "Shadow Attacks" (2021); Rohlmann et al., "Breaking the Specification:
 * PDF Certification" (2021).
 */
export type AttackClass =
  | 'universal signature forgery'
  | 'incremental saving'
  | 'signature wrapping'
  | 'shadow: hide'
  | 'shadow: replace'
  | 'shadow: hide and replace'
  | 'certification: evil annotation'
  | 'certification: sneaky signature';

export interface Attack {
  readonly kind: AttackClass;
  readonly name: string;
  /** What the attacker puts into the document before it is signed. */
  readonly prepare?: (unsigned: Uint8Array) => Uint8Array;
  readonly attack: (signed: Uint8Array, attacker: TestCertified) => Uint8Array | Promise<Uint8Array>;
}

const evil = 'BT /F1 24 Tf 1 0 0 1 60 500 Tm [<00100010>] TJ ET\n';

const dictionary = (entries: Readonly<Record<string, PdfObject>>): PdfDict =>
  new Map(Object.entries(entries));
const changedDict = (dict: PdfDict | undefined, entries: Readonly<Record<string, PdfObject>>): PdfDict =>
  new Map([...(dict ?? []), ...Object.entries(entries)]);
const without = (dict: PdfDict | undefined, key: string): PdfDict =>
  new Map([...(dict ?? [])].filter(([name]) => name !== key));

/** A complete and well-formed incremental update. */
async function updated(
  signed: Uint8Array,
  change: (incremental: IncrementalUpdate) => void,
  sign?: (covered: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const incremental = new IncrementalUpdate(readForUpdate(signed));
  change(incremental);
  return incremental.finish(sign);
}

const pageDict = (incremental: IncrementalUpdate): PdfDict =>
  incremental.dict(incremental.page(0)) ?? new Map();

function setInPage(incremental: IncrementalUpdate, entries: Readonly<Record<string, PdfObject>>): void {
  incremental.replace(incremental.page(0), changedDict(pageDict(incremental), entries));
}

const wholePage = [0, 0, 600, 900];

const evilAppearance = (incremental: IncrementalUpdate): PdfRef =>
  incremental.addStream(streamObject(latin1(evil), '/Type /XObject /Subtype /Form /BBox [0 0 600 900]'));

const evilContent = (incremental: IncrementalUpdate): void =>
  setInPage(incremental, { Contents: incremental.addStream(streamObject(latin1(evil))) });

/** The object of the first signature and what refers to it. */
function firstSignature(signed: Uint8Array): { reference: PdfRef; dict: PdfDict } {
  const [signature] = readSignatures(readPdf(signed));
  if (signature?.object === undefined || !signature.dictionary)
    throw new RangeError('a file without a signature');
  return { reference: new PdfRef(signature.object, 0), dict: signature.dictionary };
}

/** Bytes of the same length in the place of the first occurrence. */
function exchanged(signed: Uint8Array, from: RegExp, to: (found: string) => string): Uint8Array {
  const text = fromLatin1(signed);
  const found = from.exec(text);
  if (!found) throw new RangeError(`${from} does not occur`);
  const copy = signed.slice();
  copy.set(latin1(to(found[0]).padEnd(found[0].length).slice(0, found[0].length)), found.index);
  return copy;
}

const inPlace = (name: string, from: RegExp, to: (found: string) => string): Attack => ({
  kind: 'universal signature forgery',
  name: `${name}, in place`,
  attack: (signed) => exchanged(signed, from, to),
});

/** The signature is replaced by one that a reader may pass over, and the page by another. */
const byUpdate = (name: string, change: (signature: PdfDict) => PdfDict): Attack => ({
  kind: 'universal signature forgery',
  name: `${name}, by an update`,
  attack: (signed) =>
    updated(signed, (incremental) => {
      const { reference, dict } = firstSignature(signed);
      incremental.replace(reference, change(dict));
      evilContent(incremental);
    }),
});

const contents = /\/Contents <[0-9a-f]*>/;
const byteRange = /\/ByteRange \[[^\]]*\]/;

const universalForgeries: readonly Attack[] = [
  inPlace('no /Contents', /\/Contents </, () => '/Kontents <'),
  inPlace('/Contents null', contents, () => '/Contents null'),
  inPlace('an empty /Contents', contents, () => '/Contents <>'),
  inPlace('a /Contents of zeros', contents, (found) =>
    found.replace(/<[0-9a-f]*/, (hex) => `<${'0'.repeat(hex.length - 1)}`),
  ),
  inPlace('a /Contents without its first octet', contents, (found) => found.replace('<30', '<00')),
  inPlace('a literal string as /Contents', contents, (found) => found.replace('<', '(').replace('>', ')')),
  inPlace('a reference as /Contents', contents, () => '/Contents 9000 0 R'),
  inPlace('no /ByteRange', /\/ByteRange \[/, () => '/ByteRanje ['),
  inPlace('/ByteRange null', byteRange, () => '/ByteRange null'),
  inPlace('an empty /ByteRange', byteRange, () => '/ByteRange []'),
  inPlace('a /ByteRange of zeros', byteRange, () => '/ByteRange [0 0 0 0]'),
  inPlace('a /ByteRange of one range', byteRange, () => '/ByteRange [0 9]'),
  inPlace('a negative /ByteRange', byteRange, () => '/ByteRange [0 -1 -1 -1]'),
  inPlace('a /ByteRange far beyond the file', byteRange, () => '/ByteRange [0 9999999 9 9]'),
  inPlace('a /ByteRange of names', byteRange, () => '/ByteRange [/a /b /c /d]'),
  inPlace('another /SubFilter', /\/SubFilter \/\S+/, () => '/SubFilter /none'),
  inPlace('no /SubFilter', /\/SubFilter/, () => '/SubFiltex'),
  byUpdate('no /Contents', (dict) => without(dict, 'Contents')),
  byUpdate('/Contents null', (dict) => changedDict(dict, { Contents: null })),
  byUpdate('an empty /Contents', (dict) => changedDict(dict, { Contents: textObject('') })),
  byUpdate('no /ByteRange', (dict) => without(dict, 'ByteRange')),
  byUpdate('/ByteRange null', (dict) => changedDict(dict, { ByteRange: null })),
  byUpdate('an empty /ByteRange', (dict) => changedDict(dict, { ByteRange: [] })),
  byUpdate('a negative /ByteRange', (dict) => changedDict(dict, { ByteRange: [0, -1, -1, -1] })),
  byUpdate('the signature as it was', (dict) => dict),
  byUpdate('no signature at all', () => new Map()),
];

const saving = (name: string, attack: Attack['attack']): Attack => ({
  kind: 'incremental saving',
  name,
  attack,
});

const rawObject = `\n9000 0 obj\n<</Length ${evil.length}>>\nstream\n${evil}endstream\nendobj\n`;
const appended = (tail: string) => (signed: Uint8Array) => concatBytes(signed, latin1(rawObject + tail));
const lastStart = (signed: Uint8Array): string =>
  [...fromLatin1(signed).matchAll(/startxref\s+(\d+)/g)].at(-1)?.[1] ?? '0';

/** References to a page that is the first with other content. */
function withEvilPage(incremental: IncrementalUpdate): PdfRef {
  const content = incremental.addStream(streamObject(latin1(evil)));
  return incremental.add(changedDict(without(pageDict(incremental), 'Annots'), { Contents: content }));
}

const incrementalSavings: readonly Attack[] = [
  saving('another content of the page', (signed) => updated(signed, evilContent)),
  saving('another content of the page in the object that it was', (signed) =>
    updated(signed, (incremental) => {
      const reference = pageDict(incremental).get('Contents');
      if (!(reference instanceof PdfRef)) throw new RangeError('a page whose content is no object');
      incremental.replace(reference, null);
    }),
  ),
  saving('a page more', (signed) =>
    updated(signed, (incremental) => {
      const pages = incremental.catalog.get('Pages') as PdfRef;
      const tree = incremental.dict(pages);
      const kids = [...incremental.array(tree?.get('Kids')), withEvilPage(incremental)];
      incremental.replace(pages, changedDict(tree, { Kids: kids, Count: kids.length }));
    }),
  ),
  saving('another tree of pages', (signed) =>
    updated(signed, (incremental) => {
      const kids = [withEvilPage(incremental)];
      incremental.setInCatalog({
        Pages: incremental.add(dictionary({ Type: 'Pages', Kids: kids, Count: 1 })),
      });
    }),
  ),
  saving('the page turned', (signed) =>
    updated(signed, (incremental) => setInPage(incremental, { Rotate: 180 })),
  ),
  saving('the page cropped', (signed) =>
    updated(signed, (incremental) => setInPage(incremental, { CropBox: [0, 0, 10, 10] })),
  ),
  saving('other resources of the page', (signed) =>
    updated(signed, (incremental) => setInPage(incremental, { Resources: new Map() })),
  ),
  saving('no form, and so no signature', (signed) =>
    updated(signed, (incremental) => incremental.setInCatalog({ AcroForm: null })),
  ),
  saving('other attachments', (signed) =>
    updated(signed, (incremental) => incremental.setInCatalog({ AF: [], Names: new Map() })),
  ),
  saving('a script at opening', (signed) =>
    updated(signed, (incremental) =>
      incremental.setInCatalog({
        OpenAction: dictionary({ S: 'JavaScript', JS: textObject('app.alert(1)') }),
      }),
    ),
  ),
  saving('layers', (signed) =>
    updated(signed, (incremental) => incremental.setInCatalog({ OCProperties: dictionary({ OCGs: [] }) })),
  ),
  saving('other metadata', (signed) =>
    updated(signed, (incremental) =>
      incremental.setInCatalog({ Metadata: incremental.addStream(streamObject(latin1('<x/>'))) }),
    ),
  ),
  saving('validation data with a page in its shade', (signed) =>
    updated(signed, (incremental) => {
      const store = dictionary({ Type: 'DSS', Certs: [withEvilPage(incremental)] });
      incremental.setInCatalog({ DSS: incremental.add(store) });
      evilContent(incremental);
    }),
  ),
  saving('validation data that refers to the content of the page, which it changes', (signed) =>
    updated(signed, (incremental) => {
      const content = pageDict(incremental).get('Contents') as PdfRef;
      const old = incremental.dict(incremental.catalog.get('DSS'));
      const certs = [...incremental.array(old?.get('Certs')), content];
      incremental.replace(content, null);
      incremental.setInCatalog({ DSS: incremental.add(changedDict(old, { Type: 'DSS', Certs: certs })) });
    }),
  ),
  saving('objects alone', appended('')),
  saving('objects and %%EOF', appended('%%EOF')),
  saving('objects and a trailer', appended('trailer\n<</Root 1 0 R>>\n%%EOF\n')),
  saving('objects and an empty table', appended('xref\n0 0\ntrailer\n<</Root 1 0 R /Size 9>>\n%%EOF\n')),
  saving('objects and the place of the old table', (signed) =>
    appended(`startxref\n${lastStart(signed)}\n%%EOF\n`)(signed),
  ),
  saving('an end that points into nothing', appended('startxref\n99999999\n%%EOF\n')),
  saving('a second file behind it', (signed) => concatBytes(signed, signed)),
];

const wrapping = (name: string, attack: Attack['attack']): Attack => ({
  kind: 'signature wrapping',
  name,
  attack,
});

interface Parts {
  readonly head: Uint8Array;
  /** With its angle brackets. */
  readonly hole: Uint8Array;
  /** To the end of what the first signature covers. */
  readonly tail: Uint8Array;
  /** Later revisions. */
  readonly rest: Uint8Array;
}

function partsOf(signed: Uint8Array): Parts {
  const [, start = 0, end = 0, length = 0] = readSignatures(readPdf(signed))[0]?.byteRange ?? [];
  return {
    head: signed.subarray(0, start),
    hole: signed.subarray(start, end),
    tail: signed.subarray(end, end + length),
    rest: signed.subarray(end + length),
  };
}

/** The file put together again, with another range written into its first signature. */
function joined({ head, hole, tail, rest }: Parts, range: readonly number[]): Uint8Array {
  const file = concatBytes(head, hole, tail, rest);
  return exchanged(file, byteRange, () => `/ByteRange [${range.join(' ')}]`);
}

const otherRange = (
  name: string,
  change: (start: number, end: number, length: number) => readonly number[],
): Attack =>
  wrapping(name, (signed) => {
    const parts = partsOf(signed);
    const { head, hole, tail } = parts;
    return joined(parts, change(head.length, head.length + hole.length, tail.length));
  });

const wrappings: readonly Attack[] = [
  wrapping('the signed end moved back, another end before it', (signed) => {
    const parts = partsOf(signed);
    const { head, hole, tail } = parts;
    const between = concatBytes(tail, latin1(rawObject));
    const end = head.length + hole.length + between.length;
    return joined({ ...parts, tail: concatBytes(between, tail) }, [0, head.length, end, tail.length]);
  }),
  wrapping('objects in the zeros of the hole', (signed) => {
    const parts = partsOf(signed);
    const hole = parts.hole.slice();
    const inside = latin1(`>${rawObject}<`);
    hole.set(inside, hole.length - inside.length - 3);
    return concatBytes(parts.head, hole, parts.tail, parts.rest);
  }),
  wrapping('an entry after the hexadecimal string, in a wider hole', (signed) => {
    const parts = partsOf(signed);
    const { head, tail } = parts;
    // As long as before, so that every other offset of the file is right.
    const string = latin1(' /Evil (x)');
    const hole = concatBytes(parts.hole.subarray(0, -1 - string.length), latin1('>'), string);
    return joined({ ...parts, hole }, [0, head.length, head.length + hole.length, tail.length]);
  }),
  otherRange('a range that leaves out the end of the head', (start, end, length) => [
    0,
    start - 40,
    end,
    length,
  ]),
  otherRange('a range that leaves out the end of the file', (start, end, length) => [
    0,
    start,
    end,
    length - 100,
  ]),
  otherRange('a range that begins later', (start, end, length) => [9, start - 9, end, length]),
  wrapping('the file behind another file', (signed) => concatBytes(latin1(`%PDF-1.7\n${rawObject}`), signed)),
  wrapping('an update that holds the signature under another number', (signed) =>
    updated(signed, (incremental) => {
      const { dict } = firstSignature(signed);
      const field = incremental.field('Signature') as PdfRef;
      incremental.replace(field, changedDict(incremental.dict(field), { V: incremental.add(dict) }));
      evilContent(incremental);
    }),
  ),
];

/** Objects that stand in the document before it is signed, and what then brings them to light. */
const hidden = 9000;
const prepared =
  (pieces: readonly { readonly num: number; readonly body: string; readonly data?: string }[]) =>
  (unsigned: Uint8Array): Uint8Array =>
    rewritten(unsigned, (all) => all.push(...pieces.map((piece) => ({ ...piece }))));
const hiddenContent = { num: hidden, body: '', data: evil };

/** The page with an entry more, before it is signed. */
const preparedPage =
  (
    entry: string,
    pieces: readonly { readonly num: number; readonly body: string; readonly data?: string }[],
  ) =>
  (unsigned: Uint8Array): Uint8Array =>
    rewritten(unsigned, (all) => {
      const page = all.find(({ body }) => /\/Type \/Page\b(?!s)/.test(body));
      if (!page) throw new RangeError('a document without a page');
      page.body = page.body.replace(/>>$/, ` ${entry}>>`);
      all.push(...pieces.map((piece) => ({ ...piece })));
    });

const overlay = {
  num: hidden,
  body: '/Type /XObject /Subtype /Form /BBox [0 0 600 900]',
  data: '1 g 0 0 600 900 re f',
};

const shadows: readonly Attack[] = [
  {
    kind: 'shadow: hide',
    name: 'an object that nothing used becomes the content of the page',
    prepare: prepared([hiddenContent]),
    attack: (signed) =>
      updated(signed, (incremental) => setInPage(incremental, { Contents: new PdfRef(hidden, 0) })),
  },
  {
    kind: 'shadow: hide',
    name: 'what lay over the text is taken away',
    prepare: preparedPage(`/PieceInfo <</Overlay ${hidden} 0 R>>`, [overlay]),
    attack: (signed) => updated(signed, (incremental) => incremental.replace(new PdfRef(hidden, 0), null)),
  },
  {
    kind: 'shadow: hide',
    name: 'what lay over the text becomes another kind of object',
    prepare: preparedPage(`/PieceInfo <</Overlay ${hidden} 0 R>>`, [overlay]),
    attack: (signed) =>
      updated(signed, (incremental) =>
        incremental.replace(new PdfRef(hidden, 0), dictionary({ Type: 'Hidden' })),
      ),
  },
  {
    kind: 'shadow: replace',
    name: 'another font under the same name',
    attack: (signed) =>
      updated(signed, (incremental) => {
        const fonts = incremental.dict(incremental.dict(pageDict(incremental).get('Resources'))?.get('Font'));
        const reference = [...(fonts?.values() ?? [])].find((value) => value instanceof PdfRef);
        if (!reference) throw new RangeError('a page without a font');
        incremental.replace(reference, dictionary({ Type: 'Font', Subtype: 'Type1', BaseFont: 'Evil' }));
      }),
  },
  {
    kind: 'shadow: replace',
    name: 'another text in a field that shows it',
    prepare: preparedPage(`/PieceInfo <</Field ${hidden} 0 R>>`, [
      { num: hidden, body: '<</FT /Tx /T (amount) /V (100) /Ff 1>>' },
    ]),
    attack: (signed) =>
      updated(signed, (incremental) =>
        incremental.replace(new PdfRef(hidden, 0), dictionary({ FT: 'Tx', V: textObject('1000000') })),
      ),
  },
  {
    kind: 'shadow: replace',
    name: 'another appearance of a field that was signed',
    attack: (signed) =>
      updated(signed, (incremental) => {
        const field = incremental.field('Signature') as PdfRef;
        incremental.replace(
          field,
          changedDict(incremental.dict(field), {
            Rect: wholePage,
            AP: dictionary({ N: evilAppearance(incremental) }),
          }),
        );
      }),
  },
  {
    kind: 'shadow: hide and replace',
    name: 'a whole second document, to which the trailer turns',
    prepare: prepared([
      hiddenContent,
      { num: 9001, body: '<</Type /Catalog /Pages 9002 0 R>>' },
      { num: 9002, body: '<</Type /Pages /Kids [9003 0 R] /Count 1>>' },
      {
        num: 9003,
        body: '<</Type /Page /Parent 9002 0 R /MediaBox [0 0 600 900] /Contents 9000 0 R /Resources <<>>>>',
      },
    ]),
    attack: (signed) => update(signed, {}, { root: 9001, size: 9100 }),
  },
  {
    kind: 'shadow: hide and replace',
    name: 'a second tree of pages, to which the catalog turns',
    prepare: prepared([
      hiddenContent,
      { num: 9002, body: '<</Type /Pages /Kids [9003 0 R] /Count 1>>' },
      {
        num: 9003,
        body: '<</Type /Page /Parent 9002 0 R /MediaBox [0 0 600 900] /Contents 9000 0 R /Resources <<>>>>',
      },
    ]),
    attack: (signed) =>
      updated(signed, (incremental) => incremental.setInCatalog({ Pages: new PdfRef(9002, 0) })),
  },
  {
    kind: 'shadow: hide and replace',
    name: 'an object inside a stream, to which the table turns',
    prepare: preparedPage('/PieceInfo <</Later 9005 0 R>>', [
      { num: hidden, body: '', data: '9005 0 obj\n<</Length 0>>\nstream\n\nendstream\nendobj\n' },
    ]),
    attack: (signed) => {
      const inner = String(fromLatin1(signed).indexOf('9005 0 obj')).padStart(10, '0');
      const { trailer } = readPdf(signed).revisions.at(-1) as Revision;
      const blank = update(signed, {}, { root: (trailer.get('Root') as PdfRef).num, size: 9100 });
      return replaced(blank, '\nxref\ntrailer', `\nxref\n9005 1\n${inner} 00000 n \ntrailer`);
    },
  },
];

/** An annotation added to the first page, with an appearance that covers it. */
const annotation = (subtype: string, entries: Readonly<Record<string, PdfObject>> = {}): Attack => ({
  kind: 'certification: evil annotation',
  name: `an annotation of the kind ${subtype}`,
  attack: (signed) =>
    updated(signed, (incremental) => {
      const added = incremental.add(
        dictionary({
          Type: 'Annot',
          Subtype: subtype,
          Rect: wholePage,
          F: 4,
          AP: dictionary({ N: evilAppearance(incremental) }),
          ...entries,
        }),
      );
      setInPage(incremental, { Annots: [...incremental.array(pageDict(incremental).get('Annots')), added] });
    }),
});

const evilAnnotations: readonly Attack[] = [
  annotation('FreeText', { Contents: textObject('1 000 000 €') }),
  annotation('Stamp', { Name: 'Approved' }),
  annotation('Redact'),
  annotation('Square', { IC: [1, 1, 1] }),
  annotation('Ink', { InkList: [[0, 0, 9, 9]] }),
  annotation('Highlight', { QuadPoints: [0, 0, 9, 0, 0, 9, 9, 9] }),
  annotation('Caret'),
  annotation('Watermark'),
  annotation('FileAttachment'),
  annotation('Link', { A: dictionary({ S: 'URI', URI: textObject('https://evil.example/') }) }),
  annotation('Screen'),
  annotation('Widget', { FT: 'Btn', T: textObject('button') }),
  annotation('Widget', { FT: 'Tx', T: textObject('text'), V: textObject('x') }),
  {
    kind: 'certification: evil annotation',
    name: 'all annotations taken away',
    attack: (signed) => updated(signed, (incremental) => setInPage(incremental, { Annots: [] })),
  },
];

/** A further signature field; `signed` by the attacker where it has a signature. */
const sneaky = (name: string, shown: boolean, withForm = true): Attack => ({
  kind: 'certification: sneaky signature',
  name,
  attack: (signed, attacker) =>
    updated(
      signed,
      (incremental) => {
        const value = incremental.addSignature(
          { before: '/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached', after: '' },
          4096,
        );
        if (withForm)
          incremental.addSignatureField({
            name: 'Approval',
            value,
            page: incremental.page(0),
            ...(shown ? { shown: { rectangle: wholePage, appearance: evilAppearance(incremental) } } : {}),
          });
        else evilContent(incremental);
      },
      async (covered) => forge(detachedAnatomy(attacker, covered)),
    ),
});

const sneakySignatures: readonly Attack[] = [
  sneaky('a signature by the attacker that covers the page', true),
  sneaky('a signature by the attacker that shows nothing', false),
  sneaky('a signature by the attacker in no field, over another content', false, false),
  {
    kind: 'certification: sneaky signature',
    name: 'an empty signature field that covers the page',
    attack: (signed) =>
      updated(signed, (incremental) => {
        const field = incremental.add(
          dictionary({
            Type: 'Annot',
            Subtype: 'Widget',
            FT: 'Sig',
            T: textObject('Approval'),
            Rect: wholePage,
            P: incremental.page(0),
            AP: dictionary({ N: evilAppearance(incremental) }),
          }),
        );
        setInPage(incremental, {
          Annots: [...incremental.array(pageDict(incremental).get('Annots')), field],
        });
        const form = incremental.dict(incremental.catalog.get('AcroForm'));
        const fields = [...incremental.array(form?.get('Fields')), field];
        incremental.setInCatalog({ AcroForm: changedDict(form, { Fields: fields }) });
      }),
  },
  {
    kind: 'certification: sneaky signature',
    name: 'a certification that is taken back',
    attack: (signed) =>
      updated(signed, (incremental) => {
        const { reference, dict } = firstSignature(signed);
        incremental.replace(reference, without(dict, 'Reference'));
        incremental.setInCatalog({ Perms: null });
      }),
  },
  {
    kind: 'certification: sneaky signature',
    name: 'a certification by the attacker in the place of the first',
    attack: (signed, attacker) =>
      updated(
        signed,
        (incremental) => {
          const value = incremental.addSignature(
            {
              before: '/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached',
              after: ' /Reference [<</TransformMethod /DocMDP /TransformParams <</P 3 /V /1.2>>>>]',
            },
            4096,
          );
          const field = incremental.field('Signature') as PdfRef;
          incremental.replace(field, changedDict(incremental.dict(field), { V: value }));
          incremental.setInCatalog({ Perms: dictionary({ DocMDP: value }) });
          evilContent(incremental);
        },
        async (covered) => forge(detachedAnatomy(attacker, covered)),
      ),
  },
];

export const attacks: readonly Attack[] = [
  ...universalForgeries,
  ...incrementalSavings,
  ...wrappings,
  ...shadows,
  ...evilAnnotations,
  ...sneakySignatures,
];
