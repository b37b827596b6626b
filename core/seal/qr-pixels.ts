import type { Pixels } from './picture.ts';
import type { QrMatrix } from './qr.ts';

/** ISO/IEC 18004 §5.3.8. */
export const quietZone = 4;

/** A QR code as black on white with its quiet zone. @param scale pixels along the side of a module */
export function qrPixels({ size, modules }: Pick<QrMatrix, 'size' | 'modules'>, scale: number): Pixels {
  const side = (size + 2 * quietZone) * scale;
  const data = new Uint8Array(side * side * 4).fill(255);
  for (let y = 0; y < size * scale; y++)
    for (let x = 0; x < size * scale; x++) {
      if (modules[Math.floor(y / scale) * size + Math.floor(x / scale)] === 0) continue;
      const at = 4 * ((y + quietZone * scale) * side + x + quietZone * scale);
      data.fill(0, at, at + 3);
    }
  return { width: side, height: side, data };
}
