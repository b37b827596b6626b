import { compareBytes, equalBytes } from '../bytes.ts';
import type { DigestName } from '../crypto/backend.ts';
import { type DerNode, readDer } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from '../pki/algorithm.ts';
import { digestLengths, readDigestAlgorithm } from './algorithm.ts';
import { membersOf } from './members.ts';
import { oids } from './oid.ts';
import { refuse } from './reason.ts';
import {
  type CertificateReference,
  type IssuerSerial,
  readSigningCertificate,
} from './signing-certificate.ts';

/** A signature with its certificates, revocation data and time-stamps stays far below these. */
export const bounds = { bytes: 1 << 20, certificates: 64, crls: 64, attributes: 64 } as const;

/** What names the signer's certificate (RFC 5652 §5.3). */
export type SignerIdentifier =
  | ({ readonly kind: 'issuer-serial' } & IssuerSerial)
  | { readonly kind: 'key-identifier'; readonly keyIdentifier: Uint8Array };

export interface SignedAttributes {
  /** DER of the attributes as a SET OF: the bytes that the signature is over (RFC 5652 §5.4). */
  readonly bytes: Uint8Array;
  readonly contentType: string;
  readonly messageDigest: Uint8Array;
  readonly signingTime: Date | undefined;
  readonly signingCertificate: readonly CertificateReference[] | undefined;
  /** Types of all signed attributes, in the order they stand. */
  readonly types: readonly string[];
}

export interface UnsignedAttributes {
  /** DER of the time-stamp token over the signature value (RFC 3161 appendix A), unchecked. */
  readonly signatureTimestamp: Uint8Array | undefined;
  /** Types of the unsigned attributes that were not read. */
  readonly others: readonly string[];
}

/** The only signature of a SignedData, read but not verified. */
export interface SignerInfo {
  readonly identifier: SignerIdentifier;
  readonly digest: DigestName;
  readonly signed: SignedAttributes;
  /** Bound to the key of the certificate by `signatureScheme`. */
  readonly signatureAlgorithm: AlgorithmIdentifier;
  /** The signature value as it stands: what a signature time-stamp is over. ECDSA in DER. */
  readonly signature: Uint8Array;
  readonly unsigned: UnsignedAttributes;
}

/** CMS SignedData in the accepted profile, read but not verified. All arrays are views into the input. */
export interface SignedData {
  readonly bytes: Uint8Array;
  /** eContentType. */
  readonly contentType: string;
  /** eContent; undefined when the content is detached. */
  readonly content: Uint8Array | undefined;
  /** DER, in the order they stand. */
  readonly certificates: readonly Uint8Array[];
  /** DER CertificateLists, in the order they stand. */
  readonly crls: readonly Uint8Array[];
  readonly signer: SignerInfo;
}

/** Each attribute once, in the order of DER, one value each; `value` by type. */
function readAttributes(set: DerNode, kind: 'signed' | 'unsigned'): ReadonlyMap<string, DerNode> {
  const values = new Map<string, DerNode>();
  const attributes = set.children;
  if (attributes.length === 0 || attributes.length > bounds.attributes)
    refuse('attribute-values', `${attributes.length} ${kind} attributes`);
  let previous: Uint8Array | undefined;
  for (const attribute of attributes) {
    const members = membersOf(attribute);
    const type = members.required('attrType').oid();
    const found = members.required('attrValues').expect(tag.set).children;
    members.end();
    if (values.has(type)) refuse('attribute-repeated', `the ${kind} attribute ${type} stands twice`);
    if (previous && compareBytes(previous, attribute.bytes) >= 0)
      refuse('attribute-order', `the ${kind} attributes are not in the order of DER`);
    previous = attribute.bytes;
    const [value, ...more] = found;
    if (!value || more.length > 0)
      return refuse('attribute-values', `the ${kind} attribute ${type} has ${found.length} values`);
    values.set(type, value);
  }
  return values;
}

/** RFC 6211: the algorithms must be those of the SignerInfo, byte for byte but for absent and NULL parameters. */
function checkAlgorithmProtection(value: DerNode, digest: DigestName, signatureAlgorithm: DerNode): void {
  const members = membersOf(value);
  const digestAlgorithm = members.required('digestAlgorithm');
  const protectedSignature = members.optional(contextTag(1, true));
  members.end();
  if (readDigestAlgorithm(digestAlgorithm) !== digest)
    refuse('algorithm-protection', 'the protected digest algorithm is another');
  // [1] IMPLICIT: the content of the AlgorithmIdentifier stands under the tag.
  if (!protectedSignature || !equalBytes(protectedSignature.content, signatureAlgorithm.content))
    refuse('algorithm-protection', 'the protected signature algorithm is another');
}

function readSignedAttributes(
  node: DerNode,
  digest: DigestName,
  signatureAlgorithm: DerNode,
): SignedAttributes {
  const values = readAttributes(node, 'signed');
  const contentType = values.get(oids.contentType);
  const messageDigest = values.get(oids.messageDigest);
  if (!contentType) return refuse('attribute-missing', 'the content-type attribute is missing');
  if (!messageDigest) return refuse('attribute-missing', 'the message-digest attribute is missing');
  const expected = messageDigest.octets();
  if (expected.length !== digestLengths[digest])
    refuse('attribute-values', `a message digest of ${expected.length} bytes where ${digest} is named`);
  const protection = values.get(oids.algorithmProtection);
  if (protection) checkAlgorithmProtection(protection, digest, signatureAlgorithm);
  const signingCertificate = values.get(oids.signingCertificateV2);
  // RFC 5652 §5.4: what is signed is the DER of a SET OF, not the [0] that stands in the SignerInfo.
  const bytes = Uint8Array.from(node.bytes);
  bytes[0] = tag.set;
  return {
    bytes,
    contentType: contentType.oid(),
    messageDigest: expected,
    signingTime: values.get(oids.signingTime)?.time(),
    signingCertificate: signingCertificate && readSigningCertificate(signingCertificate),
    types: [...values.keys()],
  };
}

function readUnsignedAttributes(node: DerNode | undefined): UnsignedAttributes {
  if (!node) return { signatureTimestamp: undefined, others: [] };
  const values = readAttributes(node, 'unsigned');
  return {
    signatureTimestamp: values.get(oids.signatureTimestamp)?.expect(tag.sequence).bytes,
    others: [...values.keys()].filter((type) => type !== oids.signatureTimestamp),
  };
}

function readIdentifier(node: DerNode): SignerIdentifier {
  if (node.tag === contextTag(0, false)) return { kind: 'key-identifier', keyIdentifier: node.content };
  const members = membersOf(node);
  const issuer = members.required('issuer').expect(tag.sequence).bytes;
  const serial = members.required('serialNumber').expect(tag.integer).content;
  members.end();
  return { kind: 'issuer-serial', issuer, serial };
}

function readSigner(node: DerNode): SignerInfo {
  const members = membersOf(node);
  const version = members.required('version').integer();
  const identifier = readIdentifier(members.required('sid'));
  const digest = readDigestAlgorithm(members.required('digestAlgorithm'));
  const signed = members.optional(contextTag(0, true));
  const signatureAlgorithm = members.required('signatureAlgorithm');
  const signature = members.required('signature').octets();
  const unsigned = members.optional(contextTag(1, true));
  members.end();

  const expectedVersion = identifier.kind === 'issuer-serial' ? 1 : 3;
  if (version !== expectedVersion) refuse('version', `a SignerInfo of version ${version}`);
  if (!digest) return refuse('algorithm', 'the digest algorithm is not accepted');
  if (!signed) return refuse('attribute-missing', 'there are no signed attributes');
  return {
    identifier,
    digest,
    signed: readSignedAttributes(signed, digest, signatureAlgorithm),
    signatureAlgorithm: readAlgorithmIdentifier(signatureAlgorithm),
    signature,
    unsigned: readUnsignedAttributes(unsigned),
  };
}

/**
 * The members of a CertificateSet or RevocationInfoChoices. Their order carries no meaning and is not checked:
 * OpenSSL and public authorities write them in path order.
 */
function readPool(node: DerNode | undefined, bound: number, what: string): readonly Uint8Array[] {
  if (!node) return [];
  if (node.children.length > bound) refuse('too-large', `${node.children.length} ${what} in one signature`);
  return node.children.map((item) => {
    if (item.tag !== tag.sequence) refuse('certificate-format', `${what} of a kind that is not X.509`);
    return item.bytes;
  });
}

function readContent(node: DerNode): { contentType: string; content: Uint8Array | undefined } {
  const members = membersOf(node);
  const contentType = members.required('eContentType').oid();
  const content = members.optional(contextTag(0, true))?.explicit(contextTag(0, true)).octets();
  members.end();
  return { contentType, content };
}

/**
 * Reads CMS SignedData (RFC 5652 §5) in the profile of ETSI EN 319 122-1 that signatures and time-stamp tokens share:
 * DER to the last byte, one signer, signed attributes once each and in order, X.509 certificates only, algorithms of
 * the accepted list. Nothing is verified: that is `verifySignedData`.
 * @throws ConsulError DER_INVALID, or CMS_INVALID whose first detail names the reason
 */
export function readSignedData(der: Uint8Array): SignedData {
  if (der.length > bounds.bytes) refuse('too-large', `a signature of ${der.length} bytes`);
  // A Buffer given as Uint8Array would share memory where a plain one is copied by `slice`.
  const bytes = new Uint8Array(der.buffer, der.byteOffset, der.byteLength);
  const contentInfo = membersOf(readDer(bytes));
  if (contentInfo.required('contentType').oid() !== oids.signedData)
    refuse('not-signed-data', 'the content is not SignedData');
  const signedData = contentInfo.required('content').explicit(contextTag(0, true));
  contentInfo.end();

  const members = membersOf(signedData);
  const version = members.required('version').integer();
  const digestAlgorithms = members.required('digestAlgorithms').setOf();
  const { contentType, content } = readContent(members.required('encapContentInfo'));
  const certificates = readPool(members.optional(contextTag(0, true)), bounds.certificates, 'certificates');
  const crls = readPool(members.optional(contextTag(1, true)), bounds.crls, 'CRLs');
  const signerInfos = members.required('signerInfos').expect(tag.set).children;
  members.end();

  const [signerInfo, ...otherSigners] = signerInfos;
  if (!signerInfo || otherSigners.length > 0)
    return refuse('signer-count', `${signerInfos.length} signers where one must stand`);
  const signer = readSigner(signerInfo);

  // RFC 5652 §5.1, for X.509 certificates and CRLs only.
  const keyIdentified = signer.identifier.kind === 'key-identifier';
  const expectedVersion = keyIdentified || contentType !== oids.data ? 3 : 1;
  if (version !== expectedVersion) refuse('version', `SignedData of version ${version}`);

  const [digestAlgorithm, ...otherDigests] = digestAlgorithms;
  if (!digestAlgorithm || otherDigests.length > 0 || readDigestAlgorithm(digestAlgorithm) !== signer.digest)
    return refuse('digest-algorithms', 'the digest algorithms are not exactly the one of the signer');
  if (signer.signed.contentType !== contentType)
    refuse('content-type', 'the content-type attribute differs from the type of the content');
  return { bytes, contentType, content, certificates, crls, signer };
}
