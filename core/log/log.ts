import { concatBytes } from '../bytes.ts';
import {
  appendToTile,
  changedTiles,
  copyTile,
  encodeEntry,
  levelSize,
  newTile,
  readHashes,
  type Tile,
  type TilePlace,
  tileBytes,
  tileNode,
  tileWidth,
  widthAt,
} from './tile.ts';
import { type Digest, leafHash, rootHash } from './tree.ts';

/** The right edge of a log: what it takes to append to it, to know its root and to prove what came in lately. */
export interface Frontier {
  readonly size: number;
  /** The rightmost tile of each level, not yet full: 0 to 255 wide. */
  readonly edge: readonly Tile[];
  /** The last entry bundle, not yet full, as its bytes. */
  readonly bundle: Uint8Array;
}

export const emptyFrontier: Frontier = { size: 0, edge: [newTile(0, 0)], bundle: new Uint8Array(0) };

/** A tile or an entry bundle that has to be kept: its place and its bytes. */
export interface LogFile {
  readonly place: TilePlace;
  readonly bytes: Uint8Array;
}

export interface Growth {
  readonly frontier: Frontier;
  /** All that a log of the new size has and the old one had not. */
  readonly files: readonly LogFile[];
  /** The tiles that became full, with their inner nodes, for proofs. */
  readonly filled: readonly Tile[];
}

/** Appends entries, each the SHA-256 digest of what is logged; the frontier given stays as it was. */
export async function growTree(
  frontier: Frontier,
  entries: readonly Uint8Array[],
  digest: Digest,
): Promise<Growth> {
  const edge = frontier.edge.map(copyTile);
  const filled: Tile[] = [];
  const append = async (level: number, hash: Uint8Array): Promise<void> => {
    const tile = edge[level] ?? newTile(level, 0);
    await appendToTile(tile, hash, digest);
    if (tile.width < tileWidth) {
      edge[level] = tile;
      return;
    }
    filled.push(tile);
    edge[level] = newTile(level, tile.index + 1);
    await append(level + 1, tileNode(tile, 8, 0));
  };
  for (const entry of entries) await append(0, await leafHash(digest, entry));

  const size = frontier.size + entries.length;
  const firstBundle = Math.floor(frontier.size / tileWidth);
  const bundleAt = bundles(frontier, entries);
  const files = changedTiles(frontier.size, size).map((place) => ({
    place,
    bytes:
      place.level === 'entries'
        ? (bundleAt[place.index - firstBundle] as Uint8Array)
        : tileBytes(findTile([...filled, ...edge], place.level, place.index) as Tile),
  }));
  const bundle = size % tileWidth === 0 ? new Uint8Array(0) : (bundleAt.at(-1) as Uint8Array);
  return { frontier: { size, edge, bundle }, files, filled };
}

/** The bundle that was open and those that follow it, with the new entries in them. */
function bundles(frontier: Frontier, entries: readonly Uint8Array[]): readonly Uint8Array[] {
  const made: Uint8Array[] = [];
  let from = 0;
  let begun = frontier.bundle;
  let room = tileWidth - (frontier.size % tileWidth);
  do {
    made.push(concatBytes(begun, ...entries.slice(from, from + room).map(encodeEntry)));
    begun = new Uint8Array(0);
    from += room;
    room = tileWidth;
  } while (from < entries.length);
  return made;
}

const findTile = (tiles: readonly Tile[], level: number, index: number): Tile | undefined =>
  tiles.find((tile) => tile.level === level && tile.index === index);

/** The root of the tree that the frontier is the edge of. */
export const frontierRoot = (frontier: Frontier, digest: Digest): Promise<Uint8Array> =>
  rootHash(
    frontier.size,
    readHashes((level) => frontier.edge[level] as Tile),
    digest,
  );

/**
 * The frontier of a log of `size` leaves, out of the entries since the last full bundle and the partial tiles above
 * level 0. Whether it is that of a certain log is known once its root is compared.
 * @param tail the entries from `size - size % 256` to `size`
 * @returns the frontier; `files` are the partial tile of level 0 and the partial bundle
 */
export async function restoreFrontier(
  size: number,
  tail: readonly Uint8Array[],
  tileAt: (level: number, index: number, width: number) => Promise<Tile>,
  digest: Digest,
): Promise<Growth> {
  const whole = size - (size % tileWidth);
  const edge = [newTile(0, whole / tileWidth)];
  for (let level = 1; levelSize(size, level) > 0; level++) {
    const index = Math.floor(levelSize(size, level) / tileWidth);
    const width = widthAt(size, level, index);
    edge.push(width === 0 ? newTile(level, index) : await tileAt(level, index, width));
  }
  return growTree({ size: whole, edge, bundle: new Uint8Array(0) }, tail, digest);
}
