import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { auditLog } from './audit.ts';
import type { Checkpoint } from './checkpoint.ts';
import { emptyFrontier, frontierRoot, growTree } from './log.ts';
import { tilePath } from './tile.ts';

const digest = (bytes: Uint8Array) => nodeBackend.digest('sha256', bytes);
const size = 5000;
const entries = await Promise.all(Array.from({ length: size }, (_, i) => digest(utf8(String(i)))));
const { files: made, frontier } = await growTree(emptyFrontier, entries, digest);
const root = await frontierRoot(frontier, digest);
const checkpoint: Checkpoint = { origin: 'log.example', size, root, extensions: [] };
let files: Map<string, Uint8Array>;

beforeEach(() => {
  files = new Map(made.map(({ place, bytes }) => [tilePath(place), bytes.slice()]));
});

const audit = (committed?: Parameters<typeof auditLog>[3], of: Checkpoint = checkpoint) =>
  auditLog((path) => files.get(path), of, digest, committed);

describe('an audit', () => {
  it('finds nothing in a whole log, nor in the empty one', async () => {
    expect(await audit()).toEqual([]);
    expect(await audit((from, to) => entries.slice(from, to))).toEqual([]);
    const empty = { ...checkpoint, size: 0, root: await digest(new Uint8Array(0)) };
    expect(await audit(undefined, empty)).toEqual([]);
  });

  it('finds any flipped bit of any file, and a lost file', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(made.length - 1), fc.nat(), fc.boolean(), async (which, at, lost) => {
        const path = tilePath(made[which]!.place);
        const good = files.get(path)!;
        const bad = good.slice();
        const bit = at % (bad.length * 8);
        bad[bit >> 3] = bad[bit >> 3]! ^ (1 << (bit & 7));
        if (lost) files.delete(path);
        else files.set(path, bad);
        expect((await audit()).length).toBeGreaterThan(0);
        files.set(path, good);
      }),
      { numRuns: 25 },
    ));

  it('finds another root and a size that the entries do not reach', async () => {
    expect(await audit(undefined, { ...checkpoint, root: new Uint8Array(32) })).toEqual([
      { path: 'checkpoint', message: expect.stringContaining('root') },
    ]);
    expect((await audit(undefined, { ...checkpoint, size: size + 1 })).length).toBeGreaterThan(0);
  });

  it('names the entry that was committed otherwise, or not at all', async () => {
    const other = await digest(utf8('other'));
    const changed = entries.map((entry, i) => (i === 4321 ? other : entry));
    expect(await audit((from, to) => changed.slice(from, to))).toEqual([
      { path: 'tile/entries/016', message: 'entry 4321 is not the one that was committed' },
    ]);
    expect(await audit((from, to) => entries.slice(from, Math.min(to, size - 2)))).toHaveLength(2);
  });
});
