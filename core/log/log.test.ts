import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, equalBytes, utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { emptyFrontier, type Frontier, frontierRoot, growTree, restoreFrontier } from './log.ts';
import { logReader } from './reader.ts';
import { changedTiles, readBundle, tilePath } from './tile.ts';
import {
  consistencyProof,
  emptyRoot,
  type HashReader,
  inclusionProof,
  leafHash,
  nodeHash,
  rootHash,
  verifyConsistency,
  verifyInclusion,
} from './tree.ts';

const digest = (bytes: Uint8Array) => nodeBackend.digest('sha256', bytes);
const most = 70_000;
const entries = await Promise.all(Array.from({ length: most }, (_, i) => digest(utf8(String(i)))));

async function plainTree(): Promise<HashReader> {
  const rows = [await Promise.all(entries.map((entry) => leafHash(digest, entry)))];
  for (let row = rows[0]!; row.length > 1; row = rows.at(-1)!) {
    const next: Uint8Array[] = [];
    for (let i = 0; i + 1 < row.length; i += 2) next.push(await nodeHash(digest, row[i]!, row[i + 1]!));
    rows.push(next);
  }
  return (height, index) => rows[height]![index]!;
}

const plain = await plainTree();

/** A log kept in a map, grown in steps. */
async function grown(
  ...sizes: readonly number[]
): Promise<{ files: Map<string, Uint8Array>; frontier: Frontier }> {
  const files = new Map<string, Uint8Array>();
  let frontier = emptyFrontier;
  for (const size of sizes) {
    const growth = await growTree(frontier, entries.slice(frontier.size, size), digest);
    for (const { place, bytes } of growth.files) files.set(tilePath(place), bytes);
    frontier = growth.frontier;
  }
  return { files, frontier };
}

describe('growing a log', () => {
  it('starts from the empty tree', async () => {
    expect(await frontierRoot(emptyFrontier, digest)).toEqual(await emptyRoot(digest));
    expect((await growTree(emptyFrontier, [], digest)).files).toEqual([]);
  });

  it('gives the root of the definition, whatever the steps', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat(600), { minLength: 1, maxLength: 6 }), async (steps) => {
        let size = 0;
        const { frontier } = await grown(...steps.map((step) => (size += step)));
        expect(frontier.size).toBe(size);
        const expected = await rootHash(size, plain, digest);
        expect(equalBytes(await frontierRoot(frontier, digest), expected)).toBe(true);
      }),
      { numRuns: 40 },
    ));

  it('leaves the frontier it was given as it was', async () => {
    const { frontier } = await grown(300);
    const root = await frontierRoot(frontier, digest);
    await growTree(frontier, entries.slice(300, 1000), digest);
    expect(await frontierRoot(frontier, digest)).toEqual(root);
    expect(frontier.edge[0]!.width).toBe(300 - 256);
  });

  it('writes exactly the tiles that changed, with the hashes of the tree', async () => {
    const { files } = await grown(255, 256, 70_000);
    const places = [...changedTiles(0, 255), ...changedTiles(255, 256), ...changedTiles(256, 70_000)];
    expect([...files.keys()].sort()).toEqual(places.map(tilePath).sort());
    for (const { level, index, width } of places) {
      const bytes = files.get(tilePath({ level, index, width }))!;
      if (level === 'entries') {
        const expected = entries.slice(index * 256, index * 256 + width);
        expect(readBundle(bytes, width).every((entry, i) => equalBytes(entry, expected[i]!))).toBe(true);
        continue;
      }
      expect(bytes.length).toBe(width * 32);
      const hashes = await Promise.all(
        Array.from({ length: width }, (_, i) => plain(8 * level, index * 256 + i)),
      );
      expect(equalBytes(bytes, concatBytes(...hashes))).toBe(true);
    }
  });

  it('goes on from tiles and the last entries as if it had never stopped', async () => {
    const files = new Map<string, Uint8Array>();
    const reader = logReader((path) => files.get(path), digest);
    let frontier = emptyFrontier;
    for (const size of [0, 1, 255, 256, 257, 511, 65_535, 65_536, 65_600]) {
      const growth = await growTree(frontier, entries.slice(frontier.size, size), digest);
      for (const { place, bytes } of growth.files) files.set(tilePath(place), bytes);
      frontier = growth.frontier;
      const tail = entries.slice(size - (size % 256), size);
      const restored = await restoreFrontier(size, tail, reader.tile, digest);
      expect(await frontierRoot(restored.frontier, digest)).toEqual(await frontierRoot(frontier, digest));
      for (const { place, bytes } of restored.files)
        expect(equalBytes(files.get(tilePath(place))!, bytes)).toBe(true);
      const more = entries.slice(size, size + 300);
      const [a, b] = [
        await growTree(frontier, more, digest),
        await growTree(restored.frontier, more, digest),
      ];
      expect(b.files.map(({ place }) => place)).toEqual(a.files.map(({ place }) => place));
      expect(b.files.every(({ bytes }, i) => equalBytes(bytes, a.files[i]!.bytes))).toBe(true);
    }
  });
});

describe('reading a log', () => {
  it('proves inclusion and consistency from the tiles alone', async () => {
    const size = 66_000;
    const { files } = await grown(300, 65_536, size);
    const reader = logReader((path) => files.get(path), digest);
    const hashes = reader.hashes(size);
    const root = await rootHash(size, plain, digest);
    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.integer({ min: 1, max: size }), async (index, size1) => {
        const leaf = await leafHash(digest, entries[index]!);
        const proof = await inclusionProof(index, size, hashes, digest);
        expect(await verifyInclusion({ index, size, leaf, root, proof }, digest)).toBe(true);
        const old = await rootHash(size1, plain, digest);
        const path = await consistencyProof(size1, size, hashes, digest);
        expect(
          await verifyConsistency({ size1, size2: size, root1: old, root2: root, proof: path }, digest),
        ).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('takes the full tile where a partial one was removed', async () => {
    const { files } = await grown(100, 256);
    files.delete('tile/0/000.p/100');
    files.delete('tile/entries/000.p/100');
    const reader = logReader((path) => files.get(path), digest);
    expect((await reader.tile(0, 0, 100)).width).toBe(100);
    expect(await reader.bundle(0, 100)).toHaveLength(100);
    expect(await rootHash(100, reader.hashes(100), digest)).toEqual(await rootHash(100, plain, digest));
  });

  it('says which tile is missing or of another length', async () => {
    const { files } = await grown(300);
    files.set('tile/0/000', files.get('tile/0/000')!.slice(1));
    const reader = logReader((path) => files.get(path), digest);
    await expect(reader.tile(0, 0, 256)).rejects.toThrow('tile/0/000');
    await expect(reader.tile(0, 9, 256)).rejects.toThrow('tile/0/009');
    await expect(reader.bundle(7, 3)).rejects.toThrow('tile/entries/007.p/3');
  });

  it('reads each tile once while it is kept', async () => {
    const { files } = await grown(66_000);
    let reads = 0;
    const reader = logReader((path) => {
      reads++;
      return files.get(path);
    }, digest);
    const hashes = reader.hashes(66_000);
    await Promise.all([65_990, 65_991, 65_992].map((index) => inclusionProof(index, 66_000, hashes, digest)));
    expect(reads).toBeLessThanOrEqual(3);
  });
});
