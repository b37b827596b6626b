import type { DerNode } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import { type Name, readName } from './name.ts';

/** GeneralName (RFC 5280 §4.2.1.6); forms that are not interpreted keep their tag number and encoding. */
export type GeneralName =
  | { readonly form: 'email' | 'dns' | 'uri' | 'oid'; readonly value: string }
  | { readonly form: 'directory'; readonly value: Name }
  | { readonly form: 'ip'; readonly value: Uint8Array }
  | { readonly form: 'other'; readonly number: number; readonly der: Uint8Array };

/** @throws ConsulError DER_INVALID */
export function readGeneralName(node: DerNode): GeneralName {
  switch (node.tag) {
    case contextTag(1, false):
      return { form: 'email', value: node.implicit(tag.ia5String).text() };
    case contextTag(2, false):
      return { form: 'dns', value: node.implicit(tag.ia5String).text() };
    case contextTag(4, true):
      return { form: 'directory', value: readName(node.explicit(node.tag)) };
    case contextTag(6, false):
      return { form: 'uri', value: node.implicit(tag.ia5String).text() };
    case contextTag(7, false):
      return { form: 'ip', value: node.content };
    case contextTag(8, false):
      return { form: 'oid', value: node.implicit(tag.oid).oid() };
    case contextTag(0, true):
    case contextTag(3, true):
    case contextTag(5, true):
      return { form: 'other', number: node.tag & 0x1f, der: node.bytes };
    default:
      return node.fail('not a GeneralName');
  }
}

/** GeneralNames: one or more, under SEQUENCE or an implicit tag. */
export function readGeneralNames(node: DerNode, identifier: number = tag.sequence): readonly GeneralName[] {
  const names = node.expect(identifier).children;
  if (names.length === 0) node.fail('empty GeneralNames');
  return names.map(readGeneralName);
}
