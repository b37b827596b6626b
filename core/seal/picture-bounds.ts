import { ConsulError } from '../errors.ts';
import type { Picture } from './picture.ts';

/** A3 at 600 dpi, and more than any telephone takes. */
const maximumPixels = 72_000_000;
const maximumSide = 20_000;

/**
 * Refuses a picture before a decoder makes room for it: too many pixels, or a PNG that inflates to more than its size
 * tells (1.5 MB of it can take a decoder 1.5 GB).
 *
 * @throws ConsulError PICTURE_UNREADABLE
 */
export async function demandBounded(picture: Picture): Promise<void> {
  if (!(picture instanceof Uint8Array)) {
    demandSize(picture);
    if (picture.data.length !== picture.width * picture.height * 4) {
      throw unreadable('the pixels are not width times height RGBA values');
    }
    return;
  }
  const png = pngHeader(picture);
  if (png) {
    demandSize(png);
    await demandInflated(picture, png);
    return;
  }
  const jpeg = jpegSize(picture);
  if (!jpeg) throw unreadable('the file is neither a PNG nor a JPEG');
  demandSize(jpeg);
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface PngHeader extends Size {
  readonly bitsPerPixel: number;
}

function demandSize({ width, height }: Size): void {
  const whole = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!whole || width > maximumSide || height > maximumSide || width * height > maximumPixels) {
    throw unreadable(`a picture of ${width} by ${height} pixels is out of bounds`);
  }
}

/** Samples of a pixel by colour type (ISO/IEC 15948 table 11.1). */
const samples: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** PNG (ISO/IEC 15948 §5.2, §11.2.2): the signature, then IHDR. */
function pngHeader(file: Uint8Array): PngHeader | undefined {
  const view = viewOf(file);
  if (file.length < 33 || view.getUint32(0) !== 0x89504e47 || view.getUint32(4) !== 0x0d0a1a0a)
    return undefined;
  const perPixel = samples[view.getUint8(25)];
  if (view.getUint32(12) !== 0x49484452 || perPixel === undefined) return undefined;
  return {
    width: view.getUint32(16),
    height: view.getUint32(20),
    bitsPerPixel: perPixel * view.getUint8(24),
  };
}

/** The image data of a PNG, inflated and counted by the platform, chunk by chunk, until it is too much. */
async function demandInflated(file: Uint8Array, { width, height, bitsPerPixel }: PngHeader): Promise<void> {
  // One filter byte a row; the seven passes of an interlaced picture need fewer than two rows for one.
  let left = 2 * height * (1 + Math.ceil((width * bitsPerPixel) / 8));
  const stream = new Blob(imageData(file)).stream().pipeThrough(new DecompressionStream('deflate'));
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      left -= value.length;
      if (left < 0) {
        await reader.cancel();
        throw unreadable('the PNG inflates to more than its size tells');
      }
    }
  } catch (cause) {
    if (cause instanceof ConsulError) throw cause;
    throw unreadable('the image data of the PNG are damaged', cause);
  }
}

/** The contents of the IDAT chunks (ISO/IEC 15948 §5.3, §11.2.4). */
function imageData(file: Uint8Array): Uint8Array<ArrayBuffer>[] {
  const view = viewOf(file);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 8; at + 12 <= file.length; ) {
    const length = view.getUint32(at);
    if (view.getUint32(at + 4) === 0x49444154) parts.push(file.slice(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return parts;
}

/** JPEG (ITU-T T.81 Annex B): the first start-of-frame segment. */
function jpegSize(file: Uint8Array): Size | undefined {
  const view = viewOf(file);
  if (file.length < 4 || view.getUint16(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 9 <= file.length && file[at] === 0xff; ) {
    const marker = file[at + 1] as number;
    if (marker === 0xff) {
      at += 1;
    } else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    } else {
      at += 2 + view.getUint16(at + 2);
    }
  }
  return undefined;
}

const viewOf = (file: Uint8Array) => new DataView(file.buffer, file.byteOffset, file.byteLength);

const unreadable = (message: string, cause?: unknown): ConsulError =>
  new ConsulError('PICTURE_UNREADABLE', message, { cause });
