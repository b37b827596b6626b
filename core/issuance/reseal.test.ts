import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { passphraseKeys } from '../pki/key-file.ts';
import { demandCertificate } from '../store/certificate.ts';
import { documentsOf, supersededOf } from '../store/document.ts';
import { auditPost } from './audit.ts';
import { issueMany } from './batch.ts';
import { openPki, openRoot } from './certificates.ts';
import { actOnCompromise, assessCompromise } from './compromise.ts';
import { issueGroup } from './issue.ts';
import { resealGroups } from './reseal.ts';
import { fonts } from './testing/children.ts';
import { procedures, someDraft } from './testing/draft.ts';
import { openIssuingPost, passphrase } from './testing/post.ts';
import { type PostTemplate, postTemplate } from './testing/template.ts';

const references = ['A', 'B', 'C'];
let template: PostTemplate;
beforeAll(async () => {
  template = await postTemplate(references);
});
afterAll(() => template.remove());

test('a run that ends in the middle is taken up by the next, a third edition follows a second loss', async () => {
  const home = await template.copy();
  const open = () => openIssuingPost({ home, fonts, procedures });
  const since = new Date();
  const first = await open();
  await issueGroup(
    first.context,
    references.map((reference) => someDraft(reference)),
  );
  await first.close();

  const lose = async (): Promise<string> => {
    const { post, close } = await open();
    const context = await openPki(post, { fileKey: passphraseKeys(passphrase), actor: 'agent:amina' });
    const { serial } = await post.store.read
      .selectFrom('certificate')
      .select('serial')
      .where('profile', '=', 'document-signer')
      .where('state', '=', 'active')
      .executeTakeFirstOrThrow();
    const root = await openRoot(context, post.paths.rootKey);
    await actOnCompromise(context, root, await assessCompromise(context, serial, since), since);
    await close();
    return serial;
  };

  const opened = async (serial: string) => {
    const { post, context, close } = await open();
    const acting = {
      store: post.store,
      clock: () => new Date(),
      random: nodeBackend.random,
      actor: 'agent:amina',
    };
    const groups = resealGroups(acting, await demandCertificate(post.store.read, serial));
    return { post, context, close, groups };
  };
  const editions = async (reference: string) => {
    const { post, close } = await open();
    const [present] = await documentsOf(post.store.read, [reference]);
    const earlier = await supersededOf(post.store.read, reference);
    await close();
    return [...earlier.map(({ edition }) => edition), present?.edition, present?.step];
  };

  const serial = await lose();
  const interrupted = await opened(serial);
  await interrupted.groups.next();
  await interrupted.close();
  expect(await editions('B')).toEqual([1, 2, 'reserved']);

  const finish = async (lost: string): Promise<void> => {
    const { post, context, close, groups } = await opened(lost);
    const issued = [];
    for await (const group of issueMany(context, groups, 2)) issued.push(...group);
    expect(issued.map(({ timestamp }) => timestamp)).toEqual(['done', 'done', 'done']);
    expect((await auditPost(post)).faults).toEqual([]);
    await close();
  };
  await finish(serial);
  for (const reference of references) expect(await editions(reference)).toEqual([1, 2, 'issued']);
  await finish(await lose());
  for (const reference of references) expect(await editions(reference)).toEqual([1, 2, 3, 'issued']);
}, 120_000);
