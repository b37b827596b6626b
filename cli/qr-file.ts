import { PNG } from 'pngjs';
import { ConsulError } from '../core/errors.ts';
import type { QrMatrix } from '../core/seal/qr.ts';
import { qrPixels, quietZone } from '../core/seal/qr-pixels.ts';

/** The picture of a QR code that a file of this name holds. @throws ConsulError USAGE for another ending */
export function qrFile(name: string): (matrix: QrMatrix) => string | Uint8Array {
  const ending = /\.(png|svg)$/i.exec(name)?.[1]?.toLowerCase();
  if (ending === 'svg') return svg;
  if (ending === 'png') return png;
  throw new ConsulError('USAGE', `--qr takes a file that ends in .png or .svg, not ${name}`);
}

function svg({ size, modules }: QrMatrix): string {
  const side = size + 2 * quietZone;
  let path = '';
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      if (modules[y * size + x] === 0) continue;
      const from = x;
      while (x + 1 < size && modules[y * size + x + 1] === 1) x++;
      path += `M${from + quietZone} ${y + quietZone}h${x + 1 - from}v1H${from + quietZone}z`;
    }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges">`,
    `<path fill="#fff" d="M0 0h${side}v${side}H0z"/><path d="${path}"/></svg>\n`,
  ].join('');
}

/** Sharp on a screen and on paper. */
const pixelsOfModule = 8;

function png(matrix: QrMatrix): Uint8Array {
  const { width, height, data } = qrPixels(matrix, pixelsOfModule);
  const picture = new PNG({ width, height });
  picture.data.set(data);
  return PNG.sync.write(picture, { colorType: 0 });
}
