import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anchorPaths, postPaths } from '../store/post-folder.ts';
import { openStore } from '../store/store.ts';
import { auditPost } from './audit.ts';
import { issueGroup } from './issue.ts';
import { openPost } from './open-post.ts';
import { fonts } from './testing/children.ts';
import { procedures, someDraft } from './testing/draft.ts';
import { openIssuingPost } from './testing/post.ts';
import { type PostTemplate, postTemplate, settings } from './testing/template.ts';

const code = (value: string) => expect.objectContaining({ code: value });

let template: PostTemplate;

beforeAll(async () => {
  template = await postTemplate(['A', 'B', 'C']);
});
afterAll(() => template.remove());

async function issue(home: string, ...references: readonly string[]): Promise<void> {
  const { context, close } = await openIssuingPost({ home, fonts, procedures });
  try {
    await issueGroup(
      context,
      references.map((reference) => someDraft(reference)),
    );
  } finally {
    await close();
  }
}

/** A post with A issued, a copy of it from then, and B issued since. */
async function postWithBackup(): Promise<{ home: string; backup: string }> {
  const home = await template.copy();
  await issue(home, 'A');
  const backup = `${home}-backup`;
  await cp(home, backup, { recursive: true });
  await issue(home, 'B');
  return { home, backup };
}

describe('an old database that was put back', () => {
  test('is not opened: the journal head outside is newer', async () => {
    const { home, backup } = await postWithBackup();
    await cp(postPaths(backup).database, postPaths(home).database);
    await expect(openPost(home)).rejects.toEqual(code('POST_ROLLED_BACK'));
  });

  test('with the journal head of its time is refused when it issues: the checkpoint outside is newer', async () => {
    const { home, backup } = await postWithBackup();
    await cp(postPaths(backup).database, postPaths(home).database);
    await cp(anchorPaths(backup, settings).journal, anchorPaths(home, settings).journal);
    await expect(issue(home, 'A', 'C')).rejects.toEqual(code('POST_ROLLED_BACK'));
    // Not by another way round either: its next documents would have the numbers of those that are out.
    await expect(issue(home, 'C')).rejects.toEqual(code('POST_ROLLED_BACK'));
  });

  test('with everything but the documents does not pass off one of them as another', async () => {
    const { home, backup } = await postWithBackup();
    await rm(postPaths(backup).documents, { recursive: true });
    await cp(postPaths(home).documents, postPaths(backup).documents, { recursive: true });
    await expect(issue(backup, 'C')).rejects.toEqual(code('POST_ROLLED_BACK'));
  });
});

describe('the audit', () => {
  const faultsAfter = async (change: (home: string, db: BetterSqlite3.Database) => unknown) => {
    const home = await template.copy();
    await issue(home, 'A', 'B', 'C');
    const db = new BetterSqlite3(postPaths(home).database);
    db.pragma('foreign_keys = OFF');
    await change(home, db);
    db.close();
    const store = await openStore(postPaths(home).database, {
      anchor: anchorPaths(home, settings).journal,
      audit: true,
    });
    const { faults } = await auditPost({
      store,
      settings,
      paths: postPaths(home),
      close: () => store.close(),
    });
    await store.close();
    return faults;
  };

  test('finds nothing in a post that nobody touched', async () => {
    expect(await faultsAfter(() => {})).toEqual([]);
  });

  const alterations: readonly (readonly [string, string, string])[] = [
    ['a record that was altered', `update record set json = replace(json, 'NDONG', 'OBIANG')`, 'register'],
    [
      'a document that another request is given',
      `update document set reference = reference || 'x' where sequence = 2`,
      'register',
    ],
    [
      'a number that was altered',
      `update document set number = 'SI-2026-000009' where sequence = 3`,
      'register',
    ],
    [
      'a record that was altered with its digest',
      `update record set json = '{}' where statusIndex = 1;
       update document set recordDigest = x'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a' where sequence = 2`,
      'register',
    ],
    ['a validity that was extended', `update document set validUntil = '2099-12-31'`, 'register'],
    ['a seal that was exchanged', `update document set seal = x'00' where sequence = 1`, 'register'],
    ['a document that was removed', 'delete from document where sequence = 2', 'register'],
    ['the last document that was removed', 'delete from document where sequence = 3', 'register'],
    ['a log entry that was altered', `update leaf set entry = zeroblob(32) where leafIndex = 2`, 'log'],
    [
      'a log entry that was removed at the end',
      `delete from leaf where leafIndex = 2; update counter set next = 2 where name = 'leaf'`,
      'log',
    ],
    ['a timeline entry that was altered', `update timeline set detail = 'x' where seq = 2`, 'journal'],
    ['a journal entry that was altered', `update journal set actor = 'nobody' where seq = 2`, 'journal'],
    ['a digest that was exchanged', 'update document set sha256 = zeroblob(32) where sequence = 1', 'file'],
  ];
  test.each(alterations)('finds %s', async (_name, statement, part) => {
    const faults = await faultsAfter((_home, db) => db.exec(statement));
    expect(faults.map((fault) => fault.part)).toContain(part);
  });

  test('finds a file, a tile and a checkpoint that are not what was written', async () => {
    const file = await faultsAfter(async (home, db) => {
      const row = db.prepare('select path from document where sequence = 1').get() as { path: string };
      await writeFile(join(postPaths(home).documents, row.path), 'another');
    });
    expect(file).toMatchObject([{ part: 'file' }]);
    const tile = await faultsAfter((home) =>
      writeFile(join(postPaths(home).log, 'tile', '0', '000.p', '3'), new Uint8Array(96)),
    );
    expect(tile.map(({ part }) => part)).toContain('log');
    const checkpoint = await faultsAfter((home) => rm(join(postPaths(home).log, 'checkpoint')));
    expect(checkpoint).toMatchObject([{ part: 'log' }]);
  });
});
