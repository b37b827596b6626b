import { contextTag } from '../der/tags.ts';
import { boolean, implicit, octetString, oid, sequence } from '../der/writer.ts';

/** Extension (RFC 5280 §4.1). @param value the DER inside its OCTET STRING */
export const writeExtension = (identifier: string, value: Uint8Array, critical = false): Uint8Array =>
  sequence(oid(identifier), ...(critical ? [boolean(true)] : []), octetString(value));

/** AuthorityKeyIdentifier with the key identifier alone (RFC 5280 §4.2.1.1). */
export const writeAuthorityKeyIdentifier = (keyIdentifier: Uint8Array): Uint8Array =>
  sequence(implicit(contextTag(0, false), octetString(keyIdentifier)));
