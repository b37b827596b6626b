import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import qrcode from 'qrcode';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCarrier, sealUrl } from './carrier.ts';
import { claim169Text } from './claim169-text.ts';
import { drawnPixels, drawnPng, zxingProgram } from './picture.fixture.ts';
import { readCodes } from './picture.ts';
import { isMatrixOf, type QrMatrix, qrMatrix, sealMatrix } from './qr.ts';
import { readMask } from './qr-mask.ts';
import { testSigner, usualClaims, verifierHost } from './seal.fixture.ts';
import { makeSeal } from './seal.ts';

let cose: Uint8Array;
let url: string;
let matrix: QrMatrix;
beforeAll(async () => {
  cose = await makeSeal(usualClaims, (await testSigner()).seal);
  url = sealUrl(cose, verifierHost);
  matrix = sealMatrix(cose, verifierHost);
});
const zbarimg = spawnSync('zbarimg', ['--version']).status === 0;

describe('QR code of a seal', () => {
  it('of a usual document is of version 14 or below', () => {
    expect(matrix.version).toBeLessThanOrEqual(14);
    expect(matrix.size).toBe(17 + 4 * matrix.version);
    expect(matrix.modules).toHaveLength(matrix.size ** 2);
    expect(new Set(matrix.modules)).toEqual(new Set([0, 1]));
  });

  it('takes a URL with a path in one byte segment between two alphanumeric ones', async () => {
    const withPath = sealUrl(cose, 'consulat.example.org/verifier');
    const drawn = qrMatrix(withPath);
    expect(drawn.version).toBeLessThanOrEqual(15);
    const { codes } = await readCodes(drawnPixels(drawn), zxingProgram());
    expect(codes.map((code) => code.text)).toEqual([withPath]);
  });

  it('is read back by zxing from a file and from pixels', async () => {
    for (const picture of [drawnPng(matrix), drawnPixels(matrix)]) {
      const { codes, readers } = await readCodes(picture, zxingProgram());
      expect(readers).toEqual([{ reader: 'zxing', found: 1 }]);
      expect(codes).toEqual([{ reader: 'zxing', text: url, bytes: new TextEncoder().encode(url) }]);
      expect(readCarrier(codes[0]?.text ?? '').cose).toEqual(cose);
    }
  });

  it('is read back by jsqr from pixels', async () => {
    const { codes, readers } = await readCodes(drawnPixels(matrix));
    expect(readers).toEqual([{ reader: 'jsqr', found: 1 }]);
    expect(codes).toEqual([{ reader: 'jsqr', text: url, bytes: new TextEncoder().encode(url) }]);
  });

  it.skipIf(!zbarimg)('is read back by zbarimg', () => {
    const read = spawnSync('zbarimg', ['--quiet', '--raw', '-'], { input: drawnPng(matrix) });
    expect(read.stdout.toString().trim()).toBe(url);
  });

  it('on the carrier of Claim 169 is read back too', async () => {
    const text = claim169Text(cose);
    const { codes } = await readCodes(drawnPixels(qrMatrix(text)), zxingProgram());
    expect(readCarrier(codes[0]?.text ?? '')).toEqual({ carrier: 'claim169', cose });
  });

  it('is refused when it would need more than version 17', () => {
    expect(() => qrMatrix('é'.repeat(300))).toThrow(expect.objectContaining({ code: 'SCHEMA_VIOLATION' }));
    expect(() => qrMatrix('A'.repeat(9000))).toThrow(expect.objectContaining({ code: 'SCHEMA_VIOLATION' }));
  });
});

describe('mask', () => {
  const text = fc.string({
    unit: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'),
    minLength: 1,
    maxLength: 700,
  });

  it('is the one that the library finds by trying, module by module', () => {
    fc.assert(
      fc.property(text, (data) => {
        const expected = qrcode.create([{ data, mode: 'alphanumeric' }], { errorCorrectionLevel: 'M' });
        const made = qrMatrix(data);
        expect(made.version).toBe(expected.version);
        expect(Array.from(made.modules)).toEqual(Array.from(expected.modules.data));
        expect(made.mask).toBe(expected.maskPattern);
      }),
      { numRuns: 60 },
    );
  });

  it('is read from the drawn symbol, and the symbol made again with it is the same', () => {
    for (let mask = 0; mask < 8; mask++) {
      const made = qrMatrix(url, mask);
      expect(readMask(made.modules, made.size)).toBe(mask);
      expect(isMatrixOf(url, made)).toBe(true);
    }
  });

  it('makes it known when any one module is changed', () => {
    const changed = { size: matrix.size, modules: matrix.modules.slice() };
    for (let at = 0; at < changed.modules.length; at += 7) {
      changed.modules[at] = 1 - (changed.modules[at] as number);
      if (isMatrixOf(url, changed)) expect.unreachable(`module ${at}`);
      changed.modules[at] = matrix.modules[at] as number;
    }
    expect(isMatrixOf(url, changed)).toBe(true);
  });

  it('does not match another text, another size, or modules that are none', () => {
    expect(isMatrixOf(`${url}A`, matrix)).toBe(false);
    expect(isMatrixOf(url, { size: matrix.size - 1, modules: matrix.modules })).toBe(false);
    expect(isMatrixOf(url, { size: 0, modules: new Uint8Array() })).toBe(false);
    expect(isMatrixOf(url, { size: 73, modules: new Uint8Array(73 * 73) })).toBe(false);
  });
});
