import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { examplePiece } from '../../fixtures/pieces.ts';
import { proceduresFolder } from '../../fixtures/procedures.ts';
import { exampleRequest } from '../../fixtures/requests.ts';
import { verifyRequests } from '../casework/audit.ts';
import { passphraseKeys } from '../pki/key-file.ts';
import { localDay } from '../procedures/calendar.ts';
import { openKeyRing } from '../store/keys.ts';
import { waitingOutbox } from '../store/outbox.ts';
import { openPieces } from '../store/pieces.ts';
import { anchorPaths, postPaths } from '../store/post-folder.ts';
import { listRequests, loadRequest } from '../store/request.ts';
import { openStore } from '../store/store.ts';
import { readTimeline } from '../store/timeline.ts';
import { auditPost } from './audit.ts';
import { type ChildProgram, childProgram, ended, fonts } from './testing/children.ts';
import type { Death } from './testing/effects.ts';
import { type Acknowledged, standingFaults, verificationFaults } from './testing/invariants.ts';
import { passphrase } from './testing/post.ts';
import {
  hexDigest,
  openSubmittingPost,
  type SubmitPlan,
  type SubmittingPost,
  submit,
} from './testing/submit.ts';
import type { SubmitSaid } from './testing/submit-child.ts';
import { type PostTemplate, postTemplate, settings } from './testing/template.ts';

const files = ['host-identity', 'guest-identity'].map((piece) => ({
  piece,
  name: `${piece}.pdf`,
  content: Buffer.from(examplePiece(piece, 'pdf')).toString('base64'),
}));

/** A minute where nothing else runs; on a busy machine it is many. */
const patience = 600_000;

const fileKey = passphraseKeys(passphrase);

let template: PostTemplate;
let child: ChildProgram;

beforeAll(async () => {
  [template, child] = await Promise.all([
    postTemplate([], { warm: async (home) => (await openSubmittingPost(planFor(home))).close() }),
    childProgram(join(import.meta.dirname, 'testing', 'submit-child.ts')),
  ]);
});
afterAll(async () => {
  await Promise.all([template.remove(), child.remove()]);
});

const planFor = (home: string): SubmitPlan => ({
  home,
  fonts,
  procedures: proceduresFolder,
  procedure: 'hebergement',
  key: 'one deposit',
  data: exampleRequest('hebergement', localDay(new Date(), settings.post.timeZone)),
  files,
});

interface Told {
  readonly submitted: string[];
  readonly created: boolean[];
  readonly receipts: Acknowledged[];
}

const listener = () => {
  const told: Told = { submitted: [], created: [], receipts: [] };
  return {
    told,
    hear: (said: SubmitSaid): void => {
      if ('receipt' in said) told.receipts.push(said.receipt);
      else {
        told.submitted.push(said.submitted);
        told.created.push(said.created);
      }
    },
  };
};

async function run(plan: SubmitPlan, death?: Death): Promise<{ killed: boolean; told: Told }> {
  const { told, hear } = listener();
  const end = await ended(child.start({ ...plan, death }), (line) => hear(line as SubmitSaid));
  expect(end.stderr).toBe('');
  const killed = end.signal === 'SIGKILL';
  if (!killed) expect(end.code).toBe(0);
  return { killed, told };
}

/** As the killed process left it: no request or a whole one, and all that was acknowledged. */
async function expectStanding(home: string, { submitted, receipts }: Told): Promise<void> {
  const paths = postPaths(home);
  const store = await openStore(paths.database, { anchor: anchorPaths(home, settings).journal });
  const requests = await listRequests(store.read, { limit: 10 });
  expect(requests.map(({ reference }) => reference)).toEqual(
    submitted.length > 0 ? [submitted[0]] : requests.slice(0, 1).map(({ reference }) => reference),
  );
  expect(await verifyRequests(store.read)).toMatchObject({ outcome: 'intact' });
  expect(await standingFaults(store.read, paths, receipts)).toEqual([]);
  await store.close();
}

/** One request with its pieces, one letter, and one receipt that verifies. */
async function expectWhole({ post }: SubmittingPost, reference: string, receipts: readonly Acknowledged[]) {
  const { read: db } = post.store;
  expect((await listRequests(db, { limit: 10 })).map((request) => request.reference)).toEqual([reference]);
  const { request, pieces } = await loadRequest(db, reference);
  expect(request.state).toBe('incomplete');
  const store = openPieces(post.paths.pieces, post.settings.limits);
  const identity = await openKeyRing(post.paths, { fileKey }).privateKey('pieces');
  const received = pieces.filter((piece) => piece.state === 'received');
  expect(received.map(({ kind }) => kind)).toEqual(files.map(({ piece }) => piece));
  for (const [i, piece] of received.entries())
    expect(Buffer.from(await store.get(piece.sha256!, identity)).toString('base64')).toBe(files[i]?.content);
  expect((await readTimeline(db, reference)).map(({ kind }) => kind)).toEqual([
    'request.submitted',
    'receipt.issued',
  ]);
  expect(await waitingOutbox(db, 10)).toHaveLength(1);

  expect(await standingFaults(db, post.paths, receipts)).toEqual([]);
  expect(await auditPost(post)).toMatchObject({ faults: [], documents: 1, unfinished: 0, logSize: 1 });
  expect(await verifyRequests(db)).toMatchObject({ outcome: 'intact', requests: 1 });
  const { path } = await db.selectFrom('document').select('path').executeTakeFirstOrThrow();
  expect(await verificationFaults(post.paths, path ?? '')).toEqual([]);
}

/** At every other step: after one is before the next. */
async function killAtEach(when: Death['when']): Promise<number> {
  for (let at = 1; ; at += 2) {
    const home = await template.copy();
    const plan = planFor(home);
    const { killed, told } = await run(plan, { at, when });
    await expectStanding(home, told);

    const opened = await openSubmittingPost(plan);
    const again = listener();
    await submit(opened, plan, (file) => hexDigest(readFileSync(file)), {
      submitted: (submitted, created) => again.hear({ submitted, created }),
      receipt: (receipt) => again.hear({ receipt }),
    });
    const [reference] = again.told.submitted;
    if (told.submitted.length > 0) {
      expect(told.submitted).toEqual([reference]);
      expect(again.told.created).toEqual([false]);
    }
    await expectWhole(opened, reference as string, [...told.receipts, ...again.told.receipts]);
    await opened.close();
    await rm(home, { recursive: true });
    if (!killed) return at - 1;
  }
}

test.concurrent.each(['before', 'after'] as const)(
  'a deposit that is killed %s a step of it or of its receipt ends, tried again, as one',
  async (when) => {
    expect(await killAtEach(when)).toBeGreaterThan(80);
  },
  patience,
);

test.concurrent(
  'eight processes that try the same deposit at once make one request and one receipt',
  async () => {
    const home = await template.copy();
    const plan = planFor(home);
    const runs = await Promise.all(Array.from({ length: 8 }, () => run(plan)));
    const references = new Set(runs.flatMap(({ told }) => told.submitted));
    expect(references.size).toBe(1);
    expect(runs.flatMap(({ told }) => told.created).filter((created) => created)).toHaveLength(1);
    const receipts = runs.flatMap(({ told }) => told.receipts);
    expect(receipts).toHaveLength(8);
    const opened = await openSubmittingPost(plan);
    await expectWhole(opened, [...references][0] as string, receipts);
    await opened.close();
  },
  patience,
);
