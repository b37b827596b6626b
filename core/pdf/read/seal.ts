import { invalid } from './bounds.ts';
import type { PdfFile } from './document.ts';
import type { PdfStream } from './objects.ts';

/** A QR symbol without its quiet zone. */
export interface SealMatrix {
  /** Modules on a side: 21 to 177. */
  readonly size: number;
  /** Row by row from the top left; 1 is dark. */
  readonly modules: Uint8Array;
}

/** A QR symbol of version 40 with eight modules of quiet zone on each side. */
const maxSide = 193;
/** In modules: a drawn rectangle may be a little larger so that no seam shows between rows. */
const tolerance = 0.25;
/** Each rectangle has at least one module of its own. */
const maxRuns = maxSide * maxSide;

/** x, y, width and height of each rectangle, one after the other. */
type Runs = Uint16Array;

function refuse(at: number): never {
  return invalid(at, 'the seal draws something else than black modules');
}

const isBreak = (octet: number | undefined): boolean => octet === 0x20 || octet === 0x0a || octet === 0x0d;

/** At least one space or line end from `at`; gives where they end. */
function breaks(content: Uint8Array, at: number): number {
  let end = at;
  while (isBreak(content[end])) end++;
  return end > at ? end : refuse(at);
}

/** Reads the one form that a seal's content has: `0 g`, then `x y w h re` for each rectangle, then `f`. */
function readRuns(content: Uint8Array): Runs {
  if (content[0] !== 0x30 || !isBreak(content[1])) refuse(0);
  let at = breaks(content, 1);
  if (content[at] !== 0x67) refuse(at);
  at = breaks(content, at + 1);
  // The shortest rectangle is `0 0 1 1 re` with what divides it from the next.
  const runs = new Uint16Array(4 * Math.min(maxRuns, Math.ceil(content.length / 11)));
  let count = 0;
  while (content[at] !== 0x66) {
    if (count === runs.length) refuse(at);
    for (const end = count + 4; count < end; count++) {
      const start = at;
      let value = 0;
      let octet = content[at] as number;
      for (; octet >= 0x30 && octet <= 0x39; octet = content[++at] as number)
        value = value * 10 + octet - 0x30;
      if (at === start || at - start > 3) refuse(start);
      if (octet === 0x2e) {
        const fraction = readFraction(content, at + 1);
        value += fraction.up;
        at = fraction.end;
      }
      runs[count] = value;
      if (!isBreak(content[at])) refuse(at);
      while (isBreak(content[at])) at++;
    }
    if (content[at] !== 0x72 || content[at + 1] !== 0x65) refuse(at);
    at = breaks(content, at + 2);
  }
  const end = at + 1 < content.length ? breaks(content, at + 1) : at + 1;
  return end === content.length ? runs.subarray(0, count) : refuse(end);
}

/** The digits after a point: near a whole number, which is `up` more than what stands before the point. */
function readFraction(content: Uint8Array, at: number): { readonly up: 0 | 1; readonly end: number } {
  let digits = 0;
  let end = at;
  for (; (content[end] as number) >= 0x30 && (content[end] as number) <= 0x39; end++)
    digits = digits * 10 + (content[end] as number) - 0x30;
  if (end === at || end - at > 9) refuse(at);
  const part = digits / 10 ** (end - at);
  if (part > tolerance && part < 1 - tolerance) refuse(at);
  return { up: part < 0.5 ? 0 : 1, end };
}

/** A form is clipped to its /BBox: what stands outside would be read here and not seen on the page. */
function checkBox(file: PdfFile, form: PdfStream, edges: Edges): void {
  const box = file.array(form.dict.get('BBox'))?.map((item) => file.number(item));
  const [left, bottom, right, top] = box ?? [];
  if (left === undefined || bottom === undefined || right === undefined || top === undefined)
    invalid(form.start, 'the seal has no /BBox');
  if (edges.left < left || edges.bottom < bottom || edges.right > right || edges.top > top)
    invalid(form.start, 'the seal draws outside its /BBox');
}

interface Edges {
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
  readonly top: number;
}

function edgesOf(runs: Runs): Edges {
  let [left, bottom, right, top] = [maxSide, maxSide, 0, 0];
  for (let i = 0; i < runs.length; i += 4) {
    const x = runs[i] as number;
    const y = runs[i + 1] as number;
    const width = runs[i + 2] as number;
    const height = runs[i + 3] as number;
    if (width < 1 || height < 1) invalid(0, 'a rectangle of the seal that is empty');
    if (x < left) left = x;
    if (y < bottom) bottom = y;
    if (x + width > right) right = x + width;
    if (y + height > top) top = y + height;
  }
  const size = right - left;
  // The three finder patterns touch all four sides: the extent of the dark modules is the symbol.
  if (right > maxSide || top > maxSide || size !== top - bottom || size < 21 || size > 177 || size % 4 !== 1)
    invalid(0, 'the seal is not of the size of a QR symbol');
  return { left, bottom, right, top };
}

function toMatrix(runs: Runs, { left, right, top }: Edges): SealMatrix {
  const size = right - left;
  const modules = new Uint8Array(size * size);
  for (let i = 0; i < runs.length; i += 4) {
    const column = (runs[i] as number) - left;
    const end = top - (runs[i + 1] as number);
    const width = runs[i + 2] as number;
    for (let row = end - (runs[i + 3] as number); row < end; row++) {
      const from = row * size + column;
      for (let at = from; at < from + width; at++) modules[at] = 1;
    }
  }
  return { size, modules };
}

const kept = new WeakMap<PdfStream, SealMatrix>();

/**
 * The modules that a seal's form draws: black rectangles in module units, filled once at the end, and nothing else.
 * @throws ConsulError PDF_INVALID where it draws anything else
 */
export function readSealForm(file: PdfFile, form: PdfStream): SealMatrix {
  const known = kept.get(form);
  if (known) return known;
  const runs = readRuns(file.data(form));
  const edges = edgesOf(runs);
  checkBox(file, form, edges);
  const matrix = toMatrix(runs, edges);
  kept.set(form, matrix);
  return matrix;
}
