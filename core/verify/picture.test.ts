import { beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, latin1 } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { missing, pictures } from '../pdf/judges.ts';
import { pdf } from '../pdf/read/fixture.ts';
import { sealUrl } from '../seal/carrier.ts';
import { claim169Text } from '../seal/claim169-text.ts';
import { drawnPixels, drawnPng, zxingProgram } from '../seal/picture.fixture.ts';
import { type Picture, readCodes } from '../seal/picture.ts';
import { qrMatrix, sealMatrix } from '../seal/qr.ts';
import type { VerifyContext } from './context.ts';
import { verifyPdf } from './document.ts';
import {
  type Cast,
  ceremonyCast,
  contextOf,
  host,
  latinRecord,
  type Made,
  makeDocument,
  trustOf,
} from './fixture.ts';
import { verifyCodes } from './picture.ts';
import type { Report } from './report.ts';

let cast: Cast;
let context: VerifyContext;
let first: Made;
let second: Made;

beforeAll(async () => {
  cast = await ceremonyCast();
  context = contextOf(await trustOf(cast));
  first = await makeDocument(cast);
  second = await makeDocument(cast, { record: { ...latinRecord, number: 'PC-2026-000777' } });
});

const read = (picture: Picture) => readCodes(picture, zxingProgram());
const onPicture = async (picture: Picture): Promise<Report> => verifyCodes(await read(picture), context);

const causeOf = ({ indication, subIndication, checks }: Report) => [
  indication,
  subIndication,
  checks.find(({ outcome }) => outcome === 'failed' || outcome === 'indeterminate')?.id,
];

describe('a picture', () => {
  it('with one seal gives the verdict on that seal', async () => {
    const report = await onPicture(drawnPng(sealMatrix(first.cose, host)));
    expect(report).toMatchObject({
      indication: 'TOTAL-PASSED',
      subject: 'seal',
      compareWithPaper: true,
      document: { number: 'PC-2026-000123' },
    });
  });

  it('with one seal and codes of others gives the verdict on the seal', async () => {
    const picture = drawnPng(qrMatrix('https://example.org/'), sealMatrix(second.cose, host));
    expect(await onPicture(picture)).toMatchObject({
      indication: 'TOTAL-PASSED',
      document: { number: 'PC-2026-000777' },
    });
  });

  it('with a seal that stands there twice, by whichever carrier, gives the verdict on it', async () => {
    const matrix = sealMatrix(first.cose, host);
    for (const twin of [matrix, sealMatrix(first.cose, 'other.example'), qrMatrix(claim169Text(first.cose))])
      expect((await onPicture(drawnPng(matrix, twin))).indication).toBe('TOTAL-PASSED');
  });

  it('with two seals is not concluded', async () => {
    const report = await onPicture(drawnPng(sealMatrix(first.cose, host), sealMatrix(second.cose, host)));
    expect(causeOf(report)).toEqual(['INDETERMINATE', 'SIGNED_DATA_NOT_FOUND', 'seal']);
    expect(report.summary).toContain('2 different seals');
    expect(report.document).toBeUndefined();
  });

  it('with a seal and a damaged one is not concluded', async () => {
    const damaged = qrMatrix(sealUrl(first.cose, host).slice(0, -9));
    const report = await onPicture(drawnPng(sealMatrix(first.cose, host), damaged));
    expect(causeOf(report)).toEqual(['INDETERMINATE', 'SIGNED_DATA_NOT_FOUND', 'seal']);
  });

  it('without a code, or with one of another system, is not concluded', async () => {
    const blank = { width: 200, height: 200, data: new Uint8ClampedArray(160_000).fill(255) };
    const none = await onPicture(blank);
    expect(causeOf(none)).toEqual(['INDETERMINATE', 'SIGNED_DATA_NOT_FOUND', 'seal']);
    expect(none).toMatchObject({ subject: 'unknown', fields: [] });
    const foreign = await onPicture(drawnPixels(qrMatrix('https://example.org/')));
    expect(causeOf(foreign)).toEqual(['INDETERMINATE', 'SIGNED_DATA_NOT_FOUND', 'seal']);
    expect(none.summary).not.toBe(foreign.summary);
  });

  it.skipIf(missing('pdftoppm'))('of a printed page gives the verdict on its seal', async () => {
    for (const dpi of [150, 200]) {
      const [page] = pictures(first.file, dpi);
      expect(await onPicture(page!)).toMatchObject({
        indication: 'TOTAL-PASSED',
        document: { number: 'PC-2026-000123' },
        compareWithPaper: true,
      });
    }
  });
});

/** A PDF of pages that each show one gray picture. */
function scan(...pages: readonly { readonly size: number; readonly modules: Uint8Array }[]): Uint8Array {
  const kids = pages.map((_, i) => `${10 + 3 * i} 0 R`).join(' ');
  const objects: Record<number, string | { dict: string; data: Uint8Array | string }> = {
    1: '<</Type /Catalog /Pages 2 0 R>>',
    2: `<</Type /Pages /Kids [${kids}] /Count ${pages.length}>>`,
  };
  pages.forEach((matrix, i) => {
    const at = 10 + 3 * i;
    const { width, height, data } = drawnPixels(matrix);
    const gray = Uint8Array.from({ length: width * height }, (_, j) => data[4 * j] as number);
    objects[at] =
      `<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${at + 1} 0 R /Resources <</XObject <</Im0 ${at + 2} 0 R>>>>>>`;
    objects[at + 1] = { dict: '', data: 'q 500 0 0 500 40 200 cm /Im0 Do Q' };
    objects[at + 2] = {
      dict: `/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /ColorSpace /DeviceGray /BitsPerComponent 8`,
      data: gray,
    };
  });
  return pdf(objects);
}

describe('a scan as PDF', () => {
  const onScan = (file: Uint8Array, reader = read): Promise<Report> => verifyPdf(file, context, reader);

  it('gives the verdict on its seal, on whichever page it is', async () => {
    const report = await onScan(scan(qrMatrix('https://example.org/'), sealMatrix(first.cose, host)));
    expect(report).toMatchObject({
      indication: 'TOTAL-PASSED',
      subject: 'seal',
      compareWithPaper: true,
      document: { number: 'PC-2026-000123' },
    });
  });

  it('is not concluded where its pages bear different seals', async () => {
    const report = await onScan(scan(sealMatrix(first.cose, host), sealMatrix(second.cose, host)));
    expect(causeOf(report)).toEqual(['INDETERMINATE', 'SIGNED_DATA_NOT_FOUND', 'seal']);
  });

  it('is not concluded where it bears none', async () => {
    const blank = { size: 21, modules: new Uint8Array(441) };
    expect(causeOf(await onScan(scan(blank)))).toEqual([
      'INDETERMINATE',
      'SIGNED_DATA_NOT_FOUND',
      'coverage',
    ]);
  });

  it('reads over a picture that cannot be read', async () => {
    let calls = 0;
    const report = await onScan(scan(qrMatrix('X'), sealMatrix(first.cose, host)), async (picture) => {
      if (calls++ === 0) throw new ConsulError('PICTURE_UNREADABLE', 'a damaged picture');
      return read(picture);
    });
    expect(report.indication).toBe('TOTAL-PASSED');
  });

  it('does not look at pictures without end', async () => {
    const tiny = { size: 21, modules: new Uint8Array(441) };
    let calls = 0;
    await onScan(scan(...Array.from({ length: 100 }, () => tiny)), async () => {
      calls++;
      return { codes: [], readers: [] };
    });
    expect(calls).toBe(64);
  });

  it('hands on a defect of the reader', async () => {
    const defect = async () => {
      throw new RangeError('a defect');
    };
    await expect(onScan(scan(qrMatrix('X')), defect)).rejects.toThrow('a defect');
  });

  it('is refused when it is damaged', async () => {
    const file = scan(sealMatrix(first.cose, host));
    const report = await onScan(concatBytes(file.subarray(0, -200), latin1('%%EOF')));
    expect(causeOf(report)).toEqual(['TOTAL-FAILED', 'FORMAT_FAILURE', 'structure']);
  });
});
