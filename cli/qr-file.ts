import { crc32, deflateSync } from 'node:zlib';
import { ConsulError } from '../core/errors.ts';
import type { QrMatrix } from '../core/seal/qr.ts';
import { quietZone } from '../core/seal/qr-pixels.ts';

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

/** Pixels of a module: sharp on a screen and on paper. */
const scale = 8;

/** PNG (ISO/IEC 15948): one bit a pixel, 1 is white. */
function png({ size, modules }: QrMatrix): Uint8Array {
  const side = (size + 2 * quietZone) * scale;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 1;
  // Each row begins with its filter, which is none.
  const stride = 1 + Math.ceil(side / 8);
  const rows = Buffer.alloc(stride * side, 0xff);
  for (let y = 0; y < side; y++) {
    rows[y * stride] = 0;
    const row = Math.floor(y / scale) - quietZone;
    if (row < 0 || row >= size) continue;
    // A module is one byte wide.
    for (let x = 0; x < size; x++)
      if (modules[row * size + x] === 1) rows[y * stride + 1 + x + quietZone] = 0;
  }
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const content = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(content), 4);
  return Buffer.concat([frame.subarray(0, 4), content, frame.subarray(4)]);
}
