import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { exampleSignatory } from '../../fixtures/post.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { loadRequest, updateRequest } from '../store/request.ts';
import { appendTimeline } from '../store/timeline.ts';
import { issueMany } from './batch.ts';
import { decidedDraft } from './decided.ts';
import type { Draft } from './draft.ts';
import { checkDraft, type Issued, issueGroup } from './issue.ts';
import { fonts } from './testing/children.ts';
import { procedures, someDraft } from './testing/draft.ts';
import { finalFaults } from './testing/invariants.ts';
import { type IssuingPost, openIssuingPost } from './testing/post.ts';
import { type PostTemplate, postTemplate, settings } from './testing/template.ts';

const code = (value: string) => expect.objectContaining({ code: value });
const some = (...references: readonly string[]): Draft[] =>
  references.map((reference) => someDraft(reference));
const decide = { procedures, post: settings.post, signatory: exampleSignatory };

let template: PostTemplate;
let opened: IssuingPost;

beforeAll(async () => {
  template = await postTemplate(['A', 'B', 'C', 'D']);
});
beforeEach(async () => {
  opened = await openIssuingPost({ home: await template.copy(), fonts, procedures });
});
afterEach(() => opened.close());
afterAll(() => template.remove());

const numbers = async (): Promise<string[]> =>
  (await opened.post.store.read.selectFrom('document').select('number').execute()).map(
    ({ number }) => number,
  );

test('documents come in the order of the drafts, each with its number, and again the same', async () => {
  const { context, post } = opened;
  const issued = await issueGroup(context, some('B', 'A'));
  expect(issued.map(({ reference, number }) => [reference, number])).toEqual([
    ['B', 'SI-2026-000001'.replace('2026', String(new Date().getFullYear()))],
    ['A', 'SI-2026-000002'.replace('2026', String(new Date().getFullYear()))],
  ]);
  expect(await issueGroup(context, some('A', 'B'))).toEqual(issued.toReversed());
  expect(await issueGroup(context, some('C', 'A'))).toMatchObject([{ reference: 'C' }, issued[1]]);
  expect(await finalFaults(post, ['A', 'B', 'C'])).toEqual([]);
});

test('a draft that comes twice is issued once', async () => {
  const issued = await issueGroup(opened.context, some('A', 'B', 'A'));
  expect(issued.map(({ reference }) => reference)).toEqual(['A', 'B']);
  expect(await finalFaults(opened.post, ['A', 'B'])).toEqual([]);
});

test('groups of one process that overlap agree', async () => {
  const { context, post } = opened;
  const [first, second] = await Promise.all([
    issueGroup(context, some('A', 'B', 'C')),
    issueGroup(context, some('C', 'B', 'D')),
  ]);
  expect(second.slice(0, 2)).toEqual([first[2], first[1]]);
  expect(await finalFaults(post, ['A', 'B', 'C', 'D'])).toEqual([]);
});

test('a request that was withdrawn since its draft was made takes no number', async () => {
  const { context, post } = opened;
  const file = await loadRequest(post.store.read, 'A');
  const draft: Draft = { ...decidedDraft(file, decide), compose: someDraft('A').compose, prefix: 'SI' };
  await post.store.transact(async (tx) => {
    await updateRequest(tx, file, { ...file, request: { ...file.request, state: 'withdrawn', version: 2 } });
    const told = {
      reference: 'A',
      at: file.request.submittedAt,
      actor: 'citizen',
      kind: 'request.withdrawn',
    };
    await appendTimeline(
      tx,
      [{ ...told, detail: {}, trace: { from: 'accepted', to: 'withdrawn' } }],
      nodeBackend.random,
    );
  });
  await expect(issueGroup(context, [...some('B'), draft])).rejects.toEqual(code('REQUEST_WRONG_STATE'));
  expect(await numbers()).toEqual([]);
  await issueGroup(context, some('B'));
  expect(await finalFaults(post, ['B'])).toEqual([]);
});

test('only an accepted request, or one that has its document, makes a draft', async () => {
  const file = await loadRequest(opened.post.store.read, 'A');
  const inState = (state: 'submitted' | 'issued') => ({ ...file, request: { ...file.request, state } });
  expect(() => decidedDraft(inState('submitted'), decide)).toThrow(code('REQUEST_WRONG_STATE'));
  expect(decidedDraft(inState('issued'), decide)).toMatchObject({ reference: 'A', type: 'simple' });
});

test('a document that cannot be composed or printed is refused before it takes a number', async () => {
  const { context } = opened;
  const broken: Draft = {
    ...someDraft('A'),
    compose: () => {
      throw new ConsulError('RULE_VIOLATED', 'no');
    },
  };
  await expect(checkDraft(context, broken)).rejects.toEqual(code('RULE_VIOLATED'));
  await expect(issueGroup(context, [broken])).rejects.toEqual(code('RULE_VIOLATED'));
  const unprintable: Draft = {
    ...someDraft('A'),
    compose: (...given) => {
      const composed = someDraft('A').compose(...given);
      return { ...composed, record: { ...composed.record, footer: '\u{1F600}' } };
    },
  };
  await expect(checkDraft(context, unprintable)).rejects.toEqual(code('TEXT_UNPRINTABLE'));
  expect(await numbers()).toEqual([]);
});

test('a place that cannot be written to fails the group, which then continues from its numbers', async () => {
  const { context, post } = opened;
  const year = new Date().getFullYear();
  const place = join(post.paths.documents, 'simple');
  await writeFile(place, 'in the way');
  await expect(issueGroup(context, some('A', 'B', 'C', 'D'))).rejects.toEqual(code('FILE_UNREADABLE'));
  expect(await numbers()).toHaveLength(4);
  await rm(place);
  const issued = await issueGroup(context, some('D', 'C', 'B', 'A'));
  expect(issued.map(({ number }) => number)).toEqual(
    [4, 3, 2, 1].map((sequence) => `SI-${year}-00000${sequence}`),
  );
  expect(await finalFaults(post, ['A', 'B', 'C', 'D'])).toEqual([]);
});

test('a file that is not the one in the register is found, not issued over', async () => {
  const { context, post } = opened;
  const [issued] = await issueGroup(context, some('A'));
  const file = join(post.paths.documents, issued!.path);
  await writeFile(file, 'another');
  expect(await issueGroup(context, some('A'))).toEqual([issued]);
  expect(await readFile(file, 'utf8')).toBe('another');
  expect(await finalFaults(post, ['A']).catch(() => ['broken'])).not.toEqual([]);
});

test('a group that fails while the next is still read is told of, and the others are ended', async () => {
  const { context, post } = opened;
  const failing: Draft = {
    ...someDraft('B'),
    compose: () => {
      throw new ConsulError('RULE_VIOLATED', 'no');
    },
  };
  async function* groups(): AsyncGenerator<readonly Draft[]> {
    yield some('A');
    yield [failing];
    await new Promise((done) => setTimeout(done, 300));
    yield some('C');
  }
  const issued: Issued[] = [];
  const all = (async () => {
    for await (const group of issueMany(context, groups(), 4)) issued.push(...group);
  })();
  await expect(all).rejects.toEqual(code('RULE_VIOLATED'));
  expect(await finalFaults(post, ['A', 'C'])).toEqual([]);
});
