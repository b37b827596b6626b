import { ascii, number } from './syntax.ts';

/** Thickness of the bar, in points: that under the letterhead. */
const thickness = 2;
/** DeviceRGB, likewise. */
const colour = '0.09 0.2 0.36';

/**
 * The appearance of a signature field: a bar at its left edge. Who signs is text of the page beside it, so that it is
 * read once and has its place among the tags of the page.
 *
 * @returns a form XObject, from its dictionary to `endstream`
 */
export function signatureMark(width: number, height: number): Uint8Array {
  const operators = `${colour} rg 0 0 ${thickness} ${number(height)} re f\n`;
  const dictionary =
    `/Type /XObject /Subtype /Form /BBox [0 0 ${number(width)} ${number(height)}] /Resources <<>>` +
    ` /Length ${operators.length}`;
  return ascii(`<<${dictionary}>>\nstream\n${operators}\nendstream`);
}
