const hexDigits = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Four hexadecimal digits: a character code or a UTF-16 unit. */
export const hex16 = (value: number): string => `${hexDigits[value >> 8]}${hexDigits[value & 0xff]}`;

/**
 * A text string (ISO 32000-1 §7.9.2.2) as UTF-16BE in hexadecimal. Never a literal string: so nothing that a person
 * wrote can look like PDF syntax to a program that searches the file, as @signpdf does for /ByteRange.
 */
export function textString(text: string): string {
  let out = '<feff';
  for (let i = 0; i < text.length; i++) out += hex16(text.charCodeAt(i));
  return `${out}>`;
}

/** A number with at most two decimals: 1/100 point is finer than any printer. */
export const number = (value: number): string => String(Math.round(value * 100) / 100);

const two = (value: number): string => String(value).padStart(2, '0');

/** A date (ISO 32000-1 §7.9.4) in UTC. */
export const pdfDate = (date: Date): string =>
  `(D:${date.getUTCFullYear()}${two(date.getUTCMonth() + 1)}${two(date.getUTCDate())}${two(date.getUTCHours())}${two(date.getUTCMinutes())}${two(date.getUTCSeconds())}Z)`;

/** PDF syntax as bytes. All that this room writes outside of streams is ASCII. */
export const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
