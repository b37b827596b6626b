import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, fromLatin1, toHex } from '../bytes.ts';
import { renderDocument } from './document.ts';
import { inputFor, preparedTemplate, priseEnCharge } from './fixture.ts';
import { ask, missing } from './judges.ts';
import { readPdf } from './read/document.ts';
import { signatureFields } from './read/signature.ts';
import { replaceContents, signPdf } from './sign.ts';

const unsigned = renderDocument(preparedTemplate(), priseEnCharge, inputFor(priseEnCharge));
/** A DER SEQUENCE that could be a CMS. */
const cms = (length: number, fill: number): Uint8Array =>
  concatBytes(
    fromHex('3082'),
    fromHex(length.toString(16).padStart(4, '0')),
    new Uint8Array(length).fill(fill),
  );

async function sign(): Promise<{ file: Uint8Array; covered: Uint8Array }> {
  let covered = new Uint8Array();
  const file = await signPdf(unsigned, async (bytes) => {
    covered = bytes.slice();
    return cms(1000, 7);
  });
  return { file, covered };
}

const byteRange = (file: Uint8Array): number[] =>
  fromLatin1(file)
    .match(/\/ByteRange \[([\d ]+)\]/)![1]!
    .split(' ')
    .map(Number);

describe('signing', () => {
  it('covers every byte but the hole, to the end of the file', async () => {
    const { file, covered } = await sign();
    const [start, length, resume, rest] = byteRange(file) as [number, number, number, number];
    expect(file).toHaveLength(unsigned.length);
    expect(start).toBe(0);
    expect(resume + rest).toBe(file.length);
    expect(String.fromCharCode(file[length]!, file[resume - 1]!)).toBe('<>');
    expect(covered).toEqual(concatBytes(file.subarray(0, length), file.subarray(resume)));
  });

  it('puts the CMS into the hole and leaves it a well-formed file', async () => {
    const { file } = await sign();
    const [, length, resume] = byteRange(file) as [number, number, number, number];
    const contents = fromLatin1(file.subarray(length + 1, resume - 1));
    expect(contents).toBe(toHex(cms(1000, 7)).padEnd(2 * 8192, '0'));
    expect(signatureFields(readPdf(file))).toHaveLength(1);
  });

  it.skipIf(missing('qpdf'))('leaves a file in which qpdf finds no fault', async () => {
    expect(ask('qpdf', (await sign()).file, '--check', 'FILE').status).toBe(0);
  });

  it('refuses a CMS that is larger than the room kept for it', async () => {
    await expect(signPdf(unsigned, async () => cms(8190, 1))).rejects.toThrow(
      expect.objectContaining({ code: 'INTERNAL', message: expect.stringContaining('placeholder length') }),
    );
  });

  it('passes on what the signer throws', async () => {
    const failure = new Error('the token was removed');
    await expect(signPdf(unsigned, () => Promise.reject(failure))).rejects.toBe(failure);
  });
});

describe('replacing the CMS', () => {
  it('changes nothing but the hole', async () => {
    const { file } = await sign();
    const replaced = replaceContents(file, cms(3000, 9));
    const [, length, resume] = byteRange(file) as [number, number, number, number];
    expect(replaced.subarray(0, length)).toEqual(file.subarray(0, length));
    expect(replaced.subarray(resume)).toEqual(file.subarray(resume));
    expect(fromLatin1(replaced.subarray(length + 1, resume - 1))).toBe(
      toHex(cms(3000, 9)).padEnd(2 * 8192, '0'),
    );
  });

  it('leaves nothing of a longer CMS that was there', async () => {
    const { file } = await sign();
    expect(replaceContents(replaceContents(file, cms(3000, 9)), cms(1000, 7))).toEqual(file);
  });

  it('refuses a CMS that is too large', async () => {
    const { file } = await sign();
    expect(() => replaceContents(file, cms(8190, 1))).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });

  it('refuses a file that is unsigned, cut, longer than its ByteRange, or signed twice', async () => {
    const { file } = await sign();
    for (const broken of [
      unsigned,
      file.subarray(0, -1),
      concatBytes(file, Uint8Array.of(10)),
      concatBytes(file, file),
      new Uint8Array(),
    ])
      expect(() => replaceContents(broken, cms(10, 1))).toThrow(
        expect.objectContaining({ code: 'PDF_INVALID' }),
      );
  });
});
