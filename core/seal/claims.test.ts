import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsulError } from '../errors.ts';
import { type CborKey, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { claimsFromCbor, claimsToCbor, type SealClaims } from './claims.ts';
import { anyClaims, usualClaims } from './seal.fixture.ts';

const digest = new Uint8Array(16);
const least: SealClaims = {
  issuer: 'GA',
  issuedAt: 1,
  document: { type: 'vie', number: '1', post: 'GA-PAR', recordDigest: digest },
};
const document: [CborKey, CborValue][] = [
  [1, 'vie'],
  [2, '1'],
  [5, 'GA-PAR'],
  [7, digest],
];
const token = (...further: [CborKey, CborValue][]) =>
  new Map<CborKey, CborValue>([[1, 'GA'], [6, 1], [-65537, new Map(document)], ...further]);

const detailsOf = (act: () => unknown): string[] => {
  try {
    act();
  } catch (error) {
    if (error instanceof ConsulError) return error.details.map((detail) => detail.where);
    throw error;
  }
  return [];
};

describe('claims of a seal', () => {
  it('stand under the labels of CWT, of Claim 169 and of the consular map', () => {
    expect(claimsToCbor(usualClaims)).toEqual(
      new Map<CborKey, CborValue>([
        [1, 'GA'],
        [4, 1_821_536_000],
        [5, 1_790_000_000],
        [6, 1_790_000_000],
        [
          169,
          new Map<CborKey, CborValue>([
            [5, 'Marie Thérèse'],
            [7, 'NDONG MBA'],
            [8, '19900412'],
            [9, 2],
            [13, 'GA'],
            [19, 'ماري تيريز'],
            [20, 'ar'],
            [23, 'GA'],
          ]),
        ],
        [
          -65537,
          new Map<CborKey, CborValue>([
            [1, 'prise-en-charge'],
            [2, 'PC-2026-000123'],
            [3, 'Libreville'],
            [4, '19GA12345'],
            [5, 'GA-PAR'],
            [6, 123_456],
            [7, usualClaims.document.recordDigest],
            [8, 'AMINATA DIALLO'],
            [9, 75_000],
          ]),
        ],
      ]),
    );
  });

  it('write an incomplete date of birth as text of the consular map', () => {
    const claims = { ...least, document: { ...least.document, incompleteBirthDate: '1961-05' } };
    expect((claimsToCbor(claims).get(-65537) as ReadonlyMap<CborKey, CborValue>).get(-1)).toBe('1961-05');
  });

  it('write the digest of the private fields as bytes of the consular map', () => {
    const claims = { ...least, document: { ...least.document, privateDigest: digest } };
    expect((claimsToCbor(claims).get(-65537) as ReadonlyMap<CborKey, CborValue>).get(-2)).toEqual(digest);
    for (const wrong of [new Uint8Array(15), new Uint8Array(32), 'digest'])
      expect(
        detailsOf(() =>
          claimsToCbor({ ...least, document: { ...least.document, privateDigest: wrong as Uint8Array } }),
        ),
      ).toEqual(['/document/privateDigest']);
  });

  it('come back as they went', () => {
    fc.assert(
      fc.property(anyClaims, (claims) => {
        const read = claimsFromCbor(decodeCbor(encodeCbor(claimsToCbor(claims)), 1 << 16));
        expect(read).toEqual({ claims, unknown: [] });
      }),
    );
  });

  it('are written in NFC whatever form they came in', () => {
    const claims = { ...least, identity: { givenName: 'The\u0301re\u0300se' } };
    const { claims: read } = claimsFromCbor(claimsToCbor(claims));
    expect(read.identity?.givenName).toBe('Thérèse');
  });

  it('of unknown labels are shown as unknown and change nothing', () => {
    const read = claimsFromCbor(
      new Map<CborKey, CborValue>([
        ...token([2, 'subject'], ['text', [1]], [169, new Map<CborKey, CborValue>([[1, 'ID-1']])]),
        [-65537, new Map<CborKey, CborValue>([...document, [-3, true], [8, [1]], [9, 'kept']])],
      ]),
    );
    expect(read.claims).toEqual({
      ...least,
      identity: {},
      document: { ...least.document, extra: new Map([[9, 'kept']]) },
    });
    expect(read.unknown).toEqual([
      { within: 'document', label: -3, value: true },
      { within: 'document', label: 8, value: [1] },
      { within: 'token', label: 2, value: 'subject' },
      { within: 'token', label: 'text', value: [1] },
      { within: 'identity', label: 1, value: 'ID-1' },
    ]);
  });

  it.each<[string, Partial<SealClaims> | { document: object } | { identity: object }]>([
    ['/issuer', { issuer: 'gabon' }],
    ['/issuedAt', { issuedAt: 1.5 }],
    ['/issuedAt', { issuedAt: -1 }],
    ['/expires', { expires: Number.NaN }],
    ['/identity/dateOfBirth', { identity: { dateOfBirth: '19900231' } }],
    ['/identity/dateOfBirth', { identity: { dateOfBirth: '1990-02-01' } }],
    ['/identity/sex', { identity: { sex: 'unknown' } }],
    ['/identity/nationality', { identity: { nationality: 'Gabon' } }],
    ['/identity/givenName', { identity: { givenName: '' } }],
    ['/identity/givenName', { identity: { givenName: 'a'.repeat(201) } }],
    ['/identity/givenName', { identity: { givenName: 'A\nB' } }],
    ['/identity/givenName', { identity: { givenName: 'A\u202eB' } }],
    ['/identity/givenName', { identity: { givenName: 'A\ud800' } }],
    ['/identity/secondLanguage', { identity: { secondLanguage: 'Arabic' } }],
    ['/document/recordDigest', { document: { ...least.document, recordDigest: new Uint8Array(32) } }],
    ['/document/statusIndex', { document: { ...least.document, statusIndex: 2 ** 32 } }],
    ['/document/incompleteBirthDate', { document: { ...least.document, incompleteBirthDate: '1990-13' } }],
    ['/document/extra/7', { document: { ...least.document, extra: new Map([[7, 'x']]) } }],
    ['/document/extra/8', { document: { ...least.document, extra: new Map([[8, 0.5]]) } }],
    ['/document/extra/8', { document: { ...least.document, extra: new Map([[8, '\0']]) } }],
  ])('are not written with a wrong value at %s', (where, change) => {
    expect(detailsOf(() => claimsToCbor({ ...least, ...change } as SealClaims))).toEqual([where]);
  });

  it('are refused with all that is wrong', () => {
    expect(detailsOf(() => claimsToCbor({ issuer: 1, document: {} } as unknown as SealClaims))).toEqual([
      '/issuer',
      '/issuedAt',
      '/document/type',
      '/document/number',
      '/document/post',
      '/document/recordDigest',
    ]);
    expect(detailsOf(() => claimsFromCbor(new Map([[1, 1]])))).toEqual(['/issuer', '/issuedAt', '/document']);
  });

  it.each<[string, CborValue]>([
    ['no map', [1]],
    [
      'no document',
      new Map<CborKey, CborValue>([
        [1, 'GA'],
        [6, 1],
      ]),
    ],
    ['a document that is no map', token([-65537, 'x'])],
    ['an identity that is no map', token([169, [1]])],
    ['a sex outside the list', token([169, new Map([[9, 4]])])],
    ['a sex of zero', token([169, new Map([[9, 0]])])],
    ['a time that is text', token([4, '2030'])],
    ['a time beyond the safe integers', token([4, 2n ** 60n])],
    ['a name that is a number', token([169, new Map([[5, 1]])])],
    ['a name with a control character', token([169, new Map([[5, 'A\u001b[31m']])])],
    ['a day that does not exist', token([169, new Map([[8, '20250229']])])],
  ])('are not read from %s', (_, value) => {
    expect(() => claimsFromCbor(value)).toThrow(expect.objectContaining({ code: 'SEAL_INVALID' }));
  });
});
