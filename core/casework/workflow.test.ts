import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type RequestState, requestStates } from '../procedures/definition.ts';
import type { RequestFile } from '../store/request.ts';
import type { PieceRow } from '../store/schema.ts';
import { somePiece, someRequest } from '../store/test-store.ts';
import type { Actor } from './actor.ts';
import { procedures } from './test-procedure.ts';
import {
  type Act,
  type ActContext,
  type ActKind,
  applicableStates,
  applyAct,
  owes,
  possibleActs,
} from './workflow.ts';

const workflow = procedures.get('simple')!.definition.workflow;
const calendar = { timeZone: 'Europe/Paris', weekend: [6, 7], holidays: ['2026-12-25'] };
const agent = (name: string, ...roles: Extract<Actor, { kind: 'agent' }>['roles']): Actor => ({
  kind: 'agent',
  name,
  roles,
});
const chief = agent('amina', 'reception', 'instruction', 'decision', 'signature', 'head-of-post');
const citizen: Actor = { kind: 'citizen' };
const system: Actor = { kind: 'system' };

const needed = { kind: 'identity', item: null };
const missing = (pieces: readonly PieceRow[]) =>
  pieces.some((piece) => piece.kind === 'identity' && ['received', 'accepted'].includes(piece.state))
    ? []
    : [needed];

const context = (change: Partial<ActContext> = {}): ActContext => ({
  workflow,
  actor: chief,
  now: new Date('2026-11-24T10:00:00Z'),
  calendar,
  missing,
  met: [],
  ...change,
});

const asked = somePiece('R', 1, {
  state: 'asked',
  sha256: null,
  mediaType: null,
  size: null,
  name: null,
});
const waits = (state: RequestState): boolean => state === 'incomplete' || state.startsWith('waiting-');

/** A request as it looks in a state: it owes its identity where the citizen is waited for. */
function fileIn(state: RequestState): RequestFile {
  const owing = state === 'incomplete' || state === 'waiting-for-citizen';
  return {
    request: someRequest('R', {
      state,
      ...(waits(state) && { dueAt: null, remainingDays: 4 }),
    }),
    pieces: [owing ? asked : somePiece('R', 1)],
  };
}

const stored = { sha256: new Uint8Array(32), mediaType: 'application/pdf', size: 1, name: 'a.pdf' } as const;

/** One act of each kind, by someone who may do it. */
const acts: Readonly<Record<ActKind, readonly [Act, Actor]>> = {
  assign: [{ kind: 'assign', agent: 'benoit' }, chief],
  ask: [{ kind: 'ask', message: 'Which bank?', pieces: [] }, chief],
  answer: [{ kind: 'answer', message: 'This one.' }, citizen],
  wait: [{ kind: 'wait', for: 'authority', note: '' }, chief],
  resume: [{ kind: 'resume', note: '' }, chief],
  addPieces: [{ kind: 'addPieces', pieces: [{ ...stored, ...needed }] }, citizen],
  acceptPiece: [{ kind: 'acceptPiece', ordinal: 1 }, chief],
  refusePiece: [{ kind: 'refusePiece', ordinal: 1, as: 'refused', reason: 'not readable' }, chief],
  accept: [{ kind: 'accept' }, chief],
  refuse: [{ kind: 'refuse', reason: 'r', ground: 'g', contest: 'c' }, chief],
  approve: [{ kind: 'approve', certificate: '01', signature: new Uint8Array(1) }, chief],
  withdraw: [{ kind: 'withdraw' }, citizen],
  cancel: [{ kind: 'cancel', reason: 'made twice' }, chief],
  expire: [{ kind: 'expire', reason: 'no answer in 60 days' }, system],
  issue: [{ kind: 'issue', number: 'SI-2026-000001' }, chief],
  handOver: [{ kind: 'handOver', channel: 'counter' }, chief],
  close: [{ kind: 'close' }, system],
};

const wrong = 'REQUEST_WRONG_STATE';
const incomplete = 'REQUEST_INCOMPLETE';

/** Every state and every act: where it leads, or the code of the refusal. */
const matrix: Readonly<
  Record<RequestState, Partial<Record<ActKind, RequestState | typeof wrong | typeof incomplete>>>
> = {
  draft: {},
  submitted: {
    assign: 'in-instruction',
    ask: 'incomplete',
    addPieces: 'submitted',
    acceptPiece: 'submitted',
    refusePiece: 'incomplete',
    accept: 'accepted',
    refuse: 'refused',
    withdraw: 'withdrawn',
    cancel: 'cancelled',
  },
  incomplete: {
    assign: 'incomplete',
    ask: 'incomplete',
    answer: 'incomplete',
    addPieces: 'submitted',
    accept: incomplete,
    refuse: 'refused',
    withdraw: 'withdrawn',
    cancel: 'cancelled',
    expire: 'expired',
  },
  'in-instruction': {
    assign: 'in-instruction',
    ask: 'waiting-for-citizen',
    wait: 'waiting-for-authority',
    addPieces: 'in-instruction',
    acceptPiece: 'in-instruction',
    refusePiece: 'waiting-for-citizen',
    accept: 'accepted',
    refuse: 'refused',
    withdraw: 'withdrawn',
    cancel: 'cancelled',
  },
  'waiting-for-citizen': {
    assign: 'waiting-for-citizen',
    ask: 'waiting-for-citizen',
    answer: 'waiting-for-citizen',
    addPieces: 'in-instruction',
    accept: incomplete,
    refuse: 'refused',
    withdraw: 'withdrawn',
    cancel: 'cancelled',
    expire: 'expired',
  },
  'waiting-for-authority': {
    assign: 'waiting-for-authority',
    resume: 'in-instruction',
    addPieces: 'waiting-for-authority',
    acceptPiece: 'waiting-for-authority',
    refusePiece: 'waiting-for-authority',
    withdraw: 'withdrawn',
    cancel: 'cancelled',
  },
  'waiting-for-appointment': {
    assign: 'waiting-for-appointment',
    resume: 'in-instruction',
    addPieces: 'waiting-for-appointment',
    acceptPiece: 'waiting-for-appointment',
    refusePiece: 'waiting-for-appointment',
    withdraw: 'withdrawn',
    cancel: 'cancelled',
  },
  accepted: {
    assign: 'accepted',
    approve: 'accepted',
    issue: 'issued',
    withdraw: 'withdrawn',
    cancel: 'cancelled',
  },
  refused: { approve: 'refused', close: 'closed' },
  issued: { handOver: 'handed-over' },
  'handed-over': { close: 'closed' },
  closed: {},
  withdrawn: {},
  expired: {},
  cancelled: {},
};

const cases = requestStates.flatMap((state) =>
  (Object.keys(acts) as ActKind[]).map((kind) => [state, kind, matrix[state][kind] ?? wrong] as const),
);

describe('every act in every state', () => {
  test.each(cases)('%s, %s: %s', (state, kind, outcome) => {
    const [act, actor] = acts[kind];
    const before = fileIn(state);
    const frozen = structuredClone(before);
    const run = () => applyAct(before, act, context({ actor }));
    if (outcome === wrong || outcome === incomplete)
      expect(run).toThrow(expect.objectContaining({ code: outcome }));
    else {
      const { file, events } = run();
      expect(file.request.state).toBe(outcome);
      expect(file.request.version).toBe(before.request.version + 1);
      expect(events).toHaveLength(1);
    }
    expect(before).toEqual(frozen);
  });

  test('says what the state is and what can be done', () => {
    expect(() => applyAct(fileIn('refused'), { kind: 'accept' }, context())).toThrow(
      'request R is refused: cannot accept; possible now: approve, close',
    );
    expect(() => applyAct(fileIn('closed'), { kind: 'close' }, context())).toThrow('possible now: nothing');
  });
});

describe('who may', () => {
  test.each<[Act, RequestState, Actor]>([
    [{ kind: 'accept' }, 'submitted', citizen],
    [{ kind: 'accept' }, 'submitted', agent('r', 'reception')],
    [{ kind: 'withdraw' }, 'submitted', chief],
    [{ kind: 'issue', number: '1' }, 'accepted', agent('d', 'decision')],
  ])('%j in %s is the workflow’s answer', (act, state, actor) => {
    expect(() => applyAct(fileIn(state), act, context({ actor }))).toThrow(/only by:/);
  });

  test('follows what the workflow demands', () => {
    const demanding = (...demands: ('pieces-accepted' | 'fee-settled' | 'four-eyes' | 'reason')[]) =>
      context({
        workflow: {
          initial: 'draft',
          moves: [{ from: ['submitted'], to: 'accepted', by: ['decision'], demands }],
        },
      });
    const file = fileIn('submitted');
    const accept =
      (change: ActContext, act: Act = { kind: 'accept' }, of = file) =>
      () =>
        applyAct(of, act, change);
    const code = (value: string) => expect.objectContaining({ code: value });
    expect(accept(demanding('pieces-accepted'))).toThrow(code('REQUEST_INCOMPLETE'));
    expect(accept(demanding('fee-settled'))).toThrow(code('REQUEST_INCOMPLETE'));
    expect(accept(demanding('reason'))).toThrow(code('REASON_REQUIRED'));
    const own = { ...file, request: { ...file.request, assignedTo: 'amina' } };
    expect(accept(demanding('four-eyes'), { kind: 'accept' }, own)).toThrow(code('REQUEST_WRONG_STATE'));

    const seen = { ...file, pieces: [somePiece('R', 1, { state: 'accepted' })] };
    expect(accept(demanding('pieces-accepted'), { kind: 'accept' }, seen)().file.request.state).toBe(
      'accepted',
    );
    expect(accept({ ...demanding('fee-settled'), met: ['fee-settled'] })().file.request.state).toBe(
      'accepted',
    );
    expect(accept(demanding('reason'), { kind: 'accept', reason: 'r' })().file.request.decisionReason).toBe(
      'r',
    );
    expect(accept(demanding('four-eyes'))).toThrow(code('REQUEST_WRONG_STATE'));
    const others = { ...file, request: { ...file.request, assignedTo: 'awa' } };
    expect(accept(demanding('four-eyes'), { kind: 'accept' }, others)().file.request.decidedBy).toBe(
      'agent:amina',
    );
  });
});

describe('adverse acts', () => {
  test.each<[Act, RequestState]>([
    [{ kind: 'refuse', reason: ' ', ground: 'g', contest: 'c' }, 'submitted'],
    [{ kind: 'refuse', reason: 'r', ground: '', contest: 'c' }, 'submitted'],
    [{ kind: 'refuse', reason: 'r', ground: 'g', contest: '\n' }, 'submitted'],
    [{ kind: 'refusePiece', ordinal: 1, as: 'expired', reason: '' }, 'submitted'],
    [{ kind: 'cancel', reason: '' }, 'accepted'],
    [{ kind: 'ask', message: '', pieces: [needed] }, 'submitted'],
  ])('%j needs its reason', (act, state) => {
    expect(() => applyAct(fileIn(state), act, context())).toThrow(
      expect.objectContaining({ code: 'REASON_REQUIRED' }),
    );
  });

  test('keep ground and way to contest', () => {
    const { file } = applyAct(fileIn('submitted'), acts.refuse[0], context());
    expect(file.request).toMatchObject({
      decision: 'refused',
      decisionReason: 'r',
      decisionGround: 'g',
      decisionContest: 'c',
      decidedBy: 'agent:amina',
      decidedAt: '2026-11-24T10:00:00.000Z',
    });
  });
});

describe('what the citizen owes', () => {
  test('an acceptance without it needs a reason', () => {
    const file = fileIn('incomplete');
    expect(() => applyAct(file, { kind: 'accept' }, context())).toThrow('request R lacks: identity');
    const { file: after } = applyAct(file, { kind: 'accept', reason: 'known in person' }, context());
    expect(after.request).toMatchObject({ state: 'accepted', decisionReason: 'known in person' });
  });

  test('a piece that comes takes the place of the one asked for', () => {
    const { file } = applyAct(fileIn('incomplete'), acts.addPieces[0], context({ actor: citizen }));
    expect(file.pieces).toHaveLength(1);
    expect(file.pieces[0]).toMatchObject({ ordinal: 1, state: 'received', name: 'a.pdf' });
  });

  test('a piece of another kind or item is one more, and the other stays owed', () => {
    for (const need of [
      { kind: 'lease', item: null },
      { kind: 'identity', item: 1 },
    ]) {
      const act: Act = { kind: 'addPieces', pieces: [{ ...stored, ...need }] };
      const { file } = applyAct(fileIn('incomplete'), act, context({ actor: citizen }));
      expect(file.request.state).toBe('incomplete');
      expect(file.pieces.map((piece) => [piece.ordinal, piece.state])).toEqual([
        [1, 'asked'],
        [2, 'received'],
      ]);
    }
  });

  test('a mandatory piece that is refused is owed again, once', () => {
    const refused = applyAct(fileIn('in-instruction'), acts.refusePiece[0], context()).file;
    expect(refused.pieces.map((piece) => [piece.state, piece.reason])).toEqual([
      ['refused', 'not readable'],
      ['asked', 'not readable'],
    ]);
    const again = applyAct(refused, { kind: 'ask', message: 'please', pieces: [needed] }, context()).file;
    expect(again.pieces).toHaveLength(2);
    const back = applyAct(again, acts.addPieces[0], context({ actor: citizen })).file;
    expect(back.request.state).toBe('in-instruction');
  });

  test('a question is open until it is answered', () => {
    const open = applyAct(fileIn('in-instruction'), acts.ask[0], context()).file;
    expect(open.request).toMatchObject({ state: 'waiting-for-citizen', question: 'Which bank?' });
    const more = applyAct(open, acts.addPieces[0], context({ actor: citizen })).file;
    expect(more.request.state).toBe('waiting-for-citizen');
    const answered = applyAct(more, acts.answer[0], context({ actor: citizen })).file;
    expect(answered.request).toMatchObject({ state: 'in-instruction', question: null });
  });

  test('comes before what an authority has answered', () => {
    const waiting = applyAct(fileIn('waiting-for-authority'), acts.refusePiece[0], context()).file;
    expect(waiting.request.state).toBe('waiting-for-authority');
    expect(applyAct(waiting, acts.resume[0], context()).file.request.state).toBe('waiting-for-citizen');
  });

  test('pieces that are not there are named', () => {
    expect(() => applyAct(fileIn('submitted'), { kind: 'acceptPiece', ordinal: 9 }, context())).toThrow(
      expect.objectContaining({ code: 'PIECE_UNKNOWN' }),
    );
  });
});

describe('the clock of the promise', () => {
  test('stands while the citizen owes something, and counts working days only', () => {
    // Due at the end of Tuesday 1 December in Paris, asked on Tuesday 24 November: five working days are left.
    const request = someRequest('R', { state: 'in-instruction', dueAt: '2026-12-01T23:00:00.000Z' });
    const stopped = applyAct({ request, pieces: [] }, acts.ask[0], context()).file;
    expect(stopped.request).toMatchObject({ dueAt: null, remainingDays: 5 });

    // Answered on Monday 21 December: five working days later, without Christmas and the weekend, is Tuesday 29.
    const now = new Date('2026-12-21T08:00:00Z');
    const running = applyAct(stopped, acts.answer[0], context({ actor: citizen, now })).file;
    expect(running.request).toMatchObject({ dueAt: '2026-12-29T23:00:00.000Z', remainingDays: null });
  });

  test('is not stopped twice', () => {
    const once = applyAct(fileIn('in-instruction'), acts.ask[0], context()).file;
    const later = context({ now: new Date('2026-12-15T10:00:00Z') });
    expect(applyAct(once, acts.ask[0], later).file.request.remainingDays).toBe(once.request.remainingDays);
  });
});

const anyAct: fc.Arbitrary<readonly [Act, Actor]> = fc.oneof(
  fc.constantFrom(...Object.values(acts)),
  fc
    .record({ ordinal: fc.integer({ min: 1, max: 6 }) })
    .map(({ ordinal }) => [{ kind: 'refusePiece', ordinal, as: 'expired', reason: 'old' }, chief] as const),
  fc.constantFrom<readonly [Act, Actor]>(
    [{ kind: 'ask', message: 'a piece', pieces: [needed, { kind: 'lease', item: 0 }] }, chief],
    [{ kind: 'addPieces', pieces: [{ ...stored, kind: 'lease', item: 0 }] }, citizen],
    [{ kind: 'accept', reason: 'anyway' }, chief],
    [{ kind: 'wait', for: 'appointment', note: '' }, chief],
  ),
);

describe('any sequence of acts', () => {
  test('keeps every request in order', () => {
    fc.assert(
      fc.property(fc.array(anyAct, { maxLength: 40 }), (sequence) => {
        let file = fileIn('submitted');
        for (const [act, actor] of sequence) {
          const before = file;
          try {
            file = applyAct(file, act, context({ actor })).file;
          } catch (error) {
            expect(error).toHaveProperty('code');
            continue;
          }
          const { state, dueAt, remainingDays, closedAt, decision, version } = file.request;
          expect(possibleActs(before.request.state)).toContain(act.kind);
          expect(requestStates).toContain(state);
          if (state !== before.request.state)
            expect(
              workflow.moves.some((move) => move.from.includes(before.request.state) && move.to === state),
            ).toBe(true);
          expect(version).toBe(before.request.version + 1);
          if (state === 'submitted' || state === 'in-instruction') expect(owes(file)).toBe(false);
          if (state === 'incomplete' || state === 'waiting-for-citizen') expect(owes(file)).toBe(true);
          expect((dueAt === null) !== (remainingDays === null)).toBe(true);
          if (waits(state)) expect(remainingDays).not.toBeNull();
          expect(closedAt !== null).toBe(['closed', 'withdrawn', 'expired', 'cancelled'].includes(state));
          if (['accepted', 'issued', 'handed-over'].includes(state)) expect(decision).toBe('accepted');
          if (state === 'refused') expect(decision).toBe('refused');
          expect(file.pieces.map((piece) => piece.ordinal)).toEqual(file.pieces.map((_, i) => i + 1));
          for (const piece of file.pieces) expect(piece.sha256 === null).toBe(piece.state === 'asked');
        }
      }),
      { numRuns: 400 },
    );
  });

  test('can reach every state', () => {
    const reached = new Set<RequestState>(['submitted']);
    for (const state of reached)
      for (const kind of possibleActs(state))
        for (const act of [acts[kind], [{ kind: 'wait', for: 'appointment', note: '' }, chief]] as [
          Act,
          Actor,
        ][])
          if (applicableStates[act[0].kind].includes(state))
            try {
              reached.add(applyAct(fileIn(state), act[0], context({ actor: act[1] })).file.request.state);
            } catch (error) {
              expect([incomplete, wrong]).toContain((error as { code: string }).code);
            }
    expect([...reached].sort()).toEqual(requestStates.filter((state) => state !== 'draft').sort());
  });
});
