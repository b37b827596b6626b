import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PNG } from 'pngjs';
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
