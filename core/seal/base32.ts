import { ConsulError } from '../errors.ts';

/** RFC 4648 table 3: every character is one of the alphanumeric mode of QR codes. */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The fastest way from codes to text on every engine. */
const ascii = new TextDecoder();
const codeOf = Uint8Array.from(alphabet, (character) => character.charCodeAt(0));
const digitOf = new Uint8Array(128).fill(0xff);
for (let value = 0; value < 32; value++) digitOf[codeOf[value] as number] = value;

/** Lengths modulo 8 that no number of whole bytes gives (RFC 4648 §6). */
const impossible = new Set([1, 3, 6]);

/** Base32 in upper case without padding (RFC 4648 §6 and §3.2). */
export function encodeBase32(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 8) / 5));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < bytes.length; i++) {
    held = ((held << 8) | (bytes[i] as number)) & 0xfff;
    bits += 8;
    do {
      bits -= 5;
      codes[at++] = codeOf[(held >> bits) & 31] as number;
    } while (bits >= 5);
  }
  if (bits > 0) codes[at] = codeOf[(held << (5 - bits)) & 31] as number;
  return ascii.decode(codes);
}

/**
 * Strict inverse of `encodeBase32`: one text for one value. Lower case, padding, spaces, lengths that no bytes have
 * and bits other than zero after the last byte are refused.
 *
 * @throws ConsulError SEAL_INVALID
 */
export function decodeBase32(text: string): Uint8Array {
  if (impossible.has(text.length % 8)) {
    throw new ConsulError('SEAL_INVALID', `${text.length} characters are not base32: some are missing`);
  }
  const bytes = new Uint8Array((text.length * 5) >> 3);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const value = digitOf[text.charCodeAt(i)] ?? 0xff;
    if (value === 0xff) throw new ConsulError('SEAL_INVALID', `character ${i + 1} is not of base32`);
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 0xff;
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) {
    throw new ConsulError('SEAL_INVALID', 'the last character of the base32 text holds bits of no byte');
  }
  return bytes;
}
