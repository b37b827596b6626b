import { type DerNode, readDer } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import { sequence } from '../der/writer.ts';
import { type GeneralName, readGeneralNames } from './general-name.ts';
import { type Name, readName } from './name.ts';

/** Reasons of RFC 5280 §4.2.1.13, in the order of their bits; `unspecified` has no bit. */
export const revocationFlags = [
  'unused',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
] as const;

export type RevocationFlag = (typeof revocationFlags)[number];

/** Where a CRL is found, and what part of the revocations it holds. */
export interface DistributionPointName {
  readonly fullName?: readonly GeneralName[];
  /** One RDN, to append to the name of the CRL issuer. */
  readonly relativeName?: Name;
}

export interface DistributionPoint {
  readonly name?: DistributionPointName;
  readonly reasons?: ReadonlySet<RevocationFlag>;
  readonly crlIssuer?: readonly GeneralName[];
}

/** @param node the element inside the EXPLICIT tag [0], itself a CHOICE */
export function readDistributionPointName(node: DerNode): DistributionPointName {
  if (node.tag === contextTag(0, true)) return { fullName: readGeneralNames(node, node.tag) };
  if (node.tag === contextTag(1, true)) {
    return { relativeName: readName(readDer(sequence(node.implicit(tag.set).bytes))) };
  }
  return node.fail('not a DistributionPointName');
}

export function readReasonFlags(node: DerNode): ReadonlySet<RevocationFlag> {
  const flags = new Set<RevocationFlag>();
  node
    .implicit(tag.bitString)
    .namedBits()
    .forEach((set, bit) => {
      const flag = revocationFlags[bit];
      if (set && flag) flags.add(flag);
      else if (set) node.fail('a reason flag that is not defined');
    });
  return flags;
}

/** @throws ConsulError DER_INVALID */
export function readDistributionPoint(node: DerNode): DistributionPoint {
  let name: DistributionPointName | undefined;
  let reasons: ReadonlySet<RevocationFlag> | undefined;
  let crlIssuer: readonly GeneralName[] | undefined;
  let last = -1;
  for (const field of node.sequence()) {
    const number = field.tag & 0x1f;
    if (number <= last) field.fail('fields of a distribution point out of order');
    last = number;
    if (field.tag === contextTag(0, true)) name = readDistributionPointName(field.explicit(field.tag));
    else if (field.tag === contextTag(1, false)) reasons = readReasonFlags(field);
    else if (field.tag === contextTag(2, true)) crlIssuer = readGeneralNames(field, field.tag);
    else field.fail('an unknown field of a distribution point');
  }
  if (!name && !crlIssuer) node.fail('a distribution point without a name and an issuer');
  return { ...(name && { name }), ...(reasons && { reasons }), ...(crlIssuer && { crlIssuer }) };
}
