import { toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { toBase64 } from '../log/base64.ts';
import type { Demand, Move, RequestState, Workflow } from '../procedures/definition.ts';
import { dueDate, type WorkingCalendar, workingDaysBetween } from '../procedures/working-days.ts';
import type { StoredPiece } from '../store/pieces.ts';
import type { RequestFile } from '../store/request.ts';
import type { PieceRow, RequestRow } from '../store/schema.ts';
import { type Actor, actorName, rolesOf } from './actor.ts';
import type { PieceTrace, RequestEvent } from './event.ts';

/** A kind of piece, and which item of a list of the form it is about. */
export interface PieceNeed {
  readonly kind: string;
  readonly item: number | null;
}

/** What can be done to a request once it is submitted. */
export type Act =
  | { readonly kind: 'assign'; readonly agent: string }
  /** The citizen owes an answer; where pieces are named, these are the answer. */
  | { readonly kind: 'ask'; readonly message: string; readonly pieces: readonly PieceNeed[] }
  | { readonly kind: 'answer'; readonly message: string }
  | { readonly kind: 'wait'; readonly for: 'authority' | 'appointment'; readonly note: string }
  | { readonly kind: 'resume'; readonly note: string }
  | { readonly kind: 'addPieces'; readonly pieces: readonly (StoredPiece & PieceNeed)[] }
  | { readonly kind: 'acceptPiece'; readonly ordinal: number }
  | {
      readonly kind: 'refusePiece';
      readonly ordinal: number;
      readonly as: 'refused' | 'expired';
      readonly reason: string;
    }
  /** A reason is needed where something is still owed. */
  | { readonly kind: 'accept'; readonly reason?: string }
  /** `ground`: the rule or text that the refusal stands on. `contest`: where and until when it can be contested. */
  | { readonly kind: 'refuse'; readonly reason: string; readonly ground: string; readonly contest: string }
  /** An agent signs the decision (`decisionText` at the time of the act) by the key of their certificate. */
  | { readonly kind: 'approve'; readonly certificate: string; readonly signature: Uint8Array }
  | { readonly kind: 'withdraw'; readonly reason?: string }
  | { readonly kind: 'cancel'; readonly reason: string }
  | { readonly kind: 'expire'; readonly reason: string }
  | { readonly kind: 'issue'; readonly number: string }
  | { readonly kind: 'handOver'; readonly channel: 'counter' | 'post' | 'electronic'; readonly to?: string }
  | { readonly kind: 'close' };

export type ActKind = Act['kind'];

export interface ActContext {
  /** Of the procedure: who may take which way. */
  readonly workflow: Workflow;
  readonly actor: Actor;
  readonly now: Date;
  readonly calendar: WorkingCalendar;
  /** The mandatory pieces that are not among these. */
  readonly missing: (pieces: readonly PieceRow[]) => readonly PieceNeed[];
  /** Demands of moves that other rooms answer for and that are met. */
  readonly met: readonly Extract<Demand, 'fee-settled'>[];
  /** Certificates of the agents who signed the decision, where the procedure demands it. */
  readonly approvedBy?: readonly string[];
}

const beforeDecision: readonly RequestState[] = [
  'submitted',
  'incomplete',
  'in-instruction',
  'waiting-for-citizen',
  'waiting-for-authority',
  'waiting-for-appointment',
];
const decidable: readonly RequestState[] = [
  'submitted',
  'incomplete',
  'in-instruction',
  'waiting-for-citizen',
];

/** In which states an act makes sense at all; the workflow of the procedure may narrow it. */
export const applicableStates: Readonly<Record<ActKind, readonly RequestState[]>> = {
  assign: [...beforeDecision, 'accepted'],
  ask: decidable,
  answer: ['incomplete', 'waiting-for-citizen'],
  wait: ['in-instruction'],
  resume: ['waiting-for-authority', 'waiting-for-appointment'],
  addPieces: beforeDecision,
  acceptPiece: beforeDecision,
  refusePiece: beforeDecision,
  accept: decidable,
  refuse: decidable,
  approve: ['accepted', 'refused'],
  withdraw: [...beforeDecision, 'accepted'],
  cancel: [...beforeDecision, 'accepted'],
  expire: ['incomplete', 'waiting-for-citizen'],
  issue: ['accepted'],
  handOver: ['issued'],
  close: ['handed-over', 'refused'],
};

/** The acts that make sense now. */
export function possibleActs(state: RequestState): ActKind[] {
  return (Object.keys(applicableStates) as ActKind[]).filter((kind) =>
    applicableStates[kind].includes(state),
  );
}

export interface Outcome {
  readonly file: RequestFile;
  readonly events: readonly RequestEvent[];
}

/**
 * One act on one request: what it becomes, and what there is to tell. Changes nothing by itself.
 * @throws ConsulError REQUEST_WRONG_STATE, REQUEST_INCOMPLETE, REASON_REQUIRED, PIECE_UNKNOWN
 */
export function applyAct(file: RequestFile, act: Act, context: ActContext): Outcome {
  const { state } = file.request;
  if (!applicableStates[act.kind].includes(state)) throw wrongState(file, act.kind);
  const effect = effectOf(file, act, context);
  const to = effect.to ?? state;
  if (to !== state) checkMove(file, act, to, effect, context);
  const request: RequestRow = {
    ...file.request,
    ...effect.request,
    ...clock(file.request, to, context),
    state: to,
    version: file.request.version + 1,
  };
  return { file: { request, pieces: effect.pieces ?? file.pieces }, events: [effect.event] };
}

interface Effect {
  /** Absent: the state stays. */
  readonly to?: RequestState;
  readonly request?: Partial<RequestRow>;
  readonly pieces?: readonly PieceRow[];
  readonly event: RequestEvent;
}

function effectOf(file: RequestFile, act: Act, context: ActContext): Effect {
  const { request, pieces } = file;
  const { state } = request;
  const at = context.now.toISOString();
  switch (act.kind) {
    case 'assign':
      return {
        ...(state === 'submitted' && { to: 'in-instruction' }),
        request: { assignedTo: act.agent },
        event: { kind: 'request.assigned', detail: { agent: act.agent } },
      };
    case 'ask': {
      const message = stated(act.message, 'a question to the citizen');
      return {
        to: owing(state),
        request: { question: act.pieces.length === 0 ? message : request.question },
        pieces: [...pieces, ...askedPieces(file, act.pieces, message, at)],
        event: {
          kind: 'request.asked',
          detail: { message, pieces: act.pieces.map((piece) => piece.kind) },
        },
      };
    }
    case 'answer': {
      const message = stated(act.message, 'an answer');
      const after = { request: { ...request, question: null }, pieces };
      return {
        to: settled(after),
        request: { question: null },
        event: { kind: 'request.answered', detail: { message } },
      };
    }
    case 'wait':
      return {
        to: `waiting-for-${act.for}`,
        event: { kind: 'request.waiting', detail: { for: act.for, note: act.note } },
      };
    case 'resume':
      return {
        to: owes(file) ? 'waiting-for-citizen' : 'in-instruction',
        event: { kind: 'request.resumed', detail: { note: act.note } },
      };
    case 'addPieces': {
      const { all, added } = withPieces(file, act.pieces, at);
      return {
        to: settled({ request, pieces: all }),
        pieces: all,
        event: { kind: 'piece.received', detail: { pieces: added.map(pieceTrace) } },
      };
    }
    case 'acceptPiece': {
      const piece = pieceOf(file, act.ordinal, ['received']);
      return {
        pieces: replaced(pieces, { ...piece, state: 'accepted', reason: null, at }),
        event: { kind: 'piece.accepted', detail: { ordinal: piece.ordinal, kind: piece.kind } },
      };
    }
    case 'refusePiece': {
      const reason = stated(act.reason, 'the refusal of a piece');
      const piece = pieceOf(file, act.ordinal, ['received', 'accepted']);
      const kept = replaced(pieces, { ...piece, state: act.as, reason, at });
      const needs = context.missing(kept).filter((need) => !isAsked(kept, need));
      const all = [...kept, ...askedPieces({ request, pieces: kept }, needs, reason, at)];
      return {
        ...(owes({ request, pieces: all }) && { to: owing(state) }),
        pieces: all,
        event: {
          kind: 'piece.refused',
          detail: { ordinal: piece.ordinal, kind: piece.kind, as: act.as, reason },
        },
      };
    }
    case 'accept': {
      const reason = act.reason?.trim();
      if (owes(file) && !reason)
        throw new ConsulError('REQUEST_INCOMPLETE', `request ${request.reference} lacks: ${owedKinds(file)}`);
      return {
        to: 'accepted',
        request: { ...decision(context), decision: 'accepted', decisionReason: reason || null },
        event: { kind: 'request.accepted', detail: reason ? { reason } : {} },
      };
    }
    case 'refuse': {
      const reason = stated(act.reason, 'a refusal');
      const ground = stated(act.ground, 'a refusal (its ground)');
      const contest = stated(act.contest, 'a refusal (how to contest it)');
      return {
        to: 'refused',
        request: {
          ...decision(context),
          decision: 'refused',
          decisionReason: reason,
          decisionGround: ground,
          decisionContest: contest,
        },
        event: { kind: 'request.refused', detail: { reason, ground, contest } },
      };
    }
    case 'approve': {
      const { certificate, signature } = act;
      return { event: { kind: 'request.approved', detail: { certificate, signature: toBase64(signature) } } };
    }
    case 'withdraw': {
      const reason = act.reason?.trim();
      return {
        to: 'withdrawn',
        request: { closedAt: at },
        event: { kind: 'request.withdrawn', detail: reason ? { reason } : {} },
      };
    }
    case 'cancel': {
      const reason = stated(act.reason, 'a cancellation');
      return {
        to: 'cancelled',
        request: { closedAt: at },
        event: { kind: 'request.cancelled', detail: { reason } },
      };
    }
    case 'expire': {
      const reason = stated(act.reason, 'an expiry');
      return {
        to: 'expired',
        request: { closedAt: at },
        event: { kind: 'request.expired', detail: { reason } },
      };
    }
    case 'issue':
      return { to: 'issued', event: { kind: 'request.issued', detail: issueDetail(act.number, context) } };
    case 'handOver':
      return {
        to: 'handed-over',
        event: {
          kind: 'request.handed-over',
          detail: { channel: act.channel, ...(act.to !== undefined && { to: act.to }) },
        },
      };
    case 'close':
      return {
        to: 'closed',
        request: { closedAt: at },
        event: { kind: 'request.closed', detail: {} },
      };
  }
}

const issueDetail = (number: string, { approvedBy = [] }: ActContext) =>
  approvedBy.length === 0 ? { number } : { number, approvedBy };

/** Where a request goes when the citizen comes to owe something. */
function owing(state: RequestState): RequestState {
  if (state === 'submitted') return 'incomplete';
  if (state === 'in-instruction') return 'waiting-for-citizen';
  return state;
}

/** Where a request goes when the citizen gave something: back, once nothing is owed any more. */
function settled(file: RequestFile): RequestState {
  const { state } = file.request;
  if (owes(file)) return state;
  if (state === 'incomplete') return 'submitted';
  if (state === 'waiting-for-citizen') return 'in-instruction';
  return state;
}

/** Whether the citizen owes a piece or an answer. */
export function owes({ request, pieces }: RequestFile): boolean {
  return request.question !== null || pieces.some((piece) => piece.state === 'asked');
}

function owedKinds({ request, pieces }: RequestFile): string {
  const kinds = pieces.filter((piece) => piece.state === 'asked').map((piece) => piece.kind);
  return [...kinds, ...(request.question === null ? [] : ['an answer'])].join(', ');
}

/** The move that the workflow must have, and what it demands. */
function checkMove(
  file: RequestFile,
  act: Act,
  to: RequestState,
  { request: changes, pieces = file.pieces }: Effect,
  context: ActContext,
): void {
  const after: RequestFile = { request: { ...file.request, ...changes }, pieces };
  const { reference, state, assignedTo } = file.request;
  const moves = context.workflow.moves.filter((move) => move.from.includes(state) && move.to === to);
  if (moves.length === 0) throw wrongState(file, act.kind);
  const move = moves.find((candidate) => mayTake(candidate, act.kind, context.actor));
  if (!move) {
    const by = [...new Set(moves.flatMap((candidate) => candidate.by))].join(', ');
    throw new ConsulError(
      'REQUEST_WRONG_STATE',
      `request ${reference} goes from ${state} to ${to} only by: ${by}`,
    );
  }

  for (const demand of move.demands ?? []) {
    switch (demand) {
      case 'complete':
        if (owes(after) && act.kind !== 'accept')
          throw new ConsulError('REQUEST_INCOMPLETE', `request ${reference} lacks: ${owedKinds(after)}`);
        break;
      case 'pieces-accepted': {
        const unseen = file.pieces.filter((piece) => piece.state === 'received');
        if (unseen.length > 0)
          throw new ConsulError(
            'REQUEST_INCOMPLETE',
            `request ${reference} has pieces that nobody accepted: ${unseen.map((piece) => piece.kind).join(', ')}`,
          );
        break;
      }
      case 'fee-settled':
        if (!context.met.includes('fee-settled'))
          throw new ConsulError('REQUEST_INCOMPLETE', `the fee of request ${reference} is not settled`);
        break;
      case 'reason':
        stated(wordsOf(act), `the move to ${to}`);
        break;
      case 'four-eyes':
        if (assignedTo === null)
          throw new ConsulError(
            'REQUEST_WRONG_STATE',
            `request ${reference} needs two agents: assign it to the one who handles it, and another takes it to ${to}`,
          );
        if (context.actor.kind === 'agent' && context.actor.name === assignedTo)
          throw new ConsulError(
            'REQUEST_WRONG_STATE',
            `request ${reference} was handled by ${assignedTo}: another agent must take it to ${to}`,
          );
        break;
      case 'two-signatures':
        // Who does the act has counted them before: it takes the database and the keys of the agents.
        if ((context.approvedBy ?? []).length === 0)
          throw new ConsulError('REQUEST_INCOMPLETE', `the decision on request ${reference} is not signed`);
        break;
      case 'document':
        if (act.kind !== 'issue') throw wrongState(file, act.kind);
        break;
      default:
        demand satisfies never;
    }
  }
}

/** What follows from a piece or an answer is done by the system, whoever brought it. */
function mayTake(move: Move, kind: ActKind, actor: Actor): boolean {
  const follows = kind === 'addPieces' || kind === 'answer' || kind === 'refusePiece';
  return (follows && move.by.includes('system')) || rolesOf(actor).some((role) => move.by.includes(role));
}

function wrongState({ request }: RequestFile, kind: ActKind): ConsulError {
  const possible = possibleActs(request.state).join(', ') || 'nothing';
  return new ConsulError(
    'REQUEST_WRONG_STATE',
    `request ${request.reference} is ${request.state}: cannot ${kind}; possible now: ${possible}`,
  );
}

/** What an act says for itself: a reason, a question to the citizen, a note on what is waited for. */
function wordsOf(act: Act): string | undefined {
  if ('reason' in act) return act.reason;
  if ('message' in act) return act.message;
  return 'note' in act ? act.note : undefined;
}

/** @throws ConsulError REASON_REQUIRED for a text without a word in it */
function stated(text: string | undefined, what: string): string {
  const plain = text?.trim() ?? '';
  if (!plain) throw new ConsulError('REASON_REQUIRED', `${what} needs its words`);
  return plain;
}

const runs = (state: RequestState): boolean => state === 'submitted' || state === 'in-instruction';

/** The clock of the promise stands while the citizen or an authority owes something. */
function clock(
  request: RequestRow,
  to: RequestState,
  { now, calendar }: ActContext,
): Pick<RequestRow, 'dueAt' | 'remainingDays'> {
  const { dueAt, remainingDays } = request;
  if (runs(to) && dueAt === null)
    return { dueAt: dueDate(now, remainingDays ?? 0, calendar).toISOString(), remainingDays: null };
  if (stands(to) && dueAt !== null)
    return { dueAt: null, remainingDays: daysLeft(now, new Date(dueAt), calendar) };
  return { dueAt, remainingDays };
}

const stands = (state: RequestState): boolean => state === 'incomplete' || state.startsWith('waiting-for-');

/** `dueAt` is the midnight that ends the last day; the millisecond before is in that day. */
const daysLeft = (now: Date, dueAt: Date, calendar: WorkingCalendar): number =>
  workingDaysBetween(now, new Date(dueAt.getTime() - 1), calendar);

function decision({ actor, now }: ActContext): Pick<RequestRow, 'decidedAt' | 'decidedBy'> {
  return { decidedAt: now.toISOString(), decidedBy: actorName(actor) };
}

function pieceOf(file: RequestFile, ordinal: number, states: readonly PieceRow['state'][]): PieceRow {
  const piece = file.pieces.find((candidate) => candidate.ordinal === ordinal);
  const { reference } = file.request;
  if (!piece) throw new ConsulError('PIECE_UNKNOWN', `request ${reference} has no piece ${ordinal}`);
  if (!states.includes(piece.state))
    throw new ConsulError(
      'REQUEST_WRONG_STATE',
      `piece ${ordinal} of request ${reference} is ${piece.state}, not ${states.join(' or ')}`,
    );
  return piece;
}

const replaced = (pieces: readonly PieceRow[], piece: PieceRow): PieceRow[] =>
  pieces.map((other) => (other.ordinal === piece.ordinal ? piece : other));

const answers = (piece: PieceRow, need: PieceNeed): boolean =>
  piece.state === 'asked' && piece.kind === need.kind && piece.item === need.item;

const isAsked = (pieces: readonly PieceRow[], need: PieceNeed): boolean =>
  pieces.some((piece) => answers(piece, need));

/** Rows for pieces that are asked for, one each even where it is asked twice. */
export function askedPieces(
  { request, pieces }: Pick<RequestFile, 'pieces'> & { readonly request: Pick<RequestRow, 'reference'> },
  needs: readonly PieceNeed[],
  reason: string | null,
  at: string,
): PieceRow[] {
  const { reference } = request;
  const rows: PieceRow[] = [];
  for (const { kind, item } of needs) {
    if (isAsked([...pieces, ...rows], { kind, item })) continue;
    const ordinal = pieces.length + rows.length + 1;
    const empty = { sha256: null, mediaType: null, size: null, name: null };
    rows.push({ reference, ordinal, kind, item, state: 'asked', ...empty, reason, at });
  }
  return rows;
}

/** A piece that comes takes the place of one that is asked for, else it is one more. */
export function withPieces(
  { request, pieces }: Pick<RequestFile, 'pieces'> & { readonly request: Pick<RequestRow, 'reference'> },
  stored: readonly (StoredPiece & PieceNeed)[],
  at: string,
): { readonly all: PieceRow[]; readonly added: PieceRow[] } {
  let all = [...pieces];
  const added: PieceRow[] = [];
  for (const { kind, item, sha256, mediaType, size, name } of stored) {
    const asked = all.find((piece) => answers(piece, { kind, item }));
    const ordinal = asked?.ordinal ?? all.length + 1;
    const { reference } = request;
    const row: PieceRow = {
      reference,
      ordinal,
      kind,
      item,
      state: 'received',
      sha256,
      mediaType,
      size,
      name,
      reason: null,
      at,
    };
    all = asked ? replaced(all, row) : [...all, row];
    added.push(row);
  }
  return { all, added };
}

export const pieceTrace = ({ ordinal, kind, sha256 }: PieceRow): PieceTrace => ({
  ordinal,
  kind,
  sha256: sha256 ? toHex(sha256) : '',
});
