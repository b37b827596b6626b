import { once } from 'node:events';
import { copyFileSync, cpSync, existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bytesOf, emptyFolder, issued, newPost, type TestPost } from './testing.ts';

// A verifier without a post keeps the trust bundle of a consulate up to date.

let post: TestPost;
let verifier: TestPost;
const bundles: string[] = [];
let root = '';
const renew = async (): Promise<void> => {
  await post.done('trust', 'renew', '--root-key', join(post.home, 'offline', 'root.key.pem'));
  const copy = join(post.folder, `bundle-${bundles.length + 1}.cose`);
  copyFileSync(join(post.home, 'trust', 'bundle.cose'), copy);
  bundles.push(copy);
};
const bundle = (sequence: number): string => bundles[sequence - 1] ?? '';

beforeAll(async () => {
  post = await newPost();
  verifier = emptyFolder();
  const first = join(post.folder, 'bundle-1.cose');
  copyFileSync(join(post.home, 'trust', 'bundle.cose'), first);
  bundles.push(first);
  ({ root } = await post.json('trust', 'show'));
  await issued(post, 'hebergement');
  await post.done('status', 'publish');
  await renew();
  await renew();
});
afterAll(() => {
  post?.remove();
  verifier?.remove();
});

describe('consul trust update', () => {
  const place = (): string => join(verifier.home, 'trust', 'bundle.cose');
  const update = (...argv: string[]) => verifier.consul('trust', 'update', ...argv);
  const fails = async (code: string, ...argv: string[]): Promise<void> => {
    const before = existsSync(place()) ? bytesOf(place()) : undefined;
    const { status, stderr } = await update(...argv);
    expect(`${status} ${stderr}`).toMatch(new RegExp(`^[12] .*${code}`));
    expect(existsSync(place()) ? bytesOf(place()) : undefined).toEqual(before);
  };

  test('takes a first bundle only of a root that is named', async () => {
    await fails('TRUST_INVALID', bundle(2));
    await fails('TRUST_INVALID', bundle(2), '--root', '00'.repeat(32));
    expect(await verifier.json('trust', 'update', bundle(2), '--root', root)).toMatchObject({
      sequence: 2,
      changed: true,
    });
    expect(bytesOf(place())).toEqual(bytesOf(bundle(2)));
  });

  test('takes a newer one from an address, and the same again', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/bundle.cose') response.end(bytesOf(bundle(3)));
      else response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      expect((await update(`${url}/bundle.cose`)).stdout).toContain('n° 3');
      expect(await verifier.json('trust', 'update', `${url}/bundle.cose`)).toMatchObject({ changed: false });
      await fails('FILE_UNREADABLE', `${url}/nothing`);
    } finally {
      server.close();
    }
  });

  test('refuses an older one, one of another root, and a damaged one', async () => {
    await fails('TRUST_ROLLBACK', bundle(2));
    await fails('TRUST_ROLLBACK', bundle(1));
    const other = await newPost();
    try {
      await fails('TRUST_INVALID', join(other.home, 'trust', 'bundle.cose'));
    } finally {
      other.remove();
    }
    const damaged = bytesOf(bundle(3)).map((byte, at) => (at === 900 ? byte ^ 1 : byte));
    await fails('TRUST_INVALID', post.file('damaged.cose', damaged));
  });
});

describe('a renewed bundle', () => {
  test('carries the newest status list and checkpoint, by which the log is audited', async () => {
    const shown = await post.json('trust', 'show', bundle(3));
    expect(shown.statusLists).toEqual([{ post: 'GA-PAR', bytes: expect.any(Number) }]);
    expect(shown.checkpoints).toMatchObject([
      { post: 'GA-PAR', checkpoint: Buffer.from(bytesOf(join(post.home, 'log', 'checkpoint'))).toString() },
    ]);
    const log = join(post.folder, 'log-then');
    cpSync(join(post.home, 'log'), log, { recursive: true });
    const audited = (trust: string) => post.consul('log', 'audit', log, '--trust', trust, '--json');
    expect(JSON.parse((await audited(bundle(3))).stdout)).toMatchObject({ intact: true, checkpoints: 1 });

    await issued(post, 'hebergement');
    await renew();
    const { status, stdout } = await audited(bundle(4));
    expect(status).toBe(1);
    expect(JSON.parse(stdout).findings).toMatchObject([{ path: 'trust bundle' }]);
    rmSync(log, { recursive: true });
  });
});
