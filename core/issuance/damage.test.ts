import { afterAll, beforeAll, expect, test } from 'vitest';
import { proceduresFolder } from '../../fixtures/procedures.ts';
import { fonts } from './testing/children.ts';
import { flipBits, type LivedPost, livedPost, rollBack } from './testing/damage.ts';

// bench/damage.ts does the same ten thousand and a thousand times.

let post: LivedPost;

beforeAll(async () => {
  post = await livedPost({ fonts, procedures: proceduresFolder });
});
afterAll(() => post.remove());

/** The same damages in every run, so that one that is missed can be looked at. */
function sequence(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

const total = (found: Readonly<Record<string, number>>): number =>
  Object.values(found).reduce((sum, count) => sum + count, 0);

test('the audit finds every flipped bit that changes what a post in use says', async () => {
  const { found, withoutEffect, missed } = await flipBits(post.moments.at(-1) ?? '', 200, sequence(1));
  expect(missed).toEqual([]);
  expect(total(found) + withoutEffect).toBe(200);
  for (const part of ['write-ahead log', 'pieces', 'log', 'documents', 'anchor'] as const)
    expect(found[part], part).toBeGreaterThan(10);
});

test('the audit finds every flipped bit that changes what a closed database says', async () => {
  const { found, missed } = await flipBits(post.closed, 200, sequence(3), ['database']);
  expect(missed).toEqual([]);
  expect(found.database).toBeGreaterThan(10);
});

test('the audit finds every older copy that was put back', async () => {
  const { found, missed } = await rollBack(post, 60, sequence(2));
  expect(missed).toEqual([]);
  expect(total(found)).toBeGreaterThan(40);
});
