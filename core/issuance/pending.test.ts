import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { loadRequest } from '../store/request.ts';
import { auditPost } from './audit.ts';
import { issueGroup } from './issue.ts';
import { type ChildProgram, childProgram, ended, fonts } from './testing/children.ts';
import { procedures, someDraft } from './testing/draft.ts';
import type { Death } from './testing/effects.ts';
import { type Acknowledged, finalFaults } from './testing/invariants.ts';
import type { Said } from './testing/issue-child.ts';
import { openIssuingPost } from './testing/post.ts';
import { type PostTemplate, postTemplate } from './testing/template.ts';
import { type TimestampServer, timestampServer } from './testing/timestamp-server.ts';

const references = ['A', 'B', 'C'];
const drafts = references.map((reference) => someDraft(reference));
const code = (value: string) => expect.objectContaining({ code: value });

let server: TimestampServer;
let template: PostTemplate;
let child: ChildProgram;

beforeAll(async () => {
  server = await timestampServer();
  [template, child] = await Promise.all([
    postTemplate(references, { change: { timestamp: { url: `http://127.0.0.1:${server.port}/` } } }),
    childProgram(join(import.meta.dirname, 'testing', 'issue-child.ts')),
  ]);
});
afterEach(() => server.close());
afterAll(async () => {
  await Promise.all([template.remove(), child.remove()]);
});

const open = (home: string) => openIssuingPost({ home, fonts, procedures });

/** A post whose documents are signed and wait for their time-stamps. */
async function waitingPost(): Promise<string> {
  const home = await template.copy();
  const { context, close } = await open(home);
  await issueGroup(context, drafts);
  await close();
  return home;
}

/** What two files have in common before and after the hole of the signature. */
function outsideOfHole(file: Uint8Array): string {
  const text = Buffer.from(file).toString('latin1');
  return text.replace(/\/Contents <[0-9a-fA-F]*>/, '');
}

test('a document without its time-stamp is signed and waits; issued again it is complete', async () => {
  const home = await template.copy();
  const { post, context, close } = await open(home);
  const waiting = await issueGroup(context, drafts);
  expect(waiting.map(({ timestamp }) => timestamp)).toEqual(['pending', 'pending', 'pending']);
  expect((await loadRequest(post.store.read, 'A')).request.state).toBe('accepted');
  expect((await auditPost(post)).faults).toEqual([]);
  const fileOf = (path: string) => readFile(join(post.paths.documents, path));
  const before = await Promise.all(waiting.map(({ path }) => fileOf(path)));

  // Still away: nothing changes.
  expect(await issueGroup(context, drafts)).toEqual(waiting);

  await server.open(home);
  const complete = await issueGroup(context, drafts);
  expect(complete).toEqual(waiting.map((document) => ({ ...document, timestamp: 'done', level: 'B-LTA' })));
  const after = await Promise.all(complete.map(({ path }) => fileOf(path)));
  for (const [i, file] of after.entries()) {
    expect(file.length).toBeGreaterThan(before[i]!.length);
    expect(outsideOfHole(file.subarray(0, before[i]!.length))).toBe(outsideOfHole(before[i]!));
  }
  expect(await finalFaults(post, references)).toEqual([]);
  await close();
});

test.each([
  ['between two documents', 4],
  ['between the time-stamps of one document', 5],
])('an authority that goes away %s leaves the rest waiting', async (_, answers) => {
  const home = await template.copy();
  await server.open(home);
  server.closeAfter(answers);
  const { post, context, close } = await open(home);
  const issued = await issueGroup(context, drafts);
  expect(issued.map(({ timestamp }) => timestamp)).toEqual(['done', 'done', 'pending']);
  expect((await loadRequest(post.store.read, 'B')).request.state).toBe('issued');
  expect((await loadRequest(post.store.read, 'C')).request.state).toBe('accepted');
  await server.open(home);
  await issueGroup(context, drafts);
  expect(await finalFaults(post, references)).toEqual([]);
  await close();
});

test('a wrong answer is an error, and nothing of it is kept', async () => {
  const home = await template.copy();
  await server.open(home);
  server.answerWrongly(true);
  const { post, context, close } = await open(home);
  await expect(issueGroup(context, drafts)).rejects.toEqual(code('TSA_INVALID'));
  expect((await loadRequest(post.store.read, 'A')).request.state).toBe('accepted');
  server.answerWrongly(false);
  await issueGroup(context, drafts);
  expect(await finalFaults(post, references)).toEqual([]);
  await close();
});

test('an authority that the trust bundle does not know stamps no document', async () => {
  const [home, other] = [await template.copy(), await postTemplate([])];
  await server.open(await other.copy());
  const { post, context, close } = await open(home);
  await expect(issueGroup(context, drafts)).rejects.toEqual(code('TSA_INVALID'));
  expect((await loadRequest(post.store.read, 'A')).request.state).toBe('accepted');
  await server.open(home);
  await issueGroup(context, drafts);
  expect(await finalFaults(post, references)).toEqual([]);
  await Promise.all([close(), other.remove()]);
});

test('a file that cannot be written while others are still time-stamped fails the group, told once', async () => {
  const home = await template.copy();
  await server.open(home);
  const { post, context, close } = await open(home);
  const place = join(post.paths.documents, 'simple');
  await writeFile(place, 'in the way');
  server.takeTime(100);
  await expect(issueGroup(context, drafts)).rejects.toEqual(code('FILE_UNREADABLE'));
  server.takeTime(0);
  await rm(place);
  await issueGroup(context, drafts);
  expect(await finalFaults(post, references)).toEqual([]);
  await close();
});

test('a file that was altered while it waited is not completed', async () => {
  const home = await waitingPost();
  await server.open(home);
  const { post, context, close } = await open(home);
  const [{ path }] = (await post.store.read.selectFrom('document').select('path').execute()) as [
    { path: string },
  ];
  const file = await readFile(join(post.paths.documents, path));
  const altered = Buffer.from(file.toString('latin1').replace('%PDF-1.7', '%PDF-1.6'), 'latin1');
  await writeFile(join(post.paths.documents, path), altered);
  const asked = server.asked();
  await expect(issueGroup(context, drafts)).rejects.toEqual(code('PDF_INVALID'));
  expect(server.asked()).toBe(asked);
  await close();
});

test('completing goes on to one time-stamp when it is killed before or after any of its steps', async () => {
  const waiting = await waitingPost();
  await server.open(waiting);
  let kills = 0;
  // After one step is before the next.
  for (const when of ['before', 'after'] satisfies Death['when'][])
    for (let at = 1; ; at += 2) {
      const home = `${waiting}-${when}-${at}`;
      await cp(waiting, home, { recursive: true });
      const end = await ended(child.start({ home, fonts, groups: [['A']], death: { at, when } }));
      expect(end.stderr).toBe('');
      const { post, context, close } = await open(home);
      await issueGroup(context, drafts);
      expect(await finalFaults(post, references)).toEqual([]);
      await close();
      await rm(home, { recursive: true });
      if (end.signal !== 'SIGKILL') break;
      kills++;
    }
  expect(kills).toBeGreaterThan(20);
}, 300_000);

test('eight processes that complete at once agree on every file', async () => {
  const home = await waitingPost();
  await server.open(home);
  const acknowledged: Acknowledged[] = [];
  const refused: string[] = [];
  const ends = await Promise.all(
    Array.from({ length: 8 }, (_, i) => {
      const group = i % 2 === 0 ? references : references.toReversed();
      return ended(child.start({ home, fonts, groups: [group] }), (line) => {
        const said = line as Said;
        if ('acknowledged' in said) acknowledged.push(...said.acknowledged);
        if ('refused' in said) refused.push(said.message);
      });
    }),
  );
  expect(refused).toEqual([]);
  expect(ends.map(({ stderr }) => stderr).join('')).toBe('');
  expect(acknowledged).toHaveLength(24);
  const { post, close } = await open(home);
  expect(await finalFaults(post, references, acknowledged)).toEqual([]);
  await close();
}, 300_000);
