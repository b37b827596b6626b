import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { parseCertificate } from './certificate.ts';
import { parseCrl, type RevocationReason } from './crl.ts';
import { type CrlRequest, makeCrl } from './crl-make.ts';
import { keySigner } from './file-signer.ts';
import { certificate, type Party, party, testTime } from './fixture.ts';
import { toPem } from './key-file.ts';
import { hasOpenssl, opensslFolder } from './openssl.fixture.ts';
import { validatePath } from './path.ts';

const authority = party('Authority');
const issuer = certificate(authority, authority, { ca: true });
const leaf = certificate(authority, party('Signer'), { serial: 0x80 });
const date = new Date('2026-05-01T00:00:00Z');
const reasons: readonly RevocationReason[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
];

const made = (change: Partial<CrlRequest> = {}, by: Party = authority): Promise<Uint8Array> =>
  makeCrl({
    issuer: by === authority ? issuer : certificate(by, by, { ca: true }),
    signer: keySigner(by.privateKey),
    number: 1,
    thisUpdate: new Date('2026-06-01T00:00:00Z'),
    nextUpdate: new Date('2026-06-08T00:00:00Z'),
    revoked: [],
    ...change,
  });

describe('a CRL that is made', () => {
  test('is read back with every serial number, date and reason', async () => {
    const entry = fc.record({
      serial: fc.uint8Array({ minLength: 1, maxLength: 16 }).map((bytes) => Uint8Array.of(1, ...bytes)),
      date: fc.date({ min: new Date('2000-01-01'), max: new Date('2060-01-01'), noInvalidDate: true }),
      reason: fc.constantFrom(...reasons),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(entry, { selector: ({ serial }) => serial.join() }),
        fc.bigInt({ min: 1n, max: 1n << 100n }),
        async (revoked, number) => {
          const crl = parseCrl(await made({ revoked, number }));
          expect(crl).toMatchObject({ size: revoked.length, number });
          for (const { serial, date: on, reason } of revoked)
            expect(crl.find(serial, crl.issuer)).toEqual({
              date: new Date(Math.floor(on.getTime() / 1000) * 1000),
              reason,
            });
        },
      ),
      { numRuns: 30 },
    );
  });

  test('revokes in a path', async () => {
    const signer = parseCertificate(leaf);
    const crl = parseCrl(await made({ revoked: [{ serial: signer.serial, date, reason: 'superseded' }] }));
    const path = { leaf: signer, intermediates: [], anchors: [parseCertificate(issuer)], time: testTime };
    expect(await validatePath({ ...path, revocation: { crls: [crl] } }, nodeBackend)).toMatchObject({
      reason: 'revoked',
      revocation: { date, reason: 'superseded' },
    });
    const silent = parseCrl(await made());
    expect((await validatePath({ ...path, revocation: { crls: [silent] } }, nodeBackend)).ok).toBe(true);
  });

  test('says since when it keeps what has expired', async () => {
    expect(parseCrl(await made({ expiredSince: date })).expiredSince).toEqual(date);
  });

  test('is not made by who may not, nor with its next update before it', async () => {
    const plain = certificate(authority, authority);
    await expect(made({ issuer: plain })).rejects.toThrow(ConsulError);
    await expect(made({ nextUpdate: new Date('2026-06-01T00:00:00Z') })).rejects.toThrow(ConsulError);
  });

  test('takes 100,000 entries, and is read again in bounded time', { timeout: 60_000 }, async () => {
    const revoked = Array.from({ length: 100_000 }, (_, i) => ({
      serial: Uint8Array.of(0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, i >> 16, (i >> 8) & 0xff, i & 0xff),
      date,
      reason: 'keyCompromise' as const,
    }));
    const der = await made({ revoked });
    const start = performance.now();
    const crl = parseCrl(der);
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(crl.size).toBe(100_000);
    expect(crl.find((revoked[99_999] as { serial: Uint8Array }).serial, crl.issuer)?.reason).toBe(
      'keyCompromise',
    );
    if (!hasOpenssl) return;
    const folder = opensslFolder();
    folder.write({ 'large.crl': der, 'ca.pem': toPem('CERTIFICATE', issuer) });
    expect(folder.openssl('crl', '-in', 'large.crl', '-CAfile', 'ca.pem', '-noout').said).toContain(
      'verify OK',
    );
  });
});

describe.skipIf(!hasOpenssl)('OpenSSL', () => {
  test.each(['P-256', 'P-384', 'ed25519'] as const)(
    'takes a CRL signed with %s',
    { timeout: 30_000 },
    async (kind) => {
      const by = party('Authority', kind);
      const folder = opensslFolder();
      const revoked = reasons.map((reason, i) => ({ serial: Uint8Array.of(i + 1), date, reason }));
      folder.write({
        'ca.pem': toPem('CERTIFICATE', certificate(by, by, { ca: true })),
        'list.crl': await made({ revoked, number: 4096 }, by),
      });
      const { status, said } = folder.openssl(
        'crl',
        '-in',
        'list.crl',
        '-CAfile',
        'ca.pem',
        '-noout',
        '-text',
      );
      expect(status).toBe(0);
      expect(said).toContain('verify OK');
      expect(said).toContain('Key Compromise');
      expect(said).toMatch(/X509v3 CRL Number:\s+4096/);
      expect(said).toContain('X509v3 Authority Key Identifier');
    },
  );

  test('finds a revoked certificate in it and passes another', async () => {
    const folder = opensslFolder();
    const serial = parseCertificate(leaf).serial;
    folder.write({
      'ca.pem': toPem('CERTIFICATE', issuer),
      'leaf.pem': toPem('CERTIFICATE', leaf),
      'other.pem': toPem('CERTIFICATE', certificate(authority, party('Other'))),
      'list.pem': toPem('X509 CRL', await made({ revoked: [{ serial, date, reason: 'keyCompromise' }] })),
    });
    const judge = (file: string) => {
      const time = String(testTime.getTime() / 1000);
      return folder.openssl(
        'verify',
        '-attime',
        time,
        '-CAfile',
        'ca.pem',
        '-CRLfile',
        'list.pem',
        '-crl_check',
        file,
      );
    };
    expect(judge('other.pem').status).toBe(0);
    expect(judge('leaf.pem').said).toContain('certificate revoked');
  });

  test('makes a CRL that is read here', () => {
    const folder = opensslFolder();
    folder.write({
      'ca.pem': toPem('CERTIFICATE', issuer),
      'ca.key': authority.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      'index.txt': 'R\t400101000000Z\t260501000000Z,keyCompromise\t80\tunknown\t/CN=Signer\n',
      crlnumber: '1A\n',
      'ca.cnf':
        '[ca]\ndefault_ca=here\n[here]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=30\ncrl_extensions=ext\n[ext]\nauthorityKeyIdentifier=keyid\n',
    });
    const run = folder.openssl(
      ...'ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.pem -out out.pem'.split(' '),
    );
    expect(run.status, run.said).toBe(0);
    expect(folder.openssl('crl', '-in', 'out.pem', '-outform', 'DER', '-out', 'out.crl').status).toBe(0);
    const crl = parseCrl(folder.read('out.crl'));
    expect(crl).toMatchObject({ size: 1, number: 0x1an });
    expect(crl.find(Uint8Array.of(0, 0x80), crl.issuer)).toEqual({ date, reason: 'keyCompromise' });
  });
});
