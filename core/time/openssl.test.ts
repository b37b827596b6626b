import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oids } from '../cms/oid.ts';
import { type KeyKind, p256, pem, sha256, testingCa } from '../cms/testing-ca.ts';
import { nodeBackend } from '../crypto/node.ts';
import { timestampAuthority } from './authority.ts';
import { encodeRequest } from './request.ts';
import { readResponse } from './response.ts';
import { checkToken } from './token.ts';

const ca = testingCa();
const policy = '1.3.6.1.4.1.99999.1';
const tsaLeaf = { commonName: 'TSA', extendedKeyUsage: [oids.timeStamping] };
const data = new TextEncoder().encode('what is stamped');

const folder = mkdtempSync(join(tmpdir(), 'consul-time-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
}

beforeAll(() => {
  writeFileSync(path('root.pem'), pem('CERTIFICATE', ca.root));
  writeFileSync(path('intermediate.pem'), pem('CERTIFICATE', ca.intermediate));
  writeFileSync(path('data'), data);
});

const kinds: readonly (readonly [string, KeyKind])[] = [
  ['ECDSA P-256', p256],
  ['ECDSA P-384', { name: 'ecdsa', curve: 'P-384', hash: 'sha384' }],
  ['RSA PKCS#1', { name: 'rsa-pkcs1', hash: 'sha256' }],
];

describe('our authority, asked and judged by openssl ts', () => {
  const requests: readonly (readonly [string, string[]])[] = [
    ['a plain request', ['-sha256']],
    ['a request for the certificate', ['-sha256', '-cert']],
    ['a request without a nonce', ['-sha512', '-cert', '-no_nonce']],
    ['a request for the policy', ['-sha384', '-cert', '-tspolicy', policy]],
  ];
  for (const [keyName, kind] of kinds)
    it.each(requests)(`grants %s with ${keyName}`, async (_, args) => {
      const signer = ca.issue({ ...tsaLeaf, kind });
      const authority = timestampAuthority({
        signer,
        policy,
        clock: () => new Date(),
        serial: () => nodeBackend.random(16),
        accuracy: 1.5,
      });
      openssl('ts', '-query', '-data', 'data', ...args, '-out', 'query.tsq');
      writeFileSync(path('reply.tsr'), await authority.respond(readFileSync(path('query.tsq'))));
      const known = args.includes('-cert') ? [] : [signer.certificate];
      const untrusted = [ca.intermediate, ...known].map((der) => pem('CERTIFICATE', der)).join('');
      writeFileSync(path('untrusted.pem'), untrusted);
      const verdict = openssl(
        ...['ts', '-verify', '-queryfile', 'query.tsq', '-in', 'reply.tsr'],
        ...['-CAfile', 'root.pem', '-untrusted', 'untrusted.pem'],
      );
      expect(verdict).toMatch(/Verification: OK/);
      const text = openssl('ts', '-reply', '-in', 'reply.tsr', '-text');
      expect(text).toMatch(/Status: Granted/);
      expect(text).toContain('Accuracy: 0x01 seconds, 0x01F4 millis');
      expect(text).toContain(`Policy OID: ${policy}`);
    });

  it('stamps a digest with a token that openssl accepts by itself', async () => {
    const authority = timestampAuthority({
      signer: ca.issue(tsaLeaf),
      policy,
      clock: () => new Date(),
      serial: () => nodeBackend.random(16),
      accuracy: 1,
    });
    writeFileSync(path('token.der'), await authority.stamp(sha256(data)));
    const args = ['ts', '-verify', '-data', 'data', '-in', 'token.der', '-token_in', '-CAfile', 'root.pem'];
    expect(openssl(...args)).toMatch(/Verification: OK/);
    writeFileSync(path('other'), 'other data');
    args[3] = 'other';
    expect(() => openssl(...args)).toThrow(/imprint mismatch/i);
  });

  it('answers a wrong request with a rejection that openssl reads', async () => {
    const authority = timestampAuthority({
      signer: ca.issue(tsaLeaf),
      policy,
      clock: () => new Date(),
      serial: () => nodeBackend.random(16),
      accuracy: 1,
    });
    openssl('ts', '-query', '-data', 'data', '-sha1', '-out', 'query.tsq');
    writeFileSync(path('reply.tsr'), await authority.respond(readFileSync(path('query.tsq'))));
    const text = openssl('ts', '-reply', '-in', 'reply.tsr', '-text');
    expect(text).toMatch(/Status: Rejected/);
    expect(text).toMatch(/Failure info: unrecognized or unsupported algorithm identifier/);
  });
});

describe('openssl ts as the authority, asked and judged by us', () => {
  const configuration = (chain: boolean, digest: string): string => `
[tsa]
default_tsa = main
[main]
serial = ${path('serial')}
signer_cert = ${path('tsa.pem')}
signer_key = ${path('tsa-key.pem')}
certs = ${path('intermediate.pem')}
signer_digest = ${digest}
default_policy = 1.2.3.4.1
other_policies = ${policy}
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500, microsecs:100
ordering = yes
tsa_name = yes
ess_cert_id_chain = ${chain ? 'yes' : 'no'}
ess_cert_id_alg = sha256
`;

  for (const [keyName, kind] of kinds)
    it.each([false, true])(`accepts its token with ${keyName}, chain named %s`, async (chain) => {
      const signer = ca.issue({ ...tsaLeaf, kind });
      writeFileSync(path('tsa.pem'), pem('CERTIFICATE', signer.certificate));
      writeFileSync(path('tsa-key.pem'), signer.key.export({ type: 'pkcs8', format: 'pem' }));
      writeFileSync(path('serial'), '01\n');
      writeFileSync(path('tsa.cnf'), configuration(chain, kind.name === 'ed25519' ? 'sha512' : kind.hash));
      const imprint = { algorithm: 'sha256', digest: sha256(data) } as const;
      const nonce = 0xfedcba9876543210n;
      writeFileSync(path('query.tsq'), encodeRequest({ imprint, nonce, policy, certReq: true }));
      openssl('ts', '-reply', '-config', 'tsa.cnf', '-queryfile', 'query.tsq', '-out', 'reply.tsr');
      const response = readResponse(readFileSync(path('reply.tsr')));
      if (!('token' in response)) throw new Error(response.text.join());
      const check = await checkToken(response.token, { imprint, nonce, policy }, nodeBackend);
      if (!check.valid) throw new Error(check.message);
      expect(check.certificate.bytes).toEqual(signer.certificate);
      expect(check.certificates).toEqual([ca.intermediate]);
      expect(check.info).toMatchObject({ policy, nonce, accuracy: 1500.1, ordering: true });
      expect(Math.abs(check.info.genTime.getTime() - Date.now())).toBeLessThan(60_000);
      const other = { imprint: { ...imprint, digest: sha256(new Uint8Array()) }, nonce, policy };
      expect(await checkToken(response.token, other, nodeBackend)).toMatchObject({ reason: 'imprint' });
    });

  it('reads its rejection of a policy', () => {
    const imprint = { algorithm: 'sha256', digest: sha256(data) } as const;
    writeFileSync(path('tsa.cnf'), configuration(false, 'sha256'));
    writeFileSync(path('query.tsq'), encodeRequest({ imprint, policy: '1.2.3.9', certReq: true }));
    openssl('ts', '-reply', '-config', 'tsa.cnf', '-queryfile', 'query.tsq', '-out', 'reply.tsr');
    expect(readResponse(readFileSync(path('reply.tsr')))).toMatchObject({
      status: 'rejection',
      failures: ['unacceptedPolicy'],
      text: ['Requested policy is not supported.'],
    });
  });
});
