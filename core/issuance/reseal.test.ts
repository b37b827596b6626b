import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
import { type ChildProgram, childProgram, ended, fonts } from './testing/children.ts';
import { procedures, someDraft } from './testing/draft.ts';
import { openIssuingPost, passphrase } from './testing/post.ts';
import { type PostTemplate, postTemplate } from './testing/template.ts';

const references = ['A', 'B', 'C'];
let template: PostTemplate;
let child: ChildProgram;
/** A post with three documents, whose key was lost after the first day. */
let home: string;
let serial: string;
const since = new Date();

const open = (folder: string) => openIssuingPost({ home: folder, fonts, procedures });

/** Reports the key of the documents as lost. @returns the serial number of its certificate */
async function lose(folder: string): Promise<string> {
  const { post, close } = await open(folder);
  const context = await openPki(post, { fileKey: passphraseKeys(passphrase), actor: 'agent:amina' });
  const lost = await post.store.read
    .selectFrom('certificate')
    .select('serial')
    .where('profile', '=', 'document-signer')
    .where('state', '=', 'active')
    .executeTakeFirstOrThrow();
  const root = await openRoot(context, post.paths.rootKey);
  await actOnCompromise(context, root, await assessCompromise(context, lost.serial, since), since);
  await close();
  return lost.serial;
}

async function opened(folder: string, lost: string) {
  const { post, context, close } = await open(folder);
  const acting = {
    store: post.store,
    clock: () => new Date(),
    random: nodeBackend.random,
    actor: 'agent:amina',
  };
  const groups = resealGroups(acting, await demandCertificate(post.store.read, lost));
  return { post, context, close, groups };
}

/** Seals again whatever is left. @returns how many documents that were */
async function finish(folder: string, lost: string): Promise<number> {
  const { post, context, close, groups } = await opened(folder, lost);
  let count = 0;
  for await (const group of issueMany(context, groups, 2)) count += group.length;
  expect((await auditPost(post)).faults).toEqual([]);
  await close();
  return count;
}

async function editions(folder: string, reference: string) {
  const { post, close } = await open(folder);
  const [present, ...others] = await documentsOf(post.store.read, [reference]);
  const earlier = await supersededOf(post.store.read, reference);
  await close();
  expect(others).toEqual([]);
  return [...earlier.map(({ edition }) => edition), present?.edition, present?.step];
}

beforeAll(async () => {
  [template, child] = await Promise.all([
    postTemplate(references),
    childProgram(join(import.meta.dirname, 'testing', 'reseal-child.ts')),
  ]);
  home = await template.copy();
  const { context, close } = await open(home);
  await issueGroup(
    context,
    references.map((reference) => someDraft(reference)),
  );
  await close();
  serial = await lose(home);
});
afterAll(async () => {
  await Promise.all([template.remove(), child.remove()]);
});

describe('a run that seals documents again', () => {
  test('is taken up where it ended, and a third edition follows a second loss', async () => {
    const copy = `${home}-twice`;
    await cp(home, copy, { recursive: true });
    const interrupted = await opened(copy, serial);
    await interrupted.groups.next();
    await interrupted.close();
    expect(await editions(copy, 'B')).toEqual([1, 2, 'reserved']);

    expect(await finish(copy, serial)).toBe(3);
    for (const reference of references) expect(await editions(copy, reference)).toEqual([1, 2, 'issued']);
    expect(await finish(copy, await lose(copy))).toBe(3);
    for (const reference of references) expect(await editions(copy, reference)).toEqual([1, 2, 3, 'issued']);
  }, 120_000);

  test('and is killed at any of its steps ends with one next edition of each', async () => {
    for (let at = 1, killed = true; killed; at += 4) {
      const copy = `${home}-${at}`;
      await cp(home, copy, { recursive: true });
      const end = await ended(child.start({ home: copy, fonts, serial, death: { at, when: 'after' } }));
      expect(end.stderr).toBe('');
      killed = end.signal === 'SIGKILL';
      await finish(copy, serial);
      for (const reference of references) expect(await editions(copy, reference)).toEqual([1, 2, 'issued']);
    }
  }, 600_000);
});
