import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CryptoBackend } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import { element, ia5String, implicit, integer, nul, oid, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { parseCrl } from './crl.ts';
import {
  type CertificateShape,
  certificate,
  crl,
  extension,
  type Party,
  party,
  renamed,
  testTime,
} from './fixture.ts';
import { type PathInput, validatePath } from './path.ts';
import { VerifiedLinks } from './verified-links.ts';

const timeStamping = '1.3.6.1.5.5.7.3.8';
const emailProtection = '1.3.6.1.5.5.7.3.4';

const root = party('Root');
const authority = party('Authority');
const signer = party('Signer');
const rootCertificate = parseCertificate(certificate(root, root, { ca: true }));
const made = (issuer: Party, subject: Party, shape?: CertificateShape): Certificate =>
  parseCertificate(certificate(issuer, subject, shape));
const authorityCertificate = made(root, authority, { ca: true, pathLength: 0 });
const leaf = made(authority, signer);

const usual: PathInput = {
  leaf,
  intermediates: [authorityCertificate],
  anchors: [rootCertificate],
  time: testTime,
};

async function reasonOf(change: Partial<PathInput>, backend: CryptoBackend = nodeBackend): Promise<string> {
  const result = await validatePath({ ...usual, ...change }, backend);
  return result.ok ? 'ok' : result.reason;
}

/** Counts the signatures that are checked. */
function counting(): { backend: CryptoBackend; checks: () => number } {
  let checks = 0;
  return {
    checks: () => checks,
    backend: {
      ...nodeBackend,
      async importPublicKey(algorithm, spki) {
        const key = await nodeBackend.importPublicKey(algorithm, spki);
        return {
          verify: (signature, data) => {
            checks += 1;
            return key.verify(signature, data);
          },
        };
      },
    },
  };
}

describe('a path', () => {
  test('is found and given from the leaf to the anchor', async () => {
    const result = await validatePath(usual, nodeBackend);
    expect(result).toEqual({ ok: true, path: [leaf, authorityCertificate, rootCertificate], policies: [] });
  });

  test.each(['P-384', 'rsa', 'ed25519'] as const)('may be signed with %s', async (kind) => {
    const top = party('Top', kind);
    const anchors = [made(top, top, { ca: true })];
    expect(await reasonOf({ leaf: made(top, signer), intermediates: [], anchors })).toBe('ok');
  });

  test('is refused where nothing trusted is above the leaf', async () => {
    expect(await reasonOf({ anchors: [] })).toBe('no-path');
    expect(await reasonOf({ intermediates: [] })).toBe('no-path');
    expect(await reasonOf({ anchors: [made(party('Root'), party('Other'), { ca: true })] })).toBe('no-path');
  });

  test('is refused where an anchor of the same name has another key', async () => {
    const other = party('Root');
    expect(await reasonOf({ anchors: [made(other, other, { ca: true })] })).toBe('bad-signature');
  });

  test('does not exist for a leaf that is itself the anchor', async () => {
    expect(await reasonOf({ leaf: rootCertificate, intermediates: [] })).toBe('no-path');
  });

  test('names the certificate at fault', async () => {
    const old = made(root, authority, { ca: true, notAfter: new Date('2025-01-01T00:00:00Z') });
    const result = await validatePath({ ...usual, intermediates: [old] }, nodeBackend);
    expect(result).toMatchObject({ ok: false, reason: 'expired', certificate: old });
  });

  test('is found among expired, unrelated and same-named certificates', async () => {
    const others = [
      made(root, authority, { ca: true, notAfter: new Date('2025-01-01T00:00:00Z') }),
      made(root, renamed('Authority', party('x')), { ca: true }),
      made(root, party('Elsewhere'), { ca: true }),
      made(party('Nobody'), authority, { ca: true }),
    ];
    expect(await reasonOf({ intermediates: [...others, authorityCertificate] })).toBe('ok');
  });
});

describe('an authority', () => {
  const under = (shape: CertificateShape): Promise<string> =>
    reasonOf({ intermediates: [made(root, authority, shape)] });

  test('needs the CA bit', async () => {
    expect(await under({ ca: false, keyUsage: ['digitalSignature'] })).toBe('not-a-ca');
  });

  test('needs keyCertSign', async () => {
    expect(await under({ ca: true, keyUsage: ['cRLSign'] })).toBe('key-usage');
  });

  test('keeps the path length', async () => {
    const below = party('Below');
    const chain = [authorityCertificate, made(authority, below, { ca: true })];
    expect(await reasonOf({ leaf: made(below, signer), intermediates: chain })).toBe('path-length');
  });

  test('may renew its own key without counting in the path length', async () => {
    const newKey = party('Authority');
    const chain = [authorityCertificate, made(authority, newKey, { ca: true, pathLength: 0 })];
    expect(await reasonOf({ leaf: made(newKey, signer), intermediates: chain })).toBe('ok');
  });

  test('passes on only the purposes it has', async () => {
    const wanted = { oid: timeStamping, form: 'listed' } as const;
    const forTime = made(authority, signer, { extendedKeyUsage: [timeStamping] });
    const forMail = made(root, authority, { ca: true, extendedKeyUsage: [emailProtection] });
    expect(await reasonOf({ leaf: forTime, extendedKeyUsage: wanted })).toBe('ok');
    expect(await reasonOf({ leaf: forTime, intermediates: [forMail], extendedKeyUsage: wanted })).toBe(
      'extended-key-usage',
    );
  });

  test('with more than eight others above it is out of bounds', async () => {
    const chain = Array.from({ length: 10 }, (_, i) => party(`Level ${i}`));
    const certificates = chain.map((member, i) => made(chain[i - 1] ?? root, member, { ca: true }));
    const under8 = (n: number) =>
      reasonOf({ leaf: made(chain[n - 1]!, signer), intermediates: certificates.slice(0, n) });
    expect(await under8(8)).toBe('ok');
    expect(await under8(9)).toBe('path-length');
  });
});

describe('the leaf', () => {
  test('must have one of the key usages asked, where it has any', async () => {
    expect(await reasonOf({ keyUsage: ['digitalSignature', 'nonRepudiation'] })).toBe('ok');
    expect(await reasonOf({ keyUsage: ['nonRepudiation'] })).toBe('key-usage');
    expect(
      await reasonOf({ leaf: made(authority, signer, { keyUsage: [] }), keyUsage: ['nonRepudiation'] }),
    ).toBe('ok');
  });

  const forms = {
    none: {},
    right: { extendedKeyUsage: [timeStamping], extendedKeyUsageCritical: true },
    uncritical: { extendedKeyUsage: [timeStamping] },
    two: { extendedKeyUsage: [timeStamping, emailProtection], extendedKeyUsageCritical: true },
    any: { extendedKeyUsage: ['2.5.29.37.0'] },
    other: { extendedKeyUsage: [emailProtection] },
  } satisfies Record<string, CertificateShape>;
  const accepted = {
    permitted: ['none', 'right', 'uncritical', 'two', 'any'],
    listed: ['right', 'uncritical', 'two'],
    sole: ['right'],
  } as const;

  test.each(Object.entries(accepted))('must be for the purpose in the form %s', async (form, names) => {
    const good: string[] = [];
    for (const [name, shape] of Object.entries(forms)) {
      const extendedKeyUsage = { oid: timeStamping, form: form as keyof typeof accepted };
      if ((await reasonOf({ leaf: made(authority, signer, shape), extendedKeyUsage })) === 'ok')
        good.push(name);
    }
    expect(good).toEqual(names);
  });

  test('may not have a critical extension that is not understood', async () => {
    const shape = { extensions: [extension('1.2.3.4', nul, true)] };
    expect(await reasonOf({ leaf: made(authority, signer, shape) })).toBe('critical-extension');
    expect(
      await reasonOf({ leaf: made(authority, signer, { extensions: [extension('1.2.3.4', nul)] }) }),
    ).toBe('ok');
  });

  test.each([
    ['2026-05-31T23:59:59.999Z', 'not-yet-valid'],
    ['2026-06-01T00:00:00.000Z', 'ok'],
    ['2026-06-30T00:00:00.999Z', 'ok'],
    ['2026-06-30T00:00:01.000Z', 'expired'],
  ])('at %s is %s', async (at, expected) => {
    const shape = { notBefore: new Date('2026-06-01T00:00:00Z'), notAfter: new Date('2026-06-30T00:00:00Z') };
    expect(await reasonOf({ leaf: made(authority, signer, shape), time: new Date(at) })).toBe(expected);
  });

  test('is valid at no time that is none', async () => {
    expect(await reasonOf({ time: new Date(Number.NaN) })).toBe('not-yet-valid');
  });

  test('that is expired and wrong in another way too is called wrong', async () => {
    const shape = { notAfter: new Date('2025-01-01T00:00:00Z'), extendedKeyUsage: [emailProtection] };
    const extendedKeyUsage = { oid: timeStamping, form: 'listed' } as const;
    expect(await reasonOf({ leaf: made(authority, signer, shape), extendedKeyUsage })).toBe(
      'extended-key-usage',
    );
    expect(await reasonOf({ leaf: made(authority, signer, shape), anchors: [] })).toBe('no-path');
  });

  test('must keep the name constraints above it', async () => {
    const permitted = (domain: string) =>
      extension('2.5.29.30', sequence(element(0xa0, sequence(implicit(0x82, ia5String(domain))))), true);
    const named = (host: string) =>
      made(authority, signer, {
        extensions: [extension('2.5.29.17', sequence(implicit(0x82, ia5String(host))))],
      });
    const intermediates = [made(root, authority, { ca: true, extensions: [permitted('consulat.example')] })];
    expect(await reasonOf({ leaf: named('paris.consulat.example'), intermediates })).toBe('ok');
    expect(await reasonOf({ leaf: named('consulat.example.org'), intermediates })).toBe('name-constraints');
    expect(await reasonOf({ leaf: named('notconsulat.example'), intermediates })).toBe('name-constraints');
  });
});

describe('a signature', () => {
  test('by SHA-1, with parameters that do not belong, or of another kind of key is not accepted', async () => {
    for (const algorithm of [
      sequence(oid('1.2.840.10045.4.1')),
      sequence(oid('1.2.840.10045.4.3.2'), nul),
      sequence(oid('1.2.840.113549.1.1.11'), nul),
      sequence(oid('1.3.101.112')),
    ])
      expect(await reasonOf({ leaf: made(authority, signer, { algorithm }) })).toBe('algorithm');
  });

  test('by an RSA key of 1024 bits is not accepted', async () => {
    const weak = party('Weak', 'rsa-1024');
    const anchors = [made(weak, weak, { ca: true })];
    expect(await reasonOf({ leaf: made(weak, signer), intermediates: [], anchors })).toBe('algorithm');
  });

  test('by a key that is no point of its curve is not accepted', async () => {
    const spki = authority.spki.slice();
    spki[spki.length - 1] = (spki[spki.length - 1] as number) ^ 1;
    const intermediates = [made(root, { ...authority, spki }, { ca: true })];
    expect(await reasonOf({ intermediates })).toBe('algorithm');
  });

  test('no longer holds when any bit of the certificate is another', { timeout: 20_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(leaf.bytes.length * 8 - 1), async (bit) => {
        const bytes = leaf.bytes.slice();
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        let changed: Certificate;
        try {
          changed = parseCertificate(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ConsulError);
          return;
        }
        expect(await reasonOf({ leaf: changed })).not.toBe('ok');
      }),
      { numRuns: 1500 },
    );
  });

  test('is checked once for all leaves under one authority', async () => {
    const { backend, checks } = counting();
    const verifiedLinks = new VerifiedLinks();
    const leaves = Array.from({ length: 20 }, () => made(authority, signer));
    for (const one of leaves) expect(await reasonOf({ leaf: one, verifiedLinks }, backend)).toBe('ok');
    expect(checks()).toBe(21);
    for (const one of leaves) expect(await reasonOf({ leaf: one, verifiedLinks }, backend)).toBe('ok');
    expect(checks()).toBe(21);
  });

  test('that was found good does not make a revoked or expired certificate good', async () => {
    const verifiedLinks = new VerifiedLinks();
    expect(await reasonOf({ verifiedLinks })).toBe('ok');
    expect(await reasonOf({ verifiedLinks, time: new Date('2050-01-01T00:00:00Z') })).toBe('expired');
  });

  test('is forgotten when the capacity is reached', () => {
    const links = new VerifiedLinks(2);
    for (const link of ['a', 'b', 'c']) links.add(link);
    expect(['a', 'b', 'c'].map((link) => links.has(link))).toEqual([false, true, true]);
  });
});

describe('an attack on the time of the reader', () => {
  test('by two authorities that certify each other ends at once', async () => {
    const [a, b] = [party('A'), party('B')];
    const intermediates = [made(a, b, { ca: true }), made(b, a, { ca: true })];
    const start = performance.now();
    expect(await reasonOf({ leaf: made(a, signer), intermediates })).toBe('no-path');
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('by a mesh of authorities ends within bounds', async () => {
    const mesh = Array.from({ length: 12 }, (_, i) => party(`Mesh ${i}`));
    const intermediates = mesh.flatMap((issuer) =>
      mesh.filter((subject) => subject !== issuer).map((subject) => made(issuer, subject, { ca: true })),
    );
    const { backend, checks } = counting();
    const start = performance.now();
    expect(await reasonOf({ leaf: made(mesh[0]!, signer), intermediates }, backend)).toBe('too-complex');
    expect(performance.now() - start).toBeLessThan(5000);
    expect(checks()).toBeLessThanOrEqual(100);
  });

  test('by many keys under one name ends within bounds', async () => {
    const intermediates = Array.from({ length: 150 }, () => made(root, party('Authority'), { ca: true }));
    expect(await reasonOf({ intermediates })).toBe('too-complex');
    expect(await reasonOf({ intermediates: [...intermediates, authorityCertificate] })).toBe('ok');
  });

  test('by policies that are all mapped to all others ends at once', async () => {
    const policies = Array.from({ length: 40 }, (_, i) => oid(`1.2.3.${i}`));
    const extensions = [
      extension('2.5.29.32', sequence(...policies.map((policy) => sequence(policy)))),
      extension('2.5.29.33', sequence(...policies.flatMap((a) => policies.map((b) => sequence(a, b))))),
    ];
    const chain = Array.from({ length: 8 }, (_, i) => party(`Level ${i}`));
    const intermediates = chain.map((member, i) =>
      made(chain[i - 1] ?? root, member, { ca: true, extensions }),
    );
    const last = made(chain[7]!, signer, { extensions: extensions.slice(0, 1) });
    const start = performance.now();
    expect(await reasonOf({ leaf: last, intermediates, policies: { requireExplicit: true } })).toBe('ok');
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test('by thousands of certificates is refused', async () => {
    const intermediates = Array.from({ length: 1001 }, () => authorityCertificate);
    expect(await reasonOf({ intermediates })).toBe('too-complex');
  });
});

describe('revocation', () => {
  const revokedOn = new Date('2026-05-01T00:00:00Z');
  const empty = parseCrl(crl(root));
  const ofAuthority = (shape: Parameters<typeof crl>[1]) => parseCrl(crl(authority, shape));
  const revoked = { revoked: [{ serial: leaf.serial, date: revokedOn, reason: 1 }] };
  const withCrls = (...crls: ReturnType<typeof parseCrl>[]) => ({ revocation: { crls } });

  test('is good where every certificate below the anchor has a fresh CRL', async () => {
    expect(await reasonOf(withCrls(empty, ofAuthority({})))).toBe('ok');
  });

  test('is unknown where a CRL is missing, stale, of tomorrow or by another key', async () => {
    expect(await reasonOf(withCrls(empty))).toBe('revocation-unknown');
    expect(await reasonOf(withCrls(ofAuthority({})))).toBe('revocation-unknown');
    for (const shape of [
      { nextUpdate: new Date('2026-06-01T11:59:59Z') },
      { thisUpdate: new Date('2026-06-01T12:00:01Z') },
    ])
      expect(await reasonOf(withCrls(empty, ofAuthority(shape)))).toBe('revocation-unknown');
    const forged = parseCrl(crl(renamed('Authority', party('x'))));
    expect(await reasonOf(withCrls(empty, forged))).toBe('revocation-unknown');
  });

  test('tells when and why', async () => {
    const input = { ...usual, ...withCrls(empty, ofAuthority(revoked)) };
    expect(await validatePath(input, nodeBackend)).toMatchObject({
      ok: false,
      reason: 'revoked',
      certificate: leaf,
      revocation: { date: revokedOn, reason: 'keyCompromise' },
    });
  });

  test('does not reach back before its date, with the CRL of today', async () => {
    const revocation = { crls: [empty, ofAuthority(revoked)], freshAt: testTime };
    expect(await reasonOf({ revocation, time: new Date('2026-04-30T23:59:59Z') })).toBe('ok');
    expect(await reasonOf({ revocation, time: revokedOn })).toBe('revoked');
  });

  test('of an authority ends the path', async () => {
    const crls = [
      parseCrl(crl(root, { revoked: [{ serial: authorityCertificate.serial, date: revokedOn }] })),
      ofAuthority({}),
    ];
    expect(await reasonOf({ revocation: { crls } })).toBe('revoked');
  });

  test('by a delta CRL counts on top of the complete one', async () => {
    const delta = (base: number, shape: Parameters<typeof crl>[1] = {}) =>
      ofAuthority({ number: 7, extensions: [extension('2.5.29.27', integer(base), true)], ...shape });
    expect(await reasonOf(withCrls(empty, ofAuthority({}), delta(1)))).toBe('ok');
    expect(await reasonOf(withCrls(empty, ofAuthority({}), delta(1, revoked)))).toBe('revoked');
    expect(
      await reasonOf(
        withCrls(
          empty,
          ofAuthority({ ...revoked }),
          delta(1, { revoked: [{ serial: leaf.serial, date: revokedOn, reason: 8 }] }),
        ),
      ),
    ).toBe('ok');
    expect(await reasonOf(withCrls(empty, ofAuthority({}), delta(2)))).toBe('revocation-unknown');
    expect(await reasonOf(withCrls(empty, delta(1)))).toBe('revocation-unknown');
  });

  test('is unknown where the CRL has a critical extension that is not understood', async () => {
    const shape = { extensions: [extension('1.2.3.4', nul, true)] };
    expect(await reasonOf(withCrls(empty, ofAuthority(shape)))).toBe('revocation-unknown');
  });
});
