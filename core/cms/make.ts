import { compareBytes, equalBytes } from '../bytes.ts';
import type { DigestName, SignatureAlgorithm } from '../crypto/backend.ts';
import { ecdsaSignatureToDer } from '../crypto/ecdsa-signature.ts';
import { nodeBackend } from '../crypto/node.ts';
import { type DerNode, readDer } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import { element, explicit, octetString, oid, sequence, setOf } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import type { CertifiedSigner } from '../pki/signer.ts';
import { digestLengths, digestOids, digestWith } from './algorithm.ts';
import { membersOf } from './members.ts';
import { oids } from './oid.ts';
import { readSignedData } from './read.ts';
import { refuse } from './reason.ts';

export interface SignedDataOptions {
  readonly signer: CertifiedSigner;
  /** eContentType: `oids.data` for PAdES, `oids.tstInfo` for a time-stamp token. */
  readonly contentType: string;
  /** Whether the certificates between the signer's and the root stand inside. */
  readonly includeChain: boolean;
  /** Whether the signer's certificate stands inside; only a time-stamp may leave it out (RFC 3161 §2.4.1 certReq). */
  readonly includeCertificate?: boolean;
  /** What an earlier preparation for the same signer gave: pkijs is then not needed. */
  readonly skeleton?: Uint8Array;
}

export interface ContentToSign {
  /** Digest of the content. */
  readonly messageDigest: Uint8Array;
  /** The content itself, where it stands inside (eContent); left out for a detached signature. */
  readonly content?: Uint8Array;
  /** DER of further signed attributes, each of another type. */
  readonly extraAttributes?: readonly Uint8Array[];
}

export interface SignedCms {
  /** DER ContentInfo. */
  readonly der: Uint8Array;
  /** The signature value as it stands in the SignerInfo: what a signature time-stamp is over. */
  readonly signature: Uint8Array;
  /** As `withSignatureTimestamp`, for a token that was checked: nothing is read again. */
  withTimestamp(token: Uint8Array): Uint8Array;
}

export interface PreparedSignedData {
  /** Hash of the content and of the signature. */
  readonly digest: DigestName;
  /** To be kept for the next preparation; holds nothing secret. */
  readonly skeleton: Uint8Array;
  sign(content: ContentToSign): Promise<SignedCms>;
}

/** RFC 5652 and RFC 5035 as asn1js and pkijs make them: a whole SignedData whose digest and signature are empty. */
async function makeSkeleton(options: SignedDataOptions): Promise<Uint8Array> {
  const { signer, contentType, includeChain, includeCertificate = true } = options;
  const digest = digestWith(signer.algorithm);
  const asn1 = await import('asn1js');
  const pkijs = await import('pkijs');

  const digestAlgorithm = new pkijs.AlgorithmIdentifier({ algorithmId: digestOids[digest] });
  const certificate = pkijs.Certificate.fromBER(Uint8Array.from(signer.certificate));
  const embedded = includeCertificate ? [signer.certificate, ...(includeChain ? signer.chain : [])] : [];
  const certificates = embedded
    .toSorted(compareBytes)
    .map((der) => pkijs.Certificate.fromBER(Uint8Array.from(der)));

  const octets = (bytes: Uint8Array) => new asn1.OctetString({ valueHex: Uint8Array.from(bytes).buffer });
  const certificateHash = octets(await nodeBackend.digest(digest, signer.certificate));
  // ESSCertIDv2: SHA-256 is the default and so left out.
  const reference = digest === 'sha256' ? [certificateHash] : [digestAlgorithm.toSchema(), certificateHash];
  const signingCertificate = new asn1.Sequence({
    value: [new asn1.Sequence({ value: [new asn1.Sequence({ value: reference })] })],
  });

  const attribute = (type: string, value: unknown) => new pkijs.Attribute({ type, values: [value] });
  const signerInfo = new pkijs.SignerInfo({
    version: 1,
    sid: new pkijs.IssuerAndSerialNumber({
      issuer: certificate.issuer,
      serialNumber: certificate.serialNumber,
    }),
    digestAlgorithm,
    signedAttrs: new pkijs.SignedAndUnsignedAttributes({
      type: 0,
      attributes: [
        attribute(oids.contentType, new asn1.ObjectIdentifier({ value: contentType })),
        attribute(oids.messageDigest, octets(new Uint8Array(digestLengths[digest]))),
        attribute(oids.signingCertificateV2, signingCertificate),
      ],
    }),
    signatureAlgorithm: signatureIdentifier(pkijs, asn1, signer.algorithm),
    signature: octets(new Uint8Array()),
  });
  const signedData = new pkijs.SignedData({
    digestAlgorithms: [digestAlgorithm],
    encapContentInfo: new pkijs.EncapsulatedContentInfo({ eContentType: contentType }),
    signerInfos: [signerInfo],
    ...(certificates.length > 0 ? { certificates } : {}),
  });
  const contentInfo = new pkijs.ContentInfo({
    contentType: oids.signedData,
    content: signedData.toSchema(true),
  });
  return new Uint8Array(contentInfo.toSchema().toBER());
}

/** RFC 5754 §3, RFC 4055 §3 and RFC 8419 §3. */
function signatureIdentifier(
  pkijs: typeof import('pkijs'),
  asn1: typeof import('asn1js'),
  algorithm: SignatureAlgorithm,
): import('pkijs').AlgorithmIdentifier {
  const identifier = (algorithmId: string, algorithmParams?: unknown) =>
    new pkijs.AlgorithmIdentifier({ algorithmId, ...(algorithmParams ? { algorithmParams } : {}) });
  const hash = digestWith(algorithm);
  switch (algorithm.name) {
    case 'ed25519':
      return identifier(oids.ed25519);
    case 'ecdsa':
      return identifier(
        { sha256: oids.ecdsaSha256, sha384: oids.ecdsaSha384, sha512: oids.ecdsaSha512 }[hash],
      );
    case 'rsa-pkcs1':
      return identifier(
        { sha256: oids.rsaSha256, sha384: oids.rsaSha384, sha512: oids.rsaSha512 }[hash],
        new asn1.Null(),
      );
    case 'rsa-pss': {
      const hashAlgorithm = identifier(digestOids[hash], new asn1.Null());
      const parameters = new pkijs.RSASSAPSSParams({
        hashAlgorithm,
        maskGenAlgorithm: identifier(oids.mgf1, hashAlgorithm.toSchema()),
        saltLength: algorithm.saltLength,
      });
      return identifier(oids.rsaPss, parameters.toSchema());
    }
  }
}

/** The elements of a SignedData that `readSignedData` accepts, as they stand. */
function anatomy(der: Uint8Array) {
  const outer = membersOf(readDer(der));
  outer.required('contentType');
  const signedData = membersOf(outer.required('content').explicit(contextTag(0, true)));
  const version = signedData.required('version');
  const digestAlgorithms = signedData.required('digestAlgorithms');
  const content = signedData.required('encapContentInfo');
  const pools = [signedData.optional(contextTag(0, true)), signedData.optional(contextTag(1, true))];
  const [signerInfo] = signedData.required('signerInfos').children as readonly [DerNode];
  const members = membersOf(signerInfo);
  return {
    version: version.bytes,
    digestAlgorithms: digestAlgorithms.bytes,
    content: content.bytes,
    pools: pools.flatMap((pool) => (pool ? [pool.bytes] : [])),
    signer: {
      head: [
        members.required('version').bytes,
        members.required('sid').bytes,
        members.required('digest').bytes,
      ],
      signedAttributes: members.required('signedAttrs'),
      signatureAlgorithm: members.required('signatureAlgorithm').bytes,
      signature: members.required('signature').bytes,
      unsignedAttributes: members.optional(contextTag(1, true)),
    },
  };
}

const signedDataOid = oid(oids.signedData);
const messageDigestOid = oid(oids.messageDigest);
const signatureTimestampOid = oid(oids.signatureTimestamp);

const attribute = (type: Uint8Array, value: Uint8Array): Uint8Array =>
  sequence(type, element(tag.set, value));

const unsignedAttributes = (others: readonly Uint8Array[], token: Uint8Array): Uint8Array =>
  setOf([...others, attribute(signatureTimestampOid, token)], contextTag(1, true));

const contentInfo = (before: readonly Uint8Array[], signerInfo: Uint8Array): Uint8Array =>
  sequence(signedDataOid, explicit(0, sequence(...before, element(tag.set, signerInfo))));

/**
 * Prepares what every signature of one signer shares: pkijs makes a SignedData once, and each signature puts its
 * digest, attributes and signature value into that skeleton.
 * @throws ConsulError CERTIFICATE_INVALID when pkijs does not give back the certificate as it is
 */
export async function prepareSignedData(options: SignedDataOptions): Promise<PreparedSignedData> {
  const { signer, contentType, includeCertificate = true } = options;
  const { algorithm } = signer;
  const digest = digestWith(algorithm);

  const der = options.skeleton ?? (await makeSkeleton(options));
  const { certificates } = readSignedData(der);
  if (includeCertificate && !certificates.some((embedded) => equalBytes(embedded, signer.certificate)))
    throw new ConsulError(
      'CERTIFICATE_INVALID',
      'the certificate of the signer was not encoded again as it is',
    );

  const { version, digestAlgorithms, pools, signer: parts } = anatomy(der);
  const constant = parts.signedAttributes.children
    .filter((node) => !equalBytes(membersOf(node).required('attrType').bytes, messageDigestOid))
    .map((node) => node.bytes);
  const type = oid(contentType);

  return {
    digest,
    skeleton: der,
    async sign({ messageDigest, content, extraAttributes = [] }) {
      if (messageDigest.length !== digestLengths[digest])
        throw new ConsulError('INTERNAL', `a message digest of ${messageDigest.length} bytes for ${digest}`);
      const signedAttributes = setOf([
        ...constant,
        attribute(messageDigestOid, octetString(messageDigest)),
        ...extraAttributes,
      ]);
      const answer = signer.sign(signedAttributes);
      const value = answer instanceof Uint8Array ? answer : await answer;
      const signature = algorithm.name === 'ecdsa' ? ecdsaSignatureToDer(value) : value;
      const encapsulated = content ? sequence(type, explicit(0, octetString(content))) : sequence(type);
      // IMPLICIT [0]: the SET OF that was signed, under the tag of its field.
      signedAttributes[0] = contextTag(0, true);
      const before = [version, digestAlgorithms, encapsulated, ...pools];
      const members = [...parts.head, signedAttributes, parts.signatureAlgorithm, octetString(signature)];
      return {
        der: contentInfo(before, sequence(...members)),
        signature,
        withTimestamp: (token) => contentInfo(before, sequence(...members, unsignedAttributes([], token))),
      };
    },
  };
}

/**
 * The same signature with a time-stamp token over its value as an unsigned attribute (RFC 3161 appendix A,
 * ETSI EN 319 122-1 §5.3). No byte that is signed changes.
 * @param cms DER of a signature in the profile of `readSignedData`, without a signature time-stamp
 * @param token DER TimeStampToken
 * @throws ConsulError CMS_INVALID or DER_INVALID for either input
 */
export function withSignatureTimestamp(cms: Uint8Array, token: Uint8Array): Uint8Array {
  if (readSignedData(cms).signer.unsigned.signatureTimestamp)
    refuse('attribute-repeated', 'the signature has a time-stamp already');
  if (readSignedData(token).contentType !== oids.tstInfo)
    refuse('content-type', 'what is added as a time-stamp is none');
  const { version, digestAlgorithms, content, pools, signer } = anatomy(cms);
  const unsigned = signer.unsignedAttributes?.children.map((node) => node.bytes) ?? [];
  return contentInfo(
    [version, digestAlgorithms, content, ...pools],
    sequence(
      ...signer.head,
      signer.signedAttributes.bytes,
      signer.signatureAlgorithm,
      signer.signature,
      unsignedAttributes(unsigned, token),
    ),
  );
}
