import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueGroup } from './issue.ts';
import { type ChildProgram, childProgram, ended, fonts } from './testing/children.ts';
import { procedures, someDraft } from './testing/draft.ts';
import { finalFaults, standingFaults } from './testing/invariants.ts';
import type { Said } from './testing/issue-child.ts';
import { openIssuingPost } from './testing/post.ts';
import { type PostTemplate, postTemplate } from './testing/template.ts';

const references = ['A', 'B', 'C', 'D'];

let template: PostTemplate;
let child: ChildProgram;

beforeAll(async () => {
  [template, child] = await Promise.all([
    postTemplate(references),
    childProgram(join(import.meta.dirname, 'testing', 'issue-child.ts')),
  ]);
});
afterAll(async () => {
  await Promise.all([template.remove(), child.remove()]);
});

/** Issues where there may be no room. @returns what could not be written, undefined where there was room */
async function attempt(home: string, shell?: string): Promise<string | undefined> {
  const { lines, stderr, code } = await ended(
    child.start({ home, fonts, groups: [references] }, shell === undefined ? {} : { shell }),
  );
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const [refusal] = (lines as Said[]).flatMap((said) => ('refused' in said ? said : []));
  if (refusal) expect(refusal.refused).toBe('DISK_FULL');
  return refusal?.message;
}

/** What is there is whole, and no half-written file is left. */
async function expectAsBefore(home: string): Promise<void> {
  const { post, close } = await openIssuingPost({ home, fonts, procedures });
  expect(await standingFaults(post.store.read, post.paths, [])).toEqual([]);
  expect(await readdir(join(post.paths.documents, '.unfinished'))).toEqual([]);
  await close();
  const names = await readdir(home, { recursive: true });
  expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([]);
}

async function expectIssuedWithRoom(home: string): Promise<void> {
  const { post, context, close } = await openIssuingPost({ home, fonts, procedures });
  await issueGroup(
    context,
    references.map((reference) => someDraft(reference)),
  );
  expect(await finalFaults(post, references)).toEqual([]);
  await close();
}

const canMount = (() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const script =
    'd=$(mktemp -d) && mount -t tmpfs -o size=64k tmpfs "$d" && umount -l "$d"; s=$?; rmdir "$d"; exit $s';
  return spawnSync('sh', ['-c', script]).status === 0;
})();

test.skipIf(!canMount)(
  'a full disk refuses each step with DISK_FULL and leaves what was there; with room it is done',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'consul-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
    try {
      const refused: string[] = [];
      for (let pages = 1; ; pages += pages < 8 ? 7 : pages < 48 ? 2 : 12) {
        const home = await template.copy(folder);
        const ballast = join(folder, 'ballast');
        const { bavail, bsize } = await statfs(folder);
        await writeFile(ballast, new Uint8Array(Math.max(0, bavail - pages) * bsize));
        const refusal = await attempt(home);
        if (refusal !== undefined) refused.push(refusal);
        await rm(ballast);
        await expectAsBefore(home);
        await expectIssuedWithRoom(home);
        await rm(home, { recursive: true });
        if (refusal === undefined) break;
      }
      for (const place of [/consul\.db/, /\/log|\/anchor/, /\.pdf/])
        expect(refused.filter((message) => place.test(message)).length).toBeGreaterThan(0);
    } finally {
      execFileSync('umount', ['-l', folder]);
      await rm(folder, { recursive: true });
    }
  },
  300_000,
);

test('so does a limit on the size of files', async () => {
  const refused: string[] = [];
  // In blocks of 512 bytes: below what the checkpoint needs, below a document, below the write-ahead log.
  for (const blocks of [1, 8, 40, 100]) {
    const home = await template.copy();
    const refusal = await attempt(home, `ulimit -f ${blocks}`);
    if (refusal !== undefined) refused.push(refusal);
    await expectAsBefore(home);
    await expectIssuedWithRoom(home);
  }
  expect(refused.length).toBeGreaterThan(2);
}, 300_000);
