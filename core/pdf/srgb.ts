import { concatBytes } from '../bytes.ts';
import { streamObject } from './file-writer.ts';
import { ascii } from './syntax.ts';

/** Identifier of the colour space in the ICC characterization registry. */
export const srgbName = 'sRGB IEC61966-2.1';

/** ICC.1:2001-04 §5.3.10: 16 bits before and 16 after the point. */
const fixed = (...values: readonly number[]): Uint8Array => {
  const out = new Uint8Array(4 * values.length);
  const view = new DataView(out.buffer);
  for (const [i, value] of values.entries()) view.setInt32(4 * i, Math.round(value * 65_536));
  return out;
};
const unsigned = (...values: readonly number[]): Uint8Array => {
  const out = new Uint8Array(4 * values.length);
  const view = new DataView(out.buffer);
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value);
  return out;
};
const padded = (bytes: Uint8Array): Uint8Array => concatBytes(bytes, new Uint8Array(-bytes.length & 3));

/** The illuminant of the profile connection space, D50. */
const d50 = [0.9642, 1, 0.8249] as const;

/** The primaries of IEC 61966-2-1, adapted from D65 to D50 by the Bradford transform. */
const primaries = {
  rXYZ: [0.43607, 0.22249, 0.01392],
  gXYZ: [0.38515, 0.71687, 0.09708],
  bXYZ: [0.14307, 0.06061, 0.7141],
} as const;

/** IEC 61966-2-1 §5.2: from a coded value to light, both 0 to 1. */
const linear = (value: number): number =>
  value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;

/** Points between which a reader interpolates; LittleCMS sees no difference from its own sRGB above 0.03 ΔE. */
const curvePoints = 256;

function curve(): Uint8Array {
  const table = new Uint8Array(2 * curvePoints);
  const view = new DataView(table.buffer);
  for (let i = 0; i < curvePoints; i++)
    view.setUint16(2 * i, Math.round(65_535 * linear(i / (curvePoints - 1))));
  return concatBytes(ascii('curv'), unsigned(0, curvePoints), table);
}

/** ICC.1:2001-04 §6.5.17: the text in ASCII, none in Unicode and in the script of old Macintoshes. */
const description = (text: string): Uint8Array =>
  concatBytes(ascii('desc'), unsigned(0, text.length + 1), ascii(text), new Uint8Array(1 + 8 + 3 + 67));
const xyz = (values: readonly number[]): Uint8Array =>
  concatBytes(ascii('XYZ '), unsigned(0), fixed(...values));

/** An ICC profile of version 2 (ICC.1:2001-04) for sRGB, written from the numbers of IEC 61966-2-1. */
export function srgbProfile(): Uint8Array {
  const tone = curve();
  const tags: readonly (readonly [string, Uint8Array])[] = [
    ['desc', description(srgbName)],
    ['cprt', concatBytes(ascii('text'), unsigned(0), ascii('No copyright, use freely\0'))],
    ['wtpt', xyz(d50)],
    ...Object.entries(primaries).map(([name, values]) => [name, xyz(values)] as const),
    ['rTRC', tone],
    ['gTRC', tone],
    ['bTRC', tone],
  ];
  const contents = [...new Set(tags.map(([, content]) => content))];
  const offsets = new Map<Uint8Array, number>();
  let length = 128 + 4 + 12 * tags.length;
  for (const content of contents) {
    offsets.set(content, length);
    length += padded(content).length;
  }
  const directory = tags.map(([name, content]) =>
    concatBytes(ascii(name), unsigned(offsets.get(content) ?? 0, content.length)),
  );
  const header = concatBytes(
    unsigned(length, 0, 0x0210_0000),
    ascii('mntrRGB XYZ '),
    // 2026-01-01 00:00:00 in six numbers of two bytes.
    unsigned(0x07ea_0001, 0x0001_0000, 0),
    ascii('acsp'),
    unsigned(0, 0, 0, 0, 0, 0, 0),
    fixed(...d50),
    new Uint8Array(48),
  );
  return concatBytes(header, unsigned(tags.length), ...directory, ...contents.map(padded));
}

/** The profile as a stream object, from its dictionary to `endstream`; made once. */
export const srgbStream: Uint8Array = streamObject(srgbProfile(), '/N 3');
