import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueMany } from './batch.ts';
import type { Draft } from './draft.ts';
import { type Issued, issueGroup } from './issue.ts';
import { type ChildProgram, childProgram, ended, fonts } from './testing/children.ts';
import { procedures, someDraft } from './testing/draft.ts';
import { type Acknowledged, finalFaults } from './testing/invariants.ts';
import type { Said } from './testing/issue-child.ts';
import { openIssuingPost } from './testing/post.ts';
import { type PostTemplate, postTemplate } from './testing/template.ts';

const references = Array.from({ length: 96 }, (_, i) => `R${i}`);
const processes = 8;

let template: PostTemplate;
let child: ChildProgram;
let worker: ChildProgram;

beforeAll(async () => {
  [template, child, worker] = await Promise.all([
    postTemplate(references),
    childProgram(join(import.meta.dirname, 'testing', 'issue-child.ts')),
    childProgram(join(import.meta.dirname, 'worker.ts')),
  ]);
});
afterAll(async () => {
  await Promise.all([template.remove(), child.remove(), worker.remove()]);
});

/** Groups of different sizes and order for each process, so that they meet in every step. */
function groupsOf(number: number): string[][] {
  const size = 2 + (number % 3);
  const own = references.map((_, i) => references[(i + 12 * number) % references.length] as string);
  const half = number % 2 === 0 ? own : own.toReversed();
  return Array.from({ length: Math.ceil(48 / size) }, (_, i) => half.slice(i * size, (i + 1) * size));
}

async function issueAtOnce(home: string, dying: (number: number) => number | undefined) {
  const acknowledged: Acknowledged[] = [];
  const refused: string[] = [];
  const ends = await Promise.all(
    Array.from({ length: processes }, (_, number) => {
      const at = dying(number);
      const plan = { home, fonts, groups: groupsOf(number) };
      const running = child.start(at === undefined ? plan : { ...plan, death: { at, when: 'before' } });
      return ended(running, (line) => {
        const said = line as Said;
        if ('refused' in said) refused.push(`${said.refused}: ${said.message}`);
        if ('acknowledged' in said) acknowledged.push(...said.acknowledged);
      });
    }),
  );
  expect(refused).toEqual([]);
  expect(ends.map(({ stderr }) => stderr).join('')).toBe('');
  return { ends, acknowledged };
}

const begun = new Set(Array.from({ length: processes }, (_, number) => groupsOf(number)).flat(2));

test('eight processes that issue overlapping groups at once agree on every document', async () => {
  const home = await template.copy();
  const { ends, acknowledged } = await issueAtOnce(home, () => undefined);
  expect(ends.map(({ code }) => code)).toEqual(Array(processes).fill(0));
  expect(acknowledged).toHaveLength(processes * 48);
  const { post, close } = await openIssuingPost({ home, fonts, procedures });
  expect(await finalFaults(post, [...begun], acknowledged)).toEqual([]);
  await close();
}, 300_000);

test('so do those that are left when four of the eight are killed on their way', async () => {
  const home = await template.copy();
  const { ends, acknowledged } = await issueAtOnce(home, (number) =>
    number < 4 ? 40 + 37 * number : undefined,
  );
  expect(ends.filter(({ signal }) => signal === 'SIGKILL')).toHaveLength(4);
  const { post, context, close } = await openIssuingPost({ home, fonts, procedures });
  await issueGroup(
    context,
    [...begun].map((reference) => someDraft(reference)),
  );
  expect(await finalFaults(post, [...begun], acknowledged)).toEqual([]);
  await close();
}, 300_000);

test('threads of one process issue groups at the same time', async () => {
  const home = await template.copy();
  const { post, context, close } = await openIssuingPost({
    home,
    fonts,
    procedures,
    threads: 2,
    workerScript: worker.file,
  });
  async function* groups(): AsyncGenerator<readonly Draft[]> {
    for (let i = 0; i < references.length; i += 8)
      yield references.slice(i, i + 8).map((reference) => someDraft(reference));
  }
  const issued: Issued[] = [];
  for await (const group of issueMany(context, groups(), 3)) issued.push(...group);
  expect(issued.map(({ reference }) => reference).toSorted()).toEqual(references.toSorted());
  expect(await finalFaults(post, references)).toEqual([]);
  await close();
});
