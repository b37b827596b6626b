import { describe, expect, it } from 'vitest';
import { party } from '../../pki/fixture.ts';
import { barcodePng, drawnPixels, readPng, sideBySide, zxingProgram } from '../picture.fixture.ts';
import { readCodes } from '../picture.ts';
import { qrMatrix } from '../qr.ts';
import { twoDDocText, vdsBytes } from './fixture.ts';
import { readForeign } from './read.ts';

const { privateKey } = party('signer');

describe('the seal of another system on a picture', () => {
  it('is found as the Data Matrix that a 2D-Doc is printed in', async () => {
    const text = twoDDocText(privateKey);
    const { codes } = await readCodes(await barcodePng(text, 'DataMatrix'), zxingProgram());
    expect(codes).toHaveLength(1);
    const [code] = codes;
    expect(readForeign(code?.text as string, code?.bytes)).toEqual(readForeign(text));
  });

  it.each(['DataMatrix', 'Aztec', 'QRCode'] as const)(
    'is found as the %s that an ICAO seal is printed in',
    async (format) => {
      const bytes = vdsBytes(privateKey);
      const { codes } = await readCodes(await barcodePng(bytes, format), zxingProgram());
      expect(codes).toHaveLength(1);
      const [code] = codes;
      expect(readForeign(code?.text as string, code?.bytes)).toEqual(readForeign('', bytes));
    },
  );

  it('is found beside a QR code that is none', async () => {
    const seal = readPng(await barcodePng(twoDDocText(privateKey), 'DataMatrix'));
    const { codes } = await readCodes(
      sideBySide(drawnPixels(qrMatrix('https://example.org/pay')), seal),
      zxingProgram(),
    );
    expect(codes.map(({ text }) => text.slice(0, 8))).toEqual(['https://', 'DC03FR00']);
  });

  it('does not stand in the way of the QR code beside it', async () => {
    const { codes } = await readCodes(drawnPixels(qrMatrix('HTTPS://EXAMPLE.ORG/#2KC')), zxingProgram());
    expect(codes.map(({ text }) => text)).toEqual(['HTTPS://EXAMPLE.ORG/#2KC']);
  });
});
