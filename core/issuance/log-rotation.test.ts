import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { checkCheckpoint } from '../log/checkpoint.ts';
import { importVerifierKey } from '../log/note.ts';
import { passphraseKeys } from '../pki/key-file.ts';
import { auditPost } from './audit.ts';
import { openPki, openRoot } from './certificates.ts';
import { issueGroup } from './issue.ts';
import { rotateLogKey } from './log-rotation.ts';
import { openPost } from './open-post.ts';
import { fonts } from './testing/children.ts';
import { procedures, someDraft } from './testing/draft.ts';
import { openIssuingPost, passphrase } from './testing/post.ts';
import { type PostTemplate, postTemplate } from './testing/template.ts';

let template: PostTemplate;
beforeAll(async () => {
  template = await postTemplate(['A', 'B']);
});
afterAll(() => template.remove());

async function issue(home: string, reference: string): Promise<void> {
  const { context, close } = await openIssuingPost({ home, fonts, procedures });
  try {
    await issueGroup(context, [someDraft(reference)]);
  } finally {
    await close();
  }
}

test('a log goes on under another key, from a checkpoint that both have signed', async () => {
  const home = await template.copy();
  await issue(home, 'A');
  const checkpoint = async () => new Uint8Array(await readFile(join(home, 'log', 'checkpoint')));
  const post = await openPost(home);
  const context = await openPki(post, { fileKey: passphraseKeys(passphrase), actor: 'agent:amina' });
  const root = await openRoot(context, post.paths.rootKey);
  const { logs } = await rotateLogKey(context, root);
  const [after, before] = await Promise.all(logs.map(({ key }) => importVerifierKey(key, nodeBackend)));
  if (!after || !before) throw new Error('the bundle does not have both keys');
  for (const verifier of [before, after])
    expect(await checkCheckpoint(await checkpoint(), verifier)).toMatchObject({ valid: true });
  expect((await auditPost(post)).faults).toEqual([]);
  await post.close();

  await issue(home, 'B');
  expect(await checkCheckpoint(await checkpoint(), after)).toMatchObject({
    valid: true,
    checkpoint: { size: 2 },
  });
  expect(await checkCheckpoint(await checkpoint(), before)).toMatchObject({ valid: false });
  const again = await openPost(home);
  expect((await auditPost(again)).faults).toEqual([]);
  await again.close();
});
