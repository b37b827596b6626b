import { describe, expect, test } from 'vitest';
import { readDer } from '../der/reader.ts';
import {
  element,
  explicit,
  integer,
  nul,
  oid,
  printableString,
  sequence,
  setOf,
  utf8String,
} from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { readAlgorithmIdentifier, signatureAlgorithmFor } from './algorithm.ts';
import { parseCertificate } from './certificate.ts';
import { type CertificateShape, certificate, extension, party } from './fixture.ts';
import { equalNames, isWithin, type Name, readName } from './name.ts';

const issuer = party('Authority');
const subject = party('Signer');
const refused = (der: Uint8Array) => {
  expect(() => parseCertificate(der)).toThrow(ConsulError);
  expect(() => parseCertificate(der)).toThrow(/^the certificate is malformed|^a certificate of/);
};
const shaped = (shape: CertificateShape) => certificate(issuer, subject, shape);

describe('a certificate', () => {
  test('gives its fields', () => {
    const read = parseCertificate(
      shaped({
        serial: 0x80,
        extendedKeyUsage: ['1.3.6.1.5.5.7.3.8'],
        keyUsage: ['digitalSignature', 'decipherOnly'],
      }),
    );
    expect(read.serial).toEqual(Uint8Array.of(0, 0x80));
    expect([read.issuer.text, read.subject.text]).toEqual(['CN=Authority', 'CN=Signer']);
    expect(read.publicKeyAlgorithm).toEqual({ kind: 'ec', curve: 'P-256' });
    expect(read.extensions.keyUsage).toEqual(new Set(['digitalSignature', 'decipherOnly']));
    expect(read.extensions.extendedKeyUsage).toEqual(['1.3.6.1.5.5.7.3.8']);
    expect(read.notBefore).toEqual(new Date('2020-01-01T00:00:00Z'));
  });

  test('is refused where it is cut short at any byte or has bytes after its end', () => {
    const der = shaped({});
    for (let length = 0; length < der.length; length++) refused(der.subarray(0, length));
    refused(new Uint8Array([...der, 0]));
    refused(new Uint8Array(1 << 19));
  });

  test.each<[string, CertificateShape]>([
    ['serial number 0', { serial: 0 }],
    ['a negative serial number', { serial: -5 }],
    ['a serial number of 21 octets', { serial: new Uint8Array(21).fill(1) }],
    [
      'an extension that stands twice',
      { extensions: [extension('2.5.29.15', Uint8Array.of(3, 2, 7, 0x80))] },
    ],
    [
      'a private extension that stands twice',
      { extensions: [extension('1.2.3', nul), extension('1.2.3', nul)] },
    ],
    ['an empty extended key usage', { extendedKeyUsage: [] }],
    ['a malformed alternative name', { extensions: [extension('2.5.29.17', Uint8Array.of(1, 2, 3))] }],
    [
      'cA FALSE written out',
      { extensions: [extension('2.5.29.19', sequence(element(1, Uint8Array.of(0))), true)] },
    ],
    ['a negative path length', { ca: true, pathLength: -1 }],
    [
      'a policy that stands twice',
      { extensions: [extension('2.5.29.32', sequence(sequence(oid('1.2.3')), sequence(oid('1.2.3'))))] },
    ],
  ])('with %s is refused', (_, shape) => {
    refused(shaped(shape));
  });

  test('of version 1 or 2, or with two signature algorithms, is refused', () => {
    const [tbs, algorithm, signature] = readDer(shaped({})).sequence();
    const [version, ...fields] = tbs!.sequence();
    const again = (first: readonly Uint8Array[], outer = algorithm!.bytes) =>
      sequence(sequence(...first, ...fields.map((field) => field.bytes)), outer, signature!.bytes);
    expect(() => parseCertificate(again([version!.bytes]))).not.toThrow();
    refused(again([]));
    refused(again([explicit(0, integer(1))]));
    refused(again([explicit(0, integer(3))]));
    refused(again([version!.bytes], sequence(oid('1.2.840.10045.4.3.3'))));
  });
});

describe('a signature algorithm', () => {
  const rsaKey = { kind: 'rsa', bits: 3072 } as const;
  const ecKey = { kind: 'ec', curve: 'P-384' } as const;
  const sha = (number: number) => sequence(oid(`2.16.840.1.101.3.4.2.${number}`));
  const pss = (...fields: Uint8Array[]) => sequence(oid('1.2.840.113549.1.1.10'), sequence(...fields));
  const mask = (hash: Uint8Array) => explicit(1, sequence(oid('1.2.840.113549.1.1.8'), hash));

  test.each<[string, Uint8Array, Parameters<typeof signatureAlgorithmFor>[1], unknown]>([
    [
      'ECDSA with SHA-384',
      sequence(oid('1.2.840.10045.4.3.3')),
      ecKey,
      { name: 'ecdsa', curve: 'P-384', hash: 'sha384' },
    ],
    ['ECDSA with NULL', sequence(oid('1.2.840.10045.4.3.3'), nul), ecKey, undefined],
    ['ECDSA with SHA-1', sequence(oid('1.2.840.10045.4.1')), ecKey, undefined],
    ['ECDSA by an RSA key', sequence(oid('1.2.840.10045.4.3.3')), rsaKey, undefined],
    [
      'RSA with SHA-256',
      sequence(oid('1.2.840.113549.1.1.11'), nul),
      rsaKey,
      { name: 'rsa-pkcs1', hash: 'sha256' },
    ],
    ['RSA without NULL', sequence(oid('1.2.840.113549.1.1.11')), rsaKey, undefined],
    ['RSA with SHA-1', sequence(oid('1.2.840.113549.1.1.5'), nul), rsaKey, undefined],
    ['RSA with MD5', sequence(oid('1.2.840.113549.1.1.4'), nul), rsaKey, undefined],
    ['RSA of 2047 bits', sequence(oid('1.2.840.113549.1.1.11'), nul), { kind: 'rsa', bits: 2047 }, undefined],
    [
      'PKCS #1 by a PSS key',
      sequence(oid('1.2.840.113549.1.1.11'), nul),
      { ...rsaKey, pss: 'any' },
      undefined,
    ],
    [
      'PSS',
      pss(explicit(0, sha(1)), mask(sha(1)), explicit(2, integer(32))),
      rsaKey,
      { name: 'rsa-pss', hash: 'sha256', saltLength: 32 },
    ],
    ['PSS of the defaults', pss(), rsaKey, undefined],
    ['PSS without parameters', sequence(oid('1.2.840.113549.1.1.10')), rsaKey, undefined],
    [
      'PSS with two hashes',
      pss(explicit(0, sha(1)), mask(sha(2)), explicit(2, integer(32))),
      rsaKey,
      undefined,
    ],
    [
      'PSS with another trailer',
      pss(explicit(0, sha(1)), mask(sha(1)), explicit(2, integer(32)), explicit(3, integer(2))),
      rsaKey,
      undefined,
    ],
    ['Ed25519', sequence(oid('1.3.101.112')), { kind: 'ed25519' }, { name: 'ed25519' }],
    ['Ed25519 with NULL', sequence(oid('1.3.101.112'), nul), { kind: 'ed25519' }, undefined],
  ])('%s', (_, der, key, expected) => {
    expect(signatureAlgorithmFor(readAlgorithmIdentifier(readDer(der)), key)).toEqual(expected);
  });
});

describe('a name', () => {
  const name = (...attributes: readonly [string, Uint8Array][]): Name =>
    readName(readDer(sequence(...attributes.map(([type, value]) => setOf([sequence(oid(type), value)])))));
  const cn = (text: string) => name(['2.5.4.3', utf8String(text)]);

  test.each([
    ['Consulat, Paris', 'CN=Consulat\\, Paris'],
    [' a ', 'CN=\\ a\\ '],
    [' ', 'CN=\\ '],
    ['#1', 'CN=\\#1'],
    ['a\\ ', 'CN=a\\\\\\ '],
    ['a\nb', 'CN=a\\0ab'],
    ['a\u202eb', 'CN=a\\e2\\80\\aeb'],
    ['قنصلية', 'CN=قنصلية'],
  ])('%j is written %s', (text, expected) => {
    expect(cn(text).text).toBe(expected);
  });

  test('is written from the last to the first, with what is not a string in hexadecimal', () => {
    const mixed = name(
      ['2.5.4.6', printableString('GA')],
      ['1.2.3', integer(5)],
      ['2.5.4.3', utf8String('x')],
    );
    expect(mixed.text).toBe('CN=x,1.2.3=#020105,C=GA');
  });

  test('is the same in another case, spacing, form of Unicode or type of string', () => {
    expect(equalNames(cn('Consulat  de Paris '), cn(' CONSULAT DE\u00a0PARIS'))).toBe(true);
    expect(equalNames(cn('R\u00e9publique'), cn('Re\u0301publique'))).toBe(true);
    expect(equalNames(cn('Paris'), name(['2.5.4.3', printableString('PARIS')]))).toBe(true);
    expect(equalNames(cn('Pa\u00adris'), cn('Paris'))).toBe(true);
    expect(equalNames(cn('Paris'), cn('Pari s'))).toBe(false);
    expect(equalNames(cn('République'), cn('Republique'))).toBe(false);
    expect(equalNames(cn('Paris'), name(['2.5.4.10', utf8String('Paris')]))).toBe(false);
  });

  test('lies within another by its first attributes, in order', () => {
    const country: [string, Uint8Array] = ['2.5.4.6', printableString('GA')];
    const organisation: [string, Uint8Array] = ['2.5.4.10', utf8String('Consulat')];
    expect(isWithin(name(country, organisation), name(country))).toBe(true);
    expect(isWithin(name(country, organisation), name(organisation))).toBe(false);
    expect(isWithin(name(country), name(country, organisation))).toBe(false);
  });
});
