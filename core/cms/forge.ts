import { compareBytes } from '../bytes.ts';
import { ecdsaSignatureToDer } from '../crypto/ecdsa-signature.ts';
import { element, explicit, implicit, integer, octetString, oid, sequence, setOf } from '../der/writer.ts';
import { parseCertificate } from '../pki/certificate.ts';
import { oids } from './oid.ts';
import { sha256, type TestCertified } from './testing-ca.ts';

/** For tests only: SignedData of which every part can be made wrong, and is then signed as it is. */

export const set = (...members: readonly Uint8Array[]): Uint8Array => element(0x31, ...members);
export const attribute = (type: string, ...values: readonly Uint8Array[]): Uint8Array =>
  sequence(oid(type), set(...values));
export const sha256Identifier = sequence(oid(oids.sha256));
export const ecdsaSha256Identifier = sequence(oid(oids.ecdsaSha256));
export const sorted = (members: readonly Uint8Array[]): readonly Uint8Array[] =>
  members.toSorted(compareBytes);

export const contentTypeAttribute = (type: string): Uint8Array => attribute(oids.contentType, oid(type));
export const messageDigestAttribute = (digest: Uint8Array): Uint8Array =>
  attribute(oids.messageDigest, octetString(digest));
export const essCertIdV2 = (certificate: Uint8Array, ...rest: readonly Uint8Array[]): Uint8Array =>
  sequence(octetString(sha256(certificate)), ...rest);
export const signingCertificateAttribute = (...ids: readonly Uint8Array[]): Uint8Array =>
  attribute(oids.signingCertificateV2, sequence(sequence(...ids)));
export const issuerSerial = (issuer: Uint8Array, serial: Uint8Array): Uint8Array =>
  sequence(sequence(element(0xa4, issuer)), serial);

export function sidOf(certificate: Uint8Array): Uint8Array {
  const { issuer, serial } = parseCertificate(certificate);
  return sequence(issuer.der, element(0x02, serial));
}

/** Every part as it will stand; `[name]` of the ASN.1 in RFC 5652 §5. */
export interface Anatomy {
  readonly signer: TestCertified;
  readonly outerType: Uint8Array;
  readonly version: Uint8Array;
  readonly digestAlgorithms: Uint8Array;
  readonly contentType: string;
  readonly content: Uint8Array | undefined;
  readonly certificates: readonly Uint8Array[] | undefined;
  readonly crls: readonly Uint8Array[] | undefined;
  readonly signerVersion: Uint8Array;
  readonly sid: Uint8Array;
  readonly digestAlgorithm: Uint8Array;
  /** In the order in which they will stand. Undefined leaves the field out; then the content itself is signed. */
  readonly attributes: readonly Uint8Array[] | undefined;
  /** What the signature is made over, where it is not what stands. */
  readonly toSign: Uint8Array | undefined;
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: ((value: Uint8Array) => Uint8Array) | undefined;
  readonly unsigned: readonly Uint8Array[] | undefined;
  readonly moreSigners: (signerInfo: Uint8Array) => readonly Uint8Array[];
  /** Members after the last one that the standard knows, in SignedData and in SignerInfo. */
  readonly trailing: readonly Uint8Array[];
  readonly signerTrailing: readonly Uint8Array[];
}

/** A right signature over a detached `content`, to be made wrong in one place. */
export function detachedAnatomy(signer: TestCertified, content: Uint8Array): Anatomy {
  return {
    signer,
    outerType: oid(oids.signedData),
    version: integer(1),
    digestAlgorithms: set(sha256Identifier),
    contentType: oids.data,
    content: undefined,
    certificates: [signer.certificate],
    crls: undefined,
    signerVersion: integer(1),
    sid: sidOf(signer.certificate),
    digestAlgorithm: sha256Identifier,
    attributes: sorted([
      contentTypeAttribute(oids.data),
      messageDigestAttribute(sha256(content)),
      signingCertificateAttribute(essCertIdV2(signer.certificate)),
    ]),
    toSign: undefined,
    signatureAlgorithm: ecdsaSha256Identifier,
    signature: undefined,
    unsigned: undefined,
    moreSigners: () => [],
    trailing: [],
    signerTrailing: [],
  };
}

/** A right token around `tstInfo`. */
export function tokenAnatomy(signer: TestCertified, tstInfo: Uint8Array): Anatomy {
  return {
    ...detachedAnatomy(signer, tstInfo),
    version: integer(3),
    contentType: oids.tstInfo,
    content: octetString(tstInfo),
    attributes: sorted([
      contentTypeAttribute(oids.tstInfo),
      messageDigestAttribute(sha256(tstInfo)),
      signingCertificateAttribute(essCertIdV2(signer.certificate)),
    ]),
  };
}

export function forge(parts: Anatomy): Uint8Array {
  const { signer, attributes, unsigned, certificates, crls } = parts;
  const signedAttributes = attributes && set(...attributes);
  const value = signer.sign(parts.toSign ?? signedAttributes ?? new Uint8Array()) as Uint8Array;
  const encoded = signer.algorithm.name === 'ecdsa' ? ecdsaSignatureToDer(value) : value;
  const signerInfo = sequence(
    parts.signerVersion,
    parts.sid,
    parts.digestAlgorithm,
    ...(signedAttributes ? [implicit(0xa0, signedAttributes)] : []),
    parts.signatureAlgorithm,
    octetString(parts.signature ? parts.signature(value) : encoded),
    ...(unsigned ? [element(0xa1, ...unsigned)] : []),
    ...parts.signerTrailing,
  );
  return sequence(
    parts.outerType,
    explicit(
      0,
      sequence(
        parts.version,
        parts.digestAlgorithms,
        sequence(oid(parts.contentType), ...(parts.content ? [explicit(0, parts.content)] : [])),
        ...(certificates ? [element(0xa0, ...certificates)] : []),
        ...(crls ? [element(0xa1, ...crls)] : []),
        setOf([signerInfo, ...parts.moreSigners(signerInfo)]),
        ...parts.trailing,
      ),
    ),
  );
}

/** The same element with its length in the indefinite form of BER. */
export function indefinite(der: Uint8Array): Uint8Array {
  const header = (der[1] as number) < 0x80 ? 2 : 2 + ((der[1] as number) & 0x7f);
  return Uint8Array.from([der[0] as number, 0x80, ...der.subarray(header), 0, 0]);
}

/** The same element with its length in one octet more than needed. */
export function longLength(der: Uint8Array): Uint8Array {
  const first = der[1] as number;
  if (first < 0x80) return Uint8Array.from([der[0] as number, 0x81, ...der.subarray(1)]);
  const octets = first & 0x7f;
  return Uint8Array.from([der[0] as number, 0x81 + octets, 0, ...der.subarray(2)]);
}
