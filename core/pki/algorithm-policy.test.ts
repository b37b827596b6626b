import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SignatureAlgorithm } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import { acceptableUntil, isAcceptable, type PolicedAlgorithm, undatedPolicy } from './algorithm-policy.ts';
import { parseCertificate } from './certificate.ts';
import { parseCrl } from './crl.ts';
import { certificate, crl, party } from './fixture.ts';
import { type PathInput, validatePath } from './path.ts';
import { VerifiedLinks } from './verified-links.ts';

const rsa = (name: 'rsa-pkcs1' | 'rsa-pss', bits: number): PolicedAlgorithm => ({
  signature: name === 'rsa-pss' ? { name, hash: 'sha256', saltLength: 32 } : { name, hash: 'sha256' },
  key: { kind: 'rsa', bits },
});
const day = (text: string): Date => new Date(`${text}T00:00:00Z`);

describe('the policy of ETSI TS 119 312 V2.1.1', () => {
  test.each(['sha1', 'md5', 'sha224', 'ripemd160', '', 'constructor'])(
    'never accepts the digest %s',
    (digest) => {
      for (const at of ['1995-01-01', '2005-01-01', '2026-11-24', '2099-01-01'])
        expect(isAcceptable({ digest }, day(at))).toBe(false);
    },
  );

  test.each(['sha256', 'sha384', 'sha512'])('sets no end to %s', (digest) => {
    expect(acceptableUntil({ digest })).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([
    ['rsa-pkcs1', 1024, undefined],
    ['rsa-pkcs1', 2047, undefined],
    ['rsa-pkcs1', 2048, '2026-04-01'],
    ['rsa-pkcs1', 2999, '2026-04-01'],
    ['rsa-pkcs1', 3000, '2034-01-01'],
    ['rsa-pkcs1', 4096, '2034-01-01'],
    ['rsa-pss', 2047, undefined],
    ['rsa-pss', 2048, '2026-04-01'],
  ] as const)('accepts %s with %i bits until %s', (name, bits, until) => {
    const algorithm = rsa(name, bits);
    if (!until) return expect(acceptableUntil(algorithm)).toBe(Number.NEGATIVE_INFINITY);
    expect(isAcceptable(algorithm, new Date(day(until).getTime() - 1))).toBe(true);
    expect(isAcceptable(algorithm, day(until))).toBe(false);
  });

  test('sets no end to RSA-PSS from 3000 bits, ECDSA and Ed25519', () => {
    expect(acceptableUntil(rsa('rsa-pss', 3072))).toBe(Number.POSITIVE_INFINITY);
    for (const curve of ['P-256', 'P-384', 'P-521'] as const) {
      const signature: SignatureAlgorithm = { name: 'ecdsa', curve, hash: 'sha256' };
      expect(acceptableUntil({ signature, key: { kind: 'ec', curve } })).toBe(Number.POSITIVE_INFINITY);
    }
    const ed25519 = { signature: { name: 'ed25519' }, key: { kind: 'ed25519' } } as const;
    expect(acceptableUntil(ed25519)).toBe(Number.POSITIVE_INFINITY);
  });

  test('accepts nothing at a date that is none', () => {
    expect(isAcceptable({ digest: 'sha256' }, new Date(Number.NaN))).toBe(false);
  });

  test('never accepts again what it has ended, and no shorter key for longer', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('rsa-pkcs1' as const, 'rsa-pss' as const),
        fc.integer({ min: 512, max: 8192 }),
        fc.integer({ min: 0, max: 2048 }),
        fc.date({ noInvalidDate: true }),
        fc.nat(),
        (name, bits, more, at, later) => {
          const after = new Date(Math.min(at.getTime() + later, 8.64e15));
          if (!isAcceptable(rsa(name, bits), at)) expect(isAcceptable(rsa(name, bits), after)).toBe(false);
          if (isAcceptable(rsa(name, bits), at)) expect(isAcceptable(rsa(name, bits + more), at)).toBe(true);
        },
      ),
    );
  });
});

describe('a path under the policy', () => {
  const old = party('Old', 'rsa-2048');
  const signer = party('Signer');
  const anchor = parseCertificate(certificate(old, old, { ca: true }));
  const leaf = parseCertificate(certificate(old, signer));
  const usual: PathInput = { leaf, intermediates: [], anchors: [anchor], time: day('2026-03-31') };
  const end = day('2026-04-01');

  const reasonOf = async (change: Partial<PathInput>): Promise<string> => {
    const result = await validatePath({ ...usual, ...change }, nodeBackend);
    return result.ok ? 'ok' : result.reason;
  };

  test('holds until the day of its weakest signature, and says so', async () => {
    expect(await validatePath(usual, nodeBackend)).toMatchObject({ ok: true, algorithmsUntil: end });
    expect(await reasonOf({ time: new Date(end.getTime() - 1) })).toBe('ok');
    expect(await reasonOf({ time: end })).toBe('algorithm');
  });

  test('is judged anew where its links were found good before', async () => {
    const verifiedLinks = new VerifiedLinks();
    expect(await reasonOf({ verifiedLinks })).toBe('ok');
    expect(await reasonOf({ verifiedLinks, time: end })).toBe('algorithm');
  });

  test('takes another policy where one is given', async () => {
    expect(await reasonOf({ time: end, algorithms: undatedPolicy })).toBe('ok');
  });

  test('holds its CRLs to the time at which they are to be fresh', async () => {
    const fresh = { thisUpdate: day('2026-03-30'), nextUpdate: day('2026-05-01') };
    const crls = [parseCrl(crl(old, fresh))];
    expect(await reasonOf({ revocation: { crls } })).toBe('ok');
    expect(await reasonOf({ revocation: { crls, freshAt: end } })).toBe('revocation-unknown');
  });
});
