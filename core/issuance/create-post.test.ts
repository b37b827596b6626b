import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { postPaths } from '../store/post-folder.ts';
import { auditPost } from './audit.ts';
import { createPost } from './create-post.ts';
import { openPost } from './open-post.ts';
import { type ChildProgram, childProgram, ended, fonts } from './testing/children.ts';
import { procedures } from './testing/draft.ts';
import { openIssuingPost, passphrase } from './testing/post.ts';
import { settings } from './testing/template.ts';

const code = (value: string) => expect.objectContaining({ code: value });

let folder: string;
let home: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consul-create-'));
  home = join(folder, 'post');
});
afterEach(() => rm(folder, { recursive: true }));

const create = (change: { home?: string; rootKey?: string } = {}): Promise<void> =>
  createPost({
    home,
    settings,
    passphrase: { bytes: passphrase, origin: 'random' },
    now: new Date(),
    ...change,
  });

async function expectWhole(): Promise<void> {
  const { post, close } = await openIssuingPost({ home, fonts, procedures });
  expect((await auditPost(post)).faults).toEqual([]);
  await close();
}

describe('a new post', () => {
  test('is whole, and alone in its folder', async () => {
    await create();
    expect(await readdir(folder)).toEqual(['post']);
    await expectWhole();
  });

  test('takes an empty folder, and neither one with a post nor one with anything else', async () => {
    await mkdir(home);
    await create();
    await expect(create()).rejects.toEqual(code('POST_EXISTS'));
    await expectWhole();
    const other = join(folder, 'other');
    await mkdir(other);
    await writeFile(join(other, 'letter.txt'), 'mine');
    await expect(create({ home: other })).rejects.toEqual(code('FILE_EXISTS'));
    expect(await readdir(other)).toEqual(['letter.txt']);
  });

  test('keeps the key of its root where it is told, over nothing that is there', async () => {
    const rootKey = join(folder, 'stick', 'root.pem');
    await mkdir(dirname(rootKey));
    await writeFile(rootKey, 'the key of another');
    await expect(create({ rootKey })).rejects.toEqual(code('FILE_EXISTS'));
    expect(await readFile(rootKey, 'utf8')).toBe('the key of another');
    expect(await readdir(folder)).toEqual(['stick']);
    await rm(rootKey);
    await create({ rootKey });
    expect(await readFile(rootKey, 'utf8')).toContain('ENCRYPTED PRIVATE KEY');
    expect(await readdir(dirname(postPaths(home).rootKey))).toEqual([]);
  });
});

describe('a process that makes a post', () => {
  let child: ChildProgram;
  beforeAll(async () => {
    child = await childProgram(join(import.meta.dirname, 'testing', 'create-child.ts'));
  });
  afterAll(() => child.remove());

  test('makes it, or leaves that of the process that was faster', async () => {
    const ends = await Promise.all(Array.from({ length: 4 }, () => ended(child.start({ home }))));
    expect(ends.map(({ code }) => code).toSorted()).toEqual([0, 1, 1, 1]);
    const told = ends.filter((end) => end.code !== 0).map(({ stderr }) => stderr);
    expect(told.every((text) => text.includes('POST_EXISTS'))).toBe(true);
    expect(await readdir(folder)).toEqual(['post']);
    await expectWhole();
  });

  test('and is killed leaves a whole one or none, which can then be made', async () => {
    let whole = 0;
    for (let at = 1; whole === 0; at += 23) {
      home = join(folder, `post-${at}`);
      const end = await ended(child.start({ home, death: { at, when: 'before' } }));
      expect(end.stderr).toBe('');
      if (end.signal !== 'SIGKILL') whole++;
      const made = await openPost(home).then(
        (post) => post.close().then(() => true),
        (error: unknown) => {
          expect(error).toEqual(code('POST_MISSING'));
          return false;
        },
      );
      if (!made) await create();
      await expectWhole();
    }
  }, 300_000);
});
