import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
  sha256Identifier,
  sidOf,
  signingCertificateAttribute,
  sorted,
  tokenAnatomy,
} from '../cms/forge.ts';
import { oids } from '../cms/oid.ts';
import { type Leaf, sha256, testingCa } from '../cms/testing-ca.ts';
import { nodeBackend } from '../crypto/node.ts';
import { webBackend } from '../crypto/web.ts';
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
import type { TokenReason } from './reason.ts';
import { checkToken, readToken, type TokenExpectation } from './token.ts';

const ca = testingCa();
const policy = '1.3.6.1.4.1.99999.1';
const now = new Date('2026-11-24T10:20:30.4Z');
const digest = sha256(utf8('what is stamped'));
const nonce = 0x1234567890abcdefn;
const tsaLeaf: Leaf = { commonName: 'TSA', extendedKeyUsage: [oids.timeStamping] };
const signer = ca.issue(tsaLeaf);
const expectation: TokenExpectation = { imprint: { algorithm: 'sha256', digest }, nonce, policy };

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
type Info = Partial<typeof right>;

const tstInfo = (info: Info = {}): Uint8Array => sequence(...Object.values({ ...right, ...info }));
const tokenOf = (info: Info = {}, parts: Partial<Anatomy> = {}): Uint8Array =>
  forge({ ...tokenAnatomy(signer, tstInfo(info)), ...parts });
const signedBy = (leaf: Leaf): Uint8Array => forge(tokenAnatomy(ca.issue(leaf), tstInfo()));
const check = (der: Uint8Array, expected: TokenExpectation = expectation) =>
  checkToken(der, expected, nodeBackend);

const subject = parseCertificate(signer.certificate).subject.der;
const tsaName = (name: Uint8Array): Uint8Array => explicit(0, name);
const extension = (critical: boolean): Uint8Array =>
  element(0xa1, sequence(oid('1.2.3.4'), ...(critical ? [boolean(true)] : []), octetString(nul)));
const written = (text: string): Uint8Array => element(0x18, latin1(text));
const accuracyOf = (...parts: readonly Uint8Array[]): Uint8Array => sequence(...parts);
const thousandths = (number: 0 | 1, value: number): Uint8Array => implicit(0x80 + number, integer(value));

describe('checkToken', () => {
  it('accepts a right token and gives what it says', async () => {
    const result = await check(tokenOf());
    if (!result.valid) throw new Error(result.message);
    expect(result.info).toMatchObject({ policy, nonce, genTime: now, accuracy: 1000, ordering: false });
    expect(result.info.serial).toEqual(Uint8Array.of(42));
    expect(result.certificate.bytes).toEqual(signer.certificate);
  });

  const accepted: readonly (readonly [string, Info])[] = [
    ['a time without a fraction', { genTime: generalizedTime(now) }],
    ['a time to the microsecond', { genTime: written('20261124102030.400001Z') }],
    ['no accuracy', { accuracy: new Uint8Array() }],
    ['an accuracy in thousandths', { accuracy: accuracyOf(thousandths(0, 999), thousandths(1, 1)) }],
    ['an ordering', { ordering: boolean(true) }],
    ['the subject of the certificate as authority', { tsa: tsaName(element(0xa4, subject)) }],
    ['an extension that is not critical', { extensions: extension(false) }],
    ['a serial number of 160 bits', { serial: integer(2n ** 160n - 1n) }],
    ['the serial number 0', { serial: integer(0) }],
  ];
  it.each(accepted)('accepts %s', async (_, info) => {
    expect(await check(tokenOf(info))).toMatchObject({ valid: true });
  });

  it('asks for the imprint by the hash that the token names', async () => {
    const names: string[] = [];
    const byName: TokenExpectation = {
      imprint: (algorithm) => {
        names.push(algorithm);
        return digest;
      },
    };
    expect(await check(tokenOf(), byName)).toMatchObject({ valid: true });
    expect(names).toEqual(['sha256']);
  });

  it('takes the certificate from elsewhere where the token has none', async () => {
    const known = { ...expectation, certificates: [signer.certificate] };
    expect(await check(tokenOf({}, { certificates: undefined }), known)).toMatchObject({ valid: true });
  });

  it('checks neither nonce nor policy where none was asked for', async () => {
    const der = tokenOf({ nonce: new Uint8Array(), policy: oid('1.2.3') });
    expect(await check(der, { imprint: { algorithm: 'sha256', digest } })).toMatchObject({ valid: true });
  });
});

const attributesOf = (info: Uint8Array): readonly [Uint8Array, Uint8Array, Uint8Array] => [
  contentTypeAttribute(oids.tstInfo),
  messageDigestAttribute(sha256(info)),
  signingCertificateAttribute(essCertIdV2(signer.certificate)),
];
const [type, messageDigest, binding] = attributesOf(tstInfo());
const rightDer = tokenOf();
const other = ca.issue({ ...tsaLeaf, commonName: 'Other TSA' });

const refused: readonly (readonly [TokenReason, string, Uint8Array, TokenExpectation?])[] = [
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
  ['signature', 'a signature over TSTInfo itself', tokenOf({}, { toSign: tstInfo() })],
];

describe('checkToken refuses', () => {
  it('more than sixty ways to be wrong, each once', () => {
    expect(refused.length).toBeGreaterThan(60);
    expect(new Set(refused.map(([, name]) => name)).size).toBe(refused.length);
  });

  const cases = refused.map(([reason, name, der, expected]) => ({ reason, name, der, expected }));
  it.each(cases)('$reason: $name', async ({ reason, der, expected }) => {
    const verdict = await check(der, expected);
    expect(verdict).toMatchObject({ valid: false, reason });
    // What a browser says is what Node says.
    const web = webBackend(globalThis.crypto);
    expect(await checkToken(der, expected ?? expectation, web)).toEqual(verdict);
  });

  it('a token with any one bit flipped', async () => {
    for (let i = 0; i < rightDer.length; i++) {
      const flipped = rightDer.slice();
      flipped[i] = (flipped[i] as number) ^ (1 << (i % 8));
      expect(await check(flipped), `byte ${i}`).toMatchObject({ valid: false });
    }
  });

  it('any bytes around TSTInfo, with a verdict and not an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), async (bytes) => {
        expect(await check(forge(tokenAnatomy(signer, bytes)))).toMatchObject({ valid: false });
      }),
    );
  });
});

describe('readToken', () => {
  it('throws a coded error with the reason for what is not a token', () => {
    expect(() => readToken(tokenOf({ version: integer(2) }))).toThrow(
      expect.objectContaining({
        code: 'CMS_INVALID',
        details: [expect.objectContaining({ where: 'tst-version' })],
      }),
    );
    expect(() => readToken(rightDer.subarray(1))).toThrow(expect.objectContaining({ code: 'DER_INVALID' }));
  });
});
