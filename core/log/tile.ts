import { ConsulError } from '../errors.ts';
import { type Digest, type HashReader, hashLength, nodeHash } from './tree.ts';

/** C2SP tlog-tiles: tiles are 8 levels of the tree high and 256 hashes wide. */
export const tileWidth = 256;
const tileHeight = 8;

/** Where a tile or (level `entries`) an entry bundle stands, and how many hashes or entries it holds, 1 to 256. */
export interface TilePlace {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** `tile/<L>/<N>[.p/<W>]` of C2SP tlog-tiles, relative to the prefix of the log; 1234067 is `x001/x234/067`. */
export function tilePath({ level, index, width }: TilePlace): string {
  const groups = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  const suffix = width === tileWidth ? '' : `.p/${width}`;
  return `tile/${level}/${groups.join('/')}${suffix}`;
}

/** How many hashes level `level` has in a tree of `size` leaves: only full tiles are hashed into the level above. */
export const levelSize = (size: number, level: number): number => Math.floor(size / tileWidth ** level);

/** The width that tile `index` of a level has in a tree of `size` leaves; 0 where the tree does not reach it. */
export const widthAt = (size: number, level: TilePlace['level'], index: number): number =>
  Math.max(0, Math.min(tileWidth, levelSize(size, level === 'entries' ? 0 : level) - index * tileWidth));

/** The tiles and entry bundles that a tree of size `to` has and one of size `from` has not, or has narrower. */
export function changedTiles(from: number, to: number): readonly TilePlace[] {
  const levels: TilePlace['level'][] = ['entries', 0];
  for (let level = 1; levelSize(to, level) > 0; level++) levels.push(level);
  const changed: TilePlace[] = [];
  for (const level of levels) {
    const height = level === 'entries' ? 0 : level;
    for (let index = Math.floor(levelSize(from, height) / tileWidth); ; index++) {
      const width = widthAt(to, level, index);
      if (width === 0) break;
      if (width !== widthAt(from, level, index)) changed.push({ level, index, width });
    }
  }
  return changed;
}

/**
 * A tile in memory with the inner nodes of its subtree, so that a proof reads and never hashes.
 * `nodes` holds height 0 (256 places), then height 1 (128), up to the root of the tile.
 */
export interface Tile {
  readonly level: number;
  readonly index: number;
  width: number;
  readonly nodes: Uint8Array;
}

const offsetOf = (height: number, index: number): number =>
  (2 * tileWidth - (2 * tileWidth) / 2 ** height + index) * hashLength;

export const newTile = (level: number, index: number): Tile => ({
  level,
  index,
  width: 0,
  nodes: new Uint8Array((2 * tileWidth - 1) * hashLength),
});

export const copyTile = (tile: Tile): Tile => ({ ...tile, nodes: tile.nodes.slice() });

export function tileNode(tile: Tile, height: number, index: number): Uint8Array {
  const offset = offsetOf(height, index);
  return tile.nodes.subarray(offset, offset + hashLength);
}

/** The bytes of the tile as C2SP tlog-tiles serves them. */
export const tileBytes = (tile: Tile): Uint8Array => tile.nodes.slice(0, tile.width * hashLength);

/** Puts one hash at the end and hashes every inner node that is complete with it. Changes the tile. */
export async function appendToTile(tile: Tile, hash: Uint8Array, digest: Digest): Promise<void> {
  tile.nodes.set(hash, offsetOf(0, tile.width));
  let index = tile.width;
  for (let height = 0; index % 2 === 1; height++) {
    const left = tileNode(tile, height, index - 1);
    const right = tileNode(tile, height, index);
    index = (index - 1) / 2;
    tile.nodes.set(await nodeHash(digest, left, right), offsetOf(height + 1, index));
  }
  tile.width++;
}

/** A tile from its bytes, a whole number of hashes. */
export async function readTile(
  level: number,
  index: number,
  bytes: Uint8Array,
  digest: Digest,
): Promise<Tile> {
  const tile = newTile(level, index);
  for (let offset = 0; offset < bytes.length; offset += hashLength)
    await appendToTile(tile, bytes.subarray(offset, offset + hashLength), digest);
  return tile;
}

/** Reads the hashes of complete subtrees out of tiles. */
export function readHashes(tileAt: (level: number, index: number) => Tile | Promise<Tile>): HashReader {
  return async (height, index) => {
    const level = Math.floor(height / tileHeight);
    const inner = height % tileHeight;
    const across = tileWidth / 2 ** inner;
    const tile = await tileAt(level, Math.floor(index / across));
    const place = index % across;
    if ((place + 1) * 2 ** inner > tile.width)
      throw new RangeError(`the tile ${level}/${tile.index} is too narrow for this proof`);
    return tileNode(tile, inner, place);
  };
}

/** One entry as it stands in a bundle: big-endian uint16 length, then the bytes. */
export function encodeEntry(entry: Uint8Array): Uint8Array {
  if (entry.length > 0xffff) throw new RangeError('a log entry has at most 65,535 bytes');
  const out = new Uint8Array(2 + entry.length);
  out[0] = entry.length >> 8;
  out[1] = entry.length & 0xff;
  out.set(entry, 2);
  return out;
}

/**
 * The entries of a bundle.
 * @throws ConsulError LOG_INCONSISTENT unless the bytes are exactly `width` entries
 */
export function readBundle(bytes: Uint8Array, width: number): readonly Uint8Array[] {
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (entries.length < width) {
    const start = offset + 2;
    if (start > bytes.length) break;
    const end = start + (bytes[offset] as number) * 256 + (bytes[offset + 1] as number);
    if (end > bytes.length) break;
    entries.push(bytes.subarray(start, end));
    offset = end;
  }
  if (entries.length !== width || offset !== bytes.length)
    throw new ConsulError('LOG_INCONSISTENT', `an entry bundle does not hold exactly ${width} entries`);
  return entries;
}
