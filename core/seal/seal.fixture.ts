import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import type { PublicKey, SignatureAlgorithm } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import type { CertifiedSigner } from '../pki/signer.ts';
import type { SealClaims } from './claims.ts';
import { prepareSealSigner, type SealSigner } from './seal.ts';

export const p256: SignatureAlgorithm = { name: 'ecdsa', curve: 'P-256', hash: 'sha256' };

export interface TestSigner {
  readonly privateKey: KeyObject;
  readonly certified: CertifiedSigner;
  readonly seal: SealSigner;
  readonly publicKey: PublicKey;
}

/** A new key; its "certificate" is any bytes, for a seal only hashes it. */
export async function testSigner(): Promise<TestSigner> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const certified: CertifiedSigner = {
    algorithm: p256,
    publicKey: spki,
    certificate: new TextEncoder().encode('certificate of the test signer'),
    chain: [],
    sign: (data) => new Uint8Array(sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  };
  return {
    privateKey,
    certified,
    seal: await prepareSealSigner(certified, nodeBackend),
    publicKey: await nodeBackend.importPublicKey(p256, spki),
  };
}

export const verifierHost = 'verify.consulat-exemple.org';

/** A document as a consulate issues it, with all usual claims and some of the procedure. */
export const usualClaims: SealClaims = {
  issuer: 'GA',
  issuedAt: 1_790_000_000,
  notBefore: 1_790_000_000,
  expires: 1_821_536_000,
  identity: {
    givenName: 'Marie Thérèse',
    familyName: 'NDONG MBA',
    dateOfBirth: '19900412',
    sex: 'female',
    nationality: 'GA',
    secondName: 'ماري تيريز',
    secondLanguage: 'ar',
    issuingCountry: 'GA',
  },
  document: {
    type: 'prise-en-charge',
    number: 'PC-2026-000123',
    placeOfBirth: 'Libreville',
    travelDocument: '19GA12345',
    post: 'GA-PAR',
    statusIndex: 123_456,
    recordDigest: new Uint8Array(16).map((_, i) => 17 * i),
    extra: new Map<number, string | number>([
      [8, 'AMINATA DIALLO'],
      [9, 75_000],
    ]),
  },
};

const line = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
  .map((text) => text.normalize('NFC'))
  .filter(
    (text) => !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u.test(text) && text.length <= 200,
  );
const seconds = fc.integer({ min: 0, max: 253_402_300_799 });
const letters = (min: number, max: number, from: string) =>
  fc.string({ unit: fc.constantFrom(...from), minLength: min, maxLength: max });
const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const noKeys = { requiredKeys: [] as [] };

export const anyClaims: fc.Arbitrary<SealClaims> = fc.record(
  {
    issuer: letters(2, 2, upper),
    issuedAt: seconds,
    notBefore: seconds,
    expires: seconds,
    identity: fc.record(
      {
        fullName: line,
        givenName: line,
        familyName: line,
        dateOfBirth: fc
          .date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
          .map((date) => date.toISOString().slice(0, 10).replaceAll('-', '')),
        sex: fc.constantFrom('male' as const, 'female' as const, 'other' as const),
        nationality: letters(2, 3, upper),
        secondName: line,
        secondLanguage: letters(2, 3, upper.toLowerCase()),
        issuingCountry: letters(2, 3, upper),
      },
      noKeys,
    ),
    document: fc.record(
      {
        type: line,
        number: line,
        post: line,
        recordDigest: fc.uint8Array({ minLength: 16, maxLength: 16 }),
        privateDigest: fc.uint8Array({ minLength: 16, maxLength: 16 }),
        placeOfBirth: line,
        travelDocument: line,
        statusIndex: fc.integer({ min: 0, max: 0xffff_ffff }),
        incompleteBirthDate: fc.constantFrom('1961', '1987-03', '0001-12'),
        extra: fc
          .uniqueArray(fc.tuple(fc.integer({ min: 8, max: 5000 }), fc.oneof(line, fc.maxSafeInteger())), {
            selector: ([label]) => label,
            minLength: 1,
            maxLength: 5,
          })
          .map((entries) => new Map<number, string | number>(entries)),
      },
      { requiredKeys: ['type', 'number', 'post', 'recordDigest'] },
    ),
  },
  { requiredKeys: ['issuer', 'issuedAt', 'document'] },
);
