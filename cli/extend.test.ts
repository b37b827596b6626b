import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, missing } from '../core/pdf/judges.ts';
import { exampleRequest } from '../fixtures/requests.ts';
import { bytesOf, newPost, submission, type TestPost, today } from './testing.ts';

let post: TestPost;
beforeAll(async () => {
  post = await newPost();
});
afterAll(() => post?.remove());

/** A document that is issued with these options. */
async function issuedWith(...options: readonly string[]) {
  const data = exampleRequest('prise-en-charge', today());
  // Enough for all who are supported here.
  data.resources.income.amount = 90_000;
  const { reference } = await post.json(
    ...submission(post, 'prise-en-charge', { data }),
    ...['--language', 'fr'],
  );
  await post.done('request', 'decide', reference, '--accept');
  return { reference, ...(await post.json('issue', reference, ...options)) };
}

const report = (file: string) => post.json('verify', file, '--lang', 'en');

describe('consul issue', () => {
  test('makes the level that is asked for, and B-LTA where none is, at less than 60 kB', async () => {
    for (const level of ['B-T', 'B-LT', 'B-LTA']) {
      const { document } = await issuedWith('--level', level);
      expect(await report(document)).toMatchObject({ indication: 'TOTAL-PASSED', level });
    }
    const { level, document } = await issuedWith();
    expect(level).toBe('B-LTA');
    expect(bytesOf(document).length).toBeLessThan(60_000);
    const bare = await issuedWith('--level', 'B-B');
    expect(bare).toMatchObject({ level: 'B-B', timestamp: 'done' });
    expect((await post.consul('verify', bare.document)).status).toBe(3);
  });

  test('takes the level for all documents from post.toml', async () => {
    const settings = join(post.home, 'post.toml');
    const before = Buffer.from(bytesOf(settings)).toString();
    post.file('post/post.toml', before.replace('[post]', '[signature]\nlevel = "B-LT"\n\n[post]'));
    expect((await issuedWith()).level).toBe('B-LT');
    post.file('post/post.toml', before);
  });
});

describe('consul extend', () => {
  test('raises what is due once, and says so', async () => {
    const { extended } = await post.json('extend', '--due');
    expect(extended.map(({ before }: { before: string }) => before).sort()).toEqual([
      'B-B',
      'B-LT',
      'B-LT',
      'B-LT',
      'B-T',
    ]);
    for (const { file } of extended)
      expect(await report(file)).toMatchObject({ indication: 'TOTAL-PASSED', level: 'B-LTA' });
    expect(await post.done('extend', '--due', '--lang', 'en')).toBe('No document is due.\n');
    await post.done('audit', 'verify');
  });

  test('renews a document in its place, or a copy and leaves the register alone', async () => {
    const { document } = await issuedWith();
    const before = bytesOf(document);
    const copy = join(post.folder, 'copy.pdf');
    expect(await post.done('extend', document, '--out', copy)).toContain('B-LTA');
    expect(bytesOf(document)).toEqual(before);
    expect(await report(copy)).toMatchObject({ indication: 'TOTAL-PASSED', level: 'B-LTA' });
    await post.done('extend', document);
    expect(bytesOf(document).length).toBeGreaterThan(before.length);
    await post.done('extend', copy);
    expect(
      (await report(copy)).checks.find(({ id }: { id: string }) => id === 'archive-timestamp').message,
    ).toContain('3 times');
    await post.done('audit', 'verify');
  });

  test('renews everything before a day', async () => {
    const { extended } = await post.json('extend', '--due', '--before', '2100-01-01');
    expect(extended.length).toBeGreaterThan(6);
    await post.done('audit', 'verify');
  });

  test('says what is missing or wrong, and goes on with the next file', async () => {
    const status = async (...argv: string[]) => (await post.consul('extend', ...argv)).status;
    expect(await status()).toBe(2);
    expect(await status('a.pdf', '--due')).toBe(2);
    expect(await status('a.pdf', 'b.pdf', '--out', 'c.pdf')).toBe(2);
    expect(await status('--due', '--before', 'tomorrow')).toBe(2);
    const { document } = await issuedWith();
    const broken = post.file('broken.pdf', 'no PDF');
    const { status: mixed, stdout } = await post.consul('extend', broken, document, '--json');
    expect(mixed).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      extended: [{ level: 'B-LTA' }],
      failed: [{ file: broken, error: { code: 'PDF_INVALID' } }],
    });
  });
});

describe('consul sign', () => {
  test('adds the signature of an agent and of the post, and every signature stays good', async () => {
    const { document } = await issuedWith();
    const folder = join(post.folder, 'agents');
    const own = ['--key-passphrase-file', post.file('own', 'a passphrase of her own\n')];
    await post.done('pki', 'issue', 'agent', '--name', 'Amina Ndong', '--out', folder, ...own);
    const key = join(folder, readdirSync(folder).find((name) => name.endsWith('.key.pem')) ?? '');
    await post.done('sign', document, '--key', key, '--reason', 'Contreseing', ...own);
    await post.done('sign', document, '--reason', 'Vérifié');
    const { indication, level, furtherSignatures } = await report(document);
    expect([indication, level]).toEqual(['TOTAL-PASSED', 'B-LTA']);
    expect(furtherSignatures.map(({ signer }: { signer: string }) => signer)).toEqual([
      'Amina Ndong',
      expect.stringContaining('Signature des documents'),
    ]);
    await post.done('audit', 'verify');
    const file = bytesOf(document);
    if (!missing('pdfsig'))
      expect(ask('pdfsig', file, '-nocert', 'FILE').output.match(/Signature is Valid/g)).toHaveLength(3);
    if (!missing('qpdf'))
      expect(ask('qpdf', file, '--check', 'FILE').output).toContain('No syntax or stream encoding errors');
  });

  test('refuses a certificate that was revoked, and what is no key', async () => {
    const { document } = await issuedWith();
    const folder = join(post.folder, 'former');
    const own = ['--key-passphrase-file', post.file('own', 'a passphrase of his own\n')];
    await post.done('pki', 'issue', 'agent', '--name', 'Ancien Agent', '--out', folder, ...own);
    const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.key.pem'));
    await post.done('pki', 'revoke', name.replace('.key.pem', ''), '--reason', 'cessationOfOperation');
    const before = bytesOf(document);
    const refused = await post.consul(
      ...['sign', document, '--key', join(folder, name), '--reason', 'x'],
      ...own,
    );
    expect(refused.stderr).toContain('CERTIFICATE_REVOKED');
    expect(bytesOf(document)).toEqual(before);
    expect((await post.consul('sign', document, '--key', document, '--reason', 'x')).stderr).toContain(
      'KEY_INVALID',
    );
    expect((await post.consul('sign', document)).status).toBe(2);
  });
});
