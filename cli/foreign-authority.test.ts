import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bytesOf, newPost, program, submission, type TestPost } from './testing.ts';

/** The time-stamp authority of a post, at a free address, until `stop`. */
async function served(post: TestPost): Promise<{ readonly url: string; stop(): Promise<unknown> }> {
  const server = spawn(process.execPath, [program, 'serve', 'tsa', '--port', '0', '--json'], {
    env: { ...process.env, CONSUL_HOME: post.home },
  });
  const [chunk] = await once(server.stdout, 'data');
  return {
    url: JSON.parse(String(chunk)).url,
    stop: () => {
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      return ended;
    },
  };
}

describe('a post whose time-stamps come from another house', () => {
  let house: TestPost;
  let authority: Awaited<ReturnType<typeof served>>;
  let post: TestPost;
  let certificate: string;
  const root = () => ['--root-key', join(post.home, 'offline', 'root.key.pem')];

  beforeAll(async () => {
    house = await newPost('--code', 'GA-LYS');
    authority = await served(house);
    post = await newPost('--tsa-url', authority.url);
    const pem = (name: string) => bytesOf(join(house.home, 'certs', `${name}.cert.pem`));
    certificate = post.file('authority.pem', Buffer.concat([pem('tsa'), pem('issuing-ca')]));
  });
  afterAll(async () => {
    await authority?.stop();
    post?.remove();
    house?.remove();
  });

  const code = async (...argv: readonly string[]) =>
    JSON.parse((await post.consul(...argv, '--json')).stdout).error?.code;

  test('takes them once the trust bundle stands behind that authority', { timeout: 60_000 }, async () => {
    expect(await code(...submission(post, 'hebergement'))).toBe('TSA_INVALID');
    expect(await code('log', 'timestamp')).toBe('TSA_INVALID');

    const added = await post.json('trust', 'add-authority', certificate, ...root());
    expect(added).toMatchObject({ added: true, sequence: 2 });
    const known = (await post.json('trust', 'show')).keys.filter(
      ({ use }: { use: string }) => use === 'timestamp',
    );
    expect(known).toMatchObject([{ state: 'active' }, { state: 'active', anchor: 'itself' }]);

    const { reference } = await post.json(...submission(post, 'prise-en-charge'));
    await post.done('request', 'decide', reference, '--accept');
    const { document } = await post.json('issue', reference);
    const { status, stdout } = await post.consul('verify', document, '--json');
    expect([status, stdout]).toEqual([0, expect.stringContaining('TOTAL-PASSED')]);
    await post.done('log', 'timestamp');
    await post.done('log', 'audit');

    // Of the same CA, but not the certificate that the bundle stands behind.
    const other = join(house.home, 'certs', 'document-signer.cert.pem');
    expect(await code('trust', 'add-authority', other, ...root())).toBe('CERTIFICATE_INVALID');
    expect(await code('trust', 'add-authority', certificate, ...root())).toBe('CERTIFICATE_IN_USE');
    expect(await code('trust', 'retire-authority', other, ...root())).toBe('CERTIFICATE_UNKNOWN');

    await post.done('trust', 'retire-authority', certificate, ...root());
    expect((await post.consul('verify', document, '--quiet')).status).toBe(0);
    expect(await code(...submission(post, 'hebergement'))).toBe('TSA_INVALID');
  });
});
