import type { DerNode } from '../der/reader.ts';
import { integer, printableString, sequence, setOf } from '../der/writer.ts';

/** Doc 9303-12 §7.1.1.6: codes of the documents, as their machine-readable zones have them, that a signer may sign. */
export const documentTypeOid = '2.23.136.1.1.6.2';

/** DocumentTypeListSyntax, version 0. */
export const writeDocumentTypes = (types: readonly string[]): Uint8Array =>
  sequence(integer(0), setOf(types.map(printableString)));

/** @throws ConsulError DER_INVALID */
export function readDocumentTypes(node: DerNode): readonly string[] {
  const [version, list, ...rest] = node.sequence();
  if (!version || !list || rest.length > 0 || version.integer() !== 0)
    return node.fail('a malformed list of document types');
  return list.setOf().map((type) => type.text());
}
