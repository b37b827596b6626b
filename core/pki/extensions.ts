import { type DerNode, readDer } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import { type DistributionPoint, readDistributionPoint } from './distribution-point.ts';
import { type GeneralName, readGeneralName, readGeneralNames } from './general-name.ts';

/** The bits of RFC 5280 §4.2.1.3 in their order. */
export const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsage = (typeof keyUsages)[number];

export const extensionOid = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  inhibitAnyPolicy: '2.5.29.54',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  subjectInfoAccess: '1.3.6.1.5.5.7.1.11',
} as const;

/** The extensions whose meaning path validation carries out; any other one that is critical refuses the path. */
export const processedExtensions: ReadonlySet<string> = new Set([
  extensionOid.keyUsage,
  extensionOid.subjectAltName,
  extensionOid.issuerAltName,
  extensionOid.basicConstraints,
  extensionOid.nameConstraints,
  extensionOid.crlDistributionPoints,
  extensionOid.certificatePolicies,
  extensionOid.policyMappings,
  extensionOid.policyConstraints,
  extensionOid.extendedKeyUsage,
  extensionOid.inhibitAnyPolicy,
]);

export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

export interface PolicyMapping {
  readonly issuer: string;
  readonly subject: string;
}

/** The extensions of a certificate, read; an absent field means an absent extension. */
export interface Extensions {
  /** Every extension by its identifier, with the DER inside its OCTET STRING. */
  readonly all: ReadonlyMap<string, { readonly critical: boolean; readonly value: Uint8Array }>;
  readonly keyUsage?: ReadonlySet<KeyUsage>;
  readonly extendedKeyUsage?: readonly string[];
  readonly basicConstraints?: { readonly ca: boolean; readonly pathLength?: number };
  readonly subjectKeyIdentifier?: Uint8Array;
  /** The key identifier only; issuer and serial do not take part in path building. */
  readonly authorityKeyIdentifier?: Uint8Array;
  readonly subjectAltNames?: readonly GeneralName[];
  readonly nameConstraints?: NameConstraints;
  readonly crlDistributionPoints?: readonly DistributionPoint[];
  readonly certificatePolicies?: readonly string[];
  readonly policyMappings?: readonly PolicyMapping[];
  readonly policyConstraints?: { readonly requireExplicit?: number; readonly inhibitMapping?: number };
  readonly inhibitAnyPolicy?: number;
}

type Writable = { -readonly [K in keyof Extensions]: Extensions[K] };

/** Numbers of certificates in a path: larger ones than any path can have are all the same. */
function skipCount(node: DerNode, identifier: number = tag.integer): number {
  const value = (identifier === tag.integer ? node : node.implicit(tag.integer)).bigint();
  if (value < 0n) node.fail('a negative number of certificates');
  return value > 0xffffn ? 0xffff : Number(value);
}

function oneOrMore(node: DerNode): readonly DerNode[] {
  const members = node.sequence();
  if (members.length === 0) node.fail('an empty list');
  return members;
}

function distinct(node: DerNode, values: readonly string[]): readonly string[] {
  if (new Set(values).size !== values.length) node.fail('a value that stands twice');
  return values;
}

function readKeyUsage(node: DerNode): ReadonlySet<KeyUsage> {
  const usage = new Set<KeyUsage>();
  node.namedBits().forEach((set, bit) => {
    const name = keyUsages[bit];
    if (set && name) usage.add(name);
    else if (set) node.fail('a key usage that is not defined');
  });
  // RFC 5280 §4.2.1.3: at least one of the bits must be set.
  if (usage.size === 0) node.fail('a key usage without a bit');
  return usage;
}

function readBasicConstraints(node: DerNode): NonNullable<Extensions['basicConstraints']> {
  const fields = [...node.sequence()];
  let ca = false;
  if (fields[0]?.tag === tag.boolean) {
    ca = (fields.shift() as DerNode).boolean();
    if (!ca) node.fail('a default value that is written out');
  }
  const pathLength = fields.shift();
  if (fields.length > 0) node.fail('malformed basic constraints');
  return pathLength ? { ca, pathLength: skipCount(pathLength) } : { ca };
}

function readAuthorityKeyIdentifier(node: DerNode): Uint8Array | undefined {
  let identifier: Uint8Array | undefined;
  let last = -1;
  for (const field of node.sequence()) {
    const number = field.tag & 0x1f;
    if (number <= last) field.fail('fields out of order');
    last = number;
    if (field.tag === contextTag(0, false)) identifier = field.content;
    else if (field.tag === contextTag(1, true)) readGeneralNames(field, field.tag);
    else if (field.tag === contextTag(2, false)) field.implicit(tag.integer);
    else field.fail('an unknown field of the authority key identifier');
  }
  return identifier;
}

function readSubtrees(node: DerNode): readonly GeneralName[] {
  if (node.children.length === 0) node.fail('an empty list');
  return node.children.map((subtree) => {
    const [base, ...distances] = subtree.sequence();
    // RFC 5280 §4.2.1.10: minimum is 0 (and therefore absent in DER), maximum is absent.
    if (!base || distances.length > 0) return subtree.fail('a subtree with a minimum or maximum');
    return readGeneralName(base);
  });
}

function readNameConstraints(node: DerNode): NameConstraints {
  let permitted: readonly GeneralName[] = [];
  let excluded: readonly GeneralName[] = [];
  let last = -1;
  for (const field of oneOrMore(node)) {
    const number = field.tag & 0x1f;
    if (number <= last) field.fail('fields out of order');
    last = number;
    if (field.tag === contextTag(0, true)) permitted = readSubtrees(field);
    else if (field.tag === contextTag(1, true)) excluded = readSubtrees(field);
    else field.fail('an unknown field of the name constraints');
  }
  return { permitted, excluded };
}

function readPolicies(node: DerNode): readonly string[] {
  return distinct(
    node,
    oneOrMore(node).map((information) => {
      const [policy, qualifiers, ...rest] = information.sequence();
      if (!policy || rest.length > 0) return information.fail('malformed policy information');
      if (qualifiers) oneOrMore(qualifiers);
      return policy.oid();
    }),
  );
}

function readMappings(node: DerNode): readonly PolicyMapping[] {
  return oneOrMore(node).map((mapping) => {
    const [issuer, subject, ...rest] = mapping.sequence();
    if (!issuer || !subject || rest.length > 0) return mapping.fail('a malformed policy mapping');
    return { issuer: issuer.oid(), subject: subject.oid() };
  });
}

function readPolicyConstraints(node: DerNode): NonNullable<Extensions['policyConstraints']> {
  const constraints: { requireExplicit?: number; inhibitMapping?: number } = {};
  let last = -1;
  for (const field of oneOrMore(node)) {
    const number = field.tag & 0x1f;
    if (number <= last) field.fail('fields out of order');
    last = number;
    if (field.tag === contextTag(0, false)) constraints.requireExplicit = skipCount(field, field.tag);
    else if (field.tag === contextTag(1, false)) constraints.inhibitMapping = skipCount(field, field.tag);
    else field.fail('an unknown field of the policy constraints');
  }
  return constraints;
}

/** One reader for each extension that is understood; what is not here is kept as it stands. */
const readers: Readonly<Record<string, (node: DerNode, into: Writable) => void>> = {
  [extensionOid.subjectKeyIdentifier]: (node, into) => {
    into.subjectKeyIdentifier = node.octets();
  },
  [extensionOid.keyUsage]: (node, into) => {
    into.keyUsage = readKeyUsage(node);
  },
  [extensionOid.subjectAltName]: (node, into) => {
    into.subjectAltNames = readGeneralNames(node);
  },
  [extensionOid.issuerAltName]: (node) => {
    readGeneralNames(node);
  },
  [extensionOid.basicConstraints]: (node, into) => {
    into.basicConstraints = readBasicConstraints(node);
  },
  [extensionOid.nameConstraints]: (node, into) => {
    into.nameConstraints = readNameConstraints(node);
  },
  [extensionOid.crlDistributionPoints]: (node, into) => {
    into.crlDistributionPoints = oneOrMore(node).map(readDistributionPoint);
  },
  [extensionOid.certificatePolicies]: (node, into) => {
    into.certificatePolicies = readPolicies(node);
  },
  [extensionOid.policyMappings]: (node, into) => {
    into.policyMappings = readMappings(node);
  },
  [extensionOid.authorityKeyIdentifier]: (node, into) => {
    const identifier = readAuthorityKeyIdentifier(node);
    if (identifier) into.authorityKeyIdentifier = identifier;
  },
  [extensionOid.policyConstraints]: (node, into) => {
    into.policyConstraints = readPolicyConstraints(node);
  },
  [extensionOid.extendedKeyUsage]: (node, into) => {
    into.extendedKeyUsage = distinct(
      node,
      oneOrMore(node).map((purpose) => purpose.oid()),
    );
  },
  [extensionOid.inhibitAnyPolicy]: (node, into) => {
    into.inhibitAnyPolicy = skipCount(node);
  },
};

/** The three fields of an Extension; no identifier stands twice (RFC 5280 §4.2). */
export function readExtensionList(
  node: DerNode,
): ReadonlyMap<string, { readonly critical: boolean; readonly value: Uint8Array }> {
  const all = new Map<string, { critical: boolean; value: Uint8Array }>();
  for (const extension of oneOrMore(node)) {
    const [identifier, ...fields] = extension.sequence();
    const marked = fields[0]?.tag === tag.boolean ? fields.shift() : undefined;
    const value = fields.shift();
    if (!identifier || !value || fields.length > 0) return extension.fail('a malformed extension');
    if (marked && !marked.boolean()) return extension.fail('a default value that is written out');
    const oid = identifier.oid();
    if (all.has(oid)) return extension.fail(`the extension ${oid} stands twice`);
    all.set(oid, { critical: marked !== undefined, value: value.octets() });
  }
  return all;
}

/**
 * @param node Extensions (RFC 5280 §4.1.2.9)
 * @throws ConsulError DER_INVALID
 */
export function readExtensions(node: DerNode): Extensions {
  const extensions: Writable = { all: readExtensionList(node) };
  for (const [oid, { value }] of extensions.all) readers[oid]?.(readDer(value), extensions);
  return extensions;
}
