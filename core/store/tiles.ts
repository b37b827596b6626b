import { join, resolve } from 'node:path';
import { equalBytes } from '../bytes.ts';
import type { Awaitable, CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import {
  type Checkpoint,
  checkCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  withCosignatures,
} from '../log/checkpoint.ts';
import { type Frontier, frontierRoot, type Growth, growTree, restoreFrontier } from '../log/log.ts';
import {
  importVerifierKey,
  logKeyOf,
  type NoteSignature,
  type NoteVerifier,
  parseNote,
} from '../log/note.ts';
import { formatProof } from '../log/proof.ts';
import { type LogReader, logReader } from '../log/reader.ts';
import { readHashes, type Tile, tileWidth, widthAt } from '../log/tile.ts';
import {
  consistencyProof,
  type Digest,
  emptyRoot,
  inclusionProof,
  rootHash,
  verifyConsistency,
} from '../log/tree.ts';
import type { Signer } from '../pki/signer.ts';
import { type FileSystem, locked, nodeFileSystem, type TileWriter, tileWriter } from './tile-files.ts';

/** Bounds the memory of the first publication of a long log. */
const maxGrowth = 16_384;

/** Who signs the checkpoints of a log, and under which origin. */
export interface LogIdentity {
  readonly origin: string;
  readonly signer: Signer;
}

/** The entries that the database has committed, 32-byte digests. */
export interface CommittedEntries {
  /** How many there are; asked while no other process publishes, so that fewer than before means a roll-back. */
  size(): Awaitable<number>;
  /** Those with `from` <= index < `to`, in order. */
  entries(from: number, to: number): Awaitable<readonly Uint8Array[]>;
}

/** A state of the log that is on the disk, its checkpoint in both places. */
export interface Published {
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed checkpoint. */
  readonly checkpoint: Uint8Array;
  /** How often this publication waited for the disk (fsync). */
  readonly syncs: number;
  /**
   * The `.tlog-proof` of an entry under this checkpoint.
   * @throws RangeError unless 0 <= index < size; ConsulError LOG_INCONSISTENT when a tile is missing
   */
  proof(index: number): Promise<Uint8Array>;
  /** The proof that this state continues that of `size` entries. @throws RangeError unless 0 < size <= this size */
  consistency(size: number): Promise<readonly Uint8Array[]>;
}

/** The folder of a log: `checkpoint` and `tile/` of C2SP tlog-tiles, ready to be served as they are. */
export interface TileStore {
  /**
   * Signs the checkpoint of the empty log in both places: once in the life of a post, again after a crash.
   * @throws ConsulError POST_EXISTS when something is logged already
   */
  create(log: LogIdentity): Promise<void>;
  /**
   * Brings the log to the size of the database: the tiles, then the checkpoint in the second place, then the public
   * one. Run again after a crash at any point it comes to the same end. Call it outside of any transaction.
   * @throws ConsulError POST_ROLLED_BACK when the database has fewer entries than a checkpoint; LOG_INCONSISTENT when
   * database, tiles and checkpoints do not agree; DISK_FULL, the old state then stays valid; STORE_BUSY
   */
  publish(log: LogIdentity & CommittedEntries): Promise<Published>;
  /**
   * Adds cosignatures of witnesses to the published checkpoint, in both places.
   * @returns the checkpoint as it is published now
   * @throws ConsulError CHECKPOINT_INVALID when one is not of a given witness over this very checkpoint;
   *   LOG_INCONSISTENT when the two places do not hold the same checkpoint
   */
  cosign(cosignatures: readonly NoteSignature[], witnesses: readonly NoteVerifier[]): Promise<Uint8Array>;
}

interface Head {
  readonly checkpoint: Checkpoint;
  readonly note: Uint8Array;
}

interface State extends Head {
  readonly frontier: Frontier;
}

const inconsistent = (what: string, cause?: unknown): ConsulError =>
  new ConsulError('LOG_INCONSISTENT', what, { cause });

/**
 * Opens the folder of a log.
 * @param secondCheckpoint a file outside the folder, best on another disk, that holds the newest checkpoint as well
 */
export function openTileStore(
  logFolder: string,
  secondCheckpoint: string,
  backend: CryptoBackend,
  system: FileSystem = nodeFileSystem,
): TileStore {
  const folder = resolve(logFolder);
  const first = join(folder, 'checkpoint');
  const second = resolve(secondCheckpoint);
  const digest: Digest = (bytes) => backend.digest('sha256', bytes);
  const reader = logReader((path) => system.read(join(folder, path)), digest);
  let last: State | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  /** One after another in this process, and one process at a time. */
  function alone<T>(action: () => Promise<T>): Promise<T> {
    const turn = queue.then(() => locked(folder, system, action));
    queue = turn.catch(() => undefined);
    return turn;
  }

  async function create(log: LogIdentity): Promise<void> {
    const key = await keyOf(log);
    for (const place of [first, second]) {
      const head = await readHead(place, key);
      if (head !== undefined && head.checkpoint.size > 0)
        throw new ConsulError('POST_EXISTS', `${place} is of a log with ${head.checkpoint.size} entries`);
    }
    const { note } = await sign(log, { size: 0, root: await emptyRoot(digest) });
    await writeHead(note, [second, first], tileWriter(folder, system));
  }

  async function publish(log: LogIdentity & CommittedEntries): Promise<Published> {
    const writer = tileWriter(folder, system);
    const size = await log.size();
    let state = await present(log, size, writer);
    while (state.frontier.size < size) state = await advance(log, state, size, writer);
    return published(state, reader, digest, writer.syncs());
  }

  async function cosign(
    cosignatures: readonly NoteSignature[],
    witnesses: readonly NoteVerifier[],
  ): Promise<Uint8Array> {
    const note = await system.read(first);
    if (note === undefined || !(await areBoth(note)))
      throw inconsistent(`${first} and ${second} do not hold the same checkpoint`);
    const cosigned = await withCosignatures(note, cosignatures, witnesses);
    await writeHead(cosigned, [second, first], tileWriter(folder, system));
    return cosigned;
  }

  /** The state that the checkpoints state, checked against entries and tiles. */
  async function present(
    log: LogIdentity & CommittedEntries,
    size: number,
    writer: TileWriter,
  ): Promise<State> {
    if (last !== undefined && (await areBoth(last.note))) {
      refuseRollBack(last.checkpoint, size);
      return last;
    }
    const key = await keyOf(log);
    const [open, guard] = [await readHead(first, key), await readHead(second, key)];
    if (open === undefined || guard === undefined)
      throw inconsistent(`the checkpoint ${open === undefined ? first : second} is missing`);
    const [newest, older] = open.checkpoint.size > guard.checkpoint.size ? [open, guard] : [guard, open];
    refuseRollBack(newest.checkpoint, size);
    const { frontier, files } = await restored(log, newest.checkpoint);
    await refuseFork(older.checkpoint, newest.checkpoint);
    await writer.put(files);
    const behind = [guard, open].map((head, i) =>
      equalBytes(head.note, newest.note) ? undefined : [second, first][i],
    );
    await writeHead(
      newest.note,
      behind.filter((place) => place !== undefined),
      writer,
    );
    last = { ...newest, frontier };
    return last;
  }

  /** The frontier of a checkpoint; also the proof that the last entries of the database are those of the log. */
  async function restored(log: CommittedEntries, { size, root }: Checkpoint): Promise<Growth> {
    const tail = await entriesOf(log, size - (size % tileWidth), size);
    const growth = await restoreFrontier(size, tail, reader.tile, digest);
    if (!equalBytes(await frontierRoot(growth.frontier, digest), root))
      throw inconsistent(`entries and tiles do not give the root of the checkpoint of size ${size}`);
    for (const tile of growth.frontier.edge) reader.keep(tile);
    return growth;
  }

  /** Refuses two checkpoints of which the older is not the beginning of the newer. */
  async function refuseFork(older: Checkpoint, newer: Checkpoint): Promise<void> {
    const root = await rootHash(older.size, reader.hashes(newer.size), digest);
    if (!equalBytes(root, older.root))
      throw inconsistent(
        `the checkpoint of size ${older.size} is not a state of the log of size ${newer.size}`,
      );
  }

  async function advance(
    log: LogIdentity & CommittedEntries,
    state: State,
    size: number,
    writer: TileWriter,
  ): Promise<State> {
    const from = state.frontier.size;
    const entries = await entriesOf(log, from, Math.min(size, from + maxGrowth));
    const { frontier, files, filled } = await growTree(state.frontier, entries, digest);
    const fresh = [...filled, ...frontier.edge];
    const root = await frontierRoot(frontier, digest);
    await refuseInconsistent(state.checkpoint, { size: frontier.size, root }, fresh);

    await writer.put(files);
    const head = await sign(log, { size: frontier.size, root });
    await writeHead(head.note, [second, first], writer);
    last = { ...head, frontier };
    for (const tile of fresh) reader.keep(tile);
    await writer.clean(files);
    return last;
  }

  /** C2SP tlog-checkpoint: a log must not sign what is inconsistent with what it signed before. */
  async function refuseInconsistent(
    before: Checkpoint,
    after: { readonly size: number; readonly root: Uint8Array },
    fresh: readonly Tile[],
  ): Promise<void> {
    if (before.size === 0) return;
    const made = new Map(fresh.map((tile) => [`${tile.level}/${tile.index}`, tile]));
    const hashes = readHashes(
      (level, index) =>
        made.get(`${level}/${index}`) ?? reader.tile(level, index, widthAt(after.size, level, index)),
    );
    const proof = await consistencyProof(before.size, after.size, hashes, digest);
    const claim = { size1: before.size, root1: before.root, size2: after.size, root2: after.root, proof };
    if (!(await verifyConsistency(claim, digest)))
      throw inconsistent(`the tree of size ${after.size} does not continue the checkpoint of ${before.size}`);
  }

  async function sign(
    log: LogIdentity,
    head: { readonly size: number; readonly root: Uint8Array },
  ): Promise<Head> {
    const checkpoint = { origin: log.origin, ...head, extensions: [] };
    return { checkpoint, note: await signCheckpoint(checkpoint, log.signer, backend) };
  }

  /** The second place first: what the public has seen is then already guarded against a roll-back. */
  async function writeHead(note: Uint8Array, places: readonly string[], writer: TileWriter): Promise<void> {
    for (const place of places) await writer.replace(place, note);
  }

  const keyOf = async (log: LogIdentity): Promise<NoteVerifier> =>
    importVerifierKey(await logKeyOf(log.origin, log.signer, backend), backend);

  async function readHead(place: string, key: NoteVerifier): Promise<Head | undefined> {
    const note = await system.read(place);
    if (note === undefined) return undefined;
    const verdict = await checkCheckpoint(note, key).catch((cause: unknown) => {
      throw inconsistent(`${place} is damaged`, cause);
    });
    if (!verdict.valid) throw inconsistent(`${place}: ${verdict.message}`);
    return { checkpoint: verdict.checkpoint, note };
  }

  async function areBoth(note: Uint8Array): Promise<boolean> {
    const found = await Promise.all([system.read(first), system.read(second)]);
    return found.every((bytes) => bytes !== undefined && equalBytes(bytes, note));
  }

  return {
    create: (log) => alone(() => create(log)),
    publish: (log) => alone(() => publish(log)),
    cosign: (cosignatures, witnesses) => alone(() => cosign(cosignatures, witnesses)),
  };
}

function published({ checkpoint, note }: Head, reader: LogReader, digest: Digest, syncs: number): Published {
  const { size, root } = checkpoint;
  const hashes = reader.hashes(size);
  return {
    size,
    root,
    checkpoint: note,
    syncs,
    proof: async (index) =>
      formatProof({ index, hashes: await inclusionProof(index, size, hashes, digest), checkpoint: note }),
    consistency: (oldSize) => consistencyProof(oldSize, size, hashes, digest),
  };
}

/**
 * The state that the public checkpoint of a folder tells of, to prove entries without a database. Its signature is not
 * checked here: `verifyProof` does that, with the key of the log.
 * @returns undefined where there is no checkpoint
 * @throws ConsulError CHECKPOINT_INVALID
 */
export async function readPublished(
  folder: string,
  backend: CryptoBackend,
  system: FileSystem = nodeFileSystem,
): Promise<Published | undefined> {
  const digest: Digest = (bytes) => backend.digest('sha256', bytes);
  const files = (path: string) => system.read(join(folder, path));
  const note = await files('checkpoint');
  if (note === undefined) return undefined;
  const checkpoint = parseCheckpoint(parseNote(note).text);
  return published({ checkpoint, note }, logReader(files, digest), digest, 0);
}

function refuseRollBack(checkpoint: Checkpoint, size: number): void {
  if (size < checkpoint.size)
    throw new ConsulError(
      'POST_ROLLED_BACK',
      `the database has ${size} log entries, the checkpoint was signed over ${checkpoint.size}`,
    );
}

async function entriesOf(log: CommittedEntries, from: number, to: number): Promise<readonly Uint8Array[]> {
  const entries = await log.entries(from, to);
  if (entries.length !== to - from || entries.some((entry) => entry.length !== 32))
    throw inconsistent(`the database does not hold the log entries ${from} to ${to} as digests of 32 bytes`);
  return entries;
}
