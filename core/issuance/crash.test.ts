import { randomInt } from 'node:crypto';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postPaths } from '../store/post-folder.ts';
import { openStore } from '../store/store.ts';
import { issueGroup } from './issue.ts';
import { receiptType } from './receipt.ts';
import { type ChildProgram, childProgram, ended, fonts } from './testing/children.ts';
import { procedures, someDraft } from './testing/draft.ts';
import type { Death } from './testing/effects.ts';
import { type Acknowledged, finalFaults, standingFaults } from './testing/invariants.ts';
import type { IssuePlan, Said } from './testing/issue-child.ts';
import { openIssuingPost } from './testing/post.ts';
import { type PostTemplate, postTemplate } from './testing/template.ts';

const many = Array.from({ length: 400 }, (_, i) => `R${i}`);
/** Large enough that each step is taken for several, small enough that there are few steps. */
const group = ['A', 'B'];
const randomKills = 100;
/** A minute where nothing else runs; on a busy machine it is many. */
const patience = 600_000;

let template: PostTemplate;
let child: ChildProgram;

beforeAll(async () => {
  [template, child] = await Promise.all([
    postTemplate([...group, 'before', ...many]),
    childProgram(join(import.meta.dirname, 'testing', 'issue-child.ts')),
  ]);
});
afterAll(async () => {
  await Promise.all([template.remove(), child.remove()]);
});

async function run(
  plan: Omit<IssuePlan, 'fonts'>,
  heard: (said: Said, kill: () => void) => void = () => {},
): Promise<{ killed: boolean; acknowledged: readonly Acknowledged[] }> {
  const process = child.start({ ...plan, fonts });
  const acknowledged: Acknowledged[] = [];
  const refused: string[] = [];
  const end = await ended(process, (line) => {
    const said = line as Said;
    if ('acknowledged' in said) acknowledged.push(...said.acknowledged);
    if ('refused' in said) refused.push(said.message);
    heard(said, () => process.kill('SIGKILL'));
  });
  expect(refused).toEqual([]);
  expect(end.stderr).toBe('');
  const killed = end.signal === 'SIGKILL';
  if (!killed) expect(end.code).toBe(0);
  return { killed, acknowledged };
}

/** As the killed process left it, before anything is mended. */
async function expectStanding(home: string, acknowledged: Iterable<Acknowledged>): Promise<void> {
  const store = await openStore(postPaths(home).database, { anchor: join(home, 'anchor', 'journal') });
  try {
    expect(await standingFaults(store.read, postPaths(home), acknowledged)).toEqual([]);
  } finally {
    await store.close();
  }
}

async function expectContinued(
  home: string,
  references: readonly string[],
  acknowledged: Iterable<Acknowledged>,
): Promise<void> {
  const { post, context, close } = await openIssuingPost({ home, fonts, procedures });
  try {
    await issueGroup(
      context,
      references.map((reference) => someDraft(reference)),
    );
    expect(await finalFaults(post, references, acknowledged)).toEqual([]);
  } finally {
    await close();
  }
}

/** Kills a process at its first event, the next at its second, until one comes to its end. */
async function killAtEach(when: Death['when']): Promise<number> {
  const shared = await template.copy();
  const first = await openIssuingPost({ home: shared, fonts, procedures });
  const [issued] = await issueGroup(first.context, [someDraft('before', receiptType)]);
  const [row] = await first.post.store.read.selectFrom('document').select('sha256').execute();
  await first.close();
  const sha256 = Buffer.from(row?.sha256 ?? []).toString('hex');
  const before: Acknowledged[] = [{ ...issued!, sha256 }];
  for (let at = 1; ; at++) {
    const home = `${shared}-${at}`;
    await cp(shared, home, { recursive: true });
    const { killed, acknowledged } = await run({ home, groups: [group], death: { at, when } });
    await expectStanding(home, [...before, ...acknowledged]);
    await expectContinued(home, group, [...before, ...acknowledged]);
    await rm(home, { recursive: true });
    if (!killed) return at - 1;
  }
}

describe('issuing goes on to one document, one number and one log entry each', () => {
  test.concurrent.each(['before', 'after'] as const)(
    'when it is killed %s any of its steps',
    async (when) => {
      expect(await killAtEach(when)).toBeGreaterThan(60);
    },
    patience,
  );

  test.concurrent(
    'when it is killed at random, again and again',
    async () => {
      const home = await template.copy();
      const groups = Array.from({ length: many.length / 4 }, (_, i) => many.slice(4 * i, 4 * i + 4));
      const acknowledged = new Map<string, Acknowledged>();
      const isOpen = (references: readonly string[]) =>
        references.some((reference) => !acknowledged.has(reference));
      let kills = 0;
      while (kills < randomKills) {
        const open = groups.filter(isOpen);
        expect(open.length).toBeGreaterThan(0);
        const { killed, acknowledged: told } = await run({ home, groups: open }, (said, kill) => {
          if ('ready' in said) setTimeout(kill, randomInt(120));
        });
        if (killed) kills++;
        for (const one of told) acknowledged.set(one.reference, one);
        await expectStanding(home, acknowledged.values());
      }
      const begun = many.slice(0, 4 * (groups.findIndex(isOpen) + 1));
      await expectContinued(home, begun, acknowledged.values());
    },
    patience,
  );
});
