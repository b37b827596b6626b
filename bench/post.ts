import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shipped } from '../cli/shipped.ts';
import { newReference } from '../core/casework/reference.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { groupSize, issueMany } from '../core/issuance/batch.ts';
import { createPost } from '../core/issuance/create-post.ts';
import { decidedDraft, settleRequests } from '../core/issuance/decided.ts';
import type { Draft } from '../core/issuance/draft.ts';
import { checkDraft, type Issued, type IssuingContext } from '../core/issuance/issue.ts';
import { type OpenPost, openIssuing, openPost } from '../core/issuance/open-post.ts';
import { passphraseKeys } from '../core/pki/key-file.ts';
import { readProcedure } from '../core/procedures/folder.ts';
import type { Procedure } from '../core/procedures/procedure.ts';
import { canonicalJson, type Json } from '../core/store/canonical.ts';
import { settingsFormat } from '../core/store/post-folder.ts';
import { insertRequests, loadRequests, type RequestFile } from '../core/store/request.ts';
import { examplePost } from '../fixtures/post.ts';
import { exampleRequest } from '../fixtures/requests.ts';

const passphrase = new TextEncoder().encode('bench-bench-bench-bench-bench');

export interface BenchPost {
  readonly post: OpenPost;
  readonly procedure: Procedure;
  close(): Promise<void>;
}

export async function newBenchPost(): Promise<BenchPost> {
  const folder = await mkdtemp(join(tmpdir(), 'consul-bench-'));
  const home = join(folder, 'post');
  await createPost({
    home,
    settings: {
      format: settingsFormat,
      post: examplePost,
      signatory: { name: 'Jean MOUSSAVOU', quality: 'Le Consul général' },
      timestamp: {},
      limits: { pieceBytes: 1024 * 1024 },
      paths: { anchor: 'anchor' },
    },
    passphrase: { bytes: passphrase, origin: 'random' },
    now: new Date(),
  });
  const post = await openPost(home);
  return {
    post,
    procedure: await readProcedure(shipped('templates', 'procedures'), 'prise-en-charge'),
    close: async () => {
      await post.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const givenNames = [
  'Aminata',
  'Jean-Aimé',
  'Élodie',
  'Ondo',
  'Zoé',
  'Thérèse',
  'Moïse',
  'Grâce',
  'Ángel',
  'Ḥawa',
];
const familyNames = [
  'NDONG',
  'OBIANG',
  'NZÉ',
  'MBA',
  'ESSONO',
  'DIALLO',
  'TRAORÉ',
  'NGUEMA',
  'ÖZTÜRK',
  'ŁUKASIK',
];

/** Requests that were accepted, each of another beneficiary. */
export async function acceptedRequests({ post, procedure }: BenchPost, count: number): Promise<string[]> {
  const today = new Date().toISOString().slice(0, 10);
  const references: string[] = [];
  for (let from = 0; from < count; from += 500) {
    const files = Array.from({ length: Math.min(500, count - from) }, (_, at): RequestFile => {
      const index = from + at;
      const data = exampleRequest('prise-en-charge', today);
      data.beneficiaries[0].givenNames = `${givenNames[index % 10]} ${givenNames[Math.floor(index / 10) % 10]}`;
      data.beneficiaries[0].familyName = familyNames[Math.floor(index / 100) % 10];
      const reference = newReference(post.settings.post.code, 2026, nodeBackend.random);
      references.push(reference);
      const at_ = new Date().toISOString();
      return {
        request: {
          reference,
          procedure: procedure.id,
          procedureVersion: 1,
          language: 'fr',
          state: 'accepted',
          data: canonicalJson(data as Json),
          holder: familyNames[0] ?? '',
          question: null,
          submittedAt: at_,
          dueAt: null,
          remainingDays: null,
          assignedTo: 'bench',
          decision: 'accepted',
          decisionReason: null,
          decisionGround: null,
          decisionContest: null,
          decidedAt: at_,
          decidedBy: 'bench',
          closedAt: null,
          idempotencyKey: null,
          version: 1,
        },
        pieces: [],
      };
    });
    await post.store.transact((tx) => insertRequests(tx, files));
  }
  return references;
}

export async function withProducer<T>(
  { post, procedure }: BenchPost,
  threads: number,
  act: (context: IssuingContext) => Promise<T>,
): Promise<T> {
  const procedures = new Map([[procedure.id, procedure]]);
  const clock = (): Date => new Date();
  const context = await openIssuing(post, {
    fileKey: passphraseKeys(passphrase),
    clock,
    fonts: shipped('templates', 'fonts'),
    threads,
    workerScript: shipped('dist', 'issuing-worker.mjs'),
    warn: (warning) => {
      throw warning;
    },
    settle: settleRequests({
      procedures,
      post: post.settings.post,
      actor: { kind: 'agent', name: 'bench', roles: ['signature'] },
      clock,
      random: nodeBackend.random,
    }),
  });
  try {
    return await act(context);
  } finally {
    await context.producer.close();
  }
}

/** The same way as `consul issue --batch`: loaded, composed, checked, issued. */
export async function issueAll(
  { post, procedure }: BenchPost,
  context: IssuingContext,
  references: readonly string[],
  atOnce: number,
): Promise<Issued[]> {
  const decide = { procedures: new Map([[procedure.id, procedure]]), ...post.settings };
  async function* groups(): AsyncGenerator<readonly Draft[]> {
    for (let from = 0; from < references.length; from += groupSize) {
      const files = await loadRequests(post.store.read, references.slice(from, from + groupSize));
      const drafts: Draft[] = [];
      for (const file of files.values()) {
        const draft = decidedDraft(file, decide);
        await checkDraft(context, draft);
        drafts.push(draft);
      }
      yield drafts;
    }
  }
  const issued: Issued[] = [];
  for await (const group of issueMany(context, groups(), atOnce)) issued.push(...group);
  return issued;
}
