import { toHex, utf8 } from '../bytes.ts';
import type { DerNode } from '../der/reader.ts';
import { tag } from '../der/tags.ts';

export interface Attribute {
  readonly type: string;
  /** Absent where the value is not one of the string types. */
  readonly text?: string;
}

/** A distinguished name (RFC 5280 §4.1.2.4). */
export interface Name {
  readonly der: Uint8Array;
  /** RFC 4514: the last RDN first. */
  readonly text: string;
  /** In the order of the encoding; more than one attribute in one RDN is rare. */
  readonly rdns: readonly (readonly Attribute[])[];
  /** One canonical text a RDN; two names are equal when these are (RFC 5280 §7.1). */
  readonly keys: readonly string[];
}

/** RFC 4514 §3 and RFC 4519; what is not here is written as a dotted identifier. */
const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.42': 'givenName',
  '2.5.4.43': 'initials',
  '2.5.4.46': 'dnQualifier',
  '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

const commonNameType = '2.5.4.3';

/** The common name in a name, or the whole of it where it has none. */
export function commonName({ rdns, text }: Name): string {
  for (const attributes of rdns)
    for (const attribute of attributes)
      if (attribute.type === commonNameType && attribute.text !== undefined) return attribute.text;
  return text;
}

const stringTags = new Set<number>([
  tag.utf8String,
  tag.printableString,
  tag.teletexString,
  tag.ia5String,
  tag.visibleString,
  tag.universalString,
  tag.bmpString,
]);

/**
 * The preparation of RFC 4518 for caseIgnoreMatch: what is invisible is dropped, every white space is a space, NFKC,
 * simple case folding, and no insignificant spaces.
 */
function prepareText(text: string): string {
  if (/^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/.test(text)) return text.toLowerCase();
  const mapped = text
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .replace(/[\s\u0085\p{Z}]+/gu, ' ')
    .normalize('NFKC');
  return Array.from(mapped, (character) => character.toLowerCase())
    .join('')
    .normalize('NFKC')
    .replace(/ +/g, ' ')
    .trim();
}

/** RFC 4514 §2.4; controls and the marks that turn the direction of writing are written in hexadecimal too. */
function escapeValue(text: string): string {
  return text
    .replace(/[\\"+,;<>]/g, '\\$&')
    .replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (mark) =>
      toHex(utf8(mark)).replace(/../g, '\\$&'),
    )
    .replace(/(.) $/s, '$1\\ ')
    .replace(/^[ #]/, '\\$&');
}

/**
 * @param node RDNSequence; it may be empty
 * @throws ConsulError DER_INVALID
 */
export function readName(node: DerNode): Name {
  const rdns: Attribute[][] = [];
  const keys: string[] = [];
  const texts: string[] = [];
  for (const rdn of node.sequence()) {
    const attributes: Attribute[] = [];
    const attributeKeys: string[] = [];
    const attributeTexts: string[] = [];
    const members = rdn.setOf();
    if (members.length === 0) rdn.fail('an empty RelativeDistinguishedName');
    for (const member of members) {
      const [typeNode, value, ...rest] = member.sequence();
      if (!typeNode || !value || rest.length > 0) return member.fail('a malformed AttributeTypeAndValue');
      const type = typeNode.oid();
      const label = shortNames[type] ?? type;
      if (stringTags.has(value.tag)) {
        const text = value.text();
        if (text.length === 0) value.fail('an empty attribute value');
        attributes.push({ type, text });
        attributeKeys.push(`${type}=${prepareText(text)}`);
        attributeTexts.push(`${label}=${escapeValue(text)}`);
      } else {
        const hex = toHex(value.bytes);
        attributes.push({ type });
        attributeKeys.push(`${type}#${hex}`);
        attributeTexts.push(`${label}=#${hex}`);
      }
    }
    rdns.push(attributes);
    keys.push(attributeKeys.sort().join('\u0000'));
    texts.unshift(attributeTexts.join('+'));
  }
  return { der: node.bytes, text: texts.join(','), rdns, keys };
}

/** RFC 5280 §7.1: same RDNs in the same order, compared after preparation. */
export const equalNames = (a: Name, b: Name): boolean => a.keys.length === b.keys.length && isWithin(a, b);

/** Whether `name` lies in the subtree under `base` (RFC 5280 §4.2.1.10): it begins with the RDNs of `base`. */
export const isWithin = (name: Name, base: Name): boolean =>
  base.keys.length <= name.keys.length && base.keys.every((key, i) => key === name.keys[i]);
