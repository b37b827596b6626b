import { type Budget, invalid, tooComplex } from './bounds.ts';
import { inflate } from './inflate.ts';
import { isArray, isDict, type PdfDict, type PdfObject, type PdfStream } from './objects.ts';

export type Resolve = (value: PdfObject | undefined) => PdfObject;

export interface Filter {
  readonly name: string;
  readonly parameters: PdfDict | undefined;
}

const maxFilters = 4;

/** The filters of a stream in the order in which they are undone (ISO 32000-2 §7.4.1). */
export function filtersOf(stream: PdfStream, resolve: Resolve): readonly Filter[] {
  const { dict, start } = stream;
  const filter = resolve(dict.get('Filter'));
  const parameters = resolve(dict.get('DecodeParms'));
  if (filter === null) return [];
  const names = isArray(filter) ? filter : [filter];
  const lists = isArray(parameters) ? parameters : [parameters];
  if (names.length > maxFilters) tooComplex(`more than ${maxFilters} filters on a stream`);
  return names.map((item, index) => {
    const name = resolve(item);
    if (typeof name !== 'string') invalid(start, 'a filter that is not a name');
    const own = resolve(lists[index]);
    if (own !== null && !isDict(own)) invalid(start, '/DecodeParms is not a dictionary');
    return { name, parameters: own ?? undefined };
  });
}

function parameter(filter: Filter, key: string, fallback: number, resolve: Resolve): number {
  const value = resolve(filter.parameters?.get(key));
  if (value === null) return fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 1 << 20)
    invalid(0, `/${key} of a filter is out of range`);
  return value;
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const toLeft = Math.abs(estimate - left);
  const toUp = Math.abs(estimate - up);
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** Undoes the predictors of PNG (ISO 32000-2 §7.4.4.4); each row begins with its own kind. */
function undoPng(data: Uint8Array, rowBytes: number, pixelBytes: number): Uint8Array {
  const rows = data.length / (rowBytes + 1);
  if (!Number.isInteger(rows)) invalid(0, 'predicted data that is not whole rows');
  const out = new Uint8Array(rows * rowBytes);
  for (let row = 0; row < rows; row++) {
    const from = row * (rowBytes + 1);
    const to = row * rowBytes;
    const kind = data[from] as number;
    if (kind > 4) invalid(0, 'an unknown predictor');
    for (let i = 0; i < rowBytes; i++) {
      const left = i >= pixelBytes ? (out[to + i - pixelBytes] as number) : 0;
      const up = row > 0 ? (out[to + i - rowBytes] as number) : 0;
      const corner = row > 0 && i >= pixelBytes ? (out[to + i - rowBytes - pixelBytes] as number) : 0;
      let guess = 0;
      if (kind === 1) guess = left;
      else if (kind === 2) guess = up;
      else if (kind === 3) guess = (left + up) >> 1;
      else if (kind === 4) guess = paeth(left, up, corner);
      out[to + i] = (data[from + 1 + i] as number) + guess;
    }
  }
  return out;
}

function undoTiff(data: Uint8Array, rowBytes: number, colors: number): Uint8Array {
  if (data.length % rowBytes !== 0) invalid(0, 'predicted data that is not whole rows');
  const out = new Uint8Array(data);
  for (let row = 0; row < out.length; row += rowBytes)
    for (let i = colors; i < rowBytes; i++)
      out[row + i] = (out[row + i] as number) + (out[row + i - colors] as number);
  return out;
}

function undoPredictor(data: Uint8Array, filter: Filter, resolve: Resolve): Uint8Array {
  const predictor = parameter(filter, 'Predictor', 1, resolve);
  if (predictor === 1) return data;
  const colors = parameter(filter, 'Colors', 1, resolve);
  const bits = parameter(filter, 'BitsPerComponent', 8, resolve);
  const columns = parameter(filter, 'Columns', 1, resolve);
  if (colors > 32 || bits > 16) invalid(0, 'parameters of a predictor are out of range');
  const rowBytes = (colors * bits * columns + 7) >> 3;
  if (predictor >= 10 && predictor <= 15) return undoPng(data, rowBytes, Math.max(1, (colors * bits) >> 3));
  if (predictor === 2 && bits === 8) return undoTiff(data, rowBytes, colors);
  return invalid(0, `predictor ${predictor} is not supported`);
}

/**
 * The bytes of a stream with its filters undone up to the first that is not FlateDecode, which is named in `rest`.
 * @param limit most bytes that may come out of one filter
 */
export function undoFilters(
  stream: PdfStream,
  resolve: Resolve,
  budget: Budget,
  limit: number,
): { bytes: Uint8Array; rest: readonly Filter[] } {
  if (stream.dict.has('F')) invalid(stream.start, 'a stream whose data is in another file');
  const filters = filtersOf(stream, resolve);
  let bytes = stream.raw;
  for (const [index, filter] of filters.entries()) {
    if (filter.name !== 'FlateDecode') return { bytes, rest: filters.slice(index) };
    bytes = undoPredictor(inflate(bytes, budget, limit), filter, resolve);
  }
  return { bytes, rest: [] };
}
