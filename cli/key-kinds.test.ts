import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issued, newPost, run, type TestPost } from './testing.ts';

// A post whose certificates are of other keys than P-256.

const missing = (name: string): boolean => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0;

const kinds = [{ kind: 'P-384', signature: 'ecdsa-with-SHA384', key: 'Public-Key: (384 bit)' }] as const;

describe.each(kinds)('a post with keys of $kind', ({ kind, signature, key }) => {
  let post: TestPost;
  let document = '';
  const certificate = (name: string): string => join(post.home, 'certs', `${name}.cert.pem`);

  beforeAll(async () => {
    post = await newPost('--key-kind', kind);
    ({ document } = await issued(post, 'hebergement'));
  });
  afterAll(() => post?.remove());

  it('issues documents that are verified with its trust bundle, and their seals too', async () => {
    expect(await post.json('verify', document)).toMatchObject({ indication: 'TOTAL-PASSED' });
    expect(await post.done('verify', document)).toContain(kind === 'P-384' ? 'P-384' : 'RSA-PSS');
  });

  it('gives a signer that is rotated a key of the same kind, and publishes its lists', async () => {
    const rootKey = ['--root-key', join(post.home, 'offline', 'root.key.pem')];
    await post.done('pki', 'rotate', 'document-signer', ...rootKey);
    await post.done('pki', 'crl', ...rootKey);
    const { document: second } = await issued(post, 'hebergement');
    expect(await post.json('verify', second)).toMatchObject({ indication: 'TOTAL-PASSED' });
    expect(await post.json('verify', document)).toMatchObject({ indication: 'TOTAL-PASSED' });
  });

  it.skipIf(missing('openssl'))(
    'openssl: its certificates are of that kind, one under the other',
    async () => {
      for (const name of ['root', 'issuing-ca', 'document-signer', 'tsa']) {
        const { stdout } = await run('openssl', ['x509', '-in', certificate(name), '-noout', '-text']);
        expect(stdout).toContain(signature);
        expect(stdout).toContain(key);
      }
      const { stdout } = await run('openssl', ['x509', '-in', certificate('seal-signer'), '-noout', '-text']);
      expect(stdout).toContain('Public-Key: (256 bit)');
      const chain = ['-CAfile', certificate('root'), '-untrusted', certificate('issuing-ca')];
      const verified = await run('openssl', [
        'verify',
        '-x509_strict',
        ...chain,
        certificate('document-signer'),
      ]);
      expect(verified.stdout).toContain('OK');
    },
  );

  it.skipIf(missing('pdfsig') || missing('certutil'))('pdfsig: its signature is valid', async () => {
    const database = `sql:${post.folder}`;
    await run('certutil', ['-N', '-d', database, '--empty-password']);
    await run('certutil', [
      '-A',
      '-d',
      database,
      '-n',
      'root',
      '-t',
      'CT,C,C',
      '-a',
      '-i',
      certificate('root'),
    ]);
    const { stdout } = await run('pdfsig', ['-nssdir', database, document]);
    expect(stdout).toContain('Signature is Valid');
    expect(stdout).toContain('Certificate is Trusted');
  });
});
