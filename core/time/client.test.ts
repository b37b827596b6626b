import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oids } from '../cms/oid.ts';
import { pem, sha256, testingCa } from '../cms/testing-ca.ts';
import { nodeBackend } from '../crypto/node.ts';
import { integer, sequence, utf8String } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { timestampAuthority } from './authority.ts';
import { type RemoteTimestampsOptions, remoteTimestamps } from './client.ts';
import { encodeRequest, readRequest } from './request.ts';
import { encodeGranted, encodeRejection, type Failure } from './response.ts';
import { checkToken } from './token.ts';

const ca = testingCa();
const policy = '1.3.6.1.4.1.99999.1';
const digest = sha256(new TextEncoder().encode('what is stamped'));
const imprint = { algorithm: 'sha256', digest } as const;
const signer = ca.issue({ commonName: 'TSA', extendedKeyUsage: [oids.timeStamping] });
const authorityOf = (authorityPolicy: string) =>
  timestampAuthority({
    signer,
    policy: authorityPolicy,
    clock: () => new Date(),
    serial: () => nodeBackend.random(16),
    accuracy: 1,
  });
const authority = authorityOf(policy);

type Answer = (request: Uint8Array, response: ServerResponse, message: IncomingMessage) => unknown;
let answer: Answer;
const server = createServer(async (message, response) => {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  await answer(new Uint8Array(Buffer.concat(parts)), response, message);
});
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const reply = (response: ServerResponse, body: Uint8Array, type = 'application/timestamp-reply') => {
  response.writeHead(200, { 'content-type': type }).end(body);
};
const fromAuthority: Answer = async (request, response) => reply(response, await authority.respond(request));

const client = (options: Partial<RemoteTimestampsOptions> = {}) =>
  remoteTimestamps({
    url,
    fetch: globalThis.fetch,
    random: nodeBackend.random,
    backend: nodeBackend,
    timeoutMs: 2000,
    maxBytes: 20_000,
    ...options,
  });

describe('remoteTimestamps', () => {
  it('asks as RFC 3161 says and gives the token, checked', async () => {
    let seen: IncomingMessage | undefined;
    const requests: Uint8Array[] = [];
    answer = (request, response, message) => {
      seen = message;
      requests.push(request);
      return fromAuthority(request, response, message);
    };
    const source = client({ policy });
    const token = await source.stamp(digest);
    await source.stamp(digest);
    expect(await checkToken(token, { imprint, policy }, nodeBackend)).toMatchObject({ valid: true });
    expect(seen?.method).toBe('POST');
    expect(seen?.headers['content-type']).toBe('application/timestamp-query');
    const [first, second] = requests.map(readRequest);
    expect(first).toMatchObject({ imprint, policy, certReq: true });
    expect(first?.nonce).not.toBe(second?.nonce);
  });

  describe('with openssl ts -reply as the authority', () => {
    const folder = mkdtempSync(join(tmpdir(), 'consul-tsa-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    const path = (name: string) => join(folder, name);

    function opensslAuthority(settings: string): Answer {
      writeFileSync(path('tsa.pem'), pem('CERTIFICATE', signer.certificate));
      writeFileSync(path('key.pem'), signer.key.export({ type: 'pkcs8', format: 'pem' }));
      writeFileSync(path('serial'), '0A\n');
      writeFileSync(
        path('tsa.cnf'),
        `[tsa]\ndefault_tsa = main\n[main]\nserial = ${path('serial')}\nsigner_cert = ${path('tsa.pem')}\n` +
          `signer_key = ${path('key.pem')}\nsigner_digest = sha256\ndefault_policy = ${policy}\n` +
          `digests = sha256\n${settings}\n`,
      );
      return (request, response) => {
        writeFileSync(path('query.tsq'), request);
        const args = ['ts', '-reply', '-config', 'tsa.cnf', '-queryfile', 'query.tsq', '-out', 'reply.tsr'];
        execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
        reply(response, readFileSync(path('reply.tsr')));
      };
    }

    it('takes its token', async () => {
      answer = opensslAuthority('ess_cert_id_alg = sha256');
      const token = await client({ policy }).stamp(digest);
      expect(await checkToken(token, { imprint, policy }, nodeBackend)).toMatchObject({
        valid: true,
        info: { serial: Uint8Array.of(11) },
      });
    });

    it('refuses its token where it names the certificate by SHA-1, its default', async () => {
      answer = opensslAuthority('');
      await expect(client({ policy }).stamp(digest)).rejects.toMatchObject({
        code: 'TSA_INVALID',
        message: expect.stringContaining('SHA-1'),
      });
    });
  });

  it('takes a content type with parameters and capitals', async () => {
    answer = async (request, response) =>
      reply(response, await authority.respond(request), 'Application/Timestamp-Reply; charset=binary');
    await expect(client().stamp(digest)).resolves.toBeInstanceOf(Uint8Array);
  });

  it('hands the checked token to the caller, whose refusal stands', async () => {
    answer = fromAuthority;
    const refusal = new ConsulError('TSA_INVALID', 'the authority is not in the trust bundle');
    const acceptable: RemoteTimestampsOptions['acceptable'] = (token) => {
      expect(token.certificate.bytes).toEqual(signer.certificate);
      expect(token.certificates).toEqual([ca.intermediate]);
      throw refusal;
    };
    await expect(client({ acceptable }).stamp(digest)).rejects.toBe(refusal);
  });

  it('reads no more of an answer than the bound, however right it is', async () => {
    answer = fromAuthority;
    await expect(client({ maxBytes: 1000 }).stamp(digest)).rejects.toMatchObject({
      code: 'TSA_INVALID',
      message: expect.stringContaining('longer than 1000 bytes'),
    });
  });

  it('refuses a digest of no accepted hash before it asks', async () => {
    answer = () => expect.unreachable();
    await expect(client().stamp(new Uint8Array(20))).rejects.toThrow(RangeError);
  });

  const rejection =
    (failure: Failure): Answer =>
    (_, response) =>
      reply(response, encodeRejection(failure, 'no'));
  const status =
    (code: number, headers = {}): Answer =>
    (_, response) => {
      response.writeHead(code, headers).end();
    };

  const unreachable: readonly (readonly [string, Answer])[] = [
    ['answers with status 503', status(503)],
    ['answers with status 429', status(429)],
    ['closes the connection', (_, response) => response.destroy()],
    [
      'breaks the answer off',
      async (request, response) => {
        const body = await authority.respond(request);
        response.writeHead(200, {
          'content-type': 'application/timestamp-reply',
          'content-length': body.length,
        });
        response.write(body.subarray(0, 10), () => response.destroy());
      },
    ],
    ['has no time now', rejection('timeNotAvailable')],
    ['has a failure of its own', rejection('systemFailure')],
    ['lets wait', (_, response) => reply(response, sequence(sequence(integer(3))))],
  ];
  it.each(unreachable)('says to try again where the authority %s', async (_, wrong) => {
    answer = wrong;
    await expect(client().stamp(digest)).rejects.toMatchObject({ code: 'TSA_UNREACHABLE' });
  });

  it('waits no longer than the time-out, for the head as for the body', async () => {
    answer = () => {};
    await expect(client({ timeoutMs: 50 }).stamp(digest)).rejects.toMatchObject({ code: 'TSA_UNREACHABLE' });
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/timestamp-reply' });
      response.write(Uint8Array.of(0x30));
    };
    await expect(client({ timeoutMs: 50 }).stamp(digest)).rejects.toMatchObject({ code: 'TSA_UNREACHABLE' });
  });

  it('says to try again where nobody listens', async () => {
    const nobody = client({ url: 'http://127.0.0.1:9/' });
    await expect(nobody.stamp(digest)).rejects.toMatchObject({ code: 'TSA_UNREACHABLE' });
  });

  const withRequest =
    (change: (request: ReturnType<typeof readRequest>) => object): Answer =>
    async (request, response) => {
      const read = readRequest(request);
      reply(response, await authority.respond(encodeRequest({ ...read, ...change(read) })));
    };
  const invalid: readonly (readonly [string, Answer])[] = [
    ['is not found', status(404)],
    ['sends elsewhere', status(302, { location: 'http://127.0.0.1:9/' })],
    ['sends elsewhere for good', status(308, { location: '/other' })],
    ['answers with nothing', (_, response) => reply(response, new Uint8Array())],
    [
      'answers with another content type',
      async (request, response) => reply(response, await authority.respond(request), 'text/html'),
    ],
    ['answers without a content type', (_, response) => response.writeHead(200).end('x')],
    ['answers with more than the bound', (_, response) => reply(response, new Uint8Array(20_001))],
    ['answers with what is not DER', (_, response) => reply(response, new TextEncoder().encode('<html>'))],
    [
      'sends bytes after the end',
      async (request, response) => reply(response, Uint8Array.of(...(await authority.respond(request)), 0)),
    ],
    ['grants without a token', (_, response) => reply(response, sequence(sequence(integer(0))))],
    ['answers with an unknown status', (_, response) => reply(response, sequence(sequence(integer(9))))],
    [
      'rejects with a token',
      async (_, response) => reply(response, sequence(sequence(integer(2)), await authority.stamp(digest))),
    ],
    ['rejects the hash', rejection('badAlg')],
    ['rejects without a reason', (_, response) => reply(response, sequence(sequence(integer(2))))],
    [
      'rejects with words only',
      (_, response) => reply(response, sequence(sequence(integer(2), sequence(utf8String('non'))))),
    ],
    ['grants something that is no token', (_, response) => reply(response, encodeGranted(sequence()))],
    ['stamps another digest', withRequest(() => ({ imprint: { ...imprint, digest: sha256(digest) } }))],
    ['answers with another nonce', withRequest(({ nonce = 0n }) => ({ nonce: nonce + 1n }))],
    ['leaves the nonce out', withRequest(() => ({ nonce: undefined }))],
    [
      'replays an old token',
      async (_, response) => reply(response, encodeGranted(await authority.stamp(digest))),
    ],
    ['leaves its certificate out', withRequest(() => ({ certReq: false }))],
    [
      'stamps under another policy',
      async (request, response) => {
        const { policy: _policy, ...read } = readRequest(request);
        reply(response, await authorityOf('1.2.3').respond(encodeRequest(read)));
      },
    ],
  ];
  it.each(invalid)('refuses the answer where the authority %s', async (_, wrong) => {
    answer = wrong;
    await expect(client({ policy }).stamp(digest)).rejects.toMatchObject({ code: 'TSA_INVALID' });
  });
});
