import { link, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { utf8 } from '../bytes.ts';
import { documentPath, openDocumentFolder } from './document-folder.ts';

const synced: string[] = [];
vi.mock('../store/durable-file.ts', async (original) => {
  const real = await original<typeof import('../store/durable-file.ts')>();
  return {
    ...real,
    syncFolder: async (folder: string) => {
      await real.syncFolder(folder);
      synced.push(folder);
    },
  };
});

const code = (value: string) => expect.objectContaining({ code: value });
const entry = { type: 'simple', year: 2026, edition: 1 };
const path = documentPath({ ...entry, sequence: 1234, number: 'SI-2026-001234' });
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

let home: string;
let root: string;

beforeEach(async () => {
  synced.length = 0;
  home = await mkdtemp(join(tmpdir(), 'consul-documents-'));
  root = join(home, 'documents');
});
afterEach(() => rm(home, { recursive: true }));

test('puts a thousand documents in a folder', () => {
  expect(path).toBe(join('simple', '2026', '001', 'SI-2026-001234.pdf'));
  const sequence = 999;
  expect(documentPath({ ...entry, sequence, number: 'N' })).toBe(join('simple', '2026', '000', 'N.pdf'));
  expect(documentPath({ ...entry, sequence, number: 'N', edition: 2 })).toBe(
    join('simple', '2026', '000', 'N.2.pdf'),
  );
});

test('of several that publish in one place the first is kept, and the others are given it', async () => {
  const folders = await Promise.all(Array.from({ length: 8 }, () => openDocumentFolder(root)));
  const placed = await Promise.all(folders.map((folder, i) => folder.publish(path, utf8(`content ${i}`))));
  const kept = await readFile(join(root, path), 'utf8');
  expect(new Set(placed.map(text))).toEqual(new Set([kept]));
  expect(await readdir(join(root, '.unfinished'))).toEqual([]);
});

test('replaces and reads', async () => {
  const folder = await openDocumentFolder(root);
  await folder.publish(path, utf8('first'));
  await folder.replace(path, utf8('second'));
  expect(text(await folder.read(path))).toBe('second');
  await expect(folder.read('missing.pdf')).rejects.toEqual(code('FILE_UNREADABLE'));
  expect(await readdir(join(root, '.unfinished'))).toEqual([]);
});

test('waits for every folder down to the file, whoever made it, and later for the last only', async () => {
  // Another process made folder and file, and ended before either was on the disk.
  await mkdir(join(root, 'simple', '2026', '001'), { recursive: true });
  await writeFile(join(home, 'whole'), 'first');
  await link(join(home, 'whole'), join(root, path));
  const folder = await openDocumentFolder(root);
  await folder.publish(path, utf8('second'));
  await folder.settle([path]);
  const above = [home, root, join(root, 'simple'), join(root, 'simple', '2026')];
  expect(synced.toSorted()).toEqual([...above, join(root, 'simple', '2026', '001')].toSorted());

  synced.length = 0;
  await folder.settle([path]);
  expect(synced).toEqual([join(root, 'simple', '2026', '001')]);
});

test('each that settles waits for the disk itself: it does not rely on the wait of another', async () => {
  const folder = await openDocumentFolder(root);
  const paths = [1, 2].map((sequence) => documentPath({ ...entry, sequence, number: `N${sequence}` }));
  await Promise.all(paths.map((one) => folder.publish(one, utf8(one))));
  await folder.settle(paths);
  synced.length = 0;
  await Promise.all(paths.map((one) => folder.settle([one])));
  expect(synced).toHaveLength(2);
});

test('removes what a killed process left long ago, and nothing that another is at work on', async () => {
  const unfinished = join(root, '.unfinished');
  await mkdir(unfinished, { recursive: true });
  await writeFile(join(unfinished, 'old'), 'half of a');
  await writeFile(join(unfinished, 'new'), 'half of a');
  const past = new Date(Date.now() - 2 * 3_600_000);
  await utimes(join(unfinished, 'old'), past, past);
  await openDocumentFolder(root);
  expect(await readdir(unfinished)).toEqual(['new']);
});
