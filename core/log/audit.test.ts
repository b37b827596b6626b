import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { auditLog, auditOtherFiles, compareCheckpoints } from './audit.ts';
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

describe('checkpoints of other times', () => {
  const at = async (entriesThen: readonly Uint8Array[]): Promise<Checkpoint> => {
    const { frontier: then } = await growTree(emptyFrontier, entriesThen, digest);
    return { ...checkpoint, size: entriesThen.length, root: await frontierRoot(then, digest) };
  };
  const compare = async (...others: readonly Checkpoint[]) =>
    compareCheckpoints(
      (path) => files.get(path),
      checkpoint,
      others.map((other, i) => ({ path: String(i), checkpoint: other })),
      digest,
    );

  it('are states that the log went through', async () => {
    const sizes = [0, 1, 255, 256, 257, 4999, 5000];
    const states = await Promise.all(
      sizes.map(async (count) =>
        count === 0
          ? { ...checkpoint, size: 0, root: await digest(new Uint8Array(0)) }
          : at(entries.slice(0, count)),
      ),
    );
    expect(await compare(...states)).toEqual([]);
  });

  it('betray a log that was forked or rolled back', async () => {
    const other = await digest(utf8('other'));
    const forked = await at([...entries.slice(0, 300), other]);
    const longer = await at([...entries, other]);
    expect(await compare(forked)).toEqual([
      { path: '0', message: expect.stringContaining('does not continue') },
    ]);
    expect(await compare(longer)).toEqual([
      { path: '0', message: expect.stringContaining('had 5001 entries') },
    ]);
  });
});

describe('files of other sizes', () => {
  const look = (paths: readonly string[]) => auditOtherFiles((path) => files.get(path), paths, checkpoint);
  const partial = tilePath({ level: 0, index: 19, width: 5 });
  const partialBundle = tilePath({ level: 'entries', index: 19, width: 5 });

  beforeEach(() => {
    for (const [path, level, bytes] of [
      [partial, 0, 5 * 32],
      [partialBundle, 'entries', 5 * 34],
    ] as const)
      files.set(path, files.get(tilePath({ level, index: 19, width: size % 256 }))!.slice(0, bytes));
  });

  it('begin what is there now, or are yet to come', async () => {
    const later = tilePath({ level: 0, index: 19, width: 200 });
    expect(await look([...files.keys(), later])).toEqual([]);
  });

  it('are found when a bit of them is flipped, when they are cut, and when they are none of a log', async () => {
    for (const path of [partial, partialBundle]) {
      const whole = files.get(path)!;
      const flipped = whole.slice();
      flipped[40] = flipped[40]! ^ 1;
      for (const bad of [flipped, whole.slice(0, -1), whole.slice(0, 34)]) {
        files.set(path, bad);
        expect(await look([path])).toHaveLength(1);
      }
    }
    const strange = [
      'tile/0/19',
      'tile/0/0019',
      'tile/zero/000',
      'tile/0/x000/019',
      'tile/0/019.p/05',
      'tile/.x',
    ];
    expect(await look(strange)).toHaveLength(strange.length);
  });
});
