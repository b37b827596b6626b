import { generateKeyPairSync } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../bytes.ts';
import { readAnchor } from '../store/anchor.ts';
import { canonicalJson, sha256 } from '../store/canonical.ts';
import {
  documentNumber,
  insertReserved,
  recordSeals,
  registerIssued,
  reserveNumbers,
} from '../store/document.ts';
import { verifyJournal } from '../store/journal.ts';
import { appendLeaves } from '../store/leaf.ts';
import { waitingOutbox } from '../store/outbox.ts';
import { createPieceRecipient, openPieces, type Pieces } from '../store/pieces.ts';
import { listRequests } from '../store/request.ts';
import type { Store } from '../store/store.ts';
import { childProgram, ended, random, temporaryFolder, temporaryStore } from '../store/test-store.ts';
import { readTimeline } from '../store/timeline.ts';
import type { Actor } from './actor.ts';
import { verifyRequests } from './audit.ts';
import {
  type ActingContext,
  act,
  actOnMany,
  actWithin,
  bringPieces,
  showRequest,
  submitPrepared,
  submitRequest,
} from './casework.ts';
import { parseReference } from './reference.ts';
import { prepareRequest, type Submission, type SubmissionContext } from './submission.ts';
import { procedures } from './test-procedure.ts';

const procedure = procedures.get('simple')!;
const identity = generateKeyPairSync('x25519').privateKey;
const post = { code: 'GA-PAR', timeZone: 'Europe/Paris', weekend: [6, 7], holidays: [] };
const now = new Date('2026-11-24T10:00:00Z');
const citizen: Actor = { kind: 'citizen' };
const amina: Actor = {
  kind: 'agent',
  name: 'amina',
  roles: ['reception', 'instruction', 'decision', 'signature', 'head-of-post'],
};
const code = (value: string) => expect.objectContaining({ code: value });

const data = {
  person: {
    familyName: 'Ndong',
    givenNames: 'Awa',
    sex: 'F',
    birth: { date: '1990-01-02', place: 'Oyem', country: 'GA' },
    nationality: 'GA',
  },
  amount: 100,
  guests: [],
};
const pdf = (text: string): Uint8Array => utf8(`%PDF-1.7 ${text}`);
const identityFile = { piece: 'identity', file: { name: 'id.pdf', content: pdf('identity') } };
const some = (change: Partial<Submission> = {}): Submission => ({
  procedure,
  data,
  language: 'fr',
  files: [identityFile],
  ...change,
});

let store: Store;
let pieces: Pieces;
let folder: string;
let context: SubmissionContext;
let acting: ActingContext;

beforeEach(async () => {
  store = await temporaryStore();
  folder = join(await temporaryFolder(), 'pieces');
  await createPieceRecipient({ pieces: folder }, identity);
  pieces = openPieces(folder, { pieceBytes: 10_000 });
  context = { store, pieces, post, now, random };
  acting = { store, procedures, post, actor: amina, now, random };
});

const keptPieces = async (): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.age'));

const intact = async () => {
  const report = await verifyJournal(store.read, await readAnchor(store.anchor));
  expect(report.outcome).toBe('intact');
  return report.entries;
};

/** A document of a request, as the register has it in the end. */
const issue = (type: string, reference: string): Promise<void> =>
  store.transact(async (tx) => {
    const { firstSequence, firstStatusIndex } = await reserveNumbers(tx, { type, year: 2026, count: 1 });
    const number = documentNumber(type === 'simple' ? 'SI' : 'RC', 2026, firstSequence);
    const digest = sha256(number);
    const at = now.toISOString();
    await insertReserved(tx, [
      {
        statusIndex: firstStatusIndex,
        number,
        type,
        year: 2026,
        sequence: firstSequence,
        reference,
        language: 'fr',
        record: '{}',
        recordDigest: digest,
        validFrom: '2026-11-24',
        validUntil: '2027-11-23',
        reservedAt: at,
      },
    ]);
    await recordSeals(tx, [{ number, seal: digest, leafIndex: await appendLeaves(tx, [digest]) }]);
    await registerIssued(tx, [
      {
        number,
        path: number,
        sha256: digest,
        size: 1,
        level: 'B-T',
        timestamp: 'done',
        lastsUntil: null,
        issuedAt: at,
      },
    ]);
  });

describe('a submission', () => {
  test('is a request with its pieces, timeline, journal and notification', async () => {
    const { file, created, owed } = await submitRequest(some(), citizen, context);
    const { reference } = file.request;
    expect(created).toBe(true);
    expect(owed).toEqual([]);
    expect(parseReference(reference.toLowerCase().replaceAll('-', ' '))).toBe(reference);

    const shown = await showRequest(store.read, reference);
    expect(shown.request).toEqual(file.request);
    expect(shown.pieces).toEqual(file.pieces);
    expect(shown.request).toMatchObject({
      state: 'submitted',
      procedureVersion: 3,
      holder: 'NDONG Awa',
      data: canonicalJson(data),
      dueAt: '2026-12-01T23:00:00.000Z',
    });
    const [entry] = shown.timeline;
    expect(entry).toMatchObject({ kind: 'request.submitted', actor: 'citizen' });
    expect(JSON.parse(entry!.detail)).toMatchObject({ data: toHex(sha256(shown.request.data)), owed: [] });
    expect(await pieces.get(shown.pieces[0]!.sha256!, identity)).toEqual(identityFile.file.content);
    expect((await waitingOutbox(store.read, 9)).map((row) => JSON.parse(row.payload))).toEqual([
      { event: 'request.submitted', reference },
    ]);
    expect(await intact()).toBe(1);
  });

  test('leaves nothing of a person in the journal', async () => {
    await submitRequest(some(), citizen, context);
    const rows = await store.read.selectFrom('journal').selectAll().execute();
    expect(JSON.stringify(rows)).not.toMatch(/Ndong|Awa|Oyem|id\.pdf/i);
  });

  test('that lacks pieces is incomplete, and is told what it lacks', async () => {
    const guests = [{ name: 'Eva' }, { name: 'Leo' }];
    const files = [{ piece: 'guest-identity:2', file: { name: 'leo.pdf', content: pdf('leo') } }];
    const { file, owed } = await submitRequest(some({ data: { ...data, guests }, files }), citizen, context);
    expect(file.request).toMatchObject({ state: 'incomplete', dueAt: null, remainingDays: 5 });
    expect(owed.map((finding) => finding.where)).toEqual(['identity', 'guest-identity:1']);
    expect(file.pieces.map(({ ordinal, kind, item, state }) => [ordinal, kind, item, state])).toEqual([
      [1, 'guest-identity', 1, 'received'],
      [2, 'identity', null, 'asked'],
      [3, 'guest-identity', 0, 'asked'],
    ]);

    const { reference } = file.request;
    const byCitizen = { ...acting, actor: citizen, pieces };
    const first = await bringPieces(reference, [identityFile], byCitizen);
    expect(first.request.state).toBe('incomplete');
    const eva = { piece: 'guest-identity:1', file: { name: 'eva.pdf', content: pdf('eva') } };
    const second = await bringPieces(reference, [eva], byCitizen);
    expect(second.request).toMatchObject({ state: 'submitted', dueAt: '2026-12-01T23:00:00.000Z' });
    expect((await showRequest(store.read, reference)).pieces).toEqual(second.pieces);
    expect(await intact()).toBe(3);
  });

  test('with wrong data is refused with every violation, and nothing is kept', async () => {
    const wrong = { ...data, amount: -1, guests: 'none', extra: 1 };
    await expect(submitRequest(some({ data: wrong }), citizen, context)).rejects.toEqual(
      expect.objectContaining({
        code: 'SCHEMA_VIOLATION',
        details: expect.arrayContaining([
          expect.objectContaining({ where: '/amount', label: 'Amount' }),
          expect.objectContaining({ where: '/guests' }),
          expect.objectContaining({ where: '/extra' }),
        ]),
      }),
    );
    expect(await keptPieces()).toEqual([]);
    expect(await listRequests(store.read, { limit: 9 })).toEqual([]);
  });

  test('against a rule is refused; a doubtful one is taken with a warning', async () => {
    await expect(submitRequest(some({ data: { ...data, amount: 501 } }), citizen, context)).rejects.toEqual(
      expect.objectContaining({
        code: 'RULE_VIOLATED',
        details: [expect.objectContaining({ where: '/amount' })],
      }),
    );
    const { warnings } = await submitRequest(some({ data: { ...data, amount: 13 } }), citizen, context);
    expect(warnings.map((warning) => warning.rule)).toEqual(['rule.round']);
  });

  test.each<[string, Submission['files']]>([
    ['PIECE_UNKNOWN', [{ piece: 'passport', file: identityFile.file }]],
    ['PIECE_TYPE', [{ piece: 'identity', file: { name: 'id.png', content: pdf('') } }]],
    [
      'PIECE_TYPE',
      [
        {
          piece: 'identity',
          file: { name: 'i.png', content: new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]) },
        },
      ],
    ],
    ['PIECE_TOO_LARGE', [{ piece: 'identity', file: { name: 'id.pdf', content: pdf('x'.repeat(5000)) } }]],
    ['RULE_VIOLATED', [identityFile, identityFile, identityFile]],
  ])('with bad pieces is refused (%s), and no piece is kept', async (expected, files) => {
    const submission = some({ files: [identityFile, ...files] });
    await expect(submitRequest(submission, citizen, context)).rejects.toEqual(code(expected));
    expect(await keptPieces()).toEqual([]);
    expect(await listRequests(store.read, { limit: 9 })).toEqual([]);
  });

  test('that is sent again with its key is the same request', async () => {
    const submission = some({ idempotencyKey: 'k1' });
    const first = await submitRequest(submission, citizen, context);
    const again = await submitRequest(submission, citizen, context);
    expect(again.created).toBe(false);
    expect(again.file).toEqual(first.file);
    expect(await listRequests(store.read, { limit: 9 })).toHaveLength(1);
    const other = some({ idempotencyKey: 'k1', data: { ...data, amount: 1 } });
    await expect(submitRequest(other, citizen, context)).rejects.toEqual(code('USAGE'));
    expect(await intact()).toBe(1);
  });

  test('is found again by its key when the rules have come to refuse it', async () => {
    const submission = some({ idempotencyKey: 'k1', data: { ...data, amount: 450 } });
    const { file } = await submitRequest(submission, citizen, context);
    await issue('simple', file.request.reference);
    const unkeyed = some({ data: { ...data, amount: 450 } });
    await expect(submitRequest(unkeyed, citizen, context)).rejects.toEqual(code('RULE_VIOLATED'));
    const again = await submitRequest(submission, citizen, context);
    expect([again.created, again.file.request.reference]).toEqual([false, file.request.reference]);
  });

  test('adds up what is in force for the same person', async () => {
    const { file } = await submitRequest(some({ data: { ...data, amount: 450 } }), citizen, context);
    const { reference } = file.request;
    const next = some({ data: { ...data, amount: 100 } });
    await submitRequest(next, citizen, context);
    await issue('recepisse', reference);
    await submitRequest(next, citizen, context);
    await issue('simple', reference);
    await expect(submitRequest(next, citizen, context)).rejects.toEqual(code('RULE_VIOLATED'));
    const later = { ...context, now: new Date('2027-11-24T10:00:00Z') };
    await submitRequest(next, citizen, later);
  });

  test('whose document was begun cannot be withdrawn; its receipt is no obstacle', async () => {
    const cancel = { kind: 'cancel', reason: 'made twice' } as const;
    const submitted = await Promise.all([0, 1].map(() => submitRequest(some(), citizen, context)));
    const [begun, other] = submitted.map((one) => one.file.request.reference) as [string, string];
    await issue('simple', begun);
    await expect(act({ reference: begun, act: cancel }, acting)).rejects.toThrow(
      'has the document SI-2026-000001',
    );
    await issue('recepisse', other);
    expect((await act({ reference: other, act: cancel }, acting)).request.state).toBe('cancelled');
  });
});

describe('an act', () => {
  test('is written with what there is to tell', async () => {
    const { reference } = (await submitRequest(some(), citizen, context)).file.request;
    await act({ reference, act: { kind: 'assign', agent: 'amina' } }, acting);
    await act({ reference, act: { kind: 'acceptPiece', ordinal: 1 } }, acting);
    await act({ reference, act: { kind: 'accept' } }, acting);
    const { request, pieces: rows, timeline } = await showRequest(store.read, reference);
    expect(request).toMatchObject({
      state: 'accepted',
      version: 4,
      assignedTo: 'amina',
      decidedBy: 'agent:amina',
    });
    expect(rows[0]?.state).toBe('accepted');
    expect(timeline.map((row) => row.kind)).toEqual([
      'request.submitted',
      'request.assigned',
      'piece.accepted',
      'request.accepted',
    ]);
    const journal = await store.read.selectFrom('journal').select(['action', 'detail']).execute();
    expect(JSON.parse(journal.at(-1)!.detail)).toEqual({
      procedure: 'simple',
      from: 'in-instruction',
      to: 'accepted',
    });
    expect(await intact()).toBe(4);
  });

  test('that is refused changes nothing', async () => {
    const { reference } = (await submitRequest(some(), citizen, context)).file.request;
    const before = await showRequest(store.read, reference);
    await expect(act({ reference, act: { kind: 'close' } }, acting)).rejects.toEqual(
      code('REQUEST_WRONG_STATE'),
    );
    await expect(act({ reference: 'none', act: { kind: 'close' } }, acting)).rejects.toEqual(
      code('REQUEST_UNKNOWN'),
    );
    expect(await showRequest(store.read, reference)).toEqual(before);
    expect(await intact()).toBe(1);
  });

  test('on a version that is no longer there is refused', async () => {
    const { reference } = (await submitRequest(some(), citizen, context)).file.request;
    const both = [1, 1].map((version) =>
      act({ reference, version, act: { kind: 'assign', agent: 'amina' } }, acting).then(
        () => 'done',
        (error) => error.code as string,
      ),
    );
    expect((await Promise.all(both)).sort()).toEqual(['REQUEST_WRONG_STATE', 'done']);
  });

  test('among many is all or none', async () => {
    const prepared = await Promise.all(Array.from({ length: 120 }, () => prepareRequest(some(), context)));
    const submitted = await submitPrepared(prepared, citizen, context);
    const acts = submitted.map(({ file }) => ({
      reference: file.request.reference,
      act: { kind: 'accept' } as const,
    }));
    await expect(
      actOnMany([...acts, { reference: acts[0]!.reference, act: { kind: 'accept' } }], acting),
    ).rejects.toEqual(code('REQUEST_WRONG_STATE'));
    expect(await listRequests(store.read, { states: ['accepted'], limit: 1 })).toEqual([]);
    await actOnMany(acts, acting);
    expect(await listRequests(store.read, { states: ['accepted'], limit: 200 })).toHaveLength(120);
    expect(await verifyRequests(store.read)).toEqual({ outcome: 'intact', requests: 120 });
    expect(await intact()).toBe(240);
  });

  test('goes with what else its transaction does, or not at all', async () => {
    const { reference } = (await submitRequest(some(), citizen, context)).file.request;
    const failed = store.transact(async (tx) => {
      await actWithin(tx, [{ reference, act: { kind: 'accept' } }], acting);
      throw new RangeError('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect((await readTimeline(store.read, reference)).map((row) => row.kind)).toEqual(['request.submitted']);
  });
});

test('a process killed at any time loses nothing that it acknowledged, and a retry doubles nothing', async () => {
  const run = await childProgram(`
    import { webcrypto } from 'node:crypto';
    import { openStore } from './store.ts';
    import { openPieces } from './pieces.ts';
    import { submitRequest } from '../casework/casework.ts';
    import { procedures } from '../casework/test-procedure.ts';
    (async () => {
      const [file, folder, data] = process.argv.slice(2);
      const store = await openStore(file);
      const random = (length) => webcrypto.getRandomValues(new Uint8Array(length));
      const context = {
        store, random, pieces: openPieces(folder, { pieceBytes: 10000 }), now: new Date(),
        post: { code: 'GA-PAR', timeZone: 'Europe/Paris', weekend: [], holidays: [] },
      };
      for (let i = 0; i < 60; i++) {
        const content = new TextEncoder().encode('%PDF-1.7 ' + i);
        const submission = {
          procedure: procedures.get('simple'), language: 'fr', idempotencyKey: 'k' + i, data: JSON.parse(data),
          files: [{ piece: 'identity', file: { name: 'a.pdf', content } }],
        };
        const { file } = await submitRequest(submission, { kind: 'citizen' }, context);
        process.stdout.write(i + ' ' + file.request.reference + '\\n');
      }
      process.stdout.write('end\\n');
    })();
  `);
  const acknowledged = new Map<string, string>();
  const submitAll = async (killAfter: number): Promise<string> => {
    const child = run([store.file, folder, JSON.stringify(data)]);
    let lines = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      lines += chunk.toString().split('\n').length - 1;
      if (lines > killAfter) setTimeout(() => child.kill('SIGKILL'), Math.random() * 8);
    });
    const { stdout, stderr } = await ended(child);
    expect(stderr).toBe('');
    for (const [, key = '', reference = ''] of stdout.matchAll(/^(\d+) (\S+)\n/gm)) {
      expect(acknowledged.get(key) ?? reference).toBe(reference);
      acknowledged.set(key, reference);
    }
    return stdout;
  };
  for (let kill = 0; kill < 5; kill++) await submitAll(Math.floor(Math.random() * 12));
  expect(await submitAll(Number.POSITIVE_INFINITY)).toMatch(/end\n$/);

  const rows = await listRequests(store.read, { limit: 100 });
  expect(rows).toHaveLength(60);
  expect(new Set(rows.map((row) => row.idempotencyKey)).size).toBe(60);
  for (const reference of acknowledged.values()) {
    const { pieces: kept, timeline } = await showRequest(store.read, reference);
    expect(timeline).toHaveLength(1);
    for (const piece of kept) await pieces.get(piece.sha256!, identity);
  }
  expect(await intact()).toBe(60);
  expect((await verifyRequests(store.read)).outcome).toBe('intact');
}, 60_000);

test('lists go page by page, newest first', async () => {
  for (let i = 0; i < 5; i++) {
    const at = new Date(now.getTime() + Math.floor(i / 2) * 1000);
    await submitRequest(some(), citizen, { ...context, now: at });
  }
  const all = await listRequests(store.read, { limit: 10 });
  expect(all.map((row) => row.submittedAt)).toEqual(
    all
      .map((row) => row.submittedAt)
      .sort()
      .reverse(),
  );
  const paged = [];
  let after: { submittedAt: string; reference: string } | undefined;
  for (;;) {
    const page = await listRequests(store.read, { limit: 2, ...(after && { after }) });
    if (page.length === 0) break;
    paged.push(...page);
    after = page.at(-1)!;
  }
  expect(paged).toEqual(all);
  expect(await listRequests(store.read, { procedure: 'other', limit: 10 })).toEqual([]);
});
