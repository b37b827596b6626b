import { appendFile, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import type { SignatureLevel } from '../pdf/level.ts';
import { parseCrl } from '../pki/crl.ts';
import { passphraseKeys } from '../pki/key-file.ts';
import { openTrustBundle } from '../pki/trust-bundle.ts';
import { type DocumentWithRecord, documentsOf } from '../store/document.ts';
import { pkiPaths, readCertificateFile } from '../store/pki-folder.ts';
import { verifyPdf } from '../verify/document.ts';
import { prepareTrust } from '../verify/trust.ts';
import { authorityName } from './certificates.ts';
import { signatureState } from './document-file.ts';
import { documentsDue, extendDocument, extended, type RegisterContext } from './extension.ts';
import { issueGroup } from './issue.ts';
import { openExtending } from './open-extending.ts';
import { type OpenPost, openIssuing, openPost } from './open-post.ts';
import { fonts } from './testing/children.ts';
import { procedures, someDraft } from './testing/draft.ts';
import { finalFaults } from './testing/invariants.ts';
import { openIssuingPost, passphrase } from './testing/post.ts';
import { type PostTemplate, postTemplate } from './testing/template.ts';

const code = (value: string) => expect.objectContaining({ code: value });
const fileKey = passphraseKeys(passphrase);
const soon = (days: number): Date => new Date(Date.now() + days * 86_400_000);

let template: PostTemplate;

beforeAll(async () => {
  template = await postTemplate(['A', 'B', 'C', 'D']);
});
afterAll(() => template.remove());

interface Opened {
  readonly home: string;
  readonly post: OpenPost;
  readonly context: RegisterContext;
}

async function withDocuments(
  levels: readonly SignatureLevel[],
  act: (opened: Opened) => Promise<void>,
): Promise<void> {
  const home = await template.copy();
  for (const [at, level] of levels.entries()) {
    const { context, close } = await openIssuingPost({ home, fonts, procedures, level });
    await issueGroup(context, [someDraft('ABCD'[at] ?? '')]);
    await close();
  }
  const post = await openPost(home);
  try {
    const options = { fileKey, clock: () => new Date(), actor: 'agent:test', settle: async () => {} };
    await act({ home, post, context: await openExtending(post, options) });
  } finally {
    await post.close();
  }
}

const rowOf = async ({ post }: Opened, reference = 'A'): Promise<DocumentWithRecord> => {
  const [row] = await documentsOf(post.store.read, [reference]);
  if (!row) throw new Error('no document');
  return row;
};
const fileOf = async (opened: Opened, reference = 'A'): Promise<Uint8Array> =>
  new Uint8Array(
    await readFile(join(opened.post.paths.documents, (await rowOf(opened, reference)).path ?? '')),
  );

async function reportOn({ post }: Opened, file: Uint8Array) {
  const bundle = await openTrustBundle(new Uint8Array(await readFile(post.paths.trust)), nodeBackend);
  const trust = prepareTrust(bundle, nodeBackend);
  return verifyPdf(file, { trust, now: new Date(), language: 'en' }, async () => ({
    codes: [],
    readers: [],
  }));
}

describe('a file', () => {
  test('is taken from any level to any higher one, and verified there', () =>
    withDocuments(['B-B'], async (opened) => {
      let file = await fileOf(opened);
      for (const level of ['B-T', 'B-LT', 'B-LTA', 'B-LTA'] as const) {
        const before = file;
        const made = await extended(file, level, opened.context);
        expect(made.level).toBe(level);
        expect(signatureState(made.file).level).toBe(level);
        file = made.file;
        if (level !== 'B-T') expect(Buffer.compare(file.subarray(0, before.length), before)).toBe(0);
        expect(await reportOn(opened, file)).toMatchObject({ indication: 'TOTAL-PASSED', level });
      }
      expect(signatureState(file).timestamps).toHaveLength(2);
      const straight = await extended(await fileOf(opened), 'B-LTA', opened.context);
      expect(await reportOn(opened, straight.file)).toMatchObject({ level: 'B-LTA' });
    }));

  test('that has its level is left as it is', () =>
    withDocuments(['B-LTA'], async (opened) => {
      const file = await fileOf(opened);
      for (const level of ['B-B', 'B-T', 'B-LT'] as const)
        expect((await extended(file, level, opened.context)).file).toBe(file);
    }));

  test('with a wrong signature, or by a stranger, is not made to last', () =>
    withDocuments(['B-T'], async (opened) => {
      const file = await fileOf(opened);
      const altered = file.slice();
      altered[1000] = (altered[1000] as number) ^ 1;
      await expect(extended(altered, 'B-LTA', opened.context)).rejects.toEqual(code('PDF_INVALID'));
      const other = await postTemplate(['A']);
      const home = await other.copy();
      const { context, post, close } = await openIssuingPost({ home, fonts, procedures, level: 'B-T' });
      const [issued] = await issueGroup(context, [someDraft('A')]);
      const foreign = new Uint8Array(await readFile(join(post.paths.documents, issued?.path ?? '')));
      await close();
      await other.remove();
      await expect(extended(foreign, 'B-LTA', opened.context)).rejects.toEqual(code('CERTIFICATE_UNKNOWN'));
    }));
});

describe('a document of the register', () => {
  test('is raised in its place; register and journal tell of it', () =>
    withDocuments(['B-T'], async (opened) => {
      const { post, context } = opened;
      const done = await extendDocument(await rowOf(opened), 'B-LTA', context);
      expect(done).toMatchObject({ before: 'B-T', level: 'B-LTA' });
      expect(await rowOf(opened)).toMatchObject({ level: 'B-LTA', timestamp: 'done' });
      const entries = await post.store.read.selectFrom('journal').selectAll().orderBy('seq').execute();
      expect(entries.at(-1)).toMatchObject({ action: 'document.extended', subject: done.number });
      expect(await finalFaults(post, ['A'])).toEqual([]);
    }));

  test('is renewed once by two who do it at once', () =>
    withDocuments(['B-LTA'], async (opened) => {
      const row = await rowOf(opened);
      await Promise.all([1, 2].map(() => extendDocument(row, 'B-LTA', opened.context)));
      expect(signatureState(await fileOf(opened)).timestamps).toHaveLength(2);
      expect(await finalFaults(opened.post, ['A'])).toEqual([]);
    }));

  test('whose file was replaced before the register knew is taken up', () =>
    withDocuments(['B-T', 'B-B'], async (opened) => {
      for (const reference of ['A', 'B']) {
        const row = await rowOf(opened, reference);
        const { file } = await extended(await fileOf(opened, reference), 'B-LTA', opened.context);
        await writeFile(join(opened.post.paths.documents, row.path ?? ''), file);
        const done = await extendDocument(row, 'B-LTA', opened.context);
        expect(done).toMatchObject({ before: row.level, level: 'B-LTA' });
        expect(await fileOf(opened, reference)).toEqual(file);
      }
      expect(await finalFaults(opened.post, ['A', 'B'])).toEqual([]);
    }));

  test('whose file is of another document, or was damaged, is refused', () =>
    withDocuments(['B-T', 'B-T'], async (opened) => {
      const row = await rowOf(opened);
      const place = join(opened.post.paths.documents, row.path ?? '');
      await writeFile(place, await fileOf(opened, 'B'));
      await expect(extendDocument(row, 'B-LTA', opened.context)).rejects.toEqual(code('PDF_INVALID'));
      await appendFile(place, 'x');
      await expect(extendDocument(row, 'B-LTA', opened.context)).rejects.toEqual(code('PDF_INVALID'));
    }));

  test('is due below its level, and before its time-stamp ends', () =>
    withDocuments(['B-B', 'B-T', 'B-LT', 'B-LTA'], async (opened) => {
      const due = async (level: SignatureLevel, before: Date) => {
        const found: string[] = [];
        for await (const { reference } of documentsDue(opened.context, level, before)) found.push(reference);
        return found.join('');
      };
      expect(await due('B-LTA', soon(365))).toBe('ABC');
      expect(await due('B-T', soon(365))).toBe('A');
      expect(await due('B-B', soon(365))).toBe('');
      // The certificate of the time-stamp authority lasts ten years.
      expect(await due('B-LTA', soon(11 * 365))).toBe('ABCD');
      expect(await due('B-B', soon(11 * 365))).toBe('BCD');
    }));
});

describe('the revocation lists', () => {
  const listFiles = async ({ paths }: OpenPost) => {
    const { certificate, crl } = pkiPaths(paths);
    const file = async (name: 'root' | 'issuing-ca') =>
      crl(authorityName((await readCertificateFile(certificate(name))) ?? new Uint8Array()));
    return { root: await file('root'), issuing: await file('issuing-ca') };
  };

  const issueWith = async (
    home: string,
    options: { clock?: () => Date; level?: SignatureLevel } = {},
  ): Promise<{ level: SignatureLevel | undefined; warnings: string[] }> => {
    const post = await openPost(home);
    const warnings: string[] = [];
    try {
      const context = await openIssuing(post, {
        fileKey,
        clock: () => new Date(),
        fonts,
        threads: 0,
        workerScript: '',
        settle: async () => {},
        warn: (warning) => warnings.push(warning.code),
        ...options,
      });
      const [issued] = await issueGroup(context, [someDraft('A')]);
      return { level: issued?.level, warnings };
    } finally {
      await post.close();
    }
  };

  test('of the issuing authority is renewed where it is missing, damaged or about to end', async () => {
    for (const harm of ['missing', 'damaged', 'ending'] as const) {
      const home = await template.copy();
      const post = await openPost(home);
      const { issuing } = await listFiles(post);
      const before = parseCrl(new Uint8Array(await readFile(issuing)));
      await post.close();
      if (harm === 'missing') await rm(issuing);
      if (harm === 'damaged') await writeFile(issuing, 'damaged');
      const clock = harm === 'ending' ? () => soon(7.5) : undefined;
      // What is issued next week bears a time-stamp of today: only the list is looked at.
      const result = await issueWith(home, { ...(clock ? { clock } : {}) });
      expect(result).toEqual({ level: 'B-LTA', warnings: [] });
      expect(parseCrl(new Uint8Array(await readFile(issuing))).number).toBeGreaterThan(before.number);
    }
  });

  test('of the root that has run out lowers the level and is told, and is an error where the level was asked for', async () => {
    const home = await template.copy();
    const post = await openPost(home);
    const { root } = await listFiles(post);
    await post.close();
    await rm(root);
    const other = `${home}-asked`;
    await cp(home, other, { recursive: true });
    expect(await issueWith(home)).toEqual({ level: 'B-T', warnings: ['CRL_UNAVAILABLE'] });
    await expect(issueWith(other, { level: 'B-LTA' })).rejects.toEqual(code('CRL_UNAVAILABLE'));
    expect(await issueWith(other, { level: 'B-T' })).toEqual({ level: 'B-T', warnings: [] });
  });
});
