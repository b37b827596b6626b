import { equalBytes, fromHex, toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { writeDurably } from './durable-file.ts';
import { emptyHead, type JournalHead, journalHead } from './journal.ts';
import { readIfThere } from './read-file.ts';
import type { Reader } from './store.ts';

// The newest journal head is kept in a file outside the database, best on another disk, so that a database that was
// put back to an earlier time is found out.

/**
 * @returns undefined where there is no such file
 * @throws ConsulError JOURNAL_BROKEN when the file does not hold a journal head
 */
export async function readAnchor(file: string): Promise<JournalHead | undefined> {
  const bytes = await readIfThere(file);
  if (!bytes) return undefined;
  const text = Buffer.from(bytes).toString('latin1');
  const [, seq, hash] = /^(0|[1-9]\d{0,15}) ([0-9a-f]{64})\n$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined)
    throw new ConsulError('JOURNAL_BROKEN', `${file} does not hold the head of the journal`);
  return { seq: Number(seq), hash: fromHex(hash) };
}

export async function writeAnchor(file: string, head: JournalHead): Promise<void> {
  await writeDurably(file, `${head.seq} ${toHex(head.hash)}\n`, { mode: 0o600 });
}

/**
 * A database may be newer than its anchor (the process ended between the two), never older or another.
 * @throws ConsulError POST_ROLLED_BACK
 */
export async function checkAnchor(db: Reader, file: string): Promise<void> {
  // The anchor first: another process may act meanwhile, and the database is always the first to move.
  const anchor = await readAnchor(file);
  if (!anchor) throw new ConsulError('POST_ROLLED_BACK', `the journal head ${file} is missing`);
  const head = await journalHead(db);
  if (head.seq < anchor.seq)
    throw new ConsulError(
      'POST_ROLLED_BACK',
      `the journal ends at entry ${head.seq}, but ${file} has seen entry ${anchor.seq}`,
    );
  const row = await db.selectFrom('journal').select('hash').where('seq', '=', anchor.seq).executeTakeFirst();
  const hash = anchor.seq === 0 ? emptyHead.hash : row?.hash;
  if (!hash || !equalBytes(hash, anchor.hash))
    throw new ConsulError(
      'POST_ROLLED_BACK',
      `entry ${anchor.seq} of the journal is not the one that ${file} has seen`,
    );
}
