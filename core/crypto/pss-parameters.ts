import type { DerNode } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import type { DigestName } from './backend.ts';

export interface PssParameters {
  readonly hash: DigestName;
  readonly saltLength: number;
}

/** Digest algorithms of RFC 5754 that are accepted. SHA-1 and MD5 are not. */
export const digestByOid: ReadonlyMap<string, DigestName> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

/** HashAlgorithm: parameters absent or NULL, both must be read (RFC 4055 §2.1). */
function readHash(node: DerNode): DigestName | undefined {
  const [identifier, parameters, ...rest] = node.sequence();
  if (!identifier || rest.length > 0 || (parameters && parameters.tag !== tag.null))
    node.fail('a malformed hash algorithm');
  return digestByOid.get(identifier.oid());
}

/**
 * RSASSA-PSS-params (RFC 4055 §3.1) with MGF1 over the same hash as the message.
 * @returns undefined for what is well-formed and not accepted: SHA-1 (the default), another mask, another trailer
 * @throws ConsulError DER_INVALID when malformed
 */
export function readPssParameters(node: DerNode): PssParameters | undefined {
  let hash: DigestName | undefined;
  let maskHash: DigestName | undefined;
  let saltLength = 20;
  let last = -1;
  let understood = true;
  for (const field of node.sequence()) {
    const number = field.tag - contextTag(0, true);
    if (number < 0 || number > 3 || number <= last) node.fail('malformed RSASSA-PSS parameters');
    last = number;
    const value = field.explicit(field.tag);
    if (number === 0) hash = readHash(value);
    else if (number === 1) {
      const [mask, inner, ...rest] = value.sequence();
      if (!mask || !inner || rest.length > 0) node.fail('a malformed mask generation function');
      if (mask.oid() === '1.2.840.113549.1.1.8') maskHash = readHash(inner);
      else understood = false;
    } else if (number === 2) {
      saltLength = value.integer();
      if (saltLength < 0 || saltLength > 512) value.fail('a salt length out of range');
    } else {
      // DER leaves the default (1) out, and no other trailer is defined.
      understood = false;
    }
  }
  if (!understood || !hash || hash !== maskHash) return undefined;
  return { hash, saltLength };
}
