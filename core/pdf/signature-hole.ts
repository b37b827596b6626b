import { concatBytes, toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { ascii } from './syntax.ts';

/** Where a file keeps the room of a signature, in bytes from its beginning. */
export interface SignatureHole {
  /** The room for the inside of the array of /ByteRange. */
  readonly byteRange: number;
  /** `<` of /Contents. */
  readonly start: number;
  /** After its `>`. */
  readonly end: number;
}

/** Four numbers of up to ten digits, which reach every offset of a file under 10 GB. */
const byteRangeRoom = 43;

/**
 * A signature dictionary with room for what is known later (ISO 32000-2 table 255).
 *
 * @param entries in PDF syntax, before /ByteRange and after /Contents
 * @param reserve bytes of DER that the signature may take
 * @returns its body, and where the hole is in it
 */
export function signatureDictionary(
  entries: { readonly before: string; readonly after: string },
  reserve: number,
): { body: string; hole: SignatureHole } {
  const head = `<<${entries.before} /ByteRange [`;
  const middle = `${' '.repeat(byteRangeRoom)}] /Contents `;
  const start = head.length + middle.length;
  return {
    body: `${head}${middle}<${'0'.repeat(2 * reserve)}>${entries.after}>>`,
    hole: { byteRange: head.length, start, end: start + 2 * reserve + 2 },
  };
}

/** The same hole where its dictionary begins at `offset`. */
export const holeAt = ({ byteRange, start, end }: SignatureHole, offset: number): SignatureHole => ({
  byteRange: offset + byteRange,
  start: offset + start,
  end: offset + end,
});

/**
 * Writes the /ByteRange of a signature that covers the file up to its end, and gives the bytes that it covers.
 *
 * @param file changed in place
 */
export function coverFile(file: Uint8Array, { byteRange, start, end }: SignatureHole): Uint8Array {
  file.set(ascii(`0 ${start} ${end} ${file.length - end}`), byteRange);
  return concatBytes(file.subarray(0, start), file.subarray(end));
}

/**
 * Puts the DER of a signature into its hole, zeros after it.
 *
 * @param file changed in place
 * @throws ConsulError INTERNAL when it is larger than the hole
 */
export function fillHole(
  file: Uint8Array,
  { start, end }: Pick<SignatureHole, 'start' | 'end'>,
  der: Uint8Array,
): void {
  const room = end - start - 2;
  if (2 * der.length > room)
    throw new ConsulError('INTERNAL', `the signature takes ${der.length} bytes, the file keeps ${room / 2}`);
  file.set(ascii(toHex(der).padEnd(room, '0')), start + 1);
}
