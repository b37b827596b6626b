import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes, toHex, utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
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
/** All hashes of a tree, by the definition: nothing clever. */
async function treeOf(size: number): Promise<{ leaves: Uint8Array[]; read: HashReader }> {
  const leaves: Uint8Array[] = [];
  for (let i = 0; i < size; i++) leaves.push(await leafHash(digest, utf8(`entry ${i}`)));
  const rows = [leaves];
  for (let row = leaves; row.length > 1; ) {
    const next: Uint8Array[] = [];
    for (let i = 0; i + 1 < row.length; i += 2)
      next.push(await nodeHash(digest, row[i] as Uint8Array, row[i + 1] as Uint8Array));
    rows.push(next);
    row = next;
  }
  const read: HashReader = (height, index) => {
    const hash = rows[height]?.[index];
    if (hash === undefined) throw new Error(`no node ${height}/${index}`);
    return hash;
  };
  return { leaves, read };
}

/** RFC 9162 §2.1.1, word for word. */
async function mth(leaves: readonly Uint8Array[]): Promise<Uint8Array> {
  if (leaves.length === 0) return emptyRoot(digest);
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return nodeHash(digest, await mth(leaves.slice(0, k)), await mth(leaves.slice(k)));
}

const most = 600;
const tree = await treeOf(most);
const rootOf = (size: number) => rootHash(size, tree.read, digest);
const flipped = (hash: Uint8Array, bit: number): Uint8Array => {
  const out = hash.slice();
  out[bit >> 3] = (out[bit >> 3] as number) ^ (1 << (bit & 7));
  return out;
};
const bit = fc.integer({ min: 0, max: 255 });
const indexIn = fc
  .integer({ min: 1, max: most })
  .chain((size) => fc.record({ size: fc.constant(size), index: fc.integer({ min: 0, max: size - 1 }) }));
const sizes = fc
  .integer({ min: 1, max: most })
  .chain((size2) => fc.record({ size2: fc.constant(size2), size1: fc.integer({ min: 1, max: size2 }) }));

describe('a Merkle tree', () => {
  it('hashes the empty tree, a leaf and a node as RFC 6962 says', async () => {
    expect(toHex(await emptyRoot(digest))).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    expect(toHex(await leafHash(digest, new Uint8Array(0)))).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
  });

  it('gives the root of the definition at every size', async () => {
    for (const size of [0, 1, 2, 3, 7, 8, 9, 255, 256, 257, 511, 600])
      expect(equalBytes(await rootOf(size), await mth(tree.leaves.slice(0, size)))).toBe(true);
  });

  it('proves the inclusion of any leaf at any size', () =>
    fc.assert(
      fc.asyncProperty(indexIn, async ({ index, size }) => {
        const proof = await inclusionProof(index, size, tree.read, digest);
        const claim = {
          index,
          size,
          leaf: tree.leaves[index] as Uint8Array,
          root: await rootOf(size),
          proof,
        };
        expect(await verifyInclusion(claim, digest)).toBe(true);
      }),
    ));

  it('proves the consistency of any two sizes', () =>
    fc.assert(
      fc.asyncProperty(sizes, async ({ size1, size2 }) => {
        const proof = await consistencyProof(size1, size2, tree.read, digest);
        const claim = { size1, size2, root1: await rootOf(size1), root2: await rootOf(size2), proof };
        expect(await verifyConsistency(claim, digest)).toBe(true);
        if (size1 === size2) expect(proof).toEqual([]);
      }),
    ));

  it('refuses to prove what is out of range', async () => {
    for (const [index, size] of [
      [0, 0],
      [5, 5],
      [-1, 5],
      [0.5, 5],
      [0, 2 ** 53],
    ] as const)
      await expect(inclusionProof(index, size, tree.read, digest)).rejects.toThrow(RangeError);
    for (const [size1, size2] of [
      [0, 5],
      [6, 5],
      [1.5, 5],
    ] as const)
      await expect(consistencyProof(size1, size2, tree.read, digest)).rejects.toThrow(RangeError);
  });
});

describe('verification refuses', () => {
  it('any flipped bit of an inclusion', () =>
    fc.assert(
      fc.asyncProperty(indexIn, fc.nat(), bit, async ({ index, size }, which, at) => {
        const proof = await inclusionProof(index, size, tree.read, digest);
        const hashes = [tree.leaves[index] as Uint8Array, await rootOf(size), ...proof];
        const target = which % hashes.length;
        const [leaf, root, ...rest] = hashes.map((hash, i) => (i === target ? flipped(hash, at) : hash));
        expect(
          await verifyInclusion(
            { index, size, leaf: leaf as Uint8Array, root: root as Uint8Array, proof: rest },
            digest,
          ),
        ).toBe(false);
      }),
    ));

  it('any flipped bit of a consistency', () =>
    fc.assert(
      fc.asyncProperty(sizes, fc.nat(), bit, async ({ size1, size2 }, which, at) => {
        const proof = await consistencyProof(size1, size2, tree.read, digest);
        const hashes = [await rootOf(size1), await rootOf(size2), ...proof];
        const target = which % hashes.length;
        const [root1, root2, ...rest] = hashes.map((hash, i) => (i === target ? flipped(hash, at) : hash));
        expect(
          await verifyConsistency(
            { size1, size2, root1: root1 as Uint8Array, root2: root2 as Uint8Array, proof: rest },
            digest,
          ),
        ).toBe(false);
      }),
    ));

  it('another index, another size, a hash too many or too few', () =>
    fc.assert(
      fc.asyncProperty(indexIn, indexIn, async ({ index, size }, other) => {
        const proof = await inclusionProof(index, size, tree.read, digest);
        const leaf = tree.leaves[index] as Uint8Array;
        const root = await rootOf(size);
        const claim = { index, size, leaf, root, proof };
        if (other.index !== index)
          expect(await verifyInclusion({ ...claim, index: other.index }, digest)).toBe(false);
        expect(await verifyInclusion({ ...claim, index: size }, digest)).toBe(false);
        expect(await verifyInclusion({ ...claim, proof: [...proof, root] }, digest)).toBe(false);
        expect(await verifyInclusion({ ...claim, proof: [root, ...proof] }, digest)).toBe(false);
        if (proof.length > 0)
          expect(await verifyInclusion({ ...claim, proof: proof.slice(1) }, digest)).toBe(false);
      }),
    ));

  it('two hashes whose border was moved by one byte', async () => {
    const [leaf, sibling] = tree.leaves as [Uint8Array, Uint8Array];
    const joined = new Uint8Array([...leaf, ...sibling]);
    const root = await rootOf(2);
    expect(
      await verifyInclusion(
        { index: 0, size: 2, leaf: joined.slice(0, 31), root, proof: [joined.slice(31)] },
        digest,
      ),
    ).toBe(false);
    expect(await verifyInclusion({ index: 0, size: 2, leaf, root, proof: [sibling] }, digest)).toBe(true);
  });

  it('sizes that a number cannot hold exactly', async () => {
    const root = await rootOf(1);
    const claim = { leaf: root, root, proof: [] };
    expect(await verifyInclusion({ ...claim, index: 0, size: 2 ** 53 }, digest)).toBe(false);
    expect(await verifyInclusion({ ...claim, index: Number.NaN, size: 1 }, digest)).toBe(false);
    expect(
      await verifyConsistency({ size1: 0.5, size2: 1, root1: root, root2: root, proof: [] }, digest),
    ).toBe(false);
  });
});
