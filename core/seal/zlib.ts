import { inflateSync } from 'fflate';
import { ConsulError } from '../errors.ts';

const headerLength = 2;
const checkLength = 4;

/**
 * Inflates a zlib stream (RFC 1950) without a preset dictionary into at most `maximum` bytes; the check sum must match.
 *
 * @throws ConsulError SEAL_INVALID
 */
export function inflateZlib(bytes: Uint8Array, maximum: number): Uint8Array {
  if (bytes.length < headerLength + checkLength || !isZlib(bytes)) {
    throw new ConsulError('SEAL_INVALID', 'the bytes are not a zlib stream');
  }
  // fflate never grows a buffer that it is given: what is beyond its end is counted and not kept.
  const out = new Uint8Array(maximum + 1);
  let inflated: Uint8Array;
  try {
    inflated = inflateSync(bytes.subarray(headerLength, -checkLength), { out });
  } catch (cause) {
    throw new ConsulError('SEAL_INVALID', 'the zlib stream is damaged', { cause });
  }
  if (inflated.length > maximum) {
    throw new ConsulError('SEAL_INVALID', `the zlib stream holds more than ${maximum} bytes`);
  }
  const check = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - checkLength).getUint32(0);
  if (adler32(inflated) !== check) {
    throw new ConsulError('SEAL_INVALID', 'the check sum of the zlib stream does not match');
  }
  return inflated.slice();
}

/** Whether bytes begin like a zlib stream (§2.2): method 8, a window up to 32 KB, no dictionary, a multiple of 31. */
function isZlib(bytes: Uint8Array): boolean {
  const first = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  return (first & 0x8f20) === 0x0800 && first % 31 === 0;
}

/** RFC 1950 §8.2. */
function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}
