import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { checkCheckpoint } from '../log/checkpoint.ts';
import type { NoteVerifier } from '../log/note.ts';
import { sha256 } from '../store/canonical.ts';
import { writeDurably } from '../store/durable-file.ts';
import { readIfThere } from '../store/read-file.ts';
import type { TimestampSource } from '../time/source.ts';
import { type CheckedToken, checkToken } from '../time/token.ts';

// Checkpoints of the log with an RFC 3161 time-stamp each, one a day: who kept one proves that the log had its entries
// by then, whatever becomes of its key.

/** Beside the tiles, public as they are. */
const folderOf = (log: string): string => join(log, 'timestamps');

export interface StampedCheckpoint {
  /** `YYYY-MM-DD.checkpoint`, with `YYYY-MM-DD.tst` beside it. */
  readonly file: string;
  readonly checkpoint: Uint8Array;
  /** Absent where the file is missing. */
  readonly token: Uint8Array | undefined;
}

/**
 * Time-stamps the published checkpoint of today; once a day, and again the same day it is found done.
 * @param log folder of the log
 * @throws ConsulError CHECKPOINT_INVALID when there is no checkpoint; TSA_UNREACHABLE, TSA_INVALID, DISK_FULL
 */
export async function stampCheckpoint(
  log: string,
  source: TimestampSource,
  now: Date,
): Promise<{ readonly file: string; readonly stamped: boolean }> {
  const day = join(folderOf(log), now.toISOString().slice(0, 10));
  const file = `${day}.checkpoint`;
  if (await readIfThere(file)) return { file, stamped: false };
  const checkpoint = await readIfThere(join(log, 'checkpoint'));
  if (!checkpoint) throw new ConsulError('CHECKPOINT_INVALID', `there is no checkpoint in ${log}`);
  // The token first: a checkpoint in this folder always has its token.
  await writeDurably(`${day}.tst`, await source.stamp(sha256(checkpoint)));
  await writeDurably(file, checkpoint);
  return { file, stamped: true };
}

/** Those of all days, oldest first. */
export async function stampedCheckpoints(log: string): Promise<readonly StampedCheckpoint[]> {
  const folder = folderOf(log);
  const names: string[] = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new ConsulError('FILE_UNREADABLE', `cannot look into ${folder} (${cause.code})`, { cause });
  });
  const days = new Set(
    names.filter((name) => /\.(checkpoint|tst)$/.test(name)).map((name) => name.slice(0, 10)),
  );
  return Promise.all(
    [...days].sort().map(async (day) => {
      const file = join(folder, `${day}.checkpoint`);
      const [checkpoint, token] = await Promise.all([
        readIfThere(file),
        readIfThere(join(folder, `${day}.tst`)),
      ]);
      return { file, checkpoint: checkpoint ?? new Uint8Array(), token };
    }),
  );
}

/**
 * What is wrong with a checkpoint that was time-stamped: its signature, its token, or the day of its name.
 * @param keys of the log: the present one and those before it
 * @param authorityFault why the authority of a token that is right in itself is not trusted
 * @returns undefined where all is right; whether the log went through it is for `compareCheckpoints`
 */
export async function stampFault(
  { file, checkpoint, token }: StampedCheckpoint,
  keys: readonly NoteVerifier[],
  authorityFault: (token: CheckedToken) => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    const verdicts = await Promise.all(keys.map((key) => checkCheckpoint(checkpoint, key)));
    if (!verdicts.some(({ valid }) => valid)) return 'it was not signed by the log';
  } catch (error) {
    if (error instanceof ConsulError) return error.message;
    throw error;
  }
  if (!token) return 'its time-stamp is missing';
  const checked = await checkToken(
    token,
    { imprint: { algorithm: 'sha256', digest: sha256(checkpoint) } },
    nodeBackend,
  );
  if (!checked.valid) return checked.message;
  const { genTime } = checked.info;
  if (basename(file).slice(0, 10) !== genTime.toISOString().slice(0, 10))
    return `it was time-stamped on ${genTime.toISOString()}`;
  return authorityFault(checked);
}
