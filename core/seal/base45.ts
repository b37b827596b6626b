import { ConsulError } from '../errors.ts';

/** RFC 9285 table 1: the alphanumeric mode of QR codes. */
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';

const ascii = new TextDecoder();
const codeOf = Uint8Array.from(alphabet, (character) => character.charCodeAt(0));
const digitOf = new Uint8Array(128).fill(0xff);
for (let value = 0; value < 45; value++) digitOf[codeOf[value] as number] = value;

/** Base45 (RFC 9285 §4): two bytes in three characters, the least significant first; a last byte in two. */
export function encodeBase45(bytes: Uint8Array): string {
  const codes = new Uint8Array((bytes.length >> 1) * 3 + (bytes.length & 1) * 2);
  let at = 0;
  let i = 0;
  for (; i + 1 < bytes.length; i += 2) {
    const pair = ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
    codes[at++] = codeOf[pair % 45] as number;
    codes[at++] = codeOf[Math.floor(pair / 45) % 45] as number;
    codes[at++] = codeOf[Math.floor(pair / 2025)] as number;
  }
  if (i < bytes.length) {
    const last = bytes[i] as number;
    codes[at++] = codeOf[last % 45] as number;
    codes[at] = codeOf[Math.floor(last / 45)] as number;
  }
  return ascii.decode(codes);
}

/**
 * Strict inverse of `encodeBase45`: refuses a character outside the alphabet, a lone last character, three characters
 * above 65535 and two above 255 (RFC 9285 §6).
 *
 * @throws ConsulError SEAL_INVALID
 */
export function decodeBase45(text: string): Uint8Array {
  if (text.length % 3 === 1) throw new ConsulError('SEAL_INVALID', 'a last character of base45 stands alone');
  const bytes = new Uint8Array(Math.floor(text.length / 3) * 2 + (text.length % 3 === 2 ? 1 : 0));
  const digit = (i: number): number => {
    const value = digitOf[text.charCodeAt(i)] ?? 0xff;
    if (value === 0xff) throw new ConsulError('SEAL_INVALID', `character ${i + 1} is not of base45`);
    return value;
  };
  let at = 0;
  let i = 0;
  for (; i + 2 < text.length; i += 3) {
    const pair = digit(i) + digit(i + 1) * 45 + digit(i + 2) * 2025;
    if (pair > 0xffff) {
      throw new ConsulError('SEAL_INVALID', `characters ${i + 1} to ${i + 3} are not two bytes in base45`);
    }
    bytes[at++] = pair >> 8;
    bytes[at++] = pair & 0xff;
  }
  if (i < text.length) {
    const last = digit(i) + digit(i + 1) * 45;
    if (last > 0xff) throw new ConsulError('SEAL_INVALID', 'the last characters are not a byte in base45');
    bytes[at] = last;
  }
  return bytes;
}
