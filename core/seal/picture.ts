import { beginsAsSeal } from './carrier.ts';
import { demandBounded } from './picture-bounds.ts';

/** Pixels as a canvas gives them: RGBA, row by row from the top. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A whole PNG or JPEG file, or pixels. */
export type Picture = Uint8Array | Pixels;

export type CodeReader = 'zxing' | 'jsqr';

export interface ReadCode {
  readonly reader: CodeReader;
  /** Bytes as text: UTF-8 where they are, else as the reader guesses. */
  readonly text: string;
  /** The content as it stands in the code. */
  readonly bytes: Uint8Array;
}

export interface ReadCodes {
  /** Each content once. */
  readonly codes: readonly ReadCode[];
  /** Readers in the order in which they looked, and how many codes each found. */
  readonly readers: readonly { readonly reader: CodeReader; readonly found: number }[];
}

const maximumCodes = 16;

/** Seals of consular documents are QR codes; 2D-Doc and ICAO seals are mostly printed as the others. */
const symbologies = [['QRCode'], ['DataMatrix', 'Aztec']] as const;

/**
 * All QR codes in a picture and, where none of them is a seal, its Data Matrix and Aztec codes: by zxing when its program is given, and by
 * jsqr when that found none and the picture is given as pixels (jsqr reads no files, one code at most, and QR only).
 * Finding none is a result and no error.
 *
 * @param zxing the bytes of `zxing-wasm/reader/zxing_reader.wasm`; nothing is ever fetched for it
 * @throws ConsulError PICTURE_UNREADABLE when it is not a PNG or JPEG, damaged, or larger than 72 million pixels
 */
export async function readCodes(picture: Picture, zxing?: ArrayBuffer): Promise<ReadCodes> {
  await demandBounded(picture);
  const codes: ReadCode[] = [];
  const readers: { reader: CodeReader; found: number }[] = [];
  if (zxing !== undefined) {
    const found = await byZxing(picture, zxing);
    codes.push(...found);
    readers.push({ reader: 'zxing', found: found.length });
  }
  if (codes.length === 0 && !(picture instanceof Uint8Array)) {
    const found = await byJsqr(picture);
    codes.push(...found);
    readers.push({ reader: 'jsqr', found: found.length });
  }
  return { codes, readers };
}

async function byZxing(picture: Picture, wasmBinary: ArrayBuffer): Promise<ReadCode[]> {
  const { prepareZXingModule, readBarcodes } = await import('zxing-wasm/reader');
  // The module is kept while the same bytes are handed in.
  await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
  const codes: ReadCode[] = [];
  for (const formats of symbologies) {
    const found = await readBarcodes(picture instanceof Uint8Array ? picture : imageData(picture), {
      formats: [...formats],
      maxNumberOfSymbols: maximumCodes,
      tryHarder: true,
      textMode: 'Plain',
    });
    for (const { isValid, text, bytes } of found) if (isValid) codes.push({ reader: 'zxing', text, bytes });
    if (codes.some(({ text, bytes }) => beginsAsSeal(text, bytes))) break;
  }
  return codes;
}

/** jsqr is a CommonJS module that is the function, while its types speak of an ES module. */
type Jsqr = typeof import('jsqr').default;

async function byJsqr(picture: Pixels): Promise<ReadCode[]> {
  const jsqr = (await import('jsqr')).default as unknown as Jsqr;
  const { data, width, height } = imageData(picture);
  const code = jsqr(data, width, height);
  return code ? [{ reader: 'jsqr', text: code.data, bytes: Uint8Array.from(code.binaryData) }] : [];
}

function imageData({ data, width, height }: Pixels): ImageData {
  const clamped = new Uint8ClampedArray(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  return { data: clamped, width, height, colorSpace: 'srgb' };
}
