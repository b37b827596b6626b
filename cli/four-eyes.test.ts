import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExampleId } from '../fixtures/requests.ts';
import { shipped } from './shipped.ts';
import { emptyFolder, newPost, submission, type TestPost } from './testing.ts';

interface Agent {
  readonly serial: string;
  /** What signs as this agent. */
  readonly signing: readonly string[];
}

/** A copy of the program with procedures of its own: two agents sign each decision on a prise en charge. */
function changedProgram(folder: string): string {
  mkdirSync(folder);
  cpSync(shipped('dist'), join(folder, 'dist'), {
    recursive: true,
    filter: (name) => !name.endsWith('.map'),
  });
  cpSync(shipped('templates'), join(folder, 'templates'), { recursive: true });
  symlinkSync(shipped('node_modules'), join(folder, 'node_modules'));
  const common = join(folder, 'templates', 'procedures', 'common.yaml');
  const text = readFileSync(common, 'utf8');
  const changed = text.replace(/(to: issued, .*demands: \[)document\]/, '$1document, two-signatures]');
  expect(changed).not.toBe(text);
  writeFileSync(common, changed);
  return join(folder, 'dist', 'consul.js');
}

describe('a decision that two agents sign', { timeout: 120_000 }, () => {
  let beside: TestPost;
  let post: TestPost;
  let amina: Agent;
  let benoit: Agent;

  async function agent(name: string): Promise<Agent> {
    const folder = join(post.folder, name.replace(' ', '-'));
    const secret = ['--key-passphrase-file', post.file(`${name}.txt`, `la phrase de ${name}\n`)];
    const { serial, key } = await post.json(
      ...['pki', 'issue', 'agent', '--name', name, '--out', folder],
      ...secret,
    );
    return { serial, signing: ['--key', key, ...secret] };
  }
  const failure = async (...argv: readonly string[]) =>
    JSON.parse((await post.consul(...argv, '--json')).stdout).error;
  const rootKey = () => ['--root-key', join(post.home, 'offline', 'root.key.pem')];

  beforeAll(async () => {
    beside = await newPost();
    post = emptyFolder(changedProgram(join(beside.folder, 'program')));
    await post.done('init', '--yes');
    amina = await agent('Amina Ndong');
    benoit = await agent('Benoît Obame');
  });
  afterAll(() => {
    post?.remove();
    beside?.remove();
  });

  const submitted = async (name: string, id: ExampleId = 'prise-en-charge'): Promise<string> =>
    (await post.json(...submission(post, id, { name }))).reference;

  test('is issued once both have, and shows and proves who did', async () => {
    const reference = await submitted('one');
    const decide = ['request', 'decide', reference, '--accept'];
    await post.done(...decide, '--reason', 'dossier complet', ...amina.signing);
    const unsigned = await failure('issue', reference);
    expect(unsigned).toMatchObject({ code: 'REQUEST_INCOMPLETE' });
    expect(unsigned.message).toContain('Amina Ndong');
    const batch = post.file('batch.jsonl', JSON.stringify(reference));
    expect((await post.consul('issue', '--batch', batch)).stderr).toContain('REQUEST_INCOMPLETE');

    expect(await failure(...decide, ...amina.signing)).toMatchObject({ code: 'REQUEST_WRONG_STATE' });
    await post.done(...decide, ...benoit.signing);
    const { document } = await post.json('issue', reference);
    expect((await post.consul('verify', document, '--quiet')).status).toBe(0);

    const shown = await post.json('request', 'show', reference);
    expect(shown.approvals).toMatchObject([
      { agent: 'Amina Ndong', certificate: amina.serial, valid: true },
      { agent: 'Benoît Obame', certificate: benoit.serial, valid: true },
    ]);
    expect(shown.timeline.at(-1)).toMatchObject({
      kind: 'request.issued',
      detail: { approvedBy: [amina.serial, benoit.serial] },
    });
    expect(await post.done('request', 'show', reference)).toContain('✔ signée par Benoît Obame');
    expect((await post.consul('audit', 'verify')).status).toBe(0);
  });

  test('is not signed by a key without a certificate, a wrong passphrase, or one that was revoked', async () => {
    const reference = await submitted('two');
    const decide = ['request', 'decide', reference, '--accept'];
    const wrong = post.file('wrong', 'une autre phrase\n');
    const [, key = ''] = amina.signing;
    expect(await failure(...decide, '--key', key, '--key-passphrase-file', wrong)).toMatchObject({
      code: 'PASSPHRASE_WRONG',
    });
    expect(await failure(...decide, '--key', key)).toMatchObject({ code: 'PASSPHRASE_MISSING' });
    const own = join(post.home, 'keys', 'tsa.key.pem');
    const secret = ['--key-passphrase-file', join(post.home, 'passphrase')];
    expect(await failure(...decide, '--key', own, ...secret)).toMatchObject({ code: 'CERTIFICATE_UNKNOWN' });
    expect((await post.json('request', 'show', reference)).decision).toBe(null);

    const gone = await agent('Carine Mba');
    await post.done('pki', 'revoke', gone.serial, '--reason', 'cessationOfOperation');
    expect(await failure(...decide, ...gone.signing)).toMatchObject({ code: 'APPROVAL_INVALID' });
    await post.done(...decide, ...benoit.signing);
    expect(await failure('request', 'decide', reference, '--refuse', ...amina.signing)).toMatchObject({
      code: 'REQUEST_WRONG_STATE',
    });
  });

  test('is found out by the audit when the decision or a signature was exchanged', async () => {
    const reference = await submitted('three', 'hebergement');
    const decide = ['request', 'decide', reference, '--accept', '--reason', 'dossier complet'];
    await post.done(...decide, ...amina.signing);
    const change = (reason: string) => {
      const database = new Database(join(post.home, 'consul.db'));
      database.prepare('update request set decisionReason = ? where reference = ?').run(reason, reference);
      database.close();
    };
    change('par complaisance');
    const { approvals } = await post.json('request', 'show', reference);
    expect(approvals).toMatchObject([{ valid: false, fault: expect.stringContaining('another decision') }]);
    const report = JSON.parse((await post.consul('audit', 'verify', '--json')).stdout);
    expect(report.faults).toContainEqual({
      part: 'request',
      where: reference,
      message: expect.stringContaining('the signature of Amina Ndong'),
    });
    change('dossier complet');
    expect((await post.json('request', 'show', reference)).approvals).toMatchObject([{ valid: true }]);

    // A signature that may be the thief's counts no more.
    const before = new Date().toISOString();
    await post.done(...decide, ...benoit.signing);
    await post.done('pki', 'compromised', benoit.serial, '--since', before, ...rootKey());
    expect(await failure('issue', reference)).toMatchObject({ code: 'REQUEST_INCOMPLETE' });
  });
});
