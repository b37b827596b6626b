/** Order n of the group of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3), and half of it rounded down. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const words = (value: bigint): Uint32Array =>
  Uint32Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(224 - 32 * i)) & 0xffffffffn));
const orderWords = words(order);
const halfWords = words(order >> 1n);

/**
 * The one of the two equivalent P-256 signatures (r, s) and (r, n - s) whose s is the smaller, so that a signer gives
 * one seal and not two with the same meaning.
 *
 * @param signature r||s, 64 bytes
 */
export function lowS(signature: Uint8Array): Uint8Array {
  const view = new DataView(signature.buffer, signature.byteOffset, signature.byteLength);
  if (!aboveHalf(view)) return signature;
  const low = new Uint8Array(signature);
  const out = new DataView(low.buffer);
  let borrow = 0;
  for (let i = 7; i >= 0; i--) {
    const difference = (orderWords[i] as number) - view.getUint32(32 + 4 * i) - borrow;
    borrow = difference < 0 ? 1 : 0;
    out.setUint32(32 + 4 * i, difference >>> 0);
  }
  return low;
}

function aboveHalf(view: DataView): boolean {
  for (let i = 0; i < 8; i++) {
    const s = view.getUint32(32 + 4 * i);
    const half = halfWords[i] as number;
    if (s !== half) return s > half;
  }
  return false;
}
