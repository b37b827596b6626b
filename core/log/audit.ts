import { equalBytes } from '../bytes.ts';
import type { Awaitable } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { emptyFrontier, frontierRoot, growTree } from './log.ts';
import { type LogFiles, type LogReader, logReader } from './reader.ts';
import { readBundle, type TilePlace, tilePath, tileWidth, widthAt } from './tile.ts';
import { type Digest, hashLength, rootHash } from './tree.ts';

/** Entries read and hashed in one go: whole bundles. */
const stride = 16 * tileWidth;

export interface AuditFinding {
  /** Path below the prefix of the log. */
  readonly path: string;
  readonly message: string;
}

/**
 * Replays a whole log from its entries and compares every file that belongs to the checkpoint, byte for byte. The log
 * must not grow meanwhile.
 * @param committed the entries that the caller expects, `from` <= index < `to`; left out: those of the log are believed
 * @returns what does not agree, in the order of the log; empty when all does. An unreadable bundle ends the replay.
 */
export async function auditLog(
  files: LogFiles,
  checkpoint: Checkpoint,
  digest: Digest,
  committed?: (from: number, to: number) => Awaitable<readonly Uint8Array[]>,
): Promise<readonly AuditFinding[]> {
  const { size, root } = checkpoint;
  const reader = logReader(files, digest);
  const findings: AuditFinding[] = [];
  let frontier = emptyFrontier;
  while (frontier.size < size) {
    const from = frontier.size;
    const to = Math.min(size, from + stride);
    const entries = await readEntries(reader, from, to, size).catch(asFinding);
    if (!Array.isArray(entries)) return [...findings, entries];
    findings.push(...differences(entries, await committed?.(from, to), from));
    const growth = await growTree(frontier, entries, digest);
    for (const { place, bytes } of growth.files) {
      if (place.width !== widthAt(size, place.level, place.index)) continue;
      const found = await files(tilePath(place));
      if (found === undefined || !equalBytes(found, bytes))
        findings.push({
          path: tilePath(place),
          message: found === undefined ? 'the file is missing' : 'the file does not follow from the entries',
        });
    }
    frontier = growth.frontier;
  }
  if (!equalBytes(await frontierRoot(frontier, digest), root))
    findings.push({ path: 'checkpoint', message: 'the root does not follow from the entries' });
  return findings;
}

const tileName = /^tile\/(entries|[0-9]+)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([0-9]+))?$/;

/** The place of a file below the prefix; undefined when no tile and no bundle lies there. */
function placeOf(path: string): TilePlace | undefined {
  const [, level, index = '', width] = tileName.exec(path) ?? [];
  if (level === undefined) return undefined;
  const place: TilePlace = {
    level: level === 'entries' ? level : Number(level),
    index: Number(index.replace(/[x/]/g, '')),
    width: width === undefined ? tileWidth : Number(width),
  };
  return tilePath(place) === path ? place : undefined;
}

/**
 * Looks at files that the checkpoint does not need: a partial tile or bundle that stayed from an earlier size must
 * begin what is there now. Larger ones belong to a checkpoint that is yet to come.
 * @param paths of all files below `tile/`, with that prefix
 */
export async function auditOtherFiles(
  files: LogFiles,
  paths: Iterable<string>,
  { size }: Checkpoint,
): Promise<readonly AuditFinding[]> {
  const findings: AuditFinding[] = [];
  for (const path of paths) {
    const place = placeOf(path);
    if (place === undefined) {
      findings.push({ path, message: 'the file is not one of a log' });
      continue;
    }
    const width = widthAt(size, place.level, place.index);
    if (place.width >= width) continue;
    const found = await files(path);
    const present = (await files(tilePath({ ...place, width }))) ?? new Uint8Array();
    if (!found || !isBeginning(found, present, place))
      findings.push({ path, message: 'the file does not begin the one that followed it' });
  }
  return findings;
}

function isBeginning(older: Uint8Array, newer: Uint8Array, { level, width }: TilePlace): boolean {
  if (!equalBytes(older, newer.subarray(0, older.length))) return false;
  if (level !== 'entries') return older.length === width * hashLength;
  try {
    return readBundle(older, width).length === width;
  } catch (error) {
    if (error instanceof ConsulError) return false;
    throw error;
  }
}

/**
 * Whether other checkpoints of the same log are states that it went through on the way to the newest: so any two of
 * them are consistent with each other. The log must have been found right by `auditLog`, for its tiles are believed here.
 */
export async function compareCheckpoints(
  files: LogFiles,
  newest: Checkpoint,
  others: readonly { readonly path: string; readonly checkpoint: Checkpoint }[],
  digest: Digest,
): Promise<readonly AuditFinding[]> {
  const hashes = logReader(files, digest).hashes(newest.size);
  const findings: AuditFinding[] = [];
  for (const { path, checkpoint } of others) {
    if (checkpoint.size > newest.size)
      findings.push({ path, message: `the log had ${checkpoint.size} entries then, it has ${newest.size}` });
    else if (!equalBytes(await rootHash(checkpoint.size, hashes, digest), checkpoint.root))
      findings.push({ path, message: 'the log of now does not continue the log of this checkpoint' });
  }
  return findings;
}

async function readEntries(reader: LogReader, from: number, to: number, size: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for (let index = from / tileWidth; index * tileWidth < to; index++)
    entries.push(...(await reader.bundle(index, widthAt(size, 'entries', index))));
  return entries;
}

function asFinding(error: unknown): AuditFinding {
  if (error instanceof ConsulError && error.code === 'LOG_INCONSISTENT')
    return { path: 'tile/entries', message: error.message };
  throw error;
}

function differences(
  entries: readonly Uint8Array[],
  expected: readonly Uint8Array[] | undefined,
  from: number,
): readonly AuditFinding[] {
  if (expected === undefined) return [];
  return entries.flatMap((entry, i) => {
    const other = expected[i];
    if (other !== undefined && equalBytes(entry, other)) return [];
    const index = Math.floor((from + i) / tileWidth);
    const path = tilePath({ level: 'entries', index, width: tileWidth });
    return [{ path, message: `entry ${from + i} is not the one that was committed` }];
  });
}
