/**
 * Damages a post at random and says what the audit finds: `node dist/damage.mjs [flips] [roll-backs]`, 10,000 and 1,000
 * without arguments. Ends with status 1 when anything that has an effect was missed.
 */
import { randomInt } from 'node:crypto';
import { shipped } from '../cli/shipped.ts';
import { flipBits, livedPost, type Outcome, rollBack } from '../core/issuance/testing/damage.ts';

const [flips = 10_000, rollBacks = 1_000] = process.argv.slice(2).map(Number);

function tell(what: string, { found, withoutEffect, missed }: Outcome): void {
  for (const [part, count] of Object.entries(found)) console.log(`  ${part}: ${count} found`);
  console.log(`${what}: ${missed.length} missed, ${withoutEffect} without effect`);
  for (const where of missed) console.log(`  missed: ${where}`);
  if (missed.length > 0) process.exitCode = 1;
}

const post = await livedPost({
  fonts: shipped('templates', 'fonts'),
  procedures: shipped('templates', 'procedures'),
});
try {
  const half = Math.ceil(flips / 2);
  const random = (bound: number): number => randomInt(bound);
  tell(`${half} flipped bits of a post in use`, await flipBits(post.moments.at(-1) ?? '', half, random));
  tell(`${flips - half} flipped bits of a closed post`, await flipBits(post.closed, flips - half, random));
  tell(`${rollBacks} roll-backs`, await rollBack(post, rollBacks, random));
} finally {
  await post.remove();
}
