import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examplePost, exampleSignatory } from '../../../fixtures/post.ts';
import { toHex } from '../../bytes.ts';
import { nodeBackend } from '../../crypto/node.ts';
import { sha256 } from '../../store/canonical.ts';
import { type Settings, settingsFormat } from '../../store/post-folder.ts';
import { insertRequests, type RequestFile } from '../../store/request.ts';
import { someRequest } from '../../store/test-store.ts';
import { appendTimeline, type TimelineEntry } from '../../store/timeline.ts';
import { createPost } from '../create-post.ts';
import { fonts } from './children.ts';
import { procedures, simple } from './draft.ts';
import { openIssuingPost, passphrase } from './post.ts';

// For tests only: a post that is made once for a test file and copied for each test.

export const settings: Settings = {
  format: settingsFormat,
  post: examplePost,
  signatory: exampleSignatory,
  timestamp: {},
  limits: { pieceBytes: 1024 * 1024 },
  paths: { anchor: 'anchor' },
};

export interface PostTemplate {
  /** @returns the folder of a post that nobody else works on */
  copy(into?: string): Promise<string>;
  remove(): Promise<void>;
}

/** What the timeline tells of a request that was accepted as it came. */
const submission = ({
  request: { reference, procedure, data, submittedAt },
}: RequestFile): TimelineEntry => ({
  reference,
  at: submittedAt,
  actor: 'citizen',
  kind: 'request.submitted',
  detail: { procedure, procedureVersion: 1, data: toHex(sha256(data)), pieces: [], owed: [] },
  trace: { procedure, from: 'draft', to: 'accepted' },
});

/** A post with accepted requests, and with all that is made at the first start. */
export async function postTemplate(
  references: readonly string[],
  options: { readonly change?: Partial<Settings>; readonly warm?: (home: string) => Promise<void> } = {},
): Promise<PostTemplate> {
  const folder = await mkdtemp(join(tmpdir(), 'consul-issuing-'));
  const home = join(folder, 'post');
  const now = new Date(Math.floor(Date.now() / 1000) * 1000);
  await createPost({
    home,
    settings: { ...settings, ...options.change },
    passphrase: { bytes: passphrase, origin: 'random' },
    now,
  });
  const { post, close } = await openIssuingPost({ home, fonts, procedures });
  const requests = references.map((reference) => ({
    request: someRequest(reference, { state: 'accepted', procedure: simple }),
    pieces: [],
  }));
  if (requests.length > 0)
    await post.store.transact(async (tx) => {
      await insertRequests(tx, requests);
      await appendTimeline(tx, requests.map(submission), nodeBackend.random);
    });
  await close();
  await options.warm?.(home);
  let copies = 0;
  return {
    copy: async (into = folder) => {
      const copy = join(into, `copy-${++copies}`);
      await cp(home, copy, { recursive: true });
      return copy;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
