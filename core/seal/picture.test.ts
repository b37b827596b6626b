import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { concatBytes, latin1 } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { drawnPixels, drawnPng, zxingProgram } from './picture.fixture.ts';
import { type Picture, readCodes } from './picture.ts';
import { qrMatrix } from './qr.ts';

const one = qrMatrix('HTTPS://EXAMPLE.ORG/#FIRST');
const other = qrMatrix('A SECOND CODE');
/** A chunk of a PNG (ISO/IEC 15948 §5.3). */
const chunk = (type: string, data: Uint8Array): Uint8Array => {
  const bytes = concatBytes(new Uint8Array(4), latin1(type), data, new Uint8Array(4));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
};
const unreadable = expect.objectContaining({ code: 'PICTURE_UNREADABLE' });

describe('picture', () => {
  it('gives all of its codes', async () => {
    const { codes } = await readCodes(drawnPng(one, other), zxingProgram());
    expect(codes.map((code) => code.text).sort()).toEqual(['A SECOND CODE', 'HTTPS://EXAMPLE.ORG/#FIRST']);
  });

  it('that is a JPEG is read, colours and all', async () => {
    const { width, height, data } = drawnPixels(one);
    const file = jpeg.encode({ width, height, data: Buffer.from(data) }, 60).data;
    const { codes } = await readCodes(new Uint8Array(file), zxingProgram());
    expect(codes.map((code) => code.text)).toEqual(['HTTPS://EXAMPLE.ORG/#FIRST']);
  });

  it('gives the bytes of a code that is no text', async () => {
    const binary = 'ÜÿÃ\u0080é';
    const { codes } = await readCodes(drawnPixels(qrMatrix(binary)), zxingProgram());
    expect(codes[0]?.bytes).toEqual(new TextEncoder().encode(binary));
    expect(codes[0]?.text).toBe(binary);
  });

  it('keeps control characters of a text as they are', async () => {
    const text = 'DC04\u001dAQ\u001f/\n<GS>';
    for (const program of [zxingProgram(), undefined]) {
      const { codes } = await readCodes(drawnPixels(qrMatrix(text)), program);
      expect(codes.map((code) => code.text)).toEqual([text]);
    }
  });

  it('without a code gives none, and says which readers looked', async () => {
    const blank = { width: 200, height: 100, data: new Uint8Array(200 * 100 * 4).fill(255) };
    expect(await readCodes(blank, zxingProgram())).toEqual({
      codes: [],
      readers: [
        { reader: 'zxing', found: 0 },
        { reader: 'jsqr', found: 0 },
      ],
    });
    expect(await readCodes(blank)).toEqual({ codes: [], readers: [{ reader: 'jsqr', found: 0 }] });
  });

  it('in a file is not read where no reader of files is at hand, and that is said', async () => {
    expect(await readCodes(drawnPng(one))).toEqual({ codes: [], readers: [] });
  });

  const pngHeader = (width: number, height: number) => {
    const file = drawnPng(one).slice();
    const view = new DataView(file.buffer);
    view.setUint32(16, width);
    view.setUint32(20, height);
    return file;
  };

  it('that is a PNG which inflates to far more than its size tells is refused at once', async () => {
    const small = drawnPng(one);
    const length = new DataView(small.buffer).getUint32(33);
    const bomb = new Uint8Array(deflateSync(new Uint8Array(20_000_000)));
    const file = concatBytes(small.subarray(0, 33), chunk('IDAT', bomb), small.subarray(45 + length));
    await expect(readCodes(file, zxingProgram())).rejects.toThrow(unreadable);
  });

  it('that is a PNG of another colour type is not mistaken for one', async () => {
    const { width, height, data } = drawnPixels(one);
    for (const colorType of [0, 2, 4, 6] as const) {
      const png = new PNG({ width, height });
      png.data.set(data);
      const file = new Uint8Array(PNG.sync.write(png, { colorType }));
      const { codes } = await readCodes(file, zxingProgram());
      expect(codes.map((code) => code.text)).toEqual(['HTTPS://EXAMPLE.ORG/#FIRST']);
    }
  });

  it.each<[string, Picture]>([
    ['nothing', new Uint8Array()],
    ['a PDF', latin1('%PDF-1.7\n')],
    ['a GIF', concatBytes(latin1('GIF89a'), new Uint8Array(100))],
    ['a PNG that claims to be enormous', pngHeader(100_000, 100_000)],
    ['a PNG that is very long', pngHeader(30_000, 1)],
    ['a PNG of no size', pngHeader(0, 10)],
    ['the first bytes of a PNG', drawnPng(one).subarray(0, 20)],
    ['the first bytes of a JPEG', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)],
    [
      'a JPEG whose segments never end',
      concatBytes(Uint8Array.of(0xff, 0xd8), new Uint8Array(50_000).fill(0xff)),
    ],
    ['too few pixels', { width: 10, height: 10, data: new Uint8Array(399) }],
    ['a negative width', { width: -10, height: -10, data: new Uint8Array(400) }],
    ['a fraction of a pixel', { width: 1.5, height: 2, data: new Uint8Array(12) }],
  ])('is refused when it is %s', async (_, picture) => {
    await expect(readCodes(picture, zxingProgram())).rejects.toThrow(unreadable);
  });

  it('that is damaged gives codes, none, or a ConsulError, and never anything else', async () => {
    const file = drawnPng(one);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(file.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.nat(file.length),
        async (at, change, end) => {
          const changed = file.slice(0, end);
          if (at < end) changed[at] = (file[at] as number) ^ change;
          try {
            await readCodes(changed, zxingProgram());
          } catch (error) {
            expect(error).toBeInstanceOf(ConsulError);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
