import { equalBytes } from '../bytes.ts';
import type { Awaitable } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { emptyFrontier, frontierRoot, growTree } from './log.ts';
import { type LogFiles, type LogReader, logReader } from './reader.ts';
import { tilePath, tileWidth, widthAt } from './tile.ts';
import type { Digest } from './tree.ts';

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
