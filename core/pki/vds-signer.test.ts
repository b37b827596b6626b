import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import { issueCertificate } from './authority.ts';
import { parseCertificate } from './certificate.ts';
import { extensionOid } from './extensions.ts';
import { keySigner } from './file-signer.ts';
import { hasOpenssl, opensslFolder } from './openssl.fixture.ts';
import { issueVdsSigner, type VdsSignerRequest } from './vds-signer.ts';

const now = new Date('2026-06-01T12:00:00Z');
const newKey = () => keySigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);

describe('the certificate of a signer of visible digital seals', () => {
  const authorityKey = newKey();
  const subjectKey = newKey();
  let request: VdsSignerRequest;
  let der: Uint8Array;

  beforeAll(async () => {
    const certificate = await issueCertificate({
      profile: 'root',
      organisation: { country: 'GA', state: 'République gabonaise', post: 'Paris', postCode: 'GA-PAR' },
      subjectKey: authorityKey,
      issuer: { signer: authorityKey },
      serial: Uint8Array.of(1),
      now,
      repository: 'http://verifier.example',
    });
    request = {
      subjectKey,
      issuer: { signer: authorityKey, certificate },
      country: 'GA',
      name: 'PR',
      serial: Uint8Array.of(0x1a, 0x2b),
      now,
    };
    der = await issueVdsSigner(request);
  });

  it('has exactly what Doc 9303-12 §7.1.3 asks for', () => {
    const { subject, serial, extensions, notBefore, notAfter } = parseCertificate(der);
    expect(subject.rdns).toEqual([[{ type: '2.5.4.6', text: 'GA' }], [{ type: '2.5.4.3', text: 'PR' }]]);
    expect(toHex(serial)).toBe('1a2b');
    expect([notBefore, notAfter]).toEqual([now, new Date('2031-06-01T12:00:00Z')]);
    expect([...extensions.all].map(([oid, { critical }]) => [oid, critical])).toEqual([
      [extensionOid.authorityKeyIdentifier, false],
      ['2.23.136.1.1.6.2', false],
      [extensionOid.extendedKeyUsage, true],
    ]);
    expect(extensions.extendedKeyUsage).toEqual(['2.23.136.1.1.11.1']);
    expect(toHex(extensions.all.get('2.23.136.1.1.6.2')?.value as Uint8Array)).toBe('3009020100310413025055');
  });

  it.skipIf(!hasOpenssl)('has its curve written out, with the cofactor, as OpenSSL reads it', () => {
    const folder = opensslFolder();
    folder.write({ 'signer.der': der });
    const text = folder.openssl('x509', '-inform', 'DER', '-in', 'signer.der', '-noout', '-text').said;
    expect(text).toMatch(/Field Type: prime-field/);
    expect(text).toMatch(/Cofactor: +1 /);
    expect(text).toMatch(/Generator \(uncompressed\)/);
    expect(text).toMatch(/Subject: C = GA, CN = PR\n/);
    expect(text).toMatch(/X509v3 Extended Key Usage: critical\s+2\.23\.136\.1\.1\.11\.1\n/);
  });

  it('is signed by its authority, by the word of OpenSSL', () => {
    const authority = new X509Certificate(request.issuer.certificate);
    const signer = new X509Certificate(der);
    expect(signer.checkIssued(authority)).toBe(true);
    expect(signer.verify(authority.publicKey)).toBe(true);
  });

  it.each<[string, Partial<VdsSignerRequest>, string]>([
    ['a name of three letters', { name: 'PAR' }, 'SCHEMA_VIOLATION'],
    ['a country in lower case', { country: 'ga' }, 'SCHEMA_VIOLATION'],
    ['a country other than that of the authority', { country: 'FR' }, 'CERTIFICATE_INVALID'],
    ['a serial number of nothing', { serial: new Uint8Array() }, 'SCHEMA_VIOLATION'],
    ['a serial number that begins with a zero', { serial: Uint8Array.of(0, 1) }, 'SCHEMA_VIOLATION'],
    ['a serial number of 21 octets', { serial: new Uint8Array(21).fill(1) }, 'SCHEMA_VIOLATION'],
    [
      'a key that is not ECDSA',
      { subjectKey: keySigner(generateKeyPairSync('ed25519').privateKey) },
      'KEY_INVALID',
    ],
  ])('is not issued for %s', async (_, change, code) => {
    await expect(issueVdsSigner({ ...request, ...change })).rejects.toMatchObject({ code });
  });
});
