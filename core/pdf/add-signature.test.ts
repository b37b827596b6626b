import { describe, expect, it } from 'vitest';
import { ConsulError } from '../errors.ts';
import { addSignature, type FurtherSignature } from './add-signature.ts';
import { addDocumentTimestamp, extendTo } from './extend.ts';
import { ask, missing } from './judges.ts';
import { changes } from './read/changes.ts';
import { readPdf } from './read/document.ts';
import * as small from './read/fixture.ts';
import { PdfRef } from './read/objects.ts';
import { readSignatures } from './read/signature.ts';
import { pageTexts } from './read/text.ts';
import { issued, pdfsig, postCast, signedDocument, withoutPdfsig } from './signed.fixture.ts';

const agent = await postCast();
const notary = await postCast();
const document = await signedDocument(agent, {
  certification: { furtherFields: ['Notary', 'Second agent'] },
});
const by = (field: string, cms = notary.cms): FurtherSignature => ({
  field,
  cms,
  place: { name: 'Maître OBAME', reason: 'Contreseing', location: 'Libreville' },
  time: issued,
});
const twice = await addSignature(document, by('Notary'));
const thrice = await addSignature(twice, by('Second agent', agent.cms));

const begins = (longer: Uint8Array, shorter: Uint8Array): boolean =>
  Buffer.compare(longer.subarray(0, shorter.length), shorter) === 0;

const plainPage = '<</Type /Page /Parent 2 0 R /MediaBox [0 0 300 300]>>';
const plain = small.pdf({ 1: small.catalog, 2: small.pages, 3: plainPage });

async function refusal(pdf: Uint8Array, signature: FurtherSignature): Promise<string> {
  try {
    await addSignature(pdf, signature);
    return 'accepted';
  } catch (error) {
    if (error instanceof ConsulError) return error.code;
    throw error;
  }
}

describe('a certified document', () => {
  it('says in its signature and in its catalog that only signing and filling in is permitted', () => {
    const file = readPdf(document);
    const [certifying] = readSignatures(file);
    expect(certifying?.permissions).toBe(2);
    const permissions = file.dict(file.catalog().get('Perms'));
    expect([...(permissions?.keys() ?? [])]).toEqual(['DocMDP']);
    const reference = permissions?.get('DocMDP');
    expect(reference instanceof PdfRef && reference.num).toBe(certifying?.object);
  });

  it('has its field over who signs, with a mark that says nothing, in the structure', () => {
    const file = readPdf(document);
    const [field] = file.array(file.dict(file.catalog().get('AcroForm'))?.get('Fields')) ?? [];
    const dict = file.dict(field);
    const [left = 0, bottom = 0, right = 0, top = 0] = (file.array(dict?.get('Rect')) ?? []) as number[];
    expect(right - left).toBeGreaterThan(150);
    expect(top - bottom).toBeGreaterThan(30);
    expect(file.number(dict?.get('StructParent'))).toBe(1);
    const appearance = file.stream(file.dict(dict?.get('AP'))?.get('N'));
    expect(appearance && new TextDecoder().decode(file.data(appearance))).toMatch(
      /^[\d. ]+ rg [\d. ]+ re f\n$/,
    );
  });

  it.skipIf(missing('pdfinfo'))('has the field in its structure after the name of who signs', () => {
    const structure = ask('pdfinfo', document, '-struct-text', 'FILE').output;
    expect(structure).toMatch(/"Jean-Baptiste MOUSSAVOU"\n +Form\n +Object \d+ 0\n +Figure/);
  });

  it('shows the same text as one that is not certified', async () => {
    expect(pageTexts(readPdf(document))).toEqual(pageTexts(readPdf(await signedDocument(agent))));
  });

  it.skipIf(missing('pdftotext'))('has its text once for programs that read annotations too', () => {
    expect(ask('pdftotext', document, 'FILE', '-').output.match(/MOUSSAVOU/g)).toHaveLength(1);
  });

  it('stays certified through document timestamps', async () => {
    const archived = await extendTo(document, 'B-LTA', { data: agent.evidence }, agent.stamps);
    expect(readSignatures(readPdf(archived)).map(({ name, permissions }) => [name, permissions])).toEqual([
      ['Signature', 2],
      ['Notary', undefined],
      ['Second agent', undefined],
      ['Timestamp', undefined],
    ]);
  });
});

describe('a further signature', () => {
  it('changes no earlier byte', () => {
    expect(begins(twice, document)).toBe(true);
    expect(begins(thrice, twice)).toBe(true);
  });

  it('is an update of a signature and nothing else', () => {
    const file = readPdf(thrice);
    expect(file.findings).toEqual([]);
    expect(changes(file).map(({ kinds }) => kinds)).toEqual([['signature'], ['signature']]);
  });

  it('covers the file, and leaves the earlier ones as sound as they were', () => {
    const signatures = readSignatures(readPdf(thrice));
    expect(signatures.map(({ name, revision, coversFile }) => [name, revision, coversFile])).toEqual([
      ['Signature', 0, false],
      ['Notary', 1, false],
      ['Second agent', 2, true],
    ]);
    expect(signatures.flatMap(({ problems }) => problems)).toEqual([]);
  });

  it.skipIf(withoutPdfsig)(
    'is valid for pdfsig beside the others, also under a document timestamp',
    async () => {
      const stamped = await addDocumentTimestamp(thrice, agent.stamps);
      expect(pdfsig(stamped).slice(0, 3)).toEqual(
        ['Signature', 'Notary', 'Second agent'].map((field) => ({ field, verdict: 'Signature is Valid.' })),
      );
    },
  );

  it.skipIf(missing('qpdf'))('leaves a file in which qpdf finds no fault', () => {
    expect(ask('qpdf', thrice, '--check', 'FILE').output).toContain('No syntax or stream encoding errors');
  });

  it('has the mark where it is asked for one, in a file of another program', async () => {
    const appearance = { page: 0, rectangle: [20, 30, 200, 80] } as const;
    const file = readPdf(await addSignature(plain, { ...by('Agent'), appearance }));
    const [annotation] = file.array(file.dict(new PdfRef(3, 0))?.get('Annots')) ?? [];
    expect(file.dict(annotation)?.get('Rect')).toEqual([20, 30, 200, 80]);
    expect(changes(file)[0]?.kinds).toEqual(['annotation', 'signature']);
  });

  it('is refused in a field that is signed or is none, and on a page that there is not', async () => {
    expect(await refusal(twice, by('Notary'))).toBe('SIGNATURE_NOT_PERMITTED');
    const text = small.pdf({
      1: '<</Type /Catalog /Pages 2 0 R /AcroForm <</Fields [4 0 R]>>>>',
      2: small.pages,
      3: plainPage,
      4: '<</FT /Tx /T (Name)>>',
    });
    expect(await refusal(text, by('Name'))).toBe('SIGNATURE_NOT_PERMITTED');
    const appearance = { page: 1, rectangle: [0, 0, 9, 9] } as const;
    expect(await refusal(plain, { ...by('Agent'), appearance })).toBe('PDF_INVALID');
  });
});

/** A signature that is sound in form, of another program, with something else in /Reference. */
function signedWith(reference: string): Uint8Array {
  const contents = `<3003020101${'0'.repeat(40)}>`;
  const write = (range: string): Uint8Array =>
    small.pdf({
      1: '<</Type /Catalog /Pages 2 0 R /AcroForm <</Fields [4 0 R 6 0 R]>>>>',
      2: small.pages,
      3: plainPage,
      4: '<</FT /Sig /T (First) /V 5 0 R>>',
      5: `<</Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [${range}] /Contents ${contents} /Reference [${reference}]>>`,
      6: '<</FT /Sig /T (Second)>>',
    });
  const text = new TextDecoder('latin1').decode(write('0 0000000000 0000000000 0000000000'));
  const start = text.indexOf(contents);
  const end = start + contents.length;
  const digits = (value: number): string => String(value).padStart(10, '0');
  return write(`0 ${digits(start)} ${digits(end)} ${digits(text.length - end)}`);
}

const fieldMdp = (parameters: string): string =>
  `<</TransformMethod /FieldMDP /TransformParams <<${parameters}>>>>`;

describe('what an earlier signature forbids', () => {
  it.each([
    ['any change', '<</TransformMethod /DocMDP /TransformParams <</P 1>>>>'],
    ['all fields', fieldMdp('/Action /All')],
    ['this field', fieldMdp('/Action /Include /Fields [(Second)]')],
    ['all fields but another', fieldMdp('/Action /Exclude /Fields [(Third)]')],
  ])('is not signed: %s', async (_, reference) => {
    expect(await refusal(signedWith(reference), by('Second'))).toBe('SIGNATURE_NOT_PERMITTED');
  });

  it.each([
    ['forms and signatures are permitted', '<</TransformMethod /DocMDP /TransformParams <</P 2>>>>'],
    ['another field is locked', fieldMdp('/Action /Include /Fields [(Third)]')],
    ['all fields but this are locked', fieldMdp('/Action /Exclude /Fields [(Second)]')],
  ])('is not this: %s', async (_, reference) => {
    expect(await refusal(signedWith(reference), by('Second'))).toBe('accepted');
  });
});
