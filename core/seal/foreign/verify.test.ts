import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concatBytes, toHex, utf8 } from '../../bytes.ts';
import { nodeBackend } from '../../crypto/node.ts';
import { webBackend } from '../../crypto/web.ts';
import { certificate, type Party, party } from '../../pki/fixture.ts';
import { encodeC40 } from '../c40.ts';
import {
  documentTypes,
  healthText,
  idbText,
  partyOn,
  sealCertificate,
  tokenText,
  twoDDocBinary,
  twoDDocText,
  vdsBytes,
  vdsNcText,
} from './fixture.ts';
import { readForeign } from './read.ts';
import { type ForeignTrust, readForeignTrust, type TrustFile } from './trust-list.ts';
import { checkForeign, type ForeignVerdict } from './verify.ts';

const now = new Date('2026-06-01T12:00:00Z');
const list = (...entries: object[]): TrustFile => ({
  name: 'list.json',
  bytes: utf8(JSON.stringify(entries)),
});
const file = (bytes: Uint8Array): TrustFile => ({ name: 'one.der', bytes });
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const trustIn = (...files: TrustFile[]): Promise<ForeignTrust> => readForeignTrust(files, nodeBackend);

async function check(content: string | Uint8Array, trust: ForeignTrust, at = now): Promise<ForeignVerdict> {
  const read = typeof content === 'string' ? { text: content } : { text: '', bytes: content };
  return (await checkForeign(read, trust, { now: at }, nodeBackend)).verdict;
}

const authority = party('UTO CSCA');
const signer = party('UTO seals');
const stranger = party('UTO seals');
const authorityDer = certificate(authority, authority, { ca: true });
const signerDer = sealCertificate(authority, signer);
/** For no purpose in particular. */
const plainDer = certificate(authority, signer);

async function kidOf(der: Uint8Array): Promise<Uint8Array> {
  return (await nodeBackend.digest('sha256', der)).slice(0, 8);
}

describe('a certificate that comes inside the seal', () => {
  const text = vdsNcText(signer.privateKey, signerDer);

  it('is trusted where it is listed, and where a listed authority made it for seals', async () => {
    for (const trusted of [signerDer, authorityDer])
      expect(await check(text, await trustIn(file(trusted)))).toMatchObject({ status: 'VALID' });
  });

  it('is not trusted for being there', async () => {
    expect(await check(text, await trustIn())).toMatchObject({
      subIndication: 'UNTRUSTED_CERTIFICATE',
      signature: 'valid',
    });
  });

  it.each<[string, () => Uint8Array]>([
    ['by somebody who bears the name of the authority', () => sealCertificate(party('UTO CSCA'), signer)],
    [
      'by the authority for another purpose',
      () => sealCertificate(authority, signer, { extendedKeyUsage: ['1.2.3'] }),
    ],
    [
      'by the authority before it existed',
      () => sealCertificate(authority, signer, { notBefore: new Date('2010-01-01') }),
    ],
  ])('is not trusted when it was made %s', async (_, make) => {
    const other = vdsNcText(signer.privateKey, make());
    expect(await check(other, await trustIn(file(authorityDer)))).toMatchObject({
      subIndication: 'UNTRUSTED_CERTIFICATE',
    });
  });

  it('is not trusted when another signer made it, who is no authority', async () => {
    const leaf = sealCertificate(signer, stranger);
    const listed = await trustIn(file(signerDer));
    expect(await check(vdsNcText(stranger.privateKey, leaf), listed)).toMatchObject({
      subIndication: 'UNTRUSTED_CERTIFICATE',
    });
  });

  it('does not vouch for a seal that another key signed', async () => {
    const swapped = vdsNcText(stranger.privateKey, signerDer);
    expect(await check(swapped, await trustIn(file(signerDer), file(authorityDer)))).toMatchObject({
      subIndication: 'INVALID_SIGNATURE',
      signature: 'invalid',
    });
  });

  it('that is no certificate makes the seal malformed', async () => {
    expect(await check(vdsNcText(signer.privateKey, Uint8Array.of(1, 2)), await trustIn())).toMatchObject({
      subIndication: 'WRONG_FORMAT',
    });
  });

  it('says what its signer may seal', async () => {
    const tests = sealCertificate(authority, signer, { extensions: [documentTypes('NT')] });
    const trust = await trustIn(file(authorityDer));
    expect(await check(vdsNcText(signer.privateKey, tests, 'icao.test'), trust)).toMatchObject({
      status: 'VALID',
    });
    expect(await check(vdsNcText(signer.privateKey, tests, 'icao.vacc'), trust)).toMatchObject({
      subIndication: 'INVALID_DOCUMENTTYPE',
    });
  });

  it('in an ICAO bar code is judged in the same way', async () => {
    const sealed = idbText({ key: signer.privateKey, certificate: signerDer, zip: true });
    expect(await check(sealed, await trustIn(file(authorityDer)))).toMatchObject({ status: 'VALID' });
    expect(await check(sealed, await trustIn())).toMatchObject({ subIndication: 'UNTRUSTED_CERTIFICATE' });
  });
});

describe('the trust in a signer', () => {
  it('ends when its certificate is revoked, has expired or has not begun', async () => {
    const seal = vdsBytes(signer.privateKey);
    const known = (shape: object, more: object = {}) =>
      trustIn(
        list({ certificate: base64(sealCertificate(authority, signer, shape)), vds: 'UTTS 5B', ...more }),
      );
    expect(await check(seal, await known({}))).toMatchObject({ status: 'VALID' });
    expect(await check(seal, await known({}, { revoked: true }))).toMatchObject({
      subIndication: 'REVOKED_CERTIFICATE',
    });
    expect(await check(seal, await known({ notAfter: new Date('2026-05-31T00:00:00Z') }))).toMatchObject({
      subIndication: 'EXPIRED_CERTIFICATE',
      signature: 'valid',
    });
    expect(await check(seal, await known({ notBefore: new Date('2026-06-02T00:00:00Z') }))).toMatchObject({
      subIndication: 'NOT_YET_VALID_CERTIFICATE',
    });
  });

  it('ends when the listed authority of that name did not sign its certificate', async () => {
    const forged = sealCertificate(party('UTO CSCA'), signer);
    const entry = list({ certificate: base64(forged), vds: 'UTTS 5B' });
    const seal = vdsBytes(signer.privateKey);
    expect(await check(seal, await trustIn(entry))).toMatchObject({ status: 'VALID' });
    expect(await check(seal, await trustIn(entry, file(authorityDer)))).toMatchObject({
      subIndication: 'UNTRUSTED_CERTIFICATE',
    });
  });

  it('is not given to another who goes by the same reference', async () => {
    const entry = (one: Party) => ({ certificate: base64(sealCertificate(authority, one)), vds: 'UTTS 5B' });
    const seal = vdsBytes(signer.privateKey);
    expect(await check(seal, await trustIn(list(entry(stranger))))).toMatchObject({
      subIndication: 'INVALID_SIGNATURE',
    });
    expect(await check(seal, await trustIn(list(entry(stranger), entry(signer))))).toMatchObject({
      status: 'VALID',
    });
  });

  it.each([
    ['brainpoolP224r1', 'sha224'],
    ['brainpoolP256r1', 'sha256'],
    ['brainpoolP384r1', 'sha384'],
    ['brainpoolP512r1', 'sha512'],
    ['secp384r1', 'sha384'],
    ['secp521r1', 'sha512'],
  ])('on %s asks for the hash of that size', async (curve, hash) => {
    const csca = partyOn('CSCA', curve);
    const one = partyOn('one', curve);
    const der = sealCertificate(csca, one);
    const trust = await trustIn(
      list({ certificate: base64(der), vds: 'UTTS 005B' }),
      file(certificate(csca, csca, { ca: true })),
    );
    expect(await check(vdsBytes(one.privateKey, hash), trust)).toMatchObject({ status: 'VALID' });
    const other = hash === 'sha256' ? 'sha384' : 'sha256';
    expect(await check(vdsBytes(one.privateKey, other), trust)).toMatchObject({
      subIndication: 'INVALID_SIGNATURE',
    });
  });

  it('on a curve that the platform lacks is left open', async () => {
    const one = partyOn('one', 'brainpoolP256r1');
    const trust = await trustIn(
      list({ certificate: base64(sealCertificate(authority, one)), vds: 'UTTS 5B' }),
    );
    const content = { text: '', bytes: vdsBytes(one.privateKey) };
    const { verdict } = await checkForeign(content, trust, { now }, webBackend(globalThis.crypto));
    expect(verdict).toMatchObject({ subIndication: 'UNSUPPORTED_ALGORITHM', signature: 'not-checked' });
  });

  it('is the same by WebCrypto', async () => {
    const { verdict } = await checkForeign(
      { text: vdsNcText(signer.privateKey, signerDer) },
      await readForeignTrust([file(authorityDer)], webBackend(globalThis.crypto)),
      { now },
      webBackend(globalThis.crypto),
    );
    expect(verdict).toMatchObject({ status: 'VALID' });
  });
});

describe('a visible digital seal', () => {
  it('is valid with a feature that nobody knows, which is said', async () => {
    const features = [
      {
        tag: 2,
        value: encodeC40('ATD<<RESIDORCE<<ROLAND<<<<<<<<<<<<<<6525845096USA7008038M2201018<<<<<<06'),
      },
      { tag: 3, value: encodeC40('UFO001979') },
      { tag: 9, value: utf8('quelque chose') },
    ];
    const trust = await trustIn(list({ certificate: base64(signerDer), vds: 'UTTS 5B' }));
    expect(await check(vdsBytes(signer.privateKey, 'sha256', features), trust)).toMatchObject({
      status: 'VALID',
      subIndication: 'UNKNOWN_FEATURE',
    });
    for (const wrong of [features.slice(1), [...features, ...features.slice(0, 1)]])
      expect(await check(vdsBytes(signer.privateKey, 'sha256', wrong), trust)).toMatchObject({
        subIndication: 'WRONG_FORMAT',
      });
  });

  it('does not outlive bytes behind it, nor a changed bit anywhere', async () => {
    const trust = await trustIn(list({ certificate: base64(signerDer), vds: 'UTTS 5B' }));
    const seal = vdsBytes(signer.privateKey);
    expect(await check(concatBytes(seal, Uint8Array.of(0)), trust)).toMatchObject({
      subIndication: 'WRONG_FORMAT',
    });
    for (let at = 2; at < seal.length; at++) {
      const changed = seal.slice();
      changed[at] = (seal[at] as number) ^ 4;
      expect((await check(changed, trust)).status, `byte ${at}`).toBe('INVALID');
    }
  });
});

describe('a 2D-Doc', () => {
  const trust = () => trustIn(list({ certificate: base64(plainDer), '2d-doc': 'FR00 0001' }));

  it('is valid as it was signed, also with a separator that its encoder left out', async () => {
    expect(await check(twoDDocText(signer.privateKey), await trust())).toMatchObject({ status: 'VALID' });
    const signed = twoDDocText(signer.privateKey, '5000000000000000\u001d10M/EXEMPLE\u001d');
    const written = signed.replace('00\u001d10', '0010');
    expect(written).not.toBe(signed);
    expect(await check(written, await trust())).toMatchObject({ status: 'VALID' });
  });

  it('is not valid with a field more, a field less or another value', async () => {
    const text = twoDDocText(signer.privateKey);
    for (const changed of [
      text.replace('\u001d50', '\u001d13DUPONT\u001d50'),
      text.replace('10M/EXEMPLE/HENRY\u001d', ''),
      text.replace('HENRY', 'HENRI'),
      text.replace('00012500', '00012501'),
    ])
      expect(await check(changed, await trust())).toMatchObject({ subIndication: 'INVALID_SIGNATURE' });
  });

  it('is read in its binary form, with and without the length of its signature', async () => {
    const names = list({ certificate: base64(plainDer), '2d-doc': 'FR00 00001' });
    for (const withLength of [true, false]) {
      const bytes = twoDDocBinary(signer.privateKey, withLength);
      expect(readForeign('', bytes)).toMatchObject({
        system: '2d-doc',
        form: 'binary',
        authority: 'FR00',
        certificate: '00001',
        country: 'FRA',
        issued: '2026-06-01',
        documentType: '07',
        perimeter: '0001',
        fields: [
          { id: '01', value: 'DUPONT' },
          { id: '02', value: expect.any(String) },
        ],
      });
      expect(await check(bytes, await trustIn(names))).toMatchObject({ status: 'VALID' });
      expect(await check(concatBytes(bytes, Uint8Array.of(0, 0)), await trustIn(names))).toMatchObject({
        status: 'INVALID',
      });
    }
  });
});

describe('a health certificate', () => {
  it('is valid by key identifier, and by the list of the gateway in its forms', async () => {
    const kid = await kidOf(plainDer);
    const text = healthText(signer.privateKey, kid);
    const entry = { kid: base64(kid), rawData: base64(plainDer), country: 'AT' };
    for (const lists of [
      file(plainDer),
      list(entry),
      { name: 'a.json', bytes: utf8(JSON.stringify({ certificates: [entry] })) },
      { name: 'b.json', bytes: utf8(JSON.stringify({ [base64(kid)]: base64(plainDer) })) },
    ])
      expect(await check(text, await trustIn(lists))).toMatchObject({ status: 'VALID' });
  });

  it.each<[string, Record<string, unknown>]>([
    ['a country that does not exist', { co: 'QQ' }],
    ['a disease outside the value set', { tg: '1' }],
    ['no issuer', { is: undefined }],
    ['a day in another form', { fr: '20.02.2021' }],
  ])('with %s does not follow its schema', async (_, change) => {
    const text = healthText(signer.privateKey, await kidOf(plainDer), change);
    expect(await check(text, await trustIn(file(plainDer)))).toMatchObject({
      subIndication: 'WRONG_FORMAT',
      signature: 'valid',
      detail: expect.stringMatching(/r\//),
    });
  });

  it('is valid from its issue on and until its expiry', async () => {
    const text = healthText(signer.privateKey, await kidOf(plainDer));
    const trust = await trustIn(file(plainDer));
    expect(await check(text, trust, new Date(1_600_000_000_000))).toMatchObject({
      subIndication: 'NOT_YET_VALID',
    });
    expect(await check(text, trust, new Date(1_800_000_001_000))).toMatchObject({ subIndication: 'EXPIRED' });
  });

  it('with a scheme that does not go with the key of its signer is left open', async () => {
    const rsa = party('rsa', 'rsa');
    const der = certificate(authority, rsa);
    const text = healthText(signer.privateKey, await kidOf(der));
    expect(await check(text, await trustIn(file(der)))).toMatchObject({
      subIndication: 'UNSUPPORTED_ALGORITHM',
      signature: 'not-checked',
    });
  });
});

describe('a Claim 169', () => {
  const claims = new Map<number, unknown>([
    [1, 'https://id.example'],
    [
      169,
      new Map<number, unknown>([
        [4, 'Exemple'],
        [9, 2],
      ]),
    ],
  ]);

  it('is valid with the public key that is listed for its issuer', async () => {
    const { spki, privateKey } = signer;
    const text = tokenText(claims, privateKey);
    const entry = (issuer: string) => list({ publicKey: base64(spki), issuer });
    expect(await check(text, await trustIn(entry('https://id.example')))).toMatchObject({ status: 'VALID' });
    expect(await check(text, await trustIn(entry('https://id.other')))).toMatchObject({
      subIndication: 'UNKNOWN_CERTIFICATE',
    });
    expect(
      await check(tokenText(claims, stranger.privateKey), await trustIn(entry('https://id.example'))),
    ).toMatchObject({
      subIndication: 'INVALID_SIGNATURE',
    });
  });

  it('with an algorithm that is not accepted is left open', async () => {
    const text = tokenText(claims, signer.privateKey, { algorithm: -65535 });
    const trust = await trustIn(list({ publicKey: base64(signer.spki), issuer: 'https://id.example' }));
    expect(await check(text, trust)).toMatchObject({ subIndication: 'UNSUPPORTED_ALGORITHM' });
  });
});

it('a signer for one system seals for no other', async () => {
  const health = sealCertificate(authority, signer, { extendedKeyUsage: ['1.3.6.1.4.1.1847.2021.1.3'] });
  const cases: [string | Uint8Array, Uint8Array][] = [
    [healthText(signer.privateKey, await kidOf(signerDer)), signerDer],
    [twoDDocText(signer.privateKey), signerDer],
    [twoDDocText(signer.privateKey), health],
    [vdsBytes(signer.privateKey), health],
    [vdsNcText(signer.privateKey, health), health],
  ];
  for (const [content, der] of cases) {
    const trust = await trustIn(list({ certificate: base64(der), vds: 'UTTS 5B', '2d-doc': 'FR00 0001' }));
    expect(await check(content, trust)).toMatchObject({
      subIndication: 'INVALID_DOCUMENTTYPE',
      signature: 'valid',
    });
  }
  const healthList = await trustIn(file(health));
  const own = healthText(signer.privateKey, await kidOf(health));
  expect(await check(own, healthList)).toMatchObject({ status: 'VALID' });
});

it('an ICAO bar code without a signature is unsigned, whatever it says', async () => {
  expect(await check(idbText(), await trustIn(file(signerDer)))).toMatchObject({ subIndication: 'UNSIGNED' });
  expect(await check(idbText({ zip: true }), await trustIn())).toMatchObject({ subIndication: 'UNSIGNED' });
});

it('an ICAO bar code is known by the SHA-1 of the certificate of its signer', async () => {
  const reference = (await nodeBackend.digest('sha1', signerDer)).slice(-5);
  const text = idbText({ key: signer.privateKey, reference });
  expect(readForeign(text)).toMatchObject({ signature: { certificateReference: toHex(reference) } });
  expect(await check(text, await trustIn(file(signerDer)))).toMatchObject({ status: 'VALID' });
});

it('a code of no system that is read here is said to be that', async () => {
  const trust = await trustIn();
  for (const text of ['https://example.org/', 'HC2:ABC', '', 'RDB2B', '{"a":1}'])
    await expect(check(text, trust), text).rejects.toMatchObject({ code: 'SEAL_FOREIGN' });
  // Version 1 was one issuer's experiment.
  expect(await check('DC01FR000001', trust)).toMatchObject({ subIndication: 'WRONG_FORMAT' });
});

describe('a trust list', () => {
  it.each<[string, TrustFile]>([
    ['of no known form', { name: 'x.pem', bytes: utf8('bonjour') }],
    ['of bytes', { name: 'x.pem', bytes: Uint8Array.of(0xff, 0xfe) }],
    ['in broken JSON', { name: 'x.json', bytes: utf8('{') }],
    ['of a number', { name: 'x.json', bytes: utf8('7') }],
    ['of an entry without a key', list({ kid: 'AAAA' })],
    ['of an entry that is no object', { name: 'x.json', bytes: utf8('[3]') }],
    ['of a certificate that is none', list({ certificate: 'AAAA' })],
    ['of text that is not base64', list({ certificate: '***' })],
    ['of a name that is none', list({ certificate: base64(signerDer), vds: 'UTTS5B' })],
    ['of revoked "no"', list({ certificate: base64(signerDer), revoked: 'no' })],
    ['of cut DER', file(signerDer.subarray(0, 100))],
  ])('%s is refused, and its file named', async (_, broken) => {
    await expect(trustIn(broken)).rejects.toMatchObject({
      code: 'TRUST_INVALID',
      message: expect.stringContaining(broken.name),
    });
  });

  it('is read from PEM, several in one file', async () => {
    const pem = (der: Uint8Array) =>
      `-----BEGIN CERTIFICATE-----\n${base64(der).replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
    const bytes = utf8(`un commentaire\n${pem(signerDer)}${pem(authorityDer)}`);
    const trust = await trustIn({ name: 'all.pem', bytes });
    expect(trust.authorities).toHaveLength(1);
    expect(await check(vdsNcText(signer.privateKey, signerDer), trust)).toMatchObject({ status: 'VALID' });
  });

  it('of a key on a curve of somebody’s own making gives no trust', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' });
    const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
    const own = spki.slice();
    // The last octet of the generator, which stands before the order and the cofactor.
    const generatorEnd = spki.length - 68 - 3 - 35 - 1;
    own[generatorEnd] = (spki[generatorEnd] as number) ^ 1;
    const trust = await trustIn(list({ publicKey: base64(own), issuer: 'https://id.example' }));
    const keys = [...trust.signers.values()].flat().map(({ key }) => key.kind);
    expect(keys).toEqual(['unsupported']);
  });
});
