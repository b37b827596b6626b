import { toHex } from '../core/bytes.ts';
import { type Approval, approvalsOf } from '../core/casework/approval.ts';
import { showRequest } from '../core/casework/casework.ts';
import { parseReference } from '../core/casework/reference.ts';
import { type ActKind, possibleActs } from '../core/casework/workflow.ts';
import { ConsulError } from '../core/errors.ts';
import { localDay } from '../core/procedures/calendar.ts';
import { type RequestState, requestStates } from '../core/procedures/definition.ts';
import { documentsOf, supersededOf } from '../core/store/document.ts';
import { listRequests } from '../core/store/request.ts';
import type { PieceRow, RequestRow } from '../core/store/schema.ts';
import type { Reader } from '../core/store/store.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { withPost } from './post.ts';
import { clockTime, say } from './words.ts';

/** A request in the JSON of the commands. */
export const summary = ({
  reference,
  procedure,
  state,
  holder,
  submittedAt,
  dueAt,
  assignedTo,
  decision,
}: RequestRow) => ({ reference, procedure, state, holder, submittedAt, dueAt, assignedTo, decision });

export const pieceSummary = ({
  ordinal,
  kind,
  item,
  state,
  name,
  mediaType,
  size,
  sha256: digest,
  reason,
}: PieceRow) => ({
  ordinal,
  kind,
  item,
  state,
  name,
  mediaType,
  size,
  sha256: digest && toHex(digest),
  reason,
});

/** `dueAt` is the midnight that ends the last day at the post. */
const dueDay = (dueAt: string, timeZone: string): string =>
  localDay(new Date(new Date(dueAt).getTime() - 1), timeZone);

interface ListOptions extends CommonOptions {
  state?: readonly string[];
  procedure?: string;
  assigned?: string;
  limit: string;
}

const isState = (name: string): name is RequestState => (requestStates as readonly string[]).includes(name);

export async function list(options: ListOptions): Promise<void> {
  const unknown = options.state?.find((name) => !isState(name));
  if (unknown !== undefined)
    throw new ConsulError('USAGE', `there is no state ${unknown}; there are ${requestStates.join(', ')}`);
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100_000)
    throw new ConsulError('USAGE', '--limit takes a number from 1 to 100000');
  await withPost(options, async ({ store, settings }) => {
    const rows = await listRequests(store.read, {
      ...(options.state ? { states: options.state.filter(isState) } : {}),
      ...(options.procedure ? { procedure: options.procedure } : {}),
      ...(options.assigned ? { assignedTo: options.assigned } : {}),
      limit,
    });
    if (options.json) {
      printJson(rows.map(summary));
      return;
    }
    const { timeZone } = settings.post;
    const width = Math.max(0, ...rows.map(({ procedure }) => procedure.length));
    const lines = rows.map(({ reference, state, procedure, dueAt, holder }) =>
      [
        reference,
        state.padEnd(23),
        procedure.padEnd(width),
        (dueAt === null ? '-' : dueDay(dueAt, timeZone)).padEnd(10),
        holder,
      ].join('  '),
    );
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  });
}

/** The command that does an act; some acts have none yet. */
const commandOf: Partial<Record<ActKind, string>> = {
  assign: 'assign',
  ask: 'ask',
  answer: 'answer',
  addPieces: 'add',
  acceptPiece: 'review',
  refusePiece: 'review',
  accept: 'decide',
  refuse: 'decide',
  approve: 'decide',
  withdraw: 'withdraw',
  issue: 'issue',
};

const possibleCommands = (state: RequestState): readonly string[] => [
  ...new Set(possibleActs(state).flatMap((kind) => commandOf[kind] ?? [])),
];

export async function show(text: string, options: CommonOptions): Promise<void> {
  const reference = parseReference(text);
  await withPost(options, async ({ store, settings }) => {
    const { request, pieces, timeline } = await showRequest(store.read, reference);
    const documents = await editionsOf(store.read, reference);
    const approvals = await approvalsOf(store.read, { request, pieces });
    if (options.json) {
      printJson({
        ...summary(request),
        language: request.language,
        data: JSON.parse(request.data),
        question: request.question,
        decisionReason: request.decisionReason,
        approvals: approvals.map(({ row: _row, fault, ...approval }) => ({
          ...approval,
          valid: fault === undefined,
          ...(fault === undefined ? {} : { fault }),
        })),
        documents,
        pieces: pieces.map(pieceSummary),
        timeline: timeline.map(({ at, actor, kind, detail }) => ({
          at,
          actor,
          kind,
          detail: JSON.parse(detail),
        })),
        possible: possibleActs(request.state),
      });
      return;
    }
    const language = messageLanguage(options);
    const { timeZone } = settings.post;
    const { submittedAt, dueAt, assignedTo, question, state } = request;
    const about = [
      request.holder,
      say(language, 'show.submitted', { time: clockTime(submittedAt, timeZone) }),
      ...(dueAt === null ? [] : [say(language, 'show.due', { day: dueDay(dueAt, timeZone) })]),
    ];
    const lines = [
      `${request.reference}  ${request.procedure}  ${state}`,
      `  ${about.join(', ')}`,
      ...(assignedTo ? [`  ${say(language, 'show.assigned', { agent: assignedTo })}`] : []),
      ...(question ? [`  ${say(language, 'show.asked', { text: question })}`] : []),
      ...(request.decision ? [`  ${decided(request, request.decision, language)}`] : []),
      ...approvals.map((approval) => `  ${approvalLine(approval, language, timeZone)}`),
      ...documents.map(({ number, edition, state: of }) => {
        const values = { number, edition, state: say(language, stateWords[of]) };
        return `  ${say(language, 'show.document', values)}`;
      }),
      say(language, 'show.pieces'),
      ...pieceLines(pieces),
      say(language, 'show.timeline'),
      ...timeline.map(({ at, actor, kind }) => `  ${clockTime(at, timeZone)}  ${kind.padEnd(20)}  ${actor}`),
      say(language, 'show.possible', {
        acts: possibleCommands(state).join(', ') || say(language, 'show.nothing'),
      }),
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  });
}

const stateWords = {
  begun: 'show.documentBegun',
  issued: 'show.documentIssued',
  superseded: 'show.documentSuperseded',
} as const;

/** Every edition of every document of a request, as the register has them. */
async function editionsOf(db: Reader, reference: string) {
  const present = (await documentsOf(db, [reference])).map(({ step, ...row }) => ({
    ...row,
    state: step === 'issued' ? ('issued' as const) : ('begun' as const),
  }));
  const earlier = (await supersededOf(db, reference)).map((row) => ({
    ...row,
    state: 'superseded' as const,
  }));
  return [...earlier, ...present]
    .sort((one, other) => one.statusIndex - other.statusIndex)
    .map(({ number, edition, state, path }) => ({ number, edition, state, path }));
}

function approvalLine({ agent, at, fault }: Approval, language: 'fr' | 'en', timeZone: string): string {
  return fault === undefined
    ? say(language, 'show.approved', { agent, time: clockTime(at, timeZone) })
    : say(language, 'show.approvalFault', { agent, fault });
}

function decided(
  { decisionReason }: RequestRow,
  decision: NonNullable<RequestRow['decision']>,
  language: 'fr' | 'en',
): string {
  const word = say(language, `show.${decision}`);
  return decisionReason ? say(language, 'show.because', { decision: word, reason: decisionReason }) : word;
}

function pieceLines(pieces: readonly PieceRow[]): readonly string[] {
  const rows = pieces.map((piece) => ({
    about: piece.item === null ? piece.kind : `${piece.kind}:${piece.item + 1}`,
    ...piece,
  }));
  const width = Math.max(0, ...rows.map(({ about }) => about.length));
  return rows.map(({ ordinal, about, state, name, reason }) =>
    `  ${String(ordinal).padStart(2)}  ${about.padEnd(width)}  ${state.padEnd(8)}  ${[name ?? '', reason && `(${reason})`].filter(Boolean).join('  ')}`.trimEnd(),
  );
}
