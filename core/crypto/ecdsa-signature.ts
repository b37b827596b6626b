import { concatBytes } from '../bytes.ts';
import { integer, sequence } from '../der/writer.ts';
import type { BrainpoolCurve, CurveName } from './backend.ts';
import { brainpoolCurves, curves } from './curves.ts';

const allCurves = { ...curves, ...brainpoolCurves };

/** The content of one INTEGER in 1..order-1 as `length` octets, or undefined; DER's minimal form is checked. */
function scalar(bytes: Uint8Array, offset: number, end: number, order: Uint8Array): Uint8Array | undefined {
  let start = offset;
  const first = bytes[start];
  if (first === undefined || start >= end || first >= 0x80) return undefined;
  if (first === 0) {
    start += 1;
    if (start >= end || (bytes[start] as number) < 0x80) return undefined;
  }
  if (end - start > order.length) return undefined;
  const out = new Uint8Array(order.length);
  out.set(bytes.subarray(start, end), order.length - (end - start));
  for (let i = 0; i < out.length; i++) {
    const difference = (out[i] as number) - (order[i] as number);
    if (difference < 0) return out;
    if (difference > 0) return undefined;
  }
  return undefined;
}

/**
 * r||s of a DER ECDSA-Sig-Value (RFC 3279 §2.2.3), each as long as the order of the curve.
 * @returns undefined unless the text is DER to the last byte and 1 <= r, s < n
 */
export function ecdsaSignatureFromDer(
  der: Uint8Array,
  curve: CurveName | BrainpoolCurve,
): Uint8Array | undefined {
  const { order } = allCurves[curve];
  let offset = 2;
  let length = der[1];
  if (der[0] !== 0x30 || length === undefined) return undefined;
  if (length === 0x81) {
    length = der[2];
    offset = 3;
    if (length === undefined || length < 0x80) return undefined;
  } else if (length >= 0x80) return undefined;
  if (offset + length !== der.length) return undefined;

  // A scalar has at most 67 octets, so that the length of an INTEGER is always one octet.
  const rEnd = offset + 2 + (der[offset + 1] ?? 0);
  if (der[offset] !== 0x02 || rEnd + 2 > der.length) return undefined;
  const r = scalar(der, offset + 2, rEnd, order);
  if (der[rEnd] !== 0x02 || rEnd + 2 + (der[rEnd + 1] as number) !== der.length) return undefined;
  const s = scalar(der, rEnd + 2, der.length, order);
  return r && s && concatBytes(r, s);
}

/** DER ECDSA-Sig-Value of r||s. */
export function ecdsaSignatureToDer(rs: Uint8Array): Uint8Array {
  const half = rs.length / 2;
  return sequence(integer(rs.subarray(0, half)), integer(rs.subarray(half)));
}
