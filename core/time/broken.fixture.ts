import { concatBytes, latin1, utf8 } from '../bytes.ts';
import {
  type Anatomy,
  attribute,
  contentTypeAttribute,
  essCertIdV2,
  forge,
  indefinite,
  longLength,
  messageDigestAttribute,
  set,
  sha256Identifier,
  sidOf,
  signingCertificateAttribute,
  sorted,
  tokenAnatomy,
} from '../cms/forge.ts';
import { oids } from '../cms/oid.ts';
import { type Leaf, sha256, testingCa } from '../cms/testing-ca.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import {
  boolean,
  element,
  explicit,
  generalizedTime,
  ia5String,
  implicit,
  integer,
  nul,
  octetString,
  oid,
  sequence,
  time,
} from '../der/writer.ts';
import { parseCertificate } from '../pki/certificate.ts';
import { type Case, refuse } from '../vectors.ts';
import type { TokenReason } from './reason.ts';
import { checkToken, type TokenExpectation } from './token.ts';

/** For tests and the conformance command: the negative suite of time-stamp tokens. */

const ca = testingCa();
export const policy = '1.3.6.1.4.1.99999.1';
export const now = new Date('2026-11-24T10:20:30.4Z');
export const digest = sha256(utf8('what is stamped'));
export const nonce = 0x1234567890abcdefn;
const tsaLeaf: Leaf = { commonName: 'TSA', extendedKeyUsage: [oids.timeStamping] };
export const signer = ca.issue(tsaLeaf);
export const expectation: TokenExpectation = { imprint: { algorithm: 'sha256', digest }, nonce, policy };

const imprint = sequence(sha256Identifier, octetString(digest));

type InfoMember =
  | 'version'
  | 'policy'
  | 'imprint'
  | 'serial'
  | 'genTime'
  | 'accuracy'
  | 'ordering'
  | 'nonce'
  | 'tsa'
  | 'extensions'
  | 'trailing';

/** The members of TSTInfo in their order. */
const right: Record<InfoMember, Uint8Array> = {
  version: integer(1),
  policy: oid(policy),
  imprint,
  serial: integer(42),
  genTime: generalizedTime(now, { fraction: true }),
  accuracy: sequence(integer(1)),
  ordering: new Uint8Array(),
  nonce: integer(nonce),
  tsa: new Uint8Array(),
  extensions: new Uint8Array(),
  trailing: new Uint8Array(),
};
export type Info = Partial<typeof right>;

export const tstInfo = (info: Info = {}): Uint8Array => sequence(...Object.values({ ...right, ...info }));
export const tokenOf = (info: Info = {}, parts: Partial<Anatomy> = {}): Uint8Array =>
  forge({ ...tokenAnatomy(signer, tstInfo(info)), ...parts });
const signedBy = (leaf: Leaf): Uint8Array => forge(tokenAnatomy(ca.issue(leaf), tstInfo()));
const forgedBy = (leaf: Leaf, signatureAlgorithm: Uint8Array): Uint8Array =>
  forge({ ...tokenAnatomy(ca.issue(leaf), tstInfo()), signatureAlgorithm });

export const subject = parseCertificate(signer.certificate).subject.der;
export const tsaName = (name: Uint8Array): Uint8Array => explicit(0, name);
export const extension = (critical: boolean): Uint8Array =>
  element(0xa1, sequence(oid('1.2.3.4'), ...(critical ? [boolean(true)] : []), octetString(nul)));
export const written = (text: string): Uint8Array => element(0x18, latin1(text));
export const accuracyOf = (...parts: readonly Uint8Array[]): Uint8Array => sequence(...parts);
export const thousandths = (number: 0 | 1, value: number): Uint8Array =>
  implicit(0x80 + number, integer(value));

const attributesOf = (info: Uint8Array): readonly [Uint8Array, Uint8Array, Uint8Array] => [
  contentTypeAttribute(oids.tstInfo),
  messageDigestAttribute(sha256(info)),
  signingCertificateAttribute(essCertIdV2(signer.certificate)),
];
const [type, messageDigest, binding] = attributesOf(tstInfo());
export const rightDer = tokenOf();
const other = ca.issue({ ...tsaLeaf, commonName: 'Other TSA' });

const broken: readonly (readonly [TokenReason, string, Uint8Array, TokenExpectation?])[] = [
  ['encoding', 'an empty token', new Uint8Array()],
  ['encoding', 'a byte after the end', concatBytes(rightDer, Uint8Array.of(0))],
  ['encoding', 'an indefinite length', indefinite(rightDer)],
  ['encoding', 'TSTInfo of indefinite length', forge(tokenAnatomy(signer, indefinite(tstInfo())))],
  ['encoding', 'TSTInfo with a long length', forge(tokenAnatomy(signer, longLength(tstInfo())))],
  ['encoding', 'bytes after TSTInfo', forge(tokenAnatomy(signer, concatBytes(tstInfo(), nul)))],
  ['encoding', 'an empty TSTInfo', forge(tokenAnatomy(signer, sequence()))],
  ['encoding', 'text in the place of TSTInfo', forge(tokenAnatomy(signer, utf8('10:20')))],
  ['encoding', 'a member after the extensions', tokenOf({ trailing: integer(5) })],
  ['encoding', 'members out of order', tokenOf({ accuracy: integer(nonce), nonce: sequence(integer(1)) })],
  ['encoding', 'two nonces', tokenOf({ ordering: integer(nonce) })],
  ['encoding', 'no time', tokenOf({ genTime: new Uint8Array() })],
  ['encoding', 'UTCTime as the time', tokenOf({ genTime: time(now) })],
  ['encoding', 'a time without seconds', tokenOf({ genTime: written('202611241020Z') })],
  ['encoding', 'a time with an offset', tokenOf({ genTime: written('20261124102030+0100') })],
  ['encoding', 'a local time', tokenOf({ genTime: written('20261124102030') })],
  ['encoding', 'a fraction with trailing zeros', tokenOf({ genTime: written('20261124102030.40Z') })],
  ['encoding', 'an empty fraction', tokenOf({ genTime: written('20261124102030.Z') })],
  ['encoding', 'a fraction after a comma', tokenOf({ genTime: written('20261124102030,4Z') })],
  ['encoding', 'a day that does not exist', tokenOf({ genTime: written('20260230102030Z') })],
  ['encoding', 'an hour that does not exist', tokenOf({ genTime: written('20261124242030Z') })],
  ['encoding', 'the default of ordering', tokenOf({ ordering: boolean(false) })],
  ['encoding', 'a BOOLEAN of BER', tokenOf({ ordering: Uint8Array.of(1, 1, 1) })],
  ['encoding', 'a negative accuracy', tokenOf({ accuracy: accuracyOf(integer(-1)) })],
  ['encoding', 'an accuracy of 1000 thousandths', tokenOf({ accuracy: accuracyOf(thousandths(0, 1000)) })],
  ['encoding', 'an accuracy of 0 thousandths', tokenOf({ accuracy: accuracyOf(thousandths(0, 0)) })],
  [
    'encoding',
    'accuracy out of order',
    tokenOf({ accuracy: accuracyOf(thousandths(1, 1), thousandths(0, 1)) }),
  ],
  ['encoding', 'a negative serial number', tokenOf({ serial: integer(-1) })],
  ['encoding', 'a serial number of 200 bits', tokenOf({ serial: integer(2n ** 200n) })],
  ['encoding', 'a nonce that is not minimal', tokenOf({ nonce: Uint8Array.of(2, 2, 0, 1) })],
  [
    'encoding',
    'an imprint that is cut short',
    tokenOf({ imprint: sequence(sha256Identifier, octetString(digest.subarray(1))) }),
  ],
  [
    'encoding',
    'an authority of two names',
    tokenOf({ tsa: element(0xa0, element(0xa4, subject), element(0xa4, subject)) }),
  ],
  [
    'encoding',
    'an extension twice',
    tokenOf({ extensions: element(0xa1, ...[1, 2].map(() => sequence(oid('1.2.3.4'), octetString(nul)))) }),
  ],
  ['encoding', 'empty extensions', tokenOf({ extensions: element(0xa1) })],
  ['tst-version', 'version 2', tokenOf({ version: integer(2) })],
  ['tst-version', 'version 0', tokenOf({ version: integer(0) })],
  ['tst-extension', 'a critical extension', tokenOf({ extensions: extension(true) })],
  [
    'imprint',
    'another digest',
    tokenOf({ imprint: sequence(sha256Identifier, octetString(sha256(digest))) }),
  ],
  [
    'imprint',
    'another hash than the expected',
    tokenOf({ imprint: sequence(sequence(oid(oids.sha512)), octetString(new Uint8Array(64))) }),
  ],
  ['imprint', 'other data, asked by the hash of the token', rightDer, { imprint: () => sha256(digest) }],
  ['imprint', 'a digest that the expected one begins with', rightDer, { imprint: () => new Uint8Array() }],
  [
    'imprint-algorithm',
    'an imprint by SHA-1',
    tokenOf({ imprint: sequence(sequence(oid('1.3.14.3.2.26')), octetString(new Uint8Array(20))) }),
  ],
  [
    'imprint-algorithm',
    'an imprint by MD5',
    tokenOf({ imprint: sequence(sequence(oid('1.2.840.113549.2.5'), nul), octetString(new Uint8Array(16))) }),
  ],
  ['nonce', 'another nonce', tokenOf({ nonce: integer(nonce + 1n) })],
  ['nonce', 'the negative of the nonce', tokenOf({ nonce: integer(-nonce) })],
  ['nonce', 'no nonce', tokenOf({ nonce: new Uint8Array() })],
  ['policy', 'another policy', tokenOf({ policy: oid('1.3.6.1.4.1.99999.2') })],
  ['policy', 'a policy below the one asked for', tokenOf({ policy: oid(`${policy}.1`) })],
  [
    'tsa-name',
    'the name of another authority',
    tokenOf({ tsa: tsaName(element(0xa4, parseCertificate(other.certificate).subject.der)) }),
  ],
  [
    'tsa-name',
    'an address that the certificate does not have',
    tokenOf({ tsa: tsaName(implicit(0x82, ia5String('tsa.example'))) }),
  ],
  ['tsa-usage', 'no extended key usage', signedBy({ commonName: 'TSA' })],
  [
    'tsa-usage',
    'an extended key usage that is not critical',
    signedBy({ ...tsaLeaf, extendedKeyUsageCritical: false }),
  ],
  [
    'tsa-usage',
    'time-stamping beside another purpose',
    signedBy({ extendedKeyUsage: [oids.timeStamping, '1.3.6.1.5.5.7.3.4'] }),
  ],
  ['tsa-usage', 'another purpose', signedBy({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.4'] })],
  ['tsa-usage', 'any purpose', signedBy({ extendedKeyUsage: ['2.5.29.37.0'] })],
  ['tsa-usage', 'a key usage that signs certificates', signedBy({ ...tsaLeaf, keyUsage: 0x84 })],
  ['tsa-usage', 'a CA as authority', signedBy({ ...tsaLeaf, ca: true, keyUsage: 0x80 })],
  [
    'content-type',
    'a signature over plain data',
    tokenOf(
      {},
      {
        contentType: oids.data,
        version: integer(1),
        attributes: sorted([contentTypeAttribute(oids.data), messageDigest, binding]),
      },
    ),
  ],
  [
    'content-type',
    'a content-type attribute for plain data',
    tokenOf({}, { attributes: sorted([contentTypeAttribute(oids.data), messageDigest, binding]) }),
  ],
  ['content-missing', 'no TSTInfo', tokenOf({}, { content: undefined })],
  [
    'message-digest',
    'TSTInfo exchanged under a right signature',
    tokenOf({}, { content: octetString(tstInfo({ genTime: written('20200101000000Z') })) }),
  ],
  ['version', 'version 1 of SignedData', tokenOf({}, { version: integer(1) })],
  ['signer-count', 'a second signer', tokenOf({}, { moreSigners: (info) => [info] })],
  [
    'attribute-order',
    'attributes in the reverse order',
    tokenOf({}, { attributes: sorted([type, messageDigest, binding]).toReversed() }),
  ],
  [
    'attribute-repeated',
    'the message digest twice',
    tokenOf({}, { attributes: sorted([type, messageDigest, messageDigest, binding]) }),
  ],
  ['attribute-missing', 'no signed attributes', tokenOf({}, { attributes: undefined, toSign: tstInfo() })],
  [
    'signing-certificate-missing',
    'no signing-certificate-v2',
    tokenOf({}, { attributes: sorted([type, messageDigest]) }),
  ],
  [
    'signing-certificate-sha1',
    'signing-certificate by SHA-1 only',
    tokenOf(
      {},
      { attributes: sorted([type, messageDigest, attribute(oids.signingCertificate, sequence())]) },
    ),
  ],
  [
    'signing-certificate-hash',
    'the hash of another certificate',
    tokenOf(
      {},
      { attributes: sorted([type, messageDigest, signingCertificateAttribute(essCertIdV2(ca.root))]) },
    ),
  ],
  [
    'signing-certificate-hash',
    'the certificate of another authority inside',
    tokenOf({}, { certificates: [other.certificate] }),
  ],
  ['certificate-missing', 'no certificate', tokenOf({}, { certificates: undefined })],
  [
    'certificate-missing',
    'another authority named as signer',
    tokenOf({}, { sid: sidOf(other.certificate) }),
  ],
  ['algorithm', 'ECDSA with SHA-1', tokenOf({}, { signatureAlgorithm: sequence(oid('1.2.840.10045.4.1')) })],
  [
    'signature',
    'the signature of another authority',
    tokenOf({}, { signer: { ...signer, sign: other.sign } }),
  ],
  ['encoding', 'a time that is a leap second', tokenOf({ genTime: written('20261124102060Z') })],
  ['encoding', 'a month that does not exist', tokenOf({ genTime: written('20261324102030Z') })],
  ['encoding', 'a minute that does not exist', tokenOf({ genTime: written('20261124106030Z') })],
  ['encoding', 'a year of two digits', tokenOf({ genTime: written('261124102030Z') })],
  ['encoding', 'a time with a small z', tokenOf({ genTime: written('20261124102030z') })],
  ['encoding', 'a time after a space', tokenOf({ genTime: written(' 20261124102030Z') })],
  ['encoding', 'a time in letters', tokenOf({ genTime: written('2026nov24102030Z') })],
  ['encoding', 'no bytes as the time', tokenOf({ genTime: written('') })],
  [
    'nonce',
    'an accuracy that is a number, which is then read as a nonce',
    tokenOf({ accuracy: integer(1), nonce: new Uint8Array() }),
  ],
  [
    'encoding',
    'an accuracy with an unknown field',
    tokenOf({ accuracy: accuracyOf(integer(1), implicit(0x82, integer(1))) }),
  ],
  [
    'encoding',
    'an accuracy with seconds last',
    tokenOf({ accuracy: accuracyOf(thousandths(0, 1), integer(1)) }),
  ],
  [
    'encoding',
    'an accuracy of the same part twice',
    tokenOf({ accuracy: accuracyOf(thousandths(0, 1), thousandths(0, 1)) }),
  ],
  ['encoding', 'a nonce of no octets', tokenOf({ nonce: Uint8Array.of(2, 0) })],
  ['encoding', 'a nonce that is a string', tokenOf({ nonce: octetString(Uint8Array.of(1, 2)) })],
  ['nonce', 'a nonce cut to its last octets', tokenOf({ nonce: integer(nonce & 0xffffffffn) })],
  ['nonce', 'the nonce with an octet more', tokenOf({ nonce: integer(nonce << 8n) })],
  ['encoding', 'a version that is not minimal', tokenOf({ version: Uint8Array.of(2, 2, 0, 1) })],
  ['encoding', 'a version that is a BOOLEAN', tokenOf({ version: boolean(true) })],
  ['encoding', 'no version', tokenOf({ version: new Uint8Array() })],
  ['tst-version', 'version -1', tokenOf({ version: integer(-1) })],
  ['encoding', 'no policy', tokenOf({ policy: new Uint8Array() })],
  ['encoding', 'a policy that is text', tokenOf({ policy: ia5String(policy) })],
  ['encoding', 'a policy of no octets', tokenOf({ policy: Uint8Array.of(6, 0) })],
  ['encoding', 'a policy with a padded arc', tokenOf({ policy: Uint8Array.of(6, 3, 0x2a, 0x80, 0x01) })],
  ['policy', 'the policy above the one asked for', tokenOf({ policy: oid('1.3.6.1.4.1.99999') })],
  ['encoding', 'no serial number', tokenOf({ serial: new Uint8Array() })],
  ['encoding', 'a serial number that is not minimal', tokenOf({ serial: Uint8Array.of(2, 2, 0, 42) })],
  ['encoding', 'no imprint', tokenOf({ imprint: new Uint8Array() })],
  ['encoding', 'an imprint of the digest alone', tokenOf({ imprint: octetString(digest) })],
  [
    'encoding',
    'an imprint of three fields',
    tokenOf({ imprint: sequence(sha256Identifier, octetString(digest), nul) }),
  ],
  [
    'encoding',
    'an imprint that is too long',
    tokenOf({ imprint: sequence(sha256Identifier, octetString(concatBytes(digest, digest))) }),
  ],
  [
    'imprint-algorithm',
    'an imprint by a hash with parameters',
    tokenOf({ imprint: sequence(sequence(oid(oids.sha256), integer(1)), octetString(digest)) }),
  ],
  [
    'imprint-algorithm',
    'an imprint by SHA-224',
    tokenOf({
      imprint: sequence(sequence(oid('2.16.840.1.101.3.4.2.4')), octetString(digest.subarray(0, 28))),
    }),
  ],
  [
    'imprint-algorithm',
    'an imprint by a signature algorithm',
    tokenOf({ imprint: sequence(sequence(oid('1.2.840.10045.4.3.2')), octetString(digest)) }),
  ],
  [
    'imprint',
    'the digest of nothing',
    tokenOf({ imprint: sequence(sha256Identifier, octetString(sha256(new Uint8Array()))) }),
  ],
  ['encoding', 'an authority without a name', tokenOf({ tsa: element(0xa0) })],
  ['encoding', 'an authority whose name is not under its tag', tokenOf({ tsa: element(0xa0, subject) })],
  [
    'tsa-name',
    'an e-mail address that the certificate does not have',
    tokenOf({ tsa: tsaName(implicit(0x81, ia5String('tsa@tsa.example'))) }),
  ],
  [
    'tsa-name',
    'an internet address that the certificate does not have',
    tokenOf({ tsa: tsaName(implicit(0x87, octetString(Uint8Array.of(127, 0, 0, 1)))) }),
  ],
  [
    'tsa-name',
    'a URI that the certificate does not have',
    tokenOf({ tsa: tsaName(implicit(0x86, ia5String('https://tsa.example/'))) }),
  ],
  [
    'encoding',
    'an extension whose value is not in a string',
    tokenOf({ extensions: element(0xa1, sequence(oid('1.2.3.4'), nul)) }),
  ],
  [
    'encoding',
    'the default of an extension written out',
    tokenOf({ extensions: element(0xa1, sequence(oid('1.2.3.4'), boolean(false), octetString(nul))) }),
  ],
  [
    'encoding',
    'TSTInfo that is a SET',
    forge(tokenAnatomy(signer, Uint8Array.from([0x31, ...tstInfo().subarray(1)]))),
  ],
  ['encoding', 'a whole response in the place of its token', sequence(sequence(integer(0)), rightDer)],
  ['encoding', 'a token without its last byte', rightDer.subarray(0, -1)],
  ['encoding', 'a token after another', concatBytes(rightDer, rightDer)],
  ['encoding', 'a token with a long length', longLength(rightDer)],
  [
    'not-signed-data',
    'TSTInfo without a signature',
    sequence(oid(oids.tstInfo), explicit(0, octetString(tstInfo()))),
  ],
  ['content-type', 'a content of another type', tokenOf({}, { contentType: '1.2.3.4' })],
  ['version', 'version 4 of SignedData', tokenOf({}, { version: integer(4) })],
  [
    'digest-algorithms',
    'another hash than the signer says',
    tokenOf({}, { digestAlgorithms: set(sequence(oid(oids.sha384))) }),
  ],
  [
    'certificate-format',
    'an attribute certificate',
    tokenOf({}, { certificates: [signer.certificate, implicit(0xa2, other.certificate)] }),
  ],
  [
    'signing-certificate-hash',
    'a later certificate of the same authority',
    tokenOf({}, { certificates: [ca.issue({ ...tsaLeaf, signer }).certificate] }),
  ],
  [
    'attribute-values',
    'a message digest that is cut short',
    tokenOf(
      {},
      { attributes: sorted([type, messageDigestAttribute(sha256(tstInfo()).subarray(8)), binding]) },
    ),
  ],
  [
    'message-digest',
    'the digest of another TSTInfo',
    tokenOf(
      {},
      {
        attributes: sorted([type, messageDigestAttribute(sha256(tstInfo({ serial: integer(43) }))), binding]),
      },
    ),
  ],
  [
    'tsa-usage',
    'time-stamping beside any purpose',
    signedBy({ extendedKeyUsage: [oids.timeStamping, '2.5.29.37.0'] }),
  ],
  ['tsa-usage', 'a key usage that encrypts keys', signedBy({ ...tsaLeaf, keyUsage: 0xa0 })],
  ['tsa-usage', 'a key usage that signs CRLs', signedBy({ ...tsaLeaf, keyUsage: 0x82 })],
  [
    'algorithm',
    'an RSA key of 1024 bits',
    forgedBy(
      { ...tsaLeaf, kind: { name: 'rsa-pkcs1', hash: 'sha256', bits: 1024 } },
      sequence(oid('1.2.840.113549.1.1.11'), nul),
    ),
  ],
  [
    'algorithm',
    'RSA over an EC key',
    tokenOf({}, { signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.11'), nul) }),
  ],
  [
    'signature',
    'r and s exchanged',
    tokenOf(
      {},
      { signature: (value) => sequence(integer(value.subarray(32)), integer(value.subarray(0, 32))) },
    ),
  ],
  ['signature', 'a signature over TSTInfo itself', tokenOf({}, { toSign: tstInfo() })],
];

/** Each with the reason that it must be refused for. */
export const brokenTokens = (backend: CryptoBackend): readonly Case[] =>
  broken.map(([reason, name, der, expected = expectation]) => ({
    name: `time-stamp: ${name}`,
    mustPass: false,
    reason: new RegExp(`^${reason}: `),
    run: async () => {
      const verdict = await checkToken(der, expected, backend);
      if (!verdict.valid) refuse(`${verdict.reason}: ${verdict.message}`);
    },
  }));
