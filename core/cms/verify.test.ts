import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { webBackend } from '../crypto/web.ts';
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
import { p256, sha256, testingCa } from './testing-ca.ts';
import { padesProfile, type SignedDataProfile, tokenProfile, verifySignedData } from './verify.ts';

const ca = testingCa();
const signer = ca.issue();
const other = ca.issue({ commonName: 'Other' });
const content = utf8('the bytes of a document');
const right = detachedAnatomy(signer, content);
const input = { contentDigest: (name: 'sha256' | 'sha384' | 'sha512') => nodeBackend.digest(name, content) };

const verify = (der: Uint8Array, profile: SignedDataProfile = padesProfile) =>
  verifySignedData(der, profile, input, nodeBackend);

const [type, digest, binding] = [
  contentTypeAttribute(oids.data),
  messageDigestAttribute(sha256(content)),
  signingCertificateAttribute(essCertIdV2(signer.certificate)),
];
const withAttributes = (...attributes: readonly Uint8Array[]): Partial<Anatomy> => ({
  attributes: sorted(attributes),
});
const sha1 = '1.3.14.3.2.26';
const sha1Identifier = sequence(oid(sha1));
const serialOf = (certificate: Uint8Array): Uint8Array => readSid(certificate).serial;
function readSid(certificate: Uint8Array): { issuer: Uint8Array; serial: Uint8Array } {
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
const keyIdentified: Partial<Anatomy> = {
  version: integer(3),
  signerVersion: integer(3),
  sid: element(0x80, skiOf(signer.certificate)),
};

describe('verifySignedData', () => {
  it('says in a browser what it says on Node', async () => {
    const web = webBackend(globalThis.crypto);
    expect(await verifySignedData(forge(right), padesProfile, input, web)).toMatchObject({ valid: true });
  });

  it('accepts a signature in the profile and gives its certificate', async () => {
    const result = await verify(forge(right));
    if (!result.valid) throw new Error(result.message);
    expect(result.certificate.bytes).toEqual(signer.certificate);
    expect(result.algorithm).toEqual(p256);
    expect(result.certificates).toEqual([]);
  });

  const accepted: readonly (readonly [string, Partial<Anatomy>])[] = [
    ['NULL parameters of the hash', { digestAlgorithm: sequence(oid(oids.sha256), nul) }],
    ['a signer named by key identifier', keyIdentified],
    [
      'certificates in path order',
      { certificates: [signer.certificate, ca.intermediate, other.certificate] },
    ],
    ['certificates in the reverse order', { certificates: [ca.intermediate, signer.certificate] }],
    [
      'issuer and serial number in signing-certificate-v2',
      withAttributes(
        type,
        digest,
        signingCertificateAttribute(
          essCertIdV2(
            signer.certificate,
            issuerSerial(readSid(signer.certificate).issuer, serialOf(signer.certificate)),
          ),
        ),
      ),
    ],
    [
      'algorithm protection that names the algorithms used',
      withAttributes(
        type,
        digest,
        binding,
        attribute(
          oids.algorithmProtection,
          sequence(sha256Identifier, implicit(0xa1, ecdsaSha256Identifier)),
        ),
      ),
    ],
    ['an unknown unsigned attribute', { unsigned: [attribute('1.2.3.4', nul)] }],
    [
      'a commitment type',
      withAttributes(
        type,
        digest,
        binding,
        attribute(oids.commitmentType, sequence(oid('1.2.840.113549.1.9.16.6.1'))),
      ),
    ],
  ];
  it.each(accepted)('accepts %s', async (_, change) => {
    expect(await verify(forge({ ...right, ...change }))).toMatchObject({ valid: true });
  });

  it('limits the certificates of the path to those that signing-certificate-v2 names', async () => {
    const named = signingCertificateAttribute(essCertIdV2(signer.certificate), essCertIdV2(ca.intermediate));
    const parts = {
      ...right,
      ...withAttributes(type, digest, named),
      certificates: [signer.certificate, ca.intermediate, other.certificate],
    };
    const result = await verify(forge(parts));
    expect(result.valid && result.certificates).toEqual([ca.intermediate]);
  });

  it('takes the certificate from elsewhere where it is not embedded', async () => {
    const der = forge({ ...right, certificates: undefined });
    const known = { ...input, certificates: [other.certificate, signer.certificate] };
    expect(await verifySignedData(der, padesProfile, known, nodeBackend)).toMatchObject({ valid: true });
  });

  it('reports unsigned attributes and gives the token of a signature time-stamp', () => {
    const token = sequence(oid(oids.signedData));
    const unsigned = sorted([attribute(oids.signatureTimestamp, token), attribute('1.2.3.4', nul)]);
    const { signer: read } = readSignedData(forge({ ...right, unsigned }));
    expect(read.unsigned).toEqual({ signatureTimestamp: token, others: ['1.2.3.4'] });
  });

  it('accepts a content inside where the profile asks for one', async () => {
    expect(await verify(forge(tokenAnatomy(signer, content)), tokenProfile)).toMatchObject({ valid: true });
  });

  it('gives the attribute signing-time only where the profile allows it', async () => {
    const signingTime = attribute(oids.signingTime, time(new Date('2026-11-24T10:00:00Z')));
    const token = tokenAnatomy(signer, content);
    const der = forge({ ...token, attributes: sorted([...(token.attributes ?? []), signingTime]) });
    const result = await verify(der, tokenProfile);
    expect(result.valid && result.signed.signer.signed.signingTime).toEqual(new Date('2026-11-24T10:00:00Z'));
  });
});

type Case = readonly [
  reason: CmsReason,
  name: string,
  der: Uint8Array | Partial<Anatomy>,
  SignedDataProfile?,
];

const rightDer = forge(right);
const weak = ca.issue({ kind: { name: 'rsa-pkcs1', hash: 'sha256', bits: 1024 } });
const rsa = ca.issue({ kind: { name: 'rsa-pkcs1', hash: 'sha256' } });
const edwards = ca.issue({ kind: { name: 'ed25519' } });
const of = (certified: typeof signer): Anatomy => detachedAnatomy(certified, content);
const rsaIdentifier = sequence(oid(oids.rsaSha256), nul);
const token = tokenAnatomy(signer, content);

/** One right signature each, made wrong in one place and, wherever that can be, signed again. */
const refused: readonly Case[] = [
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
];

describe('verifySignedData refuses', () => {
  it('more than a hundred ways to be wrong, each once', () => {
    expect(refused.length).toBeGreaterThan(100);
    expect(new Set(refused.map(([, name]) => name)).size).toBe(refused.length);
  });

  const cases = refused.map(([reason, name, made, profile]) => ({ reason, name, made, profile }));
  it.each(cases)('$reason: $name', async ({ reason, made, profile }) => {
    const der = made instanceof Uint8Array ? made : forge({ ...right, ...made });
    const verdict = await verify(der, profile);
    expect(verdict).toMatchObject({ valid: false, reason });
    // What a browser says is what Node says.
    const web = webBackend(globalThis.crypto);
    expect(await verifySignedData(der, profile ?? padesProfile, input, web)).toEqual(verdict);
  });

  it('a signature with any one bit flipped', async () => {
    for (let i = 0; i < rightDer.length; i++) {
      const flipped = rightDer.slice();
      flipped[i] = (flipped[i] as number) ^ (1 << (i % 8));
      expect(await verify(flipped), `byte ${i}`).toMatchObject({ valid: false });
    }
  });

  it('a signature cut at any byte', async () => {
    for (let i = 0; i < rightDer.length; i++)
      expect(await verify(rightDer.subarray(0, i)), `cut at ${i}`).toMatchObject({ valid: false });
  });

  it('any bytes, with a verdict and not an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await verify(bytes)).toMatchObject({ valid: false });
      }),
    );
  });

  it('any splice of foreign bytes into a signature, with a verdict and not an error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(rightDer.length),
        fc.nat(20),
        fc.uint8Array({ minLength: 1, maxLength: 20 }),
        async (at, cut, foreign) => {
          const spliced = concatBytes(rightDer.subarray(0, at), foreign, rightDer.subarray(at + cut));
          const same = Buffer.compare(spliced, rightDer) === 0;
          expect((await verify(spliced)).valid).toBe(same);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('readSignedData', () => {
  it('throws a coded error whose first detail names the reason', () => {
    const twice = forge({ ...right, moreSigners: (signerInfo) => [signerInfo] });
    expect(() => readSignedData(twice)).toThrow(
      expect.objectContaining({
        code: 'CMS_INVALID',
        details: [expect.objectContaining({ where: 'signer-count' })],
      }),
    );
    expect(() => readSignedData(rightDer.subarray(1))).toThrow(
      expect.objectContaining({ code: 'DER_INVALID' }),
    );
  });

  it('reads a Buffer as it reads a plain array, and leaves it as it is', async () => {
    const buffer = Buffer.from(rightDer);
    expect(await verify(buffer)).toMatchObject({ valid: true });
    expect(new Uint8Array(buffer)).toEqual(rightDer);
  });
});
