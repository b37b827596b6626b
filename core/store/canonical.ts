import { createHash } from 'node:crypto';
import serialize from 'canonicalize';

// The package is CommonJS whose export is the function itself; its types describe an ES module.
const canonicalize = serialize as unknown as typeof serialize.default;

/** What RFC 8785 can write. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/** RFC 8785: the same text for the same value, whoever writes it. Members that are undefined are left out. */
export function canonicalJson(value: Json): string {
  return canonicalize(value) as string;
}

export const sha256 = (data: string | Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(data).digest());
