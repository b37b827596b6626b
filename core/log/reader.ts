import type { Awaitable } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import {
  readBundle,
  readHashes,
  readTile,
  type Tile,
  type TilePlace,
  tilePath,
  tileWidth,
  widthAt,
} from './tile.ts';
import { type Digest, type HashReader, hashLength } from './tree.ts';

/** One file of a log by its path below the prefix, from a folder or a server; undefined where there is none. */
export type LogFiles = (path: string) => Awaitable<Uint8Array | undefined>;

/** Tiles kept in memory: 16 KiB each. */
const maxKept = 64;

/** Reads the tiles of a log and keeps in memory those it read last. */
export interface LogReader {
  /** @throws ConsulError LOG_INCONSISTENT when the tile is missing or has another length */
  tile(level: number, index: number, width: number): Promise<Tile>;
  /** The hashes of the tree of `size` leaves, which the log must have reached. */
  hashes(size: number): HashReader;
  /** The entries of a bundle. @throws ConsulError LOG_INCONSISTENT when it is missing or malformed */
  bundle(index: number, width: number): Promise<readonly Uint8Array[]>;
  /** Takes in a tile that is in memory already and will not change. */
  keep(tile: Tile): void;
}

export function logReader(files: LogFiles, digest: Digest): LogReader {
  const kept = new Map<number, Promise<Tile>>();
  // Exact below level 7, which no log of 2^53 leaves reaches.
  const keyOf = (level: number, index: number, width: number): number =>
    (index * 8 + level) * (tileWidth + 1) + width;

  function remember(key: number, tile: Promise<Tile>): Promise<Tile> {
    kept.set(key, tile);
    const [oldest] = kept.keys();
    if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest);
    return tile;
  }

  /** A partial tile may be gone once it is full (C2SP tlog-tiles, "Partial Tiles"): the full one begins with it. */
  async function fetched(place: TilePlace): Promise<{ readonly bytes: Uint8Array; readonly width: number }> {
    for (const width of new Set([place.width, tileWidth])) {
      const bytes = await files(tilePath({ ...place, width }));
      if (bytes !== undefined) return { bytes, width };
    }
    throw new ConsulError('LOG_INCONSISTENT', `${tilePath(place)} of the log is missing`);
  }

  async function load(level: number, index: number, width: number): Promise<Tile> {
    const found = await fetched({ level, index, width });
    if (found.bytes.length !== found.width * hashLength)
      throw new ConsulError('LOG_INCONSISTENT', `${tilePath({ level, index, width })} has another length`);
    return readTile(level, index, found.bytes.subarray(0, width * hashLength), digest);
  }

  function tile(level: number, index: number, width: number): Promise<Tile> {
    const key = keyOf(level, index, width);
    const known = kept.get(key);
    if (known !== undefined) {
      kept.delete(key);
      return remember(key, known);
    }
    const loading = load(level, index, width);
    loading.catch(() => kept.delete(key));
    return remember(key, loading);
  }

  return {
    tile,
    hashes: (size) => readHashes((level, index) => tile(level, index, widthAt(size, level, index))),
    async bundle(index, width) {
      const found = await fetched({ level: 'entries', index, width });
      return readBundle(found.bytes, found.width).slice(0, width);
    },
    keep: (tile) => {
      remember(keyOf(tile.level, tile.index, tile.width), Promise.resolve(tile));
    },
  };
}
