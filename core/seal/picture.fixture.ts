import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PNG } from 'pngjs';
import { prepareZXingModule, type WriteInputBarcodeFormat, writeBarcode } from 'zxing-wasm/writer';
import type { Pixels } from './picture.ts';
import type { QrMatrix } from './qr.ts';

let program: ArrayBuffer | undefined;

/** The bytes of zxing's reader, as a door loads them. */
export function zxingProgram(): ArrayBuffer {
  if (!program) {
    const path = createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm');
    program = new Uint8Array(readFileSync(path)).buffer;
  }
  return program;
}

const scale = 4;
const quiet = 4;

/** Matrices side by side on white, four pixels a module, with their quiet zones. */
export function drawnPixels(...matrices: Pick<QrMatrix, 'size' | 'modules'>[]): Pixels {
  const sides = matrices.map(({ size }) => (size + 2 * quiet) * scale);
  const width = sides.reduce((sum, side) => sum + side, 0);
  const height = Math.max(...sides);
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  let left = 0;
  matrices.forEach(({ size, modules }, i) => {
    for (let y = 0; y < size * scale; y++) {
      for (let x = 0; x < size * scale; x++) {
        if (modules[Math.floor(y / scale) * size + Math.floor(x / scale)] === 0) continue;
        const at = 4 * ((y + quiet * scale) * width + left + x + quiet * scale);
        data.fill(0, at, at + 3);
      }
    }
    left += sides[i] as number;
  });
  return { width, height, data };
}

export function drawnPng(...matrices: Pick<QrMatrix, 'size' | 'modules'>[]): Uint8Array {
  return pngOf(drawnPixels(...matrices));
}

export function pngOf({ width, height, data }: Pixels): Uint8Array {
  const png = new PNG({ width, height });
  png.data.set(data);
  return new Uint8Array(PNG.sync.write(png));
}

export function readPng(bytes: Uint8Array): Pixels {
  const { width, height, data } = PNG.sync.read(Buffer.from(bytes));
  return { width, height, data: new Uint8ClampedArray(data) };
}

/** Two pictures on white. */
export function sideBySide(one: Pixels, other: Pixels): Pixels {
  const width = one.width + other.width;
  const height = Math.max(one.height, other.height);
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (const [picture, left] of [
    [one, 0],
    [other, one.width],
  ] as const)
    for (let y = 0; y < picture.height; y++)
      data.set(
        picture.data.subarray(4 * y * picture.width, 4 * (y + 1) * picture.width),
        4 * (y * width + left),
      );
  return { width, height, data };
}

/** A code of any symbology, as PNG. */
export async function barcodePng(
  content: string | Uint8Array,
  format: WriteInputBarcodeFormat,
): Promise<Uint8Array> {
  const path = createRequire(import.meta.url).resolve('zxing-wasm/writer/zxing_writer.wasm');
  await prepareZXingModule({
    overrides: { wasmBinary: new Uint8Array(readFileSync(path)).buffer },
    fireImmediately: true,
  });
  const { image, error } = await writeBarcode(content, { format, scale: 4 });
  if (!image) throw new Error(error);
  return new Uint8Array(await image.arrayBuffer());
}
