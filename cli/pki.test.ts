import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasOpenssl, opensslFolder } from '../core/pki/openssl.fixture.ts';
import { bytesOf, issued, newPost, submission, type TestPost } from './testing.ts';

let post: TestPost;
beforeAll(async () => {
  post = await newPost();
});
afterAll(() => post.remove());

const rootKey = () => ['--root-key', join(post.home, 'offline', 'root.key.pem')];
const found = async (profile: string, state = 'active') =>
  (await post.json('pki', 'list')).find(
    (row: { profile: string; state: string }) => row.profile === profile && row.state === state,
  );
const verified = (document: string) => post.consul('verify', document, '--quiet');

describe('consul pki', () => {
  test('says what is missing or wrong', async () => {
    const usage = async (...argv: string[]) => {
      const { status, stderr } = await post.consul('pki', ...argv);
      expect(stderr).toMatch(/^consul: .*\]/);
      return status;
    };
    expect(await usage('rotate', 'document-signer')).toBe(2);
    expect(await usage('rotate', 'nobody', ...rootKey())).toBe(2);
    expect(await usage('rotate', 'tsa', '--overlap', '-1', ...rootKey())).toBe(2);
    expect(await usage('revoke', '00', '--reason', 'superseded')).toBe(1);
    expect(await usage('revoke', '00', '--reason', 'keyCompromise')).toBe(2);
    expect(await usage('compromised', '00', '--since', 'yesterday')).toBe(2);
    expect(await usage('compromised', '00', '--since', '2999-01-01')).toBe(2);
    expect(await usage('issue', 'root')).toBe(2);
    expect(await usage('ocsp')).toBe(1);
    expect(existsSync(join(post.home, 'ceremonies'))).toBe(false);
  });

  test('renews the trust bundle', async () => {
    expect(await post.json('trust', 'renew', ...rootKey())).toMatchObject({ sequence: 2 });
    expect(await post.json('trust', 'show')).toMatchObject({ sequence: 2, freshness: 'current' });
    expect(readdirSync(join(post.home, 'ceremonies'))).toHaveLength(2);
  });

  test('publishes lists and answers that OpenSSL takes', async () => {
    await post.done('pki', 'issue', 'ocsp');
    const secret = ['--key-passphrase-file', post.file('amina', 'le secret d’Amina\n')];
    const agentFolder = ['--out', join(post.folder, 'agent')];
    await post.done('pki', 'issue', 'agent', '--name', 'Amina Ndong', ...agentFolder, ...secret);
    const agent = await found('agent');
    await post.done('pki', 'revoke', agent.serial, '--reason', 'cessationOfOperation');
    const { lists } = await post.json('pki', 'crl', ...rootKey());
    expect(lists).toMatchObject([{ entries: 0 }, { entries: 1 }]);
    expect((await post.json('pki', 'ocsp')).answers).toBe(5);
    if (!hasOpenssl) return;
    const folder = opensslFolder();
    folder.write({
      'root.pem': (await found('root')).pem,
      'ca.pem': (await found('issuing-ca')).pem,
      'agent.pem': agent.pem,
      'list.crl': bytesOf(lists[1].file),
    });
    expect(folder.openssl('crl', '-in', 'list.crl', '-CAfile', 'ca.pem', '-noout').said).toContain(
      'verify OK',
    );
    folder.openssl('ocsp', '-issuer', 'ca.pem', '-cert', 'agent.pem', '-reqout', 'req.der');
    await post.done('pki', 'ocsp', '--request', folder.path('req.der'), '--out', folder.path('answer.der'));
    const judged = folder.openssl(
      ...'ocsp -respin answer.der -no_nonce -CAfile root.pem -verify_other ca.pem -issuer ca.pem -cert agent.pem'.split(
        ' ',
      ),
    );
    expect(judged.said).toContain('Response verify OK');
    expect(judged.said).toContain('agent.pem: revoked');
  });

  test('gives the log another key; documents under both keys verify', { timeout: 60_000 }, async () => {
    const documents: string[] = [];
    const submit = async (name: string) =>
      documents.push((await post.json(...submission(post, 'hebergement', { name }))).receipt);
    await submit('before');
    expect((await post.consul('pki', 'rotate', 'log', '--overlap', '3', ...rootKey())).status).toBe(2);
    const { trust } = await post.json('pki', 'rotate', 'log', ...rootKey());
    const { logs } = await post.json('trust', 'show');
    expect(logs).toHaveLength(2);
    await submit('after');
    for (const document of documents) {
      expect((await verified(document)).status).toBe(0);
      expect((await post.consul('log', 'verify', document)).status).toBe(0);
    }
    await post.done('log', 'audit');
    expect((await post.consul('audit', 'verify')).status).toBe(0);
    expect(await post.json('trust', 'show')).toMatchObject({ sequence: trust });
  });

  test('rotates the signer of documents; what is older stays good, and a drill names what is not', {
    timeout: 120_000,
  }, async () => {
    const { document: before } = await issued(post, 'prise-en-charge');
    const rotated = await post.json(
      'pki',
      'rotate',
      'document-signer',
      ...rootKey(),
      '--witness',
      'Jean Obame',
      '--place',
      'Paris',
    );
    expect(rotated).toMatchObject({ replaced: [{ name: 'document-signer' }], waits: false, trust: 4 });
    expect(bytesOf(rotated.record.replace(/cose$/, 'txt')).length).toBeGreaterThan(500);
    expect(await post.json('pki', 'ceremony', '--verify', rotated.record)).toMatchObject({
      kind: 'consul-ceremony',
      people: [
        { name: 'marie', role: 'operator' },
        { name: 'Jean Obame', role: 'witness' },
      ],
    });
    const since = new Date().toISOString();
    const { document: after, reference } = await issued(post, 'prise-en-charge', { name: 'second' });
    for (const document of [before, after]) expect((await verified(document)).status).toBe(0);

    const { serial } = await found('document-signer');
    const drill = await post.json('pki', 'compromised', serial, '--since', since);
    expect(drill).toMatchObject({ acted: false, serial });
    expect(drill.documents.map((one: { reference: string }) => one.reference)).toContain(reference);
    expect((await verified(after)).status).toBe(0);

    const done = await post.json('pki', 'compromised', serial, '--since', since, ...rootKey());
    expect(done).toMatchObject({ acted: true, replaced: ['document-signer'] });
    expect((await verified(before)).status).toBe(0);
    expect((await verified(after)).status).not.toBe(0);
    expect(await found('document-signer', 'revoked')).toMatchObject({ reason: 'keyCompromise' });
    expect((await post.consul('audit', 'verify')).status).toBe(0);
  });
});
