import { ConsulError } from '../errors.ts';

/** The basic set of C40 (ISO/IEC 16022 table C.1) as far as Doc 9303-13 §2.6 uses it: space, digits, letters. */
const first = 3;
const alphabet = ' 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** Fills up a group of which only two characters are left. */
const pad = 0;
/** Says that one ASCII character follows. */
const unlatch = 0xfe;

/**
 * Three characters in two bytes; the filler `<` of machine-readable zones is written as a space (Doc 9303-13 §2.6).
 *
 * @throws ConsulError SCHEMA_VIOLATION for any other character
 */
export function encodeC40(text: string): Uint8Array {
  const values = Array.from(text.replaceAll('<', ' '), (character) => {
    const value = alphabet.indexOf(character);
    if (value < 0) throw new ConsulError('SCHEMA_VIOLATION', `a character of a seal is not of C40`);
    return value + first;
  });
  const bytes = new Uint8Array(Math.ceil(values.length / 3) * 2);
  for (let i = 0, at = 0; i < values.length; i += 3, at += 2) {
    const [one, two, three = pad] = values.slice(i, i + 3) as [number, number?, number?];
    if (two === undefined) {
      bytes[at] = unlatch;
      bytes[at + 1] = (alphabet[one - first] as string).charCodeAt(0) + 1;
    } else {
      const group = one * 1600 + two * 40 + three + 1;
      bytes[at] = group >> 8;
      bytes[at + 1] = group & 0xff;
    }
  }
  return bytes;
}

/**
 * Strict inverse of `encodeC40`, with spaces for fillers; every text has one encoding.
 *
 * @throws ConsulError SEAL_INVALID
 */
export function decodeC40(bytes: Uint8Array): string {
  if (bytes.length % 2 === 1) throw new ConsulError('SEAL_INVALID', 'C40 comes in pairs of bytes');
  let text = '';
  for (let at = 0; at < bytes.length; at += 2) {
    const high = bytes[at] as number;
    const low = bytes[at + 1] as number;
    const isLast = at + 2 === bytes.length;
    if (high === unlatch) {
      const character = String.fromCharCode(low - 1);
      if (!isLast || !alphabet.includes(character))
        throw new ConsulError('SEAL_INVALID', 'C40 ends too early');
      text += character;
      continue;
    }
    const group = high * 256 + low - 1;
    const values = [Math.floor(group / 1600), Math.floor(group / 40) % 40, group % 40];
    if (isLast && values[2] === pad) values.pop();
    for (const value of values) {
      const character = alphabet[value - first];
      if (character === undefined)
        throw new ConsulError('SEAL_INVALID', 'two bytes are not three characters of C40');
      text += character;
    }
  }
  return text;
}
