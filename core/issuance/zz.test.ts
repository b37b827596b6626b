import { test } from 'vitest';
import { randomInt } from 'node:crypto';
import { proceduresFolder } from '../../fixtures/procedures.ts';
import { fonts } from './testing/children.ts';
import { livedPost, flipBits } from './testing/damage.ts';
test('x', async () => {
  const post = await livedPost({ fonts, procedures: proceduresFolder });
  console.log(await flipBits(post.moments.at(-1)!, 700, (b) => randomInt(b), ['write-ahead log']));
  await post.remove();
}, 600000);
