import { ConsulError } from '../errors.ts';
import { Budget, defaultBounds } from '../pdf/read/bounds.ts';
import { inflate } from '../pdf/read/inflate.ts';

/**
 * Inflates a zlib stream (RFC 1950) without a preset dictionary into at most `maximum` bytes; the check sum must match
 * and nothing may follow.
 *
 * @throws ConsulError SEAL_INVALID
 */
export function inflateZlib(bytes: Uint8Array, maximum: number): Uint8Array {
  try {
    return inflate(bytes, new Budget(defaultBounds), maximum);
  } catch (cause) {
    if (!(cause instanceof ConsulError)) throw cause;
    const what =
      cause.code === 'PDF_TOO_COMPLEX' ? `holds more than ${maximum} bytes` : 'is damaged or not one';
    throw new ConsulError('SEAL_INVALID', `the zlib stream ${what}`, { cause });
  }
}
