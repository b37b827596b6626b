import { concatBytes, utf8 } from '../bytes.ts';
import type { CryptoBackend, DigestName } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import {
  element,
  explicit,
  implicit,
  integer,
  nul,
  octetString,
  oid,
  sequence,
  time,
  utf8String,
} from '../der/writer.ts';
import { type Case, refuse } from '../vectors.ts';
import {
  type Anatomy,
  attribute,
  contentTypeAttribute,
  detachedAnatomy,
  ecdsaSha256Identifier,
  essCertIdV2,
  forge,
  indefinite,
  issuerSerial,
  longLength,
  messageDigestAttribute,
  set,
  sha256Identifier,
  sidOf,
  signingCertificateAttribute,
  sorted,
  tokenAnatomy,
} from './forge.ts';
import { oids } from './oid.ts';
import { readSignedData } from './read.ts';
import type { CmsReason } from './reason.ts';
import { sha256, testingCa } from './testing-ca.ts';
import { padesProfile, type SignedDataProfile, tokenProfile, verifySignedData } from './verify.ts';

/** For tests and the conformance command: the negative suite of CMS signatures. */

export const ca = testingCa();
export const signer = ca.issue();
export const other = ca.issue({ commonName: 'Other' });
export const content = utf8('the bytes of a document');
export const right = detachedAnatomy(signer, content);
export const input = { contentDigest: (name: DigestName) => nodeBackend.digest(name, content) };

export const [type, digest, binding] = [
  contentTypeAttribute(oids.data),
  messageDigestAttribute(sha256(content)),
  signingCertificateAttribute(essCertIdV2(signer.certificate)),
];
export const withAttributes = (...attributes: readonly Uint8Array[]): Partial<Anatomy> => ({
  attributes: sorted(attributes),
});
const sha1 = '1.3.14.3.2.26';
const sha1Identifier = sequence(oid(sha1));
export const serialOf = (certificate: Uint8Array): Uint8Array => readSid(certificate).serial;
export function readSid(certificate: Uint8Array): { issuer: Uint8Array; serial: Uint8Array } {
  const anatomy = forge({ ...right, sid: sidOf(certificate) });
  const { identifier } = readSignedData(anatomy).signer;
  if (identifier.kind !== 'issuer-serial') throw new Error('not an issuer and serial number');
  return { issuer: identifier.issuer, serial: element(0x02, identifier.serial) };
}
const skiOf = (certificate: Uint8Array): Uint8Array => {
  const extension = [0x55, 0x1d, 0x0e, 0x04, 0x16, 0x04, 0x14];
  const at = Buffer.from(certificate).indexOf(Buffer.from(extension));
  return certificate.subarray(at + extension.length, at + extension.length + 20);
};
export const keyIdentified: Partial<Anatomy> = {
  version: integer(3),
  signerVersion: integer(3),
  sid: element(0x80, skiOf(signer.certificate)),
};

type Broken = readonly [
  reason: CmsReason,
  name: string,
  der: Uint8Array | Partial<Anatomy>,
  SignedDataProfile?,
];

export const rightDer = forge(right);
const weak = ca.issue({ kind: { name: 'rsa-pkcs1', hash: 'sha256', bits: 1024 } });
const rsa = ca.issue({ kind: { name: 'rsa-pkcs1', hash: 'sha256' } });
const edwards = ca.issue({ kind: { name: 'ed25519' } });
const of = (certified: typeof signer): Anatomy => detachedAnatomy(certified, content);
const rsaIdentifier = sequence(oid(oids.rsaSha256), nul);
const token = tokenAnatomy(signer, content);

/** A right signature whose value, which is then not one, stands under another tag. */
function retagged(value: Uint8Array, tag: number): Uint8Array {
  const der = forge({ ...right, signature: () => value.subarray(2) }).slice();
  der[Buffer.from(der).lastIndexOf(value)] = tag;
  return der;
}

const pss = (hash: Uint8Array, mask: Uint8Array, saltLength: number): Uint8Array =>
  sequence(
    oid(oids.rsaPss),
    sequence(
      explicit(0, hash),
      explicit(1, sequence(oid(oids.mgf1), mask)),
      explicit(2, integer(saltLength)),
    ),
  );

/** One right signature each, made wrong in one place and, wherever that can be, signed again. */
const broken: readonly Broken[] = [
  ['encoding', 'nothing at all', new Uint8Array()],
  ['encoding', 'a zero byte after the end', concatBytes(rightDer, Uint8Array.of(0))],
  ['encoding', 'a second signature after the first', concatBytes(rightDer, rightDer)],
  ['encoding', 'a signature without its last byte', rightDer.subarray(0, -1)],
  ['encoding', 'an indefinite length outside', indefinite(rightDer)],
  ['encoding', 'a length that is not minimal outside', longLength(rightDer)],
  [
    'encoding',
    'an indefinite length of the certificates',
    { certificates: [indefinite(signer.certificate)] },
  ],
  [
    'encoding',
    'a length that is not minimal in the attributes',
    { attributes: sorted([type, longLength(digest), binding]) },
  ],
  [
    'encoding',
    'an indefinite length in the attributes',
    { attributes: sorted([type, digest, indefinite(binding)]) },
  ],
  ['encoding', 'a version that is not minimal', { version: Uint8Array.of(2, 2, 0, 1) }],
  [
    'encoding',
    'a constructed OCTET STRING as message digest',
    withAttributes(type, attribute(oids.messageDigest, element(0x24, octetString(sha256(content)))), binding),
  ],
  [
    'encoding',
    'a message digest that is an INTEGER',
    withAttributes(type, attribute(oids.messageDigest, integer(5)), binding),
  ],
  [
    'encoding',
    'a content type that is text',
    withAttributes(attribute(oids.contentType, utf8String('data')), digest, binding),
  ],
  ['encoding', 'a member after the signers', { trailing: [integer(1)] }],
  ['encoding', 'a member after the unsigned attributes', { signerTrailing: [integer(1)] }],
  [
    'encoding',
    'certificates after the CRLs',
    { certificates: undefined, crls: [sequence()], trailing: [element(0xa0, signer.certificate)] },
  ],
  [
    'encoding',
    'an attribute with a third member',
    withAttributes(
      type,
      digest,
      sequence(oid(oids.signingCertificateV2), set(sequence(sequence(essCertIdV2(signer.certificate)))), nul),
    ),
  ],
  ['too-large', 'more bytes than any signature has', new Uint8Array(2 ** 20 + 1)],
  [
    'too-large',
    'more certificates than any path has',
    { certificates: [signer.certificate, ...Array.from({ length: 64 }, (_, i) => sequence(integer(i)))] },
  ],
  ['not-signed-data', 'plain data', sequence(oid(oids.data), explicit(0, octetString(content)))],
  ['not-signed-data', 'the type of enveloped data', { outerType: oid('1.2.840.113549.1.7.3') }],
  ['version', 'version 3 of SignedData for plain data', { version: integer(3) }],
  ['version', 'version 5 of SignedData', { version: integer(5) }],
  ['version', 'version 0 of SignedData', { version: integer(0) }],
  ['version', 'a negative version', { version: integer(-1) }],
  ['version', 'version 3 of a SignerInfo with issuer and serial number', { signerVersion: integer(3) }],
  [
    'version',
    'version 1 of a SignerInfo with a key identifier',
    { ...keyIdentified, signerVersion: integer(1) },
  ],
  ['version', 'version 1 of SignedData with a key identifier', { ...keyIdentified, version: integer(1) }],
  [
    'version',
    'version 1 of SignedData around another content',
    { ...token, version: integer(1) },
    tokenProfile,
  ],
  [
    'signer-count',
    'no signer',
    sequence(
      oid(oids.signedData),
      explicit(0, sequence(integer(1), set(sha256Identifier), sequence(oid(oids.data)), set())),
    ),
  ],
  ['signer-count', 'a second signer', { moreSigners: () => [sequence(integer(1))] }],
  ['signer-count', 'the same signer twice', { moreSigners: (signerInfo) => [signerInfo] }],
  ['digest-algorithms', 'no digest algorithm', { digestAlgorithms: set() }],
  ['digest-algorithms', 'another digest algorithm', { digestAlgorithms: set(sequence(oid(oids.sha512))) }],
  [
    'digest-algorithms',
    'two digest algorithms',
    { digestAlgorithms: set(sha256Identifier, sequence(oid(oids.sha512))) },
  ],
  ['digest-algorithms', 'SHA-1 as the digest algorithm', { digestAlgorithms: set(sha1Identifier) }],
  ['encoding', 'a digest algorithm twice', { digestAlgorithms: set(sha256Identifier, sha256Identifier) }],
  ['content-embedded', 'the content inside a detached signature', { content: octetString(content) }],
  [
    'content-embedded',
    'an empty content inside a detached signature',
    { content: octetString(new Uint8Array()) },
  ],
  [
    'content-embedded',
    'another content inside, for which the signature is right',
    {
      ...of(signer),
      content: octetString(utf8('other')),
      ...withAttributes(type, messageDigestAttribute(sha256(utf8('other'))), binding),
    },
  ],
  ['content-missing', 'no content where it must be embedded', { ...token, content: undefined }, tokenProfile],
  ['content-type', 'another content type than the profile asks', token],
  ['content-type', 'plain data where a token is asked', {}, tokenProfile],
  [
    'content-type',
    'a content-type attribute that differs',
    withAttributes(contentTypeAttribute(oids.tstInfo), digest, binding),
  ],
  [
    'certificate-format',
    'an attribute certificate',
    { certificates: [signer.certificate, implicit(0xa2, other.certificate)] },
  ],
  [
    'certificate-format',
    'a certificate of another format',
    { certificates: [signer.certificate, element(0xa3, oid('1.2.3'))] },
  ],
  ['certificate-format', 'revocation data of another format', { crls: [element(0xa1, oid('1.2.3'))] }],
  ['attribute-missing', 'no signed attributes at all', { attributes: undefined, toSign: content }],
  ['attribute-missing', 'no content-type attribute', withAttributes(digest, binding)],
  ['attribute-missing', 'no message-digest attribute', withAttributes(type, binding)],
  ['attribute-values', 'an empty set of signed attributes', { attributes: [] }],
  ['attribute-values', 'an empty set of unsigned attributes', { unsigned: [] }],
  [
    'attribute-values',
    'a content-type attribute without a value',
    withAttributes(attribute(oids.contentType), digest, binding),
  ],
  [
    'attribute-values',
    'two values of the message digest',
    withAttributes(
      type,
      attribute(oids.messageDigest, octetString(sha256(content)), octetString(sha256(rightDer))),
      binding,
    ),
  ],
  [
    'attribute-values',
    'the same message digest twice in one attribute',
    withAttributes(
      type,
      attribute(oids.messageDigest, octetString(sha256(content)), octetString(sha256(content))),
      binding,
    ),
  ],
  [
    'attribute-values',
    'a message digest that is cut short',
    withAttributes(type, messageDigestAttribute(sha256(content).subarray(0, 16)), binding),
  ],
  [
    'attribute-values',
    'an empty message digest',
    withAttributes(type, messageDigestAttribute(new Uint8Array()), binding),
  ],
  [
    'attribute-repeated',
    'the message digest twice',
    withAttributes(type, digest, messageDigestAttribute(sha256(rightDer)), binding),
  ],
  ['attribute-repeated', 'the same message digest twice', withAttributes(type, digest, digest, binding)],
  [
    'attribute-repeated',
    'the content type twice',
    withAttributes(type, contentTypeAttribute(oids.tstInfo), digest, binding),
  ],
  [
    'attribute-repeated',
    'signing-certificate-v2 twice',
    withAttributes(type, digest, binding, signingCertificateAttribute(essCertIdV2(other.certificate))),
  ],
  [
    'attribute-repeated',
    'two signature time-stamps',
    {
      unsigned: sorted([
        attribute(oids.signatureTimestamp, sequence()),
        attribute(oids.signatureTimestamp, sequence(nul)),
      ]),
    },
  ],
  [
    'attribute-values',
    'two tokens in one signature time-stamp',
    { unsigned: [attribute(oids.signatureTimestamp, sequence(), sequence(nul))] },
  ],
  [
    'attribute-order',
    'signed attributes in the reverse order',
    { attributes: sorted([type, digest, binding]).toReversed() },
  ],
  [
    'attribute-order',
    'unsorted attributes whose signature is over the sorted ones',
    {
      attributes: sorted([type, digest, binding]).toReversed(),
      toSign: set(...sorted([type, digest, binding])),
    },
  ],
  [
    'attribute-order',
    'unsorted unsigned attributes',
    { unsigned: sorted([attribute('1.2.3.4', nul), attribute('1.2.3.5', nul)]).toReversed() },
  ],
  [
    'attribute-unknown',
    'an unknown signed attribute',
    withAttributes(type, digest, binding, attribute('1.2.3.4', nul)),
  ],
  [
    'attribute-unknown',
    'a signature policy, which is not carried out',
    withAttributes(type, digest, binding, attribute(oids.signaturePolicy, sequence())),
  ],
  [
    'attribute-unknown',
    'a SHA-1 signing-certificate beside the other',
    withAttributes(type, digest, binding, attribute(oids.signingCertificate, sequence())),
  ],
  [
    'signing-time',
    'a signing time',
    withAttributes(type, digest, binding, attribute(oids.signingTime, time(new Date()))),
  ],
  ['signing-certificate-missing', 'no signing-certificate-v2', withAttributes(type, digest)],
  [
    'signing-certificate-sha1',
    'a signing certificate named by SHA-1 only',
    withAttributes(
      type,
      digest,
      attribute(oids.signingCertificate, sequence(sequence(sequence(octetString(new Uint8Array(20)))))),
    ),
  ],
  [
    'algorithm',
    'a signing certificate named by SHA-1 in version 2',
    withAttributes(
      type,
      digest,
      signingCertificateAttribute(sequence(sha1Identifier, octetString(new Uint8Array(20)))),
    ),
  ],
  [
    'encoding',
    'the default hash of signing-certificate-v2 written out',
    withAttributes(
      type,
      digest,
      signingCertificateAttribute(sequence(sha256Identifier, octetString(sha256(signer.certificate)))),
    ),
  ],
  [
    'encoding',
    'signing-certificate-v2 that names no certificate',
    withAttributes(type, digest, signingCertificateAttribute()),
  ],
  [
    'encoding',
    'a certificate hash that is cut short',
    withAttributes(
      type,
      digest,
      signingCertificateAttribute(sequence(octetString(sha256(signer.certificate).subarray(0, 20)))),
    ),
  ],
  [
    'encoding',
    'an issuer of two names',
    withAttributes(
      type,
      digest,
      signingCertificateAttribute(
        essCertIdV2(
          signer.certificate,
          sequence(
            sequence(
              element(0xa4, readSid(signer.certificate).issuer),
              element(0xa4, readSid(signer.certificate).issuer),
            ),
            serialOf(signer.certificate),
          ),
        ),
      ),
    ),
  ],
  [
    'signing-certificate-hash',
    'the hash of another certificate',
    withAttributes(type, digest, signingCertificateAttribute(essCertIdV2(ca.root))),
  ],
  [
    'signing-certificate-hash',
    'another certificate in the place of the signer',
    { certificates: [other.certificate] },
  ],
  [
    'signing-certificate-hash',
    'a certificate of the same key and name that was issued later',
    { certificates: [ca.issue({ signer }).certificate] },
  ],
  [
    'signing-certificate-issuer',
    'another issuer in signing-certificate-v2',
    withAttributes(
      type,
      digest,
      signingCertificateAttribute(
        essCertIdV2(
          signer.certificate,
          issuerSerial(readSid(ca.intermediate).issuer, serialOf(signer.certificate)),
        ),
      ),
    ),
  ],
  [
    'signing-certificate-issuer',
    'another serial number in signing-certificate-v2',
    withAttributes(
      type,
      digest,
      signingCertificateAttribute(
        essCertIdV2(signer.certificate, issuerSerial(readSid(signer.certificate).issuer, integer(7))),
      ),
    ),
  ],
  [
    'signing-certificate-policies',
    'policies in signing-certificate-v2',
    withAttributes(
      type,
      digest,
      attribute(
        oids.signingCertificateV2,
        sequence(sequence(essCertIdV2(signer.certificate)), sequence(sequence(oid('1.2.3')))),
      ),
    ),
  ],
  ['certificate-missing', 'no certificate at all', { certificates: undefined }],
  [
    'certificate-missing',
    'a sid that names another certificate',
    { sid: sidOf(other.certificate), certificates: [signer.certificate, other.certificate] },
  ],
  [
    'certificate-missing',
    'a sid with the serial number of another',
    { sid: sequence(readSid(signer.certificate).issuer, integer(7)) },
  ],
  [
    'certificate-missing',
    'a key identifier of another certificate',
    { ...keyIdentified, sid: element(0x80, skiOf(other.certificate)) },
  ],
  ['certificate-missing', 'an empty key identifier', { ...keyIdentified, sid: element(0x80) }],
  [
    'certificate',
    'a signer certificate that is not one',
    (() => {
      const broken = sequence(integer(1));
      return {
        certificates: [broken],
        ...withAttributes(type, digest, signingCertificateAttribute(essCertIdV2(broken))),
      };
    })(),
  ],
  [
    'algorithm',
    'SHA-1 as the hash of the signer',
    { digestAlgorithm: sha1Identifier, digestAlgorithms: set(sha1Identifier) },
  ],
  ['algorithm', 'MD5 as the hash of the signer', { digestAlgorithm: sequence(oid('1.2.840.113549.2.5')) }],
  [
    'algorithm',
    'parameters of the hash that are not NULL',
    { digestAlgorithm: sequence(oid(oids.sha256), integer(1)) },
  ],
  ['algorithm', 'ECDSA with SHA-1', { signatureAlgorithm: sequence(oid('1.2.840.10045.4.1')) }],
  [
    'algorithm',
    'ECDSA with another hash than the message digest',
    { signatureAlgorithm: sequence(oid(oids.ecdsaSha384)) },
  ],
  ['algorithm', 'ECDSA with parameters', { signatureAlgorithm: sequence(oid(oids.ecdsaSha256), nul) }],
  [
    'algorithm',
    'the identifier of an EC key as signature algorithm',
    { signatureAlgorithm: sequence(oid('1.2.840.10045.2.1')) },
  ],
  ['algorithm', 'RSA over an EC key', { signatureAlgorithm: rsaIdentifier }],
  ['algorithm', 'ECDSA over an RSA key', of(rsa)],
  [
    'algorithm',
    'RSA with SHA-1',
    { ...of(rsa), signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.5'), nul) },
  ],
  [
    'algorithm',
    'RSA-PSS with its SHA-1 defaults',
    { ...of(rsa), signatureAlgorithm: sequence(oid(oids.rsaPss), sequence()) },
  ],
  ['algorithm', 'an RSA key of 1024 bits', { ...of(weak), signatureAlgorithm: rsaIdentifier }],
  [
    'algorithm',
    'Ed25519 with SHA-256 as the message digest',
    { ...of(edwards), signatureAlgorithm: sequence(oid(oids.ed25519)) },
  ],
  [
    'algorithm-protection',
    'algorithm protection of another hash',
    withAttributes(
      type,
      digest,
      binding,
      attribute(
        oids.algorithmProtection,
        sequence(sequence(oid(oids.sha512)), implicit(0xa1, ecdsaSha256Identifier)),
      ),
    ),
  ],
  [
    'algorithm-protection',
    'algorithm protection of another signature',
    withAttributes(
      type,
      digest,
      binding,
      attribute(oids.algorithmProtection, sequence(sha256Identifier, implicit(0xa1, rsaIdentifier))),
    ),
  ],
  [
    'algorithm-protection',
    'algorithm protection without a signature algorithm',
    withAttributes(type, digest, binding, attribute(oids.algorithmProtection, sequence(sha256Identifier))),
  ],
  [
    'message-digest',
    'the digest of another content',
    withAttributes(type, messageDigestAttribute(sha256(utf8('other'))), binding),
  ],
  [
    'message-digest',
    'another content inside',
    { ...token, content: octetString(utf8('other')) },
    tokenProfile,
  ],
  ['signature', 'a signature over the content itself', { toSign: content }],
  [
    'signature',
    'a signature over the attributes under their field tag',
    { toSign: implicit(0xa0, set(...sorted([type, digest, binding]))) },
  ],
  ['signature', 'an empty signature', { signature: () => new Uint8Array() }],
  ['signature', 'a signature as r||s', { signature: (value) => value }],
  ['signature', 'r = s = 0', { signature: () => sequence(integer(0), integer(0)) }],
  [
    'signature',
    'r and s exchanged',
    { signature: (value) => sequence(integer(value.subarray(32)), integer(value.subarray(0, 32))) },
  ],
  [
    'signature',
    'a right signature with a byte behind it',
    {
      signature: (value) =>
        concatBytes(sequence(integer(value.subarray(0, 32)), integer(value.subarray(32))), Uint8Array.of(0)),
    },
  ],
  [
    'signature',
    'a right signature with a third INTEGER',
    {
      signature: (value) => sequence(integer(value.subarray(0, 32)), integer(value.subarray(32)), integer(0)),
    },
  ],
  [
    'signature',
    'a right signature with a long length',
    {
      signature: (value) => longLength(sequence(integer(value.subarray(0, 32)), integer(value.subarray(32)))),
    },
  ],
  [
    'signature',
    'a signature by another key',
    { signature: undefined, signer: { ...signer, sign: other.sign } },
  ],
  [
    'encoding',
    'a type of content with a padded arc',
    { outerType: Uint8Array.of(6, 4, 0x2a, 0x80, 0x86, 0x48) },
  ],
  ['encoding', 'a type of content of no octets', { outerType: Uint8Array.of(6, 0) }],
  [
    'encoding',
    'a serial number in sid that is not minimal',
    { sid: sequence(readSid(signer.certificate).issuer, Uint8Array.of(2, 2, 0, 1)) },
  ],
  [
    'encoding',
    'a sid of three fields',
    { sid: sequence(readSid(signer.certificate).issuer, serialOf(signer.certificate), nul) },
  ],
  ['encoding', 'a sid under a tag that is not known', { sid: element(0x82, skiOf(signer.certificate)) }],
  ['encoding', 'a sid that is text', { sid: utf8String('Signer') }],
  [
    'encoding',
    'a NULL with something in it',
    { digestAlgorithm: sequence(oid(oids.sha256), Uint8Array.of(5, 1, 0)) },
  ],
  ['encoding', 'a hash without an identifier', { digestAlgorithm: sequence() }],
  ['encoding', 'a hash of three fields', { digestAlgorithm: sequence(oid(oids.sha256), nul, nul) }],
  ['encoding', 'a signature algorithm without an identifier', { signatureAlgorithm: sequence() }],
  [
    'encoding',
    'a signature algorithm that is an identifier alone',
    { signatureAlgorithm: oid(oids.ecdsaSha256) },
  ],
  ['encoding', 'a signature as BIT STRING', retagged(octetString(Uint8Array.of(0xde, 0xad)), 0x03)],
  [
    'encoding',
    'a digest algorithm list that is a SEQUENCE',
    { digestAlgorithms: sequence(sha256Identifier) },
  ],
  [
    'encoding',
    'an attribute that is a SET',
    withAttributes(type, digest, Uint8Array.from([0x31, ...binding.subarray(1)])),
  ],
  [
    'encoding',
    'an attribute whose values are a SEQUENCE',
    withAttributes(type, sequence(oid(oids.messageDigest), sequence(octetString(sha256(content)))), binding),
  ],
  [
    'encoding',
    'an attribute without values',
    withAttributes(type, digest, binding, sequence(oid('1.2.3.4'))),
  ],
  [
    'encoding',
    'signing-certificate-v2 that is text',
    withAttributes(type, digest, attribute(oids.signingCertificateV2, utf8String('Signer'))),
  ],
  [
    'encoding',
    'signing-certificate-v2 of three fields',
    withAttributes(
      type,
      digest,
      attribute(oids.signingCertificateV2, sequence(sequence(essCertIdV2(signer.certificate)), nul)),
    ),
  ],
  [
    'encoding',
    'an issuer of no name',
    withAttributes(
      type,
      digest,
      signingCertificateAttribute(
        essCertIdV2(signer.certificate, sequence(sequence(), serialOf(signer.certificate))),
      ),
    ),
  ],
  [
    'encoding',
    'an issuer that is a DNS name',
    withAttributes(
      type,
      digest,
      signingCertificateAttribute(
        essCertIdV2(
          signer.certificate,
          sequence(sequence(element(0x82, utf8('ca.example'))), serialOf(signer.certificate)),
        ),
      ),
    ),
  ],
  [
    'encoding',
    'seventeen certificates in signing-certificate-v2',
    withAttributes(
      type,
      digest,
      signingCertificateAttribute(...Array.from({ length: 17 }, () => essCertIdV2(signer.certificate))),
    ),
  ],
  [
    'encoding',
    'a content type with a second value behind it',
    withAttributes(sequence(oid(oids.contentType), set(oid(oids.data)), nul), digest, binding),
  ],
  ['not-signed-data', 'the type of digested data', { outerType: oid('1.2.840.113549.1.7.5') }],
  ['not-signed-data', 'the type of encrypted data', { outerType: oid('1.2.840.113549.1.7.6') }],
  ['not-signed-data', 'the type of authenticated data', { outerType: oid('1.2.840.113549.1.9.16.1.2') }],
  ['version', 'version 4 of SignedData', { version: integer(4) }],
  ['version', 'version 2 of a SignerInfo', { signerVersion: integer(2) }],
  ['signer-count', 'three signers', { moreSigners: (signerInfo) => [signerInfo, signerInfo] }],
  [
    'too-large',
    'more CRLs than any path has',
    { crls: Array.from({ length: 65 }, (_, i) => sequence(integer(i))) },
  ],
  [
    'attribute-values',
    'more attributes than any signature has',
    withAttributes(
      type,
      digest,
      binding,
      ...Array.from({ length: 62 }, (_, i) => attribute(`1.2.3.${i}`, nul)),
    ),
  ],
  [
    'attribute-repeated',
    'an unknown unsigned attribute twice',
    { unsigned: sorted([attribute('1.2.3.4', nul), attribute('1.2.3.4', integer(1))]) },
  ],
  ['attribute-values', 'an unsigned attribute without a value', { unsigned: [attribute('1.2.3.4')] }],
  [
    'encoding',
    'a signature time-stamp that is text',
    { unsigned: [attribute(oids.signatureTimestamp, utf8String('now'))] },
  ],
  [
    'attribute-unknown',
    'a counter-signature that is signed',
    withAttributes(type, digest, binding, attribute('1.2.840.113549.1.9.6', sequence())),
  ],
  [
    'attribute-unknown',
    'a content hint',
    withAttributes(type, digest, binding, attribute('1.2.840.113549.1.9.16.2.4', sequence(oid(oids.data)))),
  ],
  [
    'attribute-unknown',
    'a security label',
    withAttributes(type, digest, binding, attribute('1.2.840.113549.1.9.16.2.2', set())),
  ],
  [
    'attribute-unknown',
    'capabilities of S/MIME',
    withAttributes(type, digest, binding, attribute('1.2.840.113549.1.9.15', sequence())),
  ],
  [
    'attribute-unknown',
    'revocation data of Adobe',
    withAttributes(type, digest, binding, attribute('1.2.840.113583.1.1.8', sequence())),
  ],
  [
    'attribute-unknown',
    'a content identifier',
    withAttributes(type, digest, binding, attribute('1.2.840.113549.1.9.16.2.7', octetString(utf8('id')))),
  ],
  [
    'signing-time',
    'a signing time as GeneralizedTime',
    withAttributes(
      type,
      digest,
      binding,
      attribute(oids.signingTime, element(0x18, utf8('20500101000000Z'))),
    ),
  ],
  [
    'encoding',
    'a signing time that is text',
    withAttributes(type, digest, binding, attribute(oids.signingTime, utf8String('today'))),
  ],
  [
    'algorithm',
    'SHA-224 as the hash of the signer',
    { digestAlgorithm: sequence(oid('2.16.840.1.101.3.4.2.4')) },
  ],
  [
    'algorithm',
    'SHA3-256 as the hash of the signer',
    { digestAlgorithm: sequence(oid('2.16.840.1.101.3.4.2.8')) },
  ],
  ['algorithm', 'RIPEMD-160 as the hash of the signer', { digestAlgorithm: sequence(oid('1.3.36.3.2.1')) }],
  [
    'algorithm',
    'a signature algorithm as the hash of the signer',
    { digestAlgorithm: sequence(oid(oids.ecdsaSha256)) },
  ],
  ['algorithm', 'ECDSA with SHA-224', { signatureAlgorithm: sequence(oid('1.2.840.10045.4.3.1')) }],
  ['algorithm', 'ECDSA with SHA3-256', { signatureAlgorithm: sequence(oid('2.16.840.1.101.3.4.3.10')) }],
  [
    'algorithm',
    'plain ECDSA of BSI TR-03111',
    { signatureAlgorithm: sequence(oid('0.4.0.127.0.7.1.1.4.1.3')) },
  ],
  ['algorithm', 'DSA with SHA-256', { signatureAlgorithm: sequence(oid('2.16.840.1.101.3.4.3.2')) }],
  ['algorithm', 'Ed448', { signatureAlgorithm: sequence(oid('1.3.101.113')) }],
  ['algorithm', 'Ed25519 over an EC key', { signatureAlgorithm: sequence(oid(oids.ed25519)) }],
  ['algorithm', 'a hash as signature algorithm', { signatureAlgorithm: sha256Identifier }],
  ['algorithm', 'an algorithm that is not known', { signatureAlgorithm: sequence(oid('1.2.3.4')) }],
  [
    'algorithm',
    'RSA with MD5',
    { ...of(rsa), signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.4'), nul) },
  ],
  [
    'algorithm',
    'RSA with SHA-224',
    { ...of(rsa), signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.14'), nul) },
  ],
  [
    'algorithm',
    'RSA without its parameters',
    { ...of(rsa), signatureAlgorithm: sequence(oid(oids.rsaSha256)) },
  ],
  [
    'algorithm',
    'RSA with another hash than the message digest',
    { ...of(rsa), signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.13'), nul) },
  ],
  [
    'algorithm',
    'RSA encryption with OAEP',
    { ...of(rsa), signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.7'), sequence()) },
  ],
  ['algorithm', 'RSA-PSS without parameters', { ...of(rsa), signatureAlgorithm: sequence(oid(oids.rsaPss)) }],
  [
    'algorithm',
    'RSA-PSS with SHA-1 in its mask',
    { ...of(rsa), signatureAlgorithm: pss(sha256Identifier, sha1Identifier, 32) },
  ],
  [
    'signature',
    'RSA-PSS over a signature of PKCS #1',
    {
      ...of(rsa),
      signatureAlgorithm: pss(sequence(oid(oids.sha256), nul), sequence(oid(oids.sha256), nul), 32),
    },
  ],
  [
    'message-digest',
    'the digest of nothing',
    withAttributes(type, messageDigestAttribute(sha256(new Uint8Array())), binding),
  ],
  [
    'signature',
    'a signature over the SEQUENCE of the attributes',
    { toSign: sequence(...sorted([type, digest, binding])) },
  ],
  [
    'signature',
    'a signature over the digest of the attributes',
    { toSign: sha256(set(...sorted([type, digest, binding]))) },
  ],
  ['signature', 'r alone', { signature: (value) => sequence(integer(value.subarray(0, 32))) }],
  [
    'signature',
    'a negative s',
    { signature: (value) => sequence(integer(value.subarray(0, 32)), integer(-1)) },
  ],
  [
    'signature',
    's above the order of the curve',
    { signature: (value) => sequence(integer(value.subarray(0, 32)), integer(2n ** 256n - 1n)) },
  ],
  [
    'signature',
    'a right signature of indefinite length',
    {
      signature: (value) => indefinite(sequence(integer(value.subarray(0, 32)), integer(value.subarray(32)))),
    },
  ],
];

/** Each with the reason that it must be refused for. */
export const brokenCms = (backend: CryptoBackend): readonly Case[] =>
  broken.map(([reason, name, made, profile = padesProfile]) => ({
    name: `CMS: ${name}`,
    mustPass: false,
    reason: new RegExp(`^${reason}: `),
    run: async () => {
      const der = made instanceof Uint8Array ? made : forge({ ...right, ...made });
      const verdict = await verifySignedData(der, profile, input, backend);
      if (!verdict.valid) refuse(`${verdict.reason}: ${verdict.message}`);
    },
  }));
