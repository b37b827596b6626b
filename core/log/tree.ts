import { equalBytes } from '../bytes.ts';
import type { Awaitable } from '../crypto/backend.ts';

/** SHA-256: the hash of every C2SP log. */
export type Digest = (bytes: Uint8Array) => Awaitable<Uint8Array>;

/** The hash of the complete subtree of 2^height leaves that begins at leaf `index * 2^height`. */
export type HashReader = (height: number, index: number) => Awaitable<Uint8Array>;

export const hashLength = 32;

/** MTH of the empty tree: RFC 9162 §2.1.1. */
export const emptyRoot = (digest: Digest): Awaitable<Uint8Array> => digest(new Uint8Array(0));

/** RFC 9162 §2.1.1: HASH(0x00 || entry). */
export function leafHash(digest: Digest, entry: Uint8Array): Awaitable<Uint8Array> {
  const input = new Uint8Array(1 + entry.length);
  input.set(entry, 1);
  return digest(input);
}

/** RFC 9162 §2.1.1: HASH(0x01 || left || right). */
export function nodeHash(digest: Digest, left: Uint8Array, right: Uint8Array): Awaitable<Uint8Array> {
  const input = new Uint8Array(1 + 2 * hashLength);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 1 + hashLength);
  return digest(input);
}

// Sizes go up to 2^53 - 1, beyond the reach of the bit operators.
const half = (n: number): number => Math.floor(n / 2);
const isOdd = (n: number): boolean => n % 2 === 1;

/** The largest power of two smaller than `n`, for n > 1: where RFC 9162 splits a tree. */
function splitPoint(n: number): number {
  let k = 2 ** Math.floor(Math.log2(n));
  if (k >= n) k /= 2;
  return k;
}

/** MTH(D[from:to]) for a range that the splitting of a tree gives, out of complete subtrees. */
async function rangeHash(from: number, to: number, read: HashReader, digest: Digest): Promise<Uint8Array> {
  const length = to - from;
  const height = Math.log2(length);
  if (Number.isInteger(height) && 2 ** height === length) return read(height, from / length);
  const k = splitPoint(length);
  const right = await rangeHash(from + k, to, read, digest);
  return nodeHash(digest, await read(Math.log2(k), from / k), right);
}

/** The root of the tree of `size` leaves. */
export async function rootHash(size: number, read: HashReader, digest: Digest): Promise<Uint8Array> {
  return size === 0 ? emptyRoot(digest) : rangeHash(0, size, read, digest);
}

/**
 * PATH(index, D[size]) of RFC 9162 §2.1.3.1: from the leaf's sibling up to the child of the root.
 * @throws RangeError unless 0 <= index < size
 */
export async function inclusionProof(
  index: number,
  size: number,
  read: HashReader,
  digest: Digest,
): Promise<readonly Uint8Array[]> {
  if (!isIndex(index) || !isIndex(size) || index >= size)
    throw new RangeError(`leaf ${index} is not in a tree of ${size}`);
  const siblings: Uint8Array[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const k = splitPoint(to - from);
    if (index < from + k) {
      siblings.push(await rangeHash(from + k, to, read, digest));
      to = from + k;
    } else {
      siblings.push(await rangeHash(from, from + k, read, digest));
      from += k;
    }
  }
  return siblings.reverse();
}

/**
 * PROOF(size1, D[size2]) of RFC 9162 §2.1.4.1; empty for equal sizes.
 * @throws RangeError unless 0 < size1 <= size2
 */
export async function consistencyProof(
  size1: number,
  size2: number,
  read: HashReader,
  digest: Digest,
): Promise<readonly Uint8Array[]> {
  if (!isIndex(size1) || !isIndex(size2) || size1 === 0 || size1 > size2)
    throw new RangeError(`no consistency proof from ${size1} to ${size2}`);
  const hashes: Uint8Array[] = [];
  let from = 0;
  let to = size2;
  while (to !== size1) {
    const k = splitPoint(to - from);
    if (size1 <= from + k) {
      hashes.push(await rangeHash(from + k, to, read, digest));
      to = from + k;
    } else {
      hashes.push(await rangeHash(from, from + k, read, digest));
      from += k;
    }
  }
  // The old tree as a whole is known to who verifies; only a part of it has to be named.
  if (from !== 0) hashes.push(await rangeHash(from, to, read, digest));
  return hashes.reverse();
}

const isIndex = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;
const areHashes = (values: readonly Uint8Array[]): boolean =>
  values.every((value) => value.length === hashLength);

/** Merkle Tree Certificates draft §4.1: `start` is a multiple of the least power of two not below the length. */
function isSubtree(start: number, end: number): boolean {
  if (!isIndex(start) || !isIndex(end) || start >= end) return false;
  const length = end - start;
  return start % (length === 1 ? 1 : 2 * splitPoint(length)) === 0;
}

export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  readonly leaf: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** RFC 9162 §2.1.3.2: that `leaf` (a leaf hash) is at `index` in the tree of `size` with this root. */
export async function verifyInclusion(claim: InclusionClaim, digest: Digest): Promise<boolean> {
  const { index, size, leaf, root, proof } = claim;
  if (!isIndex(index) || !isIndex(size) || index >= size) return false;
  if (!areHashes([leaf, root, ...proof])) return false;
  let fn = index;
  let sn = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      hash = await nodeHash(digest, sibling, hash);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      hash = await nodeHash(digest, hash, sibling);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && equalBytes(hash, root);
}

/** That `leaf` is at `index` below the node that covers the leaves from `start` to `end`. */
export async function verifySubtreeInclusion(
  claim: Omit<InclusionClaim, 'size'> & { readonly start: number; readonly end: number },
  digest: Digest,
): Promise<boolean> {
  const { start, end, index } = claim;
  if (!isSubtree(start, end)) return false;
  return verifyInclusion({ ...claim, index: index - start, size: end - start }, digest);
}

export interface ConsistencyClaim {
  readonly size1: number;
  readonly size2: number;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** RFC 9162 §2.1.4.2: that the tree of `size2` begins with the tree of `size1`; an empty first tree proves nothing. */
export async function verifyConsistency(claim: ConsistencyClaim, digest: Digest): Promise<boolean> {
  const { size1: end, size2: size, root1: node, root2: root, proof } = claim;
  return end !== 0 && verifySubtreeConsistency({ start: 0, end, size, node, root, proof }, digest);
}

/**
 * Merkle Tree Certificates draft §4.4.3: RFC 9162 §2.1.4.2 for a subtree that need not begin at leaf 0. An empty
 * subtree is part of any tree.
 */
export async function verifySubtreeConsistency(
  claim: {
    readonly start: number;
    readonly end: number;
    readonly size: number;
    readonly node: Uint8Array;
    readonly root: Uint8Array;
    readonly proof: readonly Uint8Array[];
  },
  digest: Digest,
): Promise<boolean> {
  const { start, end, size, node, root } = claim;
  if (!isIndex(start) || !isIndex(size) || end > size) return false;
  if (start === end) return claim.proof.length === 0 && equalBytes(node, await emptyRoot(digest));
  if (!isSubtree(start, end) || !areHashes(claim.proof)) return false;
  let fn = start;
  let sn = end - 1;
  let tn = size - 1;
  const rise = () => {
    fn = half(fn);
    sn = half(sn);
    tn = half(tn);
  };
  const isLast = sn === tn;
  while (fn !== sn && (isLast || isOdd(sn))) rise();
  const proof = [...claim.proof];
  const first = fn === sn ? node : proof.shift();
  if (first === undefined) return false;
  let nodeSeen = first;
  let rootSeen = first;
  for (const hash of proof) {
    if (tn === 0) return false;
    if (isOdd(sn) || sn === tn) {
      if (fn < sn) nodeSeen = await nodeHash(digest, hash, nodeSeen);
      rootSeen = await nodeHash(digest, hash, rootSeen);
      while (!isOdd(sn)) rise();
    } else {
      rootSeen = await nodeHash(digest, rootSeen, hash);
    }
    rise();
  }
  return tn === 0 && equalBytes(nodeSeen, node) && equalBytes(rootSeen, root);
}
