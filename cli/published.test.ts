import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasOpenssl, opensslFolder } from '../core/pki/openssl.fixture.ts';
import { bytesOf, newPost, program, run, submission, type TestPost } from './testing.ts';

let post: TestPost;
let agent: { readonly serial: string; readonly pem: string };
let authority: { readonly pem: string };

beforeAll(async () => {
  post = await newPost();
  await post.done('pki', 'issue', 'ocsp');
  const secret = ['--key-passphrase-file', post.file('secret', 'la phrase d’Amina\n')];
  await post.done('pki', 'issue', 'agent', '--name', 'Amina', '--out', post.folder, ...secret);
  const rows: (typeof agent & { profile: string; state: string })[] = await post.json('pki', 'list');
  const of = (profile: string) => rows.find((row) => row.profile === profile) as (typeof rows)[0];
  agent = of('agent');
  authority = of('issuing-ca');
  await post.done('pki', 'revoke', agent.serial, '--reason', 'cessationOfOperation');
  await post.done('pki', 'crl');
  await post.json(...submission(post, 'hebergement'));
  await post.done('status', 'publish');
});
afterAll(() => post?.remove());

describe('consul publish', () => {
  test('copies what is for the world, and nothing else, where certificates and seals say', async () => {
    const out = join(post.folder, 'www');
    const first = await post.json('publish', '--out', out);
    expect(first.changed).toBe(first.files);
    expect(await post.json('publish', '--out', out)).toMatchObject({ files: first.files, changed: 0 });
    expect(bytesOf(join(out, 'status', 'GA-PAR')).length).toBeGreaterThan(50);
    expect(bytesOf(join(out, 'trust', 'bundle.cose'))).toEqual(
      bytesOf(join(post.home, 'trust', 'bundle.cose')),
    );
    expect(existsSync(join(out, 'log', 'ga-par', '.writer'))).toBe(false);
    for (const secret of ['keys', 'pieces', 'documents', 'consul.db', 'post.toml'])
      expect(existsSync(join(out, secret))).toBe(false);

    // A stranger replays the log from there.
    const server = createServer((request, response) => {
      const file = join(out, decodeURIComponent(request.url ?? ''));
      if (existsSync(file)) response.end(readFileSync(file));
      else response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log/ga-par`;
      await post.done('log', 'audit', url, '--trust', join(out, 'trust', 'bundle.cose'));
    } finally {
      server.closeAllConnections();
      server.close();
    }

    await post.json(...submission(post, 'prise-en-charge'));
    const again = await post.json('publish', '--out', out);
    expect(again.changed).toBeGreaterThan(0);
    expect(again.changed).toBeLessThan(again.files);
    await post.done('log', 'audit', join(out, 'log', 'ga-par'));
  });
});

describe('consul serve ocsp', () => {
  let url: string;
  let stop: () => Promise<unknown>;

  beforeAll(async () => {
    // A copy on another machine: neither a key nor the database.
    const out = join(post.folder, 'answers');
    await post.done('publish', '--out', out);
    const server = spawn(
      process.execPath,
      [program, 'serve', 'ocsp', '--dir', out, '--port', '0', '--json'],
      { env: { ...process.env, CONSUL_HOME: join(post.folder, 'nothing') } },
    );
    const [chunk] = await once(server.stdout, 'data');
    url = JSON.parse(String(chunk)).url;
    stop = () => {
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      return ended;
    };
  });
  afterAll(() => stop());

  test.skipIf(!hasOpenssl)('answers by GET and POST what openssl takes, and caches may keep', async () => {
    const folder = opensslFolder();
    const root = (await post.json('pki', 'list')).find(
      ({ profile }: { profile: string }) => profile === 'root',
    ).pem;
    folder.write({ 'root.pem': root, 'ca.pem': authority.pem, 'agent.pem': agent.pem });
    // openssl asks over HTTP while this process waits: it must not block the server, which is another process.
    for (const hash of ['sha1', 'sha256']) {
      const asked = await run('openssl', [
        ...`ocsp -${hash} -issuer ${folder.path('ca.pem')} -cert ${folder.path('agent.pem')}`.split(' '),
        ...`-CAfile ${folder.path('root.pem')} -verify_other ${folder.path('ca.pem')} -url ${url}`.split(' '),
      ]);
      expect(asked.stderr).toContain('Response verify OK');
      expect(asked.stdout).toContain(`${folder.path('agent.pem')}: revoked`);
      expect(asked.stdout).toContain('cessationOfOperation');
    }

    folder.openssl('ocsp', '-no_nonce', '-issuer', 'ca.pem', '-cert', 'agent.pem', '-reqout', 'req.der');
    const question = encodeURIComponent(Buffer.from(bytesOf(folder.path('req.der'))).toString('base64'));
    const address = new URL(`ocsp/${'0'.repeat(40)}/${question}`, url);
    const answer = await fetch(address);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/ocsp-response']);
    expect(answer.headers.get('cache-control')).toMatch(
      /^max-age=\d+, public, no-transform, must-revalidate$/,
    );
    expect(new Date(answer.headers.get('expires') ?? '').getTime()).toBeGreaterThan(Date.now());
    expect(new Date(answer.headers.get('last-modified') ?? '').getTime()).toBeLessThanOrEqual(Date.now());
    const tag = answer.headers.get('etag') ?? '';
    writeFileSync(folder.path('answer.der'), new Uint8Array(await answer.arrayBuffer()));
    expect(folder.openssl('ocsp', '-respin', 'answer.der', '-noverify', '-resp_text').said).toContain(
      'Cert Status: revoked',
    );
    // fetch would ask for a fresh answer all the same.
    const [kept] = await once(get(address, { headers: { 'if-none-match': tag } }), 'response');
    expect(kept.resume().statusCode).toBe(304);
  });

  test('says no in the words of the protocol', async () => {
    const post = (body: BodyInit, type = 'application/ocsp-request') =>
      fetch(url, { method: 'POST', body, headers: { 'content-type': type } });
    const malformed = await post('no request');
    expect([malformed.status, malformed.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(Buffer.from(await malformed.arrayBuffer()).toString('hex')).toBe('30030a0101');
    expect((await post('x', 'text/plain')).status).toBe(415);
    expect((await post('x'.repeat(20_000))).status).toBe(413);
    expect((await fetch(url)).status).toBe(404);
    expect((await fetch(new URL('%', url))).status).toBe(404);
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(405);
  });
});
