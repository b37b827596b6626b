import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { prepareZXingModule, type WriteInputBarcodeFormat, writeBarcode } from 'zxing-wasm/writer';
import { party } from '../../pki/fixture.ts';
import { drawnPixels, zxingProgram } from '../picture.fixture.ts';
import { readCodes } from '../picture.ts';
import { qrMatrix } from '../qr.ts';
import { twoDDocText, vdsBytes } from './fixture.ts';
import { readForeign } from './read.ts';

const { privateKey } = party('signer');

async function drawn(content: string | Uint8Array, format: WriteInputBarcodeFormat): Promise<Uint8Array> {
  const path = createRequire(import.meta.url).resolve('zxing-wasm/writer/zxing_writer.wasm');
  await prepareZXingModule({
    overrides: { wasmBinary: new Uint8Array(readFileSync(path)).buffer },
    fireImmediately: true,
  });
  const { image, error } = await writeBarcode(content, { format, scale: 4 });
  if (!image) throw new Error(error);
  return new Uint8Array(await image.arrayBuffer());
}

describe('the seal of another system on a picture', () => {
  it('is found as the Data Matrix that a 2D-Doc is printed in', async () => {
    const text = twoDDocText(privateKey);
    const { codes } = await readCodes(await drawn(text, 'DataMatrix'), zxingProgram());
    expect(codes).toHaveLength(1);
    const [code] = codes;
    expect(readForeign(code?.text as string, code?.bytes)).toEqual(readForeign(text));
  });

  it.each(['DataMatrix', 'Aztec', 'QRCode'] as const)(
    'is found as the %s that an ICAO seal is printed in',
    async (format) => {
      const bytes = vdsBytes(privateKey);
      const { codes } = await readCodes(await drawn(bytes, format), zxingProgram());
      expect(codes).toHaveLength(1);
      const [code] = codes;
      expect(readForeign(code?.text as string, code?.bytes)).toEqual(readForeign('', bytes));
    },
  );

  it('does not stand in the way of the QR code beside it', async () => {
    const { codes } = await readCodes(drawnPixels(qrMatrix('HTTPS://EXAMPLE.ORG/#2KC')), zxingProgram());
    expect(codes.map(({ text }) => text)).toEqual(['HTTPS://EXAMPLE.ORG/#2KC']);
  });
});
