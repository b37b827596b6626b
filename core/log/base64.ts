import { fromLatin1, latin1 } from '../bytes.ts';

/** RFC 4648 §4, with padding. */
export const toBase64 = (bytes: Uint8Array): string => btoa(fromLatin1(bytes));

/** Undefined for anything but the one encoding that `toBase64` writes: padding, no white space, no stray bits. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  const bytes = latin1(atob(text));
  return toBase64(bytes) === text ? bytes : undefined;
}
