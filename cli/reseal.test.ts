import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issued, newPost, submission, type TestPost } from './testing.ts';

let post: TestPost;
beforeAll(async () => {
  post = await newPost();
});
afterAll(() => post?.remove());

test('documents whose seal a thief may have made are sealed again in one run', {
  timeout: 120_000,
}, async () => {
  const rootKey = ['--root-key', join(post.home, 'offline', 'root.key.pem')];
  const before = await issued(post, 'prise-en-charge');
  const since = new Date().toISOString();
  const { reference, receipt } = await post.json(...submission(post, 'hebergement'));
  await post.done('request', 'decide', reference, '--accept');
  const after = await post.json('issue', reference);
  const { receipt: revoked } = await post.json(...submission(post, 'prise-en-charge', { name: 'second' }));
  await post.done('revoke', 'RD-2026-000003', '--reason', 'déposée par erreur');

  const { serial } = (await post.json('pki', 'list')).find(
    ({ profile }: { profile: string }) => profile === 'seal-signer',
  );
  expect((await post.consul('pki', 'reseal', serial)).status).toBe(2);
  const done = await post.json('pki', 'compromised', serial, '--since', since, ...rootKey);
  expect(done.documents.map(({ number }: { number: string }) => number)).toEqual([
    'RD-2026-000002',
    after.number,
    'RD-2026-000003',
  ]);

  const { resealed, statusList, waiting } = await post.json('pki', 'reseal', serial);
  expect([waiting, resealed.map(({ number }: { number: string }) => number)]).toEqual([
    0,
    ['RD-2026-000002', after.number],
  ]);
  const verdict = async (document: string) => {
    const { stdout } = await post.consul('verify', document, '--status', statusList, '--json');
    const { indication, checks } = JSON.parse(stdout);
    const failed = checks.filter(({ outcome }: { outcome: string }) => outcome === 'failed');
    return [indication, ...failed.map(({ id }: { id: string }) => id)];
  };
  for (const document of [before.document, ...resealed.map((one: { document: string }) => one.document)])
    expect(await verdict(document)).toEqual(['TOTAL-PASSED']);
  for (const document of [after.document, receipt, revoked])
    expect(await verdict(document)).toEqual(expect.arrayContaining(['seal-signer', 'status']));

  const { documents, timeline, state } = await post.json('request', 'show', reference);
  expect(state).toBe('issued');
  expect(documents).toMatchObject([
    { number: 'RD-2026-000002', edition: 1, state: 'superseded' },
    { number: after.number, edition: 1, state: 'superseded' },
    { number: 'RD-2026-000002', edition: 2, state: 'issued' },
    { number: after.number, edition: 2, state: 'issued' },
  ]);
  expect(timeline.map(({ kind }: { kind: string }) => kind)).toEqual(
    expect.arrayContaining(['document.superseded', 'document.resealed']),
  );
  expect(await post.done('request', 'show', reference)).toContain('édition 1 : remplacée par la suivante');

  // Nothing is left to do; the register, the journal and the log agree, and the numbers go on.
  expect((await post.json('pki', 'reseal', serial)).resealed).toEqual([]);
  expect((await post.json('issue', reference)).document).toBe(resealed[1].document);
  expect((await post.json('pki', 'compromised', serial, '--since', since)).compromisedSince).toBe(
    done.compromisedSince,
  );
  await post.done('log', 'audit');
  expect(await post.json('audit', 'verify')).toMatchObject({ intact: true, documents: 5, unfinished: 0 });
});
