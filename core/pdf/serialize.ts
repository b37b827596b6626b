import { toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { isArray, isDict, type PdfObject, PdfRef, PdfStream, PdfString } from './read/objects.ts';
import { ascii, pdfDate, textString } from './syntax.ts';

const delimiter = /[^!-~]|[#()<>[\]{}/%]/g;

/** ISO 32000-1 §7.3.5: what is not a regular character is written as # and two digits. */
export const pdfName = (name: string): string =>
  `/${name.replace(delimiter, (c) => `#${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}`;

/** ISO 32000-1 §7.3.3: no exponent. */
function pdfNumber(value: number): string {
  if (Number.isInteger(value)) return BigInt(value).toString();
  const text = String(value);
  return text.includes('e') ? value.toFixed(12).replace(/\.?0+$/, '') : text;
}

function stringObject(syntax: string): PdfString {
  const source = ascii(syntax);
  return new PdfString(source, 0, source.length);
}

/** A text string as an object, for dictionaries that are written with `serialize`. */
export const textObject = (text: string): PdfString => stringObject(textString(text));

/** A date, likewise. */
export const dateObject = (date: Date): PdfString => stringObject(pdfDate(date));

/**
 * An object in PDF syntax, in ASCII. What was read and is written again is the same object, though a string becomes
 * hexadecimal.
 *
 * @throws ConsulError INTERNAL for a stream, which can only be an object of its own
 */
export function serialize(value: PdfObject): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return pdfNumber(value);
  if (typeof value === 'string') return pdfName(value);
  if (value instanceof PdfString) return `<${toHex(value.bytes)}>`;
  if (value instanceof PdfRef) return `${value.num} ${value.gen} R`;
  if (isArray(value)) return `[${value.map(serialize).join(' ')}]`;
  if (isDict(value))
    return `<<${[...value].map(([key, item]) => `${pdfName(key)} ${serialize(item)}`).join(' ')}>>`;
  if (value instanceof PdfStream) throw new ConsulError('INTERNAL', 'a stream inside another object');
  return value satisfies never;
}
