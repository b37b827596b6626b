import { describe, expect, it } from 'vitest';
import { concatBytes, latin1, toHex } from '../../bytes.ts';
import { changes, unreferencedObjects } from './changes.ts';
import { readPdf } from './document.ts';
import {
  der,
  fillByteRange,
  hello,
  type Objects,
  pageObjects,
  pdf,
  replaced,
  type SignatureShape,
  signatureObjects,
  signed,
  signedCatalog,
  update,
} from './fixture.ts';
import { type PdfSignature, readSignatures, type SignatureProblemId } from './signature.ts';
import { pageTexts } from './text.ts';

const only = (file: Uint8Array): PdfSignature => {
  const signatures = readSignatures(readPdf(file));
  expect(signatures).toHaveLength(1);
  return signatures[0]!;
};
const problemsOf = (file: Uint8Array): readonly SignatureProblemId[] =>
  readSignatures(readPdf(file)).flatMap(({ problems }) => problems.map(({ id }) => id));
const textOf = (file: Uint8Array): string => new TextDecoder('latin1').decode(file);
const ten = (value: number): string => String(value).padStart(10, '0');

const genuine = signed();

/** The same file with other numbers in its byte range, each of ten digits. */
function withRange(file: Uint8Array, change: (range: number[]) => number[]): Uint8Array {
  const [whole = '', ...numbers] = /\[(\d) (\d{10}) (\d{10}) (\d{10})\]/.exec(textOf(file)) ?? [];
  const [start = 0, ...others] = change(numbers.map(Number));
  return replaced(file, whole, `[${start} ${others.map(ten).join(' ')}]`);
}

describe('readSignatures', () => {
  it('reads a signature that covers the whole file', () => {
    const signature = only(genuine);
    expect(signature.problems).toEqual([]);
    expect(signature).toMatchObject({
      name: 'Signature',
      kind: 'signature',
      subFilter: 'ETSI.CAdES.detached',
      object: 7,
      revision: 0,
      coversFile: true,
    });
    expect(toHex(signature.contents!)).toBe(der);
    const [first, second] = signature.signed!;
    const hole = genuine.subarray(first.length, genuine.length - second.length);
    expect(textOf(hole)).toBe(`<${der.padEnd(64, '0')}>`);
  });

  it('finds no signature where there is none', () => {
    expect(readSignatures(readPdf(pdf(pageObjects(hello))))).toEqual([]);
  });

  it('tells a timestamp from a signature and asks for its /Type', () => {
    const shape = { subFilter: 'ETSI.RFC3161' };
    expect(only(signed(hello, shape)).problems.map(({ id }) => id)).toEqual(['type']);
    const stamp = fillByteRange(
      replaced(
        pdf({ ...pageObjects(hello), 1: signedCatalog, ...signatureObjects(shape) }),
        '/Type /Sig /Filter /Adobe.PPKLite',
        '/Type /DocTimeStamp              ',
      ),
    );
    expect(only(stamp)).toMatchObject({ kind: 'timestamp', problems: [] });
  });

  it('keeps a signature sound when a revision is added, and says that it no longer covers the file', () => {
    const signature = only(update(genuine, { 9: '<<>>' }));
    expect(signature.problems).toEqual([]);
    expect(signature).toMatchObject({ revision: 0, coversFile: false });
  });

  it('reads /P of a DocMDP transformation', () => {
    const extra = '/Reference [<</TransformMethod /DocMDP /TransformParams <</P 1 /V /1.2>>>>]';
    expect(only(signed(hello, { extra })).permissions).toBe(1);
    expect(only(genuine).permissions).toBeUndefined();
  });
});

describe('universal signature forgery', () => {
  const range = '[0 0000000000 0000000000 0000000000]';
  const hex = `<${der.padEnd(64, '0')}>`;
  const forged: Record<string, [SignatureShape, SignatureProblemId]> = {
    'no /Contents': [{ contents: `/Kontents ${hex}` }, 'contents-missing'],
    'a null /Contents': [{ contents: `/Kontents ${hex} /Contents null` }, 'contents-not-string'],
    'a /Contents of zeros': [{ contents: `/Contents <${'0'.repeat(64)}>` }, 'contents-not-der'],
    'an empty /Contents': [{ contents: '/Contents <>' }, 'contents-not-der'],
    'a reference as /Contents': [{ contents: `/Kontents ${hex} /Contents 8 0 R` }, 'contents-not-string'],
    'a literal string as /Contents': [
      { contents: '/Contents (0\\003\\002\\001\\005) /X <00>' },
      'contents-not-hex',
    ],
    'white space in /Contents': [{ contents: `/Contents <${der} ${'0'.repeat(64)}>` }, 'contents-form'],
    'an odd number of digits': [{ contents: `/Contents <${der}000>` }, 'contents-form'],
    'bytes after the DER': [{ contents: `/Contents <${der}ff${'0'.repeat(20)}>` }, 'contents-padding'],
    'no /ByteRange': [{ byteRange: `/X ${range}` }, 'byterange-missing'],
    'a null /ByteRange': [{ byteRange: `/X ${range} /ByteRange null` }, 'byterange-form'],
    'an empty /ByteRange': [{ byteRange: `/X ${range} /ByteRange []` }, 'byterange-form'],
    'a /ByteRange of one range': [{ byteRange: `/X ${range} /ByteRange [0 100]` }, 'byterange-form'],
    'a /ByteRange of three ranges': [
      { byteRange: `/X ${range} /ByteRange [0 10 20 10 40 10]` },
      'byterange-form',
    ],
    'a negative /ByteRange': [{ byteRange: `/X ${range} /ByteRange [0 -1 -1 -1]` }, 'byterange-form'],
    'a /ByteRange with a fraction': [{ byteRange: `/X ${range} /ByteRange [0 1.5 9 9]` }, 'byterange-form'],
    'a /ByteRange of references': [
      { byteRange: `/X ${range} /ByteRange [0 8 0 R 9 0 R 9 0 R]` },
      'byterange-form',
    ],
    'a /ByteRange that is a reference': [{ byteRange: `/X ${range} /ByteRange 8 0 R` }, 'byterange-form'],
    'another /SubFilter': [{ subFilter: 'adbe.x509.rsa_sha1' }, 'subfilter'],
    'a /SubFilter that names a property of every object': [{ subFilter: 'constructor' }, 'subfilter'],
  };
  for (const [name, [shape, id]] of Object.entries(forged))
    it(`shows ${name}`, () => {
      const base = pdf({ ...pageObjects(hello), 1: signedCatalog, ...signatureObjects(shape) });
      const file =
        shape.contents === undefined || shape.contents.startsWith(`/Contents <`) ? fillByteRange(base) : base;
      expect(problemsOf(file)).toContain(id);
      expect(only(file).problems.length).toBeGreaterThan(0);
    });

  it('shows a second /Contents or /ByteRange as a finding', () => {
    for (const extra of ['/Contents <00>', '/ByteRange [0 1 2 3]', '/Content#73 <00>'])
      expect(readPdf(signed(hello, { extra })).findings.map(({ id }) => id)).toContain('duplicate-key');
  });

  it('shows a field whose value is null, missing or something else', () => {
    const field = (value: string): Uint8Array =>
      pdf({
        ...pageObjects(hello),
        1: signedCatalog,
        6: `<</FT /Sig /T (Signature) ${value}>>`,
      });
    expect(problemsOf(field(''))).toEqual(['unsigned']);
    for (const value of ['/V null', '/V 77 0 R', '/V (x)', '/V []'])
      expect(problemsOf(field(value))).toEqual(['value-not-dictionary']);
  });

  it('shows every byte range that is not exactly the file less /Contents', () => {
    const wrong: [(range: number[]) => number[], SignatureProblemId][] = [
      [([, b = 0, c = 0, d = 0]) => [1, b - 1, c, d], 'byterange-not-from-start'],
      [([, b = 0, c = 0, d = 0]) => [0, b - 1, c, d], 'byterange-hole'],
      [([, b = 0, c = 0, d = 0]) => [0, b + 1, c, d], 'byterange-hole'],
      [([, b = 0, c = 0, d = 0]) => [0, b, c + 1, d - 1], 'byterange-hole'],
      [([, b = 0, c = 0, d = 0]) => [0, b, c - 1, d + 1], 'byterange-hole'],
      [([, b = 0, , d = 0]) => [0, b, b - 1, d], 'byterange-overlap'],
      [([, b = 0, c = 0, d = 0]) => [0, b, c, d + 1], 'byterange-beyond-file'],
      [([, b = 0, c = 0, d = 0]) => [0, b, c, d - 1], 'byterange-not-revision'],
      [([, b = 0, c = 0]) => [0, b, c, 0], 'byterange-not-revision'],
      [() => [0, 0, 0, 0], 'byterange-hole'],
      [() => [0, 0, 0, genuine.length], 'byterange-hole'],
    ];
    for (const [change, id] of wrong) {
      const file = withRange(genuine, change);
      expect(problemsOf(file)).toContain(id);
      expect(only(file).signed).toBeUndefined();
    }
  });
});

describe('signature wrapping', () => {
  it('shows a second range that was moved to make room for other objects', () => {
    // The old tail is kept, byte for byte, where /ByteRange now points; the parser finds a new tail before it.
    const [, b = 0, c = 0, d = 0] = /\[0 (\d{10}) (\d{10}) (\d{10})\]/.exec(textOf(genuine))!.map(Number);
    const tail = genuine.subarray(c);
    const head = genuine.subarray(0, c);
    const evil = concatBytes(tail, latin1('\n'));
    const wrapped = withRange(concatBytes(head, evil, tail), () => [0, b, c + evil.length, d]);
    const file = readPdf(wrapped);
    const shown = [...file.findings.map(({ id }) => id), ...problemsOf(wrapped)];
    expect(shown).toEqual(expect.arrayContaining(['bytes-after-eof', 'byterange-hole']));
  });

  it('shows a byte range that skips the hole of another hexadecimal string', () => {
    const decoy = signed(hello, { extra: `/Decoy <${der.padEnd(64, '0')}>` });
    const at = textOf(decoy).indexOf('/Decoy <') + '/Decoy '.length;
    const end = at + 66;
    expect(problemsOf(withRange(decoy, () => [0, at, end, decoy.length - end]))).toContain('byterange-hole');
  });

  it('shows a signature dictionary outside the form', () => {
    const hidden = fillByteRange(
      pdf({ ...pageObjects(hello), ...signatureObjects(), 1: '<</Type /Catalog /Pages 2 0 R>>' }),
    );
    expect(problemsOf(hidden)).toContain('outside-form');
  });

  it('shows two fields with one value', () => {
    const objects: Objects = {
      ...pageObjects(hello),
      ...signatureObjects(),
      1: signedCatalog.replace('[6 0 R]', '[6 0 R 8 0 R]'),
      8: '<</FT /Sig /T (Second) /V 7 0 R>>',
    };
    expect(problemsOf(fillByteRange(pdf(objects)))).toContain('shared-value');
  });
});

describe('incremental saving and appended bytes', () => {
  it('shows bytes after the signed end', () => {
    for (const junk of ['\n', 'x', '\n%%EOF', '\n9 0 obj\n<<>>\nendobj\n']) {
      const file = readPdf(concatBytes(genuine, latin1(junk)));
      const [signature] = readSignatures(file);
      expect(signature?.coversFile).toBe(false);
      if (junk !== '\n') expect(file.findings.map(({ id }) => id)).toContain('bytes-after-eof');
    }
  });

  it('shows an update without cross-reference or trailer, in every variant that readers repaired', () => {
    const body = '\n4 0 obj\n<</Length 0>>\nstream\n\nendstream\nendobj\n';
    const tails = [
      '',
      'trailer\n<</Root 1 0 R>>\n',
      'xref\n0 0\ntrailer\n<</Root 1 0 R /Size 9>>\n',
      '%%EOF',
    ];
    for (const tail of tails) {
      const file = readPdf(concatBytes(genuine, latin1(body + tail)));
      expect(file.findings.map(({ id }) => id)).toContain('bytes-after-eof');
      expect(readSignatures(file)[0]?.coversFile).toBe(false);
    }
  });

  it('shows what a complete update changed', () => {
    const file = readPdf(update(genuine, { 4: { dict: '', data: 'BT /F1 12 Tf (Evil) Tj ET' } }));
    expect(pageTexts(file)[0]?.text).toBe('Evil');
    expect(readSignatures(file)[0]?.coversFile).toBe(false);
    expect(changes(file)[0]).toMatchObject({ revision: 1, changed: [4], kinds: ['page-content'] });
  });

  it('shows an update that takes the signature out of the form or replaces it', () => {
    const removed = update(genuine, { 1: '<</Type /Catalog /Pages 2 0 R>>' });
    expect(problemsOf(removed)).toContain('outside-form');
    const swapped = update(genuine, { 7: signatureObjects()[7] as string });
    expect(problemsOf(swapped)).toEqual(expect.arrayContaining(['outside-form']));
    expect(readSignatures(readPdf(swapped))[0]?.problems.length).toBeGreaterThan(0);
  });
});

describe('shadow attacks', () => {
  it('hide: shows that an update reveals an object prepared before signing', () => {
    const prepared = fillByteRange(
      pdf({
        ...pageObjects(hello),
        1: signedCatalog,
        ...signatureObjects(),
        20: { dict: '', data: 'BT /F1 12 Tf (Shadow) Tj ET' },
      }),
    );
    expect(unreferencedObjects(readPdf(prepared), 0)).toEqual([20]);
    expect(unreferencedObjects(readPdf(genuine), 0)).toEqual([]);
    const page = (pageObjects(hello)[3] as string).replace('4 0 R', '20 0 R');
    const file = readPdf(update(prepared, { 3: page }));
    expect(pageTexts(file)[0]?.text).toBe('Shadow');
    expect(changes(file)[0]?.kinds).toEqual(['page-content']);
  });

  it('replace: shows a font or form that an update exchanges', () => {
    const font = '<</Type /Font /Subtype /Type1 /BaseFont /Evil /Encoding /WinAnsiEncoding>>';
    expect(changes(readPdf(update(genuine, { 5: font })))[0]?.kinds).toEqual(['page-content']);
  });

  it('hide and replace: shows an update whose table points at an object hidden in the original', () => {
    const text = textOf(genuine);
    const at = text.indexOf('4 0 obj');
    const hidden = fillByteRange(
      pdf({
        ...pageObjects(`${hello}`),
        1: signedCatalog,
        ...signatureObjects(),
        20: { dict: '', data: '4 0 obj\n<</Length 0>>\nstream\n\nendstream\nendobj\n' },
      }),
    );
    expect(at).toBeGreaterThan(0);
    const inner = textOf(hidden).lastIndexOf('4 0 obj\n<</Length 0>>');
    const blank = update(hidden, {});
    const evil = replaced(blank, '\nxref\ntrailer', `\nxref\n4 1\n${ten(inner)} 00000 n \ntrailer`);
    expect(() => readPdf(evil)).toThrow(
      expect.objectContaining({ code: 'PDF_INVALID', message: expect.stringMatching(/overlap/) }),
    );
  });
});

describe('changes', () => {
  const kinds = (objects: Objects): readonly string[] =>
    changes(readPdf(update(genuine, objects)))[0]?.kinds ?? [];
  const page = pageObjects(hello)[3] as string;

  it('names validation data alone', () => {
    expect(
      kinds({
        1: signedCatalog.replace('>>>>', '>> /DSS 20 0 R>>'),
        20: '<</Type /DSS /Certs [21 0 R]>>',
        21: { dict: '', data: 'certificate' },
      }),
    ).toEqual(['dss']);
  });

  it('names a document timestamp alone', () => {
    expect(
      kinds({
        1: signedCatalog.replace('[6 0 R]', '[6 0 R 20 0 R]'),
        3: page.replace('/Contents', '/Annots [20 0 R] /Contents'),
        20: '<</Type /Annot /Subtype /Widget /FT /Sig /T (Stamp) /V 21 0 R /P 3 0 R /Rect [0 0 0 0]>>',
        21: '<</Type /DocTimeStamp /SubFilter /ETSI.RFC3161 /ByteRange [0 1 2 3] /Contents <00>>>',
      }),
    ).toEqual(['timestamp']);
  });

  it('names a second signature alone', () => {
    expect(
      kinds({
        1: signedCatalog.replace('[6 0 R]', '[6 0 R 20 0 R]'),
        20: '<</FT /Sig /T (Second) /V 21 0 R>>',
        21: '<</Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 1 2 3] /Contents <00>>>',
      }),
    ).toEqual(['signature']);
  });

  it('names annotations, form fields, content, metadata and the rest', () => {
    expect(
      kinds({
        3: page.replace('/Contents', '/Annots [20 0 R] /Contents'),
        20: '<</Type /Annot /Subtype /FreeText /Rect [0 0 9 9]>>',
      }),
    ).toEqual(['annotation']);
    expect(
      kinds({ 1: signedCatalog.replace('[6 0 R]', '[6 0 R 20 0 R]'), 20: '<</FT /Tx /T (Name) /V (x)>>' }),
    ).toEqual(['form-field']);
    expect(kinds({ 3: page.replace('[0 0 200 200]', '[0 0 100 100]') })).toEqual(['page-content']);
    expect(kinds({ 2: '<</Type /Pages /Kids [3 0 R] /Count 1 /Rotate 90>>' })).toEqual(['page-content']);
    expect(
      kinds({ 1: signedCatalog.replace('>>>>', '>> /Metadata 20 0 R>>'), 20: { dict: '', data: 'x' } }),
    ).toEqual(['metadata']);
    expect(
      kinds({ 1: signedCatalog.replace('>>>>', '>> /OpenAction 20 0 R>>'), 20: '<</S /JavaScript>>' }),
    ).toEqual(['other']);
    expect(kinds({ 20: '(nobody refers to this)' })).toEqual(['other']);
  });

  it('names a second signature that shows on the page also as an annotation', () => {
    expect(
      kinds({
        1: signedCatalog.replace('[6 0 R]', '[6 0 R 20 0 R]'),
        3: page.replace('/Contents', '/Annots [20 0 R] /Contents'),
        20: '<</Type /Annot /Subtype /Widget /FT /Sig /T (Second) /V 21 0 R /Rect [0 0 200 200]>>',
        21: '<</Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 1 2 3] /Contents <00>>>',
      }),
    ).toEqual(['annotation', 'signature']);
  });

  it('names a touch of a field that was signed before as a change of the form', () => {
    const field = signatureObjects()[6] as string;
    expect(kinds({ 6: field.replace('[0 0 0 0]', '[0 0 9 9]') })).toEqual(['form-field']);
    expect(kinds({ 7: signatureObjects()[7] as string })).toEqual(['form-field']);
  });

  it('counts an object twice that plays two parts', () => {
    expect(
      kinds({
        1: signedCatalog.replace('>>>>', '>> /DSS 20 0 R>>'),
        20: '<</Type /DSS /Certs [4 0 R]>>',
        4: { dict: '', data: 'BT /F1 12 Tf (Evil) Tj ET' },
      }),
    ).toEqual(['dss', 'page-content']);
  });

  it('says nothing about a file of one revision', () => {
    expect(changes(readPdf(genuine))).toEqual([]);
  });
});
