import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { examplePiece } from '../../../fixtures/pieces.ts';
import { examplePost, exampleSignatory } from '../../../fixtures/post.ts';
import { exampleRequest } from '../../../fixtures/requests.ts';
import { act } from '../../casework/casework.ts';
import { revokeDocument } from '../../casework/revocation.ts';
import { nodeBackend } from '../../crypto/node.ts';
import { ConsulError } from '../../errors.ts';
import { localDay } from '../../procedures/calendar.ts';
import {
  anchorPaths,
  postPaths,
  readSettings,
  type Settings,
  settingsFormat,
} from '../../store/post-folder.ts';
import { openStore } from '../../store/store.ts';
import { auditPost } from '../audit.ts';
import { createPost } from '../create-post.ts';
import { passphrase } from './post.ts';
import { hexDigest, openSubmittingPost, submit } from './submit.ts';

// For tests only: a post that lives for a while, and what happens to its files when a disk or a restored backup lies.

const settings: Settings = {
  format: settingsFormat,
  post: examplePost,
  signatory: exampleSignatory,
  timestamp: {},
  limits: { pieceBytes: 1024 * 1024 },
  paths: { anchor: 'anchor' },
};
const agent = { kind: 'agent', name: 'amina', roles: ['instruction', 'head-of-post'] } as const;

/** A post at several moments of its life, each a copy of its folder as it lay on the disk, the database in use. */
export interface LivedPost {
  /** Oldest first. */
  readonly moments: readonly string[];
  /** The last of them after the program ended: there is no write-ahead log. */
  readonly closed: string;
  remove(): Promise<void>;
}

export async function livedPost(place: {
  readonly fonts: string;
  readonly procedures: string;
}): Promise<LivedPost> {
  const folder = await mkdtemp(join(tmpdir(), 'consul-damage-'));
  const home = join(folder, 'post');
  await createPost({ home, settings, passphrase: { bytes: passphrase, origin: 'random' }, now: new Date() });
  const moments: string[] = [];
  const remember = async (): Promise<void> => {
    const moment = join(folder, `moment-${moments.length}`);
    await cp(home, moment, { recursive: true });
    moments.push(moment);
  };
  const plan = (key: string) => ({
    home,
    ...place,
    procedure: 'hebergement',
    key,
    data: exampleRequest('hebergement', localDay(new Date(), examplePost.timeZone)),
    files: ['host-identity', 'guest-identity'].map((piece) => ({
      piece,
      name: `${piece}.pdf`,
      content: Buffer.concat([examplePiece(piece, 'pdf'), Buffer.from(`\n% ${key}\n`)]).toString('base64'),
    })),
  });

  const open = await openSubmittingPost(plan('first'));
  const { post, procedure } = open;
  const context = { store: post.store, actor: agent, random: nodeBackend.random };
  const numbers: string[] = [];
  const references: string[] = [];
  const deposit = (key: string): Promise<void> =>
    submit(open, plan(key), (file) => hexDigest(readFileSync(file)), {
      submitted: (reference) => references.push(reference),
      receipt: ({ number }) => numbers.push(number),
    });
  await deposit('first');
  await remember();
  await deposit('second');
  await remember();
  await act(
    { reference: references[0] ?? '', act: { kind: 'assign', agent: agent.name } },
    {
      ...context,
      post: examplePost,
      procedures: new Map([[procedure.id, procedure]]),
      now: new Date(),
    },
  );
  await remember();
  await revokeDocument(
    { number: numbers[0] ?? '', reason: 'déposée par erreur' },
    { ...context, now: new Date() },
  );
  await remember();
  await deposit('third');
  await remember();
  await open.close();
  await remember();
  const closed = moments.pop() ?? '';
  return { moments, closed, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** What of a post lies on one disk and may go bad or be restored together. */
export const parts = ['database', 'write-ahead log', 'pieces', 'log', 'documents', 'anchor'] as const;
export type Part = (typeof parts)[number];

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function filesOf(home: string, part: Part): string[] {
  const paths = postPaths(home);
  switch (part) {
    case 'database':
      return [paths.database];
    case 'write-ahead log':
      return filesIn(home).filter((file) => file === `${paths.database}-wal`);
    case 'pieces':
      return filesIn(paths.pieces).filter((file) => basename(file) !== 'recipient');
    case 'log':
      return filesIn(paths.log).filter((file) => !file.includes('.writer'));
    case 'documents':
      return filesIn(paths.documents);
    case 'anchor':
      return filesIn(dirname(anchorPaths(home, settings).journal));
  }
}

/** Everything that the database says, or undefined where it says nothing at all. */
function content(database: string): string | undefined {
  try {
    const db = new BetterSqlite3(database);
    try {
      const tables = db
        .prepare(
          "select name, sql from sqlite_schema where name <> 'kysely_migration_lock' order by type, name",
        )
        .all() as { name: string; sql: string | null }[];
      const rows = tables
        .filter(({ sql }) => sql?.toLowerCase().startsWith('create table'))
        .map(({ name }) =>
          db
            .prepare(`select * from "${name}" order by 1, 2`)
            .raw()
            .all()
            .map((row) =>
              (row as unknown[]).map((value) =>
                value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
              ),
            ),
        );
      return JSON.stringify([tables, rows]);
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof BetterSqlite3.SqliteError) return undefined;
    throw error;
  }
}

/** What the audit finds in a post: the first fault, or undefined. */
async function firstFault(home: string): Promise<string | undefined> {
  const paths = postPaths(home);
  try {
    const options = { anchor: anchorPaths(home, settings).journal, audit: true };
    const store = await openStore(paths.database, options);
    try {
      const post = { paths, settings: await readSettings(home), store, close: () => store.close() };
      const [fault] = (await auditPost(post)).faults;
      return fault && `${fault.part} ${fault.where}: ${fault.message}`;
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof ConsulError || error instanceof BetterSqlite3.SqliteError)
      return `${error.code}: ${error.message}`;
    throw error;
  }
}

export interface Outcome {
  /** Damages that changed something, and were found. */
  readonly found: Readonly<Record<string, number>>;
  /** Flips after which the database says exactly what it said before: in free space, or in what SQLite passes over. */
  readonly withoutEffect: number;
  /** Damages that changed something, and were not found: where. */
  readonly missed: readonly string[];
}

/** A random integer from 0 up to, and not including, a bound. */
export type Random = (bound: number) => number;

/** A copy of a post that is put back after each damage: opening a database changes its files. */
async function workplace(moment: string) {
  const home = `${moment}-damaged`;
  await rm(home, { recursive: true, force: true });
  await cp(moment, home, { recursive: true });
  const whole = new Map(
    parts
      .flatMap((part) => filesOf(moment, part))
      .map((file) => [relative(moment, file), readFileSync(file)]),
  );
  return {
    home,
    restore(): void {
      for (const part of parts)
        for (const file of filesOf(home, part)) if (!whole.has(relative(home, file))) rmSync(file);
      rmSync(`${postPaths(home).database}-shm`, { force: true });
      for (const [name, bytes] of whole) writeFileSync(join(home, name), bytes);
    },
  };
}

/** Flips one random bit after the other in a post as it lies there, each in a random file of a random part of those. */
export async function flipBits(
  moment: string,
  count: number,
  random: Random,
  among: readonly Part[] = parts,
): Promise<Outcome> {
  const { home, restore } = await workplace(moment);
  const present = among.filter((part) => filesOf(moment, part).length > 0);
  const { database } = postPaths(home);
  const before = content(database);
  restore();
  if (before === undefined || (await firstFault(home)) !== undefined)
    throw new Error('the post was not whole');
  const found: Record<string, number> = {};
  const missed: string[] = [];
  let withoutEffect = 0;
  for (let i = 0; i < count; i++) {
    restore();
    const part = present[random(present.length)] as Part;
    const files = filesOf(home, part);
    const file = files[random(files.length)] as string;
    const bytes = readFileSync(file);
    const bit = random(bytes.length * 8);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    writeFileSync(file, bytes);
    const fault = await firstFault(home);
    if (fault !== undefined) {
      found[part] = (found[part] ?? 0) + 1;
      continue;
    }
    restore();
    writeFileSync(file, bytes);
    if (content(database) === before && (part === 'database' || part === 'write-ahead log')) withoutEffect++;
    else missed.push(`bit ${bit} of ${relative(home, file)}`);
  }
  return { found, withoutEffect, missed };
}

/** Puts random parts of the newest moment back to a random older one. The anchor is on another disk, as it should be. */
export async function rollBack({ moments }: LivedPost, count: number, random: Random): Promise<Outcome> {
  const newest = moments.at(-1) ?? '';
  const { home, restore } = await workplace(newest);
  const movable = parts.filter((part) => part !== 'anchor' && part !== 'write-ahead log');
  const found: Record<string, number> = {};
  const missed: string[] = [];
  let withoutEffect = 0;
  for (let i = 0; i < count; i++) {
    restore();
    const older = moments[random(moments.length - 1)] as string;
    const chosen = movable.filter(() => random(2) === 1);
    let changed = false;
    for (const part of chosen) {
      // A database goes back with its write-ahead log, or without it, as a careless copy does.
      const together: Part[] = part === 'database' ? [part, 'write-ahead log'] : [part];
      const forgotten = part === 'database' && random(2) === 1;
      for (const each of together) {
        const then = new Map(filesOf(older, each).map((file) => [relative(older, file), readFileSync(file)]));
        if (forgotten && each === 'write-ahead log') then.clear();
        for (const file of filesOf(home, each)) {
          const bytes = then.get(relative(home, file));
          if (bytes?.equals(readFileSync(file))) then.delete(relative(home, file));
          else {
            changed = true;
            rmSync(file);
          }
        }
        for (const [name, bytes] of then) {
          changed = true;
          await mkdir(dirname(join(home, name)), { recursive: true });
          writeFileSync(join(home, name), bytes);
        }
      }
    }
    const name = chosen.join(' + ');
    if (!changed) withoutEffect++;
    else if ((await firstFault(home)) !== undefined) found[name] = (found[name] ?? 0) + 1;
    else missed.push(`${name} as in ${basename(older)}`);
  }
  return { found, withoutEffect, missed };
}
