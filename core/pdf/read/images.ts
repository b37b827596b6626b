import { invalid, tooComplex } from './bounds.ts';
import type { PdfFile } from './document.ts';
import { undoFilters } from './filters.ts';
import { isArray, isDict, type PdfDict, type PdfObject, PdfStream, PdfString } from './objects.ts';
import { pagesOf } from './pages.ts';

/** A picture on a page: the bytes of a JPEG file, pixels, or the filter that is not read here. */
export type PdfImage = { readonly page: number; readonly width: number; readonly height: number } & (
  | { readonly kind: 'jpeg'; readonly bytes: Uint8Array }
  /** Four bytes a pixel from the top left: red, green, blue, 255. */
  | { readonly kind: 'rgba'; readonly rgba: Uint8Array }
  | { readonly kind: 'unsupported'; readonly reason: string }
);

const maxFormDepth = 8;
const maxImagesOfPage = 256;

/** How one pixel's samples become red, green and blue. */
interface Colours {
  readonly components: 1 | 3;
  /** Three bytes an index, for /Indexed. */
  readonly palette: Uint8Array | undefined;
}

function deviceColours(file: PdfFile, space: PdfObject): Colours | undefined {
  if (isArray(space)) {
    const family = file.name(space[0]);
    if (family === 'ICCBased') {
      const n = file.number(file.stream(space[1])?.dict.get('N'));
      return n === 1 || n === 3 ? { components: n, palette: undefined } : undefined;
    }
    if (family === 'CalGray') return { components: 1, palette: undefined };
    if (family === 'CalRGB') return { components: 3, palette: undefined };
    return undefined;
  }
  if (space === 'DeviceGray' || space === 'CalGray') return { components: 1, palette: undefined };
  if (space === 'DeviceRGB' || space === 'CalRGB') return { components: 3, palette: undefined };
  return undefined;
}

function indexedColours(file: PdfFile, space: PdfObject): Colours | undefined {
  if (!isArray(space) || file.name(space[0]) !== 'Indexed') return undefined;
  const base = deviceColours(file, file.resolve(space[1]));
  const table = file.resolve(space[3]);
  const bytes =
    table instanceof PdfString ? table.bytes : table instanceof PdfStream ? file.data(table) : undefined;
  if (!base || !bytes) return undefined;
  const count = Math.floor(bytes.length / base.components);
  const palette = new Uint8Array(count * 3);
  for (let i = 0; i < count; i++)
    for (let c = 0; c < 3; c++) palette[i * 3 + c] = bytes[base.components === 3 ? i * 3 + c : i] as number;
  return { components: 1, palette };
}

function positive(file: PdfFile, dict: PdfDict, key: string, offset: number): number {
  const value = file.number(dict.get(key));
  if (value === undefined || !Number.isInteger(value) || value < 1 || value > 65_535)
    invalid(offset, `/${key} of an image is out of range`);
  return value;
}

/** Whether /Decode turns the samples around; undefined for a /Decode that is neither that nor the default. */
function inverted(file: PdfFile, dict: PdfDict): boolean | undefined {
  const decode = file.array(dict.get('Decode'))?.map((item) => file.number(item));
  if (!decode) return false;
  const pairs = decode.map((value, index) => (index % 2 === 0 ? value === 0 : value === 1));
  if (pairs.every(Boolean)) return false;
  const turned = decode.map((value, index) => (index % 2 === 0 ? value === 1 : value === 0));
  return turned.every(Boolean) ? true : undefined;
}

function toRgba(
  data: Uint8Array,
  width: number,
  height: number,
  bits: 1 | 8,
  { components, palette }: Colours,
  invert: boolean,
): Uint8Array {
  const rowBytes = (width * components * bits + 7) >> 3;
  const rgba = new Uint8Array(width * height * 4).fill(255);
  const flip = invert ? (bits === 1 ? 1 : 255) : 0;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = y * rowBytes;
    for (let x = 0; x < width; x++, to += 4) {
      if (components === 3) {
        const from = row + x * 3;
        rgba[to] = (data[from] as number) ^ flip;
        rgba[to + 1] = (data[from + 1] as number) ^ flip;
        rgba[to + 2] = (data[from + 2] as number) ^ flip;
        continue;
      }
      const raw =
        bits === 1 ? ((data[row + (x >> 3)] as number) >> (7 - (x & 7))) & 1 : (data[row + x] as number);
      const sample = raw ^ flip;
      if (palette) {
        rgba[to] = palette[sample * 3] ?? 0;
        rgba[to + 1] = palette[sample * 3 + 1] ?? 0;
        rgba[to + 2] = palette[sample * 3 + 2] ?? 0;
      } else rgba[to] = rgba[to + 1] = rgba[to + 2] = bits === 1 ? sample * 255 : sample;
    }
  }
  return rgba;
}

function readImage(file: PdfFile, stream: PdfStream, page: number): PdfImage {
  const { dict, start } = stream;
  const width = positive(file, dict, 'Width', start);
  const height = positive(file, dict, 'Height', start);
  const unsupported = (reason: string): PdfImage => ({ page, width, height, kind: 'unsupported', reason });
  const mask = file.resolve(dict.get('ImageMask')) === true;
  const space = file.resolve(dict.get('ColorSpace'));
  const bits = mask ? 1 : file.number(dict.get('BitsPerComponent'));
  const colours: Colours | undefined = mask
    ? { components: 1, palette: undefined }
    : (deviceColours(file, space) ?? indexedColours(file, space));
  const samples = width * height * 4;
  const limit = file.budget.bounds.imageBytes - samples;
  const expected = height * ((width * (colours?.components ?? 3) * (bits ?? 8) + 7) >> 3);
  if (limit < expected) tooComplex('an image of too many pixels');
  // A predictor adds one byte a row.
  const { bytes, rest } = undoFilters(stream, file.resolve, file.budget, Math.min(limit, expected + height));
  const [filter, more] = rest;
  if (filter?.name === 'DCTDecode' && !more) return { page, width, height, kind: 'jpeg', bytes };
  if (filter) return unsupported(`the filter ${filter.name}`);
  if (!colours) return unsupported('the colour space');
  if (bits !== 1 && bits !== 8) return unsupported(`${bits} bits a sample`);
  if (bits === 1 && colours.components === 3) return unsupported('one bit a colour');
  const invert = inverted(file, dict);
  if (invert === undefined) return unsupported('/Decode');
  if (bytes.length < expected) invalid(start, 'the data of an image is cut short');
  return {
    page,
    width,
    height,
    kind: 'rgba',
    rgba: toRgba(bytes, width, height, bits, colours, invert),
  };
}

function imageStreams(file: PdfFile, resources: PdfDict): readonly PdfStream[] {
  const found = new Set<PdfStream>();
  const seen = new Set<PdfStream>();
  const visit = (from: PdfDict | undefined, depth: number): void => {
    for (const value of file.dict(from?.get('XObject'))?.values() ?? []) {
      const object = file.resolve(value);
      if (!(object instanceof PdfStream) || seen.has(object)) continue;
      if (seen.size >= maxImagesOfPage) tooComplex(`more than ${maxImagesOfPage} objects on a page`);
      seen.add(object);
      const subtype = file.name(object.dict.get('Subtype'));
      if (subtype === 'Image') found.add(object);
      else if (subtype === 'Form' && depth < maxFormDepth) {
        const inner = file.resolve(object.dict.get('Resources'));
        if (isDict(inner)) visit(inner, depth + 1);
      }
    }
  };
  visit(resources, 0);
  return [...found];
}

/**
 * The pictures among the resources of each page, forms included, one at a time so that only one is held. For scans
 * by others: 1 or 8 bits, gray, RGB or a palette, without a filter or with FlateDecode, and JPEG as it is.
 * @throws ConsulError PDF_INVALID for a damaged image, PDF_TOO_COMPLEX beyond the bounds
 */
export function* pageImages(file: PdfFile): Generator<PdfImage> {
  for (const page of pagesOf(file))
    for (const stream of imageStreams(file, page.resources)) yield readImage(file, stream, page.index);
}
