import fc from 'fast-check';
import { PDFDocument } from 'pdf-lib';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromLatin1, latin1, toHex } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { addSignature } from './add-signature.ts';
import { prepareEvidence } from './evidence.ts';
import { addDocumentTimestamp, addValidationData, extendTo } from './extend.ts';
import { ask, missing } from './judges.ts';
import { changes } from './read/changes.ts';
import { readPdf } from './read/document.ts';
import * as small from './read/fixture.ts';
import { PdfRef, type PdfStream, PdfString } from './read/objects.ts';
import { type PdfSignature, readSignatures } from './read/signature.ts';
import { pageTexts } from './read/text.ts';
import {
  issued,
  opensslAccepts,
  pdfsig,
  postCast,
  signedDocument,
  withoutOpenssl,
  withoutPdfsig,
} from './signed.fixture.ts';
import { readForUpdate } from './update.ts';

const cast = await postCast();
const { stamps, evidence, validation } = cast;
const reserve = 3072;
const document = await signedDocument(cast);
const data = { data: evidence };
const longTerm = await addValidationData(document, { ...data, collected: issued });
const archived = await extendTo(document, 'B-LTA', data, stamps, { reserve });
const renewed = await extendTo(archived, 'B-LTA', data, stamps, { reserve });

const signaturesOf = (pdf: Uint8Array): readonly PdfSignature[] => readSignatures(readPdf(pdf));
const begins = (longer: Uint8Array, shorter: Uint8Array): boolean =>
  Buffer.compare(longer.subarray(0, shorter.length), shorter) === 0;
const refusal = async (act: () => Promise<unknown>): Promise<string> => {
  try {
    await act();
    return 'accepted';
  } catch (error) {
    if (error instanceof ConsulError) return error.code;
    throw error;
  }
};

/** The streams that an array of the store holds. */
function stored(pdf: Uint8Array, key: 'Certs' | 'CRLs' | 'OCSPs'): string[] {
  const file = readPdf(pdf);
  const store = file.dict(file.catalog().get('DSS'));
  return (file.array(store?.get(key)) ?? []).map((item) => toHex(file.data(file.stream(item) as PdfStream)));
}

function entriesOf(pdf: Uint8Array): ReadonlyMap<string, readonly string[]> {
  const file = readPdf(pdf);
  const entries = file.dict(file.dict(file.catalog().get('DSS'))?.get('VRI')) ?? new Map();
  return new Map([...entries].map(([key, entry]) => [key, [...(file.dict(entry) ?? new Map()).keys()]]));
}

/** The key of a signature by the words of ISO 32000-2: SHA-1 of what the whole string of /Contents says. */
async function keyOf({ dictionary }: PdfSignature): Promise<string> {
  const contents = dictionary?.get('Contents');
  if (!(contents instanceof PdfString)) throw new Error('no contents');
  return toHex(await nodeBackend.digest('sha1', contents.bytes)).toUpperCase();
}

describe('extending a document of a post', () => {
  it('changes no earlier byte', () => {
    expect(begins(longTerm, document)).toBe(true);
    expect(begins(archived, document)).toBe(true);
    expect(begins(renewed, archived)).toBe(true);
  });

  it('is one revision more each time, of validation data and timestamps alone, without any finding', () => {
    expect(changes(readPdf(longTerm)).map(({ kinds }) => kinds)).toEqual([['dss']]);
    expect(changes(readPdf(renewed)).map(({ kinds }) => kinds)).toEqual([
      ['dss', 'timestamp'],
      ['dss', 'timestamp'],
    ]);
    for (const file of [longTerm, archived, renewed]) expect(readPdf(file).findings).toEqual([]);
  });

  it('keeps every signature sound; the last timestamp covers the file', () => {
    const signatures = signaturesOf(renewed);
    expect(signatures.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'Signature signature',
      'Timestamp timestamp',
      'Timestamp2 timestamp',
    ]);
    expect(signatures.flatMap(({ problems }) => problems)).toEqual([]);
    expect(signatures.map(({ coversFile, revision }) => [coversFile, revision])).toEqual([
      [false, 0],
      [false, 1],
      [true, 2],
    ]);
  });

  it('stores each certificate and CRL once, as it was given', () => {
    for (const file of [longTerm, archived, renewed]) {
      expect(stored(file, 'Certs')).toEqual(validation.certificates.map(toHex));
      expect(stored(file, 'CRLs')).toEqual(validation.crls.map(toHex));
      expect(stored(file, 'OCSPs')).toEqual([]);
    }
  });

  it('names in /VRI each signature that the evidence is for, and the time where it is told', async () => {
    const [signature, timestamp] = signaturesOf(renewed) as [PdfSignature, PdfSignature];
    expect(entriesOf(longTerm)).toEqual(new Map([[await keyOf(signature), ['Cert', 'CRL', 'TU']]]));
    expect(entriesOf(archived)).toEqual(new Map([[await keyOf(signature), ['Cert', 'CRL']]]));
    expect([...entriesOf(renewed).keys()]).toEqual([await keyOf(signature), await keyOf(timestamp)]);
  });

  it('adds only what the store has not when it is renewed', async () => {
    const response = latin1('0\x03\x0a\x01\x06');
    const more = prepareEvidence({ ...validation, ocsps: [response] });
    const file = await addValidationData(archived, { data: more, forSignatures: ['Timestamp'] });
    expect(stored(file, 'Certs')).toEqual(validation.certificates.map(toHex));
    expect(stored(file, 'OCSPs')).toEqual([toHex(response)]);
    expect(file.length - archived.length).toBeLessThan(1500);
  });

  it('leaves what the page says as it is', () => {
    expect(pageTexts(readPdf(renewed))).toEqual(pageTexts(readPdf(document)));
  });

  it('takes little room', () => {
    expect(document.length).toBeLessThan(60_000);
    expect(archived.length - document.length).toBeLessThan(12_000);
    expect(renewed.length - archived.length).toBeLessThan(8_000);
  });

  it.skipIf(missing('qpdf'))('qpdf finds no fault in it', () => {
    for (const file of [longTerm, archived, renewed]) {
      const { status, output } = ask('qpdf', file, '--check', 'FILE');
      expect(output).toContain('No syntax or stream encoding errors found');
      expect(status).toBe(0);
    }
  });

  it.skipIf(missing('mutool'))('mutool reads it without complaint', () => {
    expect(ask('mutool', renewed, 'info', 'FILE').output).not.toMatch(/error|warning|repair/i);
  });

  it.skipIf(withoutPdfsig)('pdfsig finds the signature valid and the timestamps in their fields', () => {
    expect(pdfsig(renewed)).toEqual([
      { field: 'Signature', verdict: 'Signature is Valid.' },
      { field: 'Timestamp', verdict: expect.any(String) },
      { field: 'Timestamp2', verdict: expect.any(String) },
    ]);
  });

  it.skipIf(withoutOpenssl)('openssl accepts each token over the bytes before it', () => {
    for (const { kind, signed, contents } of signaturesOf(renewed)) {
      if (kind !== 'timestamp') continue;
      expect(opensslAccepts(contents as Uint8Array, concatBytes(...(signed ?? [])), cast)).toBe(true);
    }
  });

  it('costs little more than the document itself', async () => {
    for (let i = 0; i < 50; i++) await extendTo(document, 'B-LTA', data, stamps, { reserve });
    const before = process.cpuUsage();
    for (let i = 0; i < 50; i++) await extendTo(document, 'B-LTA', data, stamps, { reserve });
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000 / 50).toBeLessThan(5);
  });
});

describe('what cannot be extended', () => {
  it('is a file cut short anywhere but where a revision ends', async () => {
    const ends = new Set(readPdf(renewed).revisions.flatMap(({ eof, end }) => [eof, end]));
    const lengths = fc.sample(fc.integer({ min: 0, max: renewed.length - 1 }), { numRuns: 120, seed: 1 });
    const around = [document, archived].flatMap(({ length }) => [length - 1, length + 2, length + 3]);
    for (const length of [...lengths, ...around].filter((length) => !ends.has(length)))
      expect(await refusal(() => addDocumentTimestamp(renewed.subarray(0, length), stamps))).toBe(
        'PDF_INVALID',
      );
  });

  it('is a file with anything after its end or between its objects', async () => {
    const strays = [concatBytes(document, latin1('\n\nx')), concatBytes(document, latin1('\n%%EOF'))];
    for (const file of strays) expect(await refusal(() => addValidationData(file, data))).toBe('PDF_INVALID');
  });

  it('is a file without a signature, and a field that holds none', async () => {
    const plain = small.pdf({ 1: small.catalog, 2: small.pages, 3: '<</Type /Page /Parent 2 0 R>>' });
    expect(await refusal(() => addValidationData(plain, data))).toBe('PDF_INVALID');
    expect(await refusal(() => addValidationData(document, { ...data, forSignatures: ['Other'] }))).toBe(
      'PDF_INVALID',
    );
  });

  it('is a broken signature', async () => {
    const at = fromLatin1(document).indexOf('/ByteRange [0 ') + '/ByteRange [0 '.length;
    const broken = document.slice();
    broken[at] = (broken[at] as number) === 0x31 ? 0x32 : 0x31;
    expect(await refusal(() => extendTo(broken, 'B-LTA', data, stamps))).toBe('PDF_INVALID');
  });

  it('is anything, with evidence that is not DER', () => {
    for (const bad of [new Uint8Array(), latin1('0\x05abc'), latin1('0\x010\0')])
      expect(() => prepareEvidence({ certificates: [bad], crls: [], ocsps: [] })).toThrow(
        expect.objectContaining({ code: 'DER_INVALID' }),
      );
  });

  it('is anything, with a token larger than its reserve or a source that fails', async () => {
    expect(await refusal(() => addDocumentTimestamp(document, stamps, { reserve: 1000 }))).toBe('INTERNAL');
    const down = { stamp: async () => Promise.reject(new ConsulError('TSA_UNREACHABLE', 'no line')) };
    expect(await refusal(() => addDocumentTimestamp(document, down))).toBe('TSA_UNREACHABLE');
  });

  it('is a file with as many revisions as a reader takes', async () => {
    let file = small.pdf({ 1: small.catalog, 2: small.pages, 3: '<</Type /Page /Parent 2 0 R>>' });
    for (let i = 1; i < 64; i++)
      file = small.update(file, { 3: `<</Type /Page /Parent 2 0 R /Rotate ${i}>>` });
    expect(readPdf(file).revisions).toHaveLength(64);
    expect(() => readForUpdate(file)).toThrow(expect.objectContaining({ code: 'PDF_TOO_COMPLEX' }));
  });
});

const page = '<</Type /Page /Parent 2 0 R /MediaBox [0 0 300 300]>>';

/** Files of other programs, by how they are built. */
const foreign: Readonly<Record<string, () => Promise<Uint8Array> | Uint8Array>> = {
  'a cross-reference table and no form': () => small.pdf({ 1: small.catalog, 2: small.pages, 3: page }),
  'a line end after %%EOF, odd numbers and escaped names': () =>
    concatBytes(
      small.pdf({
        1: '<</Type /Catalog /Pages 2 0 R /PieceInfo <</A#20b [0.0000001 -12.5 100000000000 true null (a\\)b)]>>>>',
        2: small.pages,
        3: page,
      }),
      latin1('\r\n'),
    ),
  'form, fields and annotations as objects of their own': () =>
    small.pdf({
      1: '<</Type /Catalog /Pages 2 0 R /AcroForm 4 0 R>>',
      2: small.pages,
      3: '<</Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Annots 6 0 R>>',
      4: '<</Fields 5 0 R /DA (/Helv 0 Tf)>>',
      5: '[7 0 R]',
      6: '[7 0 R]',
      7: '<</Type /Annot /Subtype /Widget /FT /Tx /T (Timestamp) /Rect [0 0 9 9] /P 3 0 R>>',
    }),
  'an update already': () =>
    small.update(small.pdf({ 1: small.catalog, 2: small.pages, 3: page }), {
      3: '<</Type /Page /Parent 2 0 R /MediaBox [0 0 200 200]>>',
    }),
  'object streams, by pdf-lib': async () => {
    const made = await PDFDocument.create();
    made.addPage([200, 200]);
    return made.save();
  },
};

describe.each(Object.entries(foreign))('a file of another program, with %s', async (_, make) => {
  const file = await make();
  const signed = await addSignature(file, {
    field: 'Agent',
    place: { name: 'A', reason: 'B', location: 'C' },
    time: issued,
    cms: cast.cms,
  });
  const extended = await extendTo(signed, 'B-LTA', data, stamps, { reserve });
  const again = await addDocumentTimestamp(extended, stamps, { reserve });

  it('keeps every byte, and each signature and timestamp is sound', () => {
    for (const [longer, shorter] of [
      [signed, file],
      [extended, signed],
      [again, extended],
    ] as const)
      expect(begins(longer, shorter)).toBe(true);
    const found = signaturesOf(again);
    expect(found.flatMap(({ problems }) => problems)).toEqual([]);
    expect(found.map(({ kind }) => kind)).toEqual(['signature', 'timestamp', 'timestamp']);
  });

  it('says of its updates that they are a signature, evidence and timestamps', () => {
    const kinds = changes(readPdf(again)).slice(-3);
    expect(kinds.map((change) => change.kinds)).toEqual([['signature'], ['dss', 'timestamp'], ['timestamp']]);
  });

  it('keeps what the catalog and the form said', () => {
    const before = readPdf(file);
    const after = readPdf(again);
    const formOf = (read: typeof before) => read.dict(read.catalog().get('AcroForm')) ?? new Map();
    for (const [key, value] of before.catalog())
      if (key !== 'AcroForm' && !(value instanceof PdfRef)) expect(after.catalog().has(key)).toBe(true);
    for (const key of formOf(before).keys()) expect([...formOf(after).keys()]).toContain(key);
    expect(after.number(formOf(after).get('SigFlags'))).toBe(3);
  });

  it.skipIf(missing('qpdf'))('qpdf finds no fault in it', () => {
    expect(ask('qpdf', again, '--check', 'FILE').output).toContain('No syntax or stream encoding errors');
  });

  it.skipIf(withoutPdfsig)('pdfsig finds the signature valid', () => {
    expect(pdfsig(again)[0]).toEqual({ field: 'Agent', verdict: 'Signature is Valid.' });
  });
});

describe('a linearized file', () => {
  it.skipIf(missing('qpdf'))('is continued too', async () => {
    const made = await PDFDocument.create();
    made.addPage([200, 200]);
    const folder = await import('node:fs/promises');
    const { tmpdir } = await import('node:os');
    const path = `${await folder.mkdtemp(`${tmpdir()}/consul-linear-`)}/out.pdf`;
    ask('qpdf', await made.save(), '--linearize', 'FILE', path);
    const file = new Uint8Array(await folder.readFile(path));
    const stamped = await addDocumentTimestamp(file, stamps, { reserve });
    expect(begins(stamped, file)).toBe(true);
    expect(signaturesOf(stamped).flatMap(({ problems }) => problems)).toEqual([]);
    expect(ask('qpdf', stamped, '--check', 'FILE').output).toContain('No syntax or stream encoding errors');
  });
});
