import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../core/bytes.ts';
import {
  actOnMany,
  bringPieces,
  type RequestAct,
  showRequest,
  submitRequest,
} from '../core/casework/casework.ts';
import { parseReference } from '../core/casework/reference.ts';
import { type Act, possibleActs } from '../core/casework/workflow.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { issueGroup } from '../core/issuance/issue.ts';
import type { OpenPost } from '../core/issuance/open-post.ts';
import { receiptDraft } from '../core/issuance/receipt.ts';
import type { Language } from '../core/post.ts';
import { localDay } from '../core/procedures/calendar.ts';
import { type RequestState, requestStates } from '../core/procedures/definition.ts';
import { feeFor } from '../core/procedures/fee.ts';
import { readPieceName } from '../core/procedures/pieces.ts';
import type { RequestData } from '../core/procedures/procedure.ts';
import { sha256 } from '../core/store/canonical.ts';
import { writeDurably } from '../core/store/durable-file.ts';
import { openKeyRing } from '../core/store/keys.ts';
import { openPieces, readBroughtFile } from '../core/store/pieces.ts';
import { listRequests, loadRequest, type RequestFile } from '../core/store/request.ts';
import type { PieceRow, RequestRow } from '../core/store/schema.ts';
import { agentOf, fileKeys, procedureOf, proceduresOf, withIssuing, withPost } from './post.ts';
import { type CommonOptions, newCommand, printJson, run, withKeyOptions } from './program.ts';

/** Larger data are no request: pieces come as files. */
const maxData = 1024 * 1024;

async function readData(file: string): Promise<unknown> {
  let text = '';
  try {
    for await (const chunk of (file === '-' ? process.stdin : createReadStream(file)).setEncoding('utf8')) {
      text += chunk;
      if (text.length > maxData) break;
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new ConsulError('FILE_UNREADABLE', `cannot read the data ${file} (${code})`, { cause });
  }
  if (text.length > maxData) throw new ConsulError('JSON_MALFORMED', `${file} is larger than 1 MiB`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConsulError('JSON_MALFORMED', `${file}: ${placeOfError(text, (cause as Error).message)}`, {
      cause,
    });
  }
}

/** Line and column of a JSON error, without repeating what stands there. */
function placeOfError(text: string, message: string): string {
  const position = /position (\d+)/.exec(message)?.[1];
  const offset = position === undefined ? text.length : Number(position);
  const before = text.slice(0, offset).split('\n');
  return `not JSON at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

async function pieceFiles(pieces: readonly string[] | undefined, limits: { readonly pieceBytes: number }) {
  return Promise.all(
    (pieces ?? []).map(async (text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new ConsulError('USAGE', `--piece takes NAME=FILE, not ${text}`);
      return { piece: text.slice(0, at), file: await readBroughtFile(text.slice(at + 1), limits) };
    }),
  );
}

/** Issues the signed, time-stamped receipt of a deposit; run again it finds the one that is there. */
async function issueReceipt(post: OpenPost, options: CommonOptions, file: RequestFile): Promise<string> {
  const procedure = await procedureOf(post, file.request.procedure);
  const procedures = new Map([[procedure.id, procedure]]);
  const draft = receiptDraft(file, procedure, {
    post: post.settings.post,
    signatory: post.settings.signatory,
    dataDigest: sha256(file.request.data),
  });
  const [receipt] = await withIssuing(
    post,
    options,
    { procedures, actor: { kind: 'system' }, threads: 0 },
    (context) => issueGroup(context, [draft]),
  );
  if (!receipt)
    throw new ConsulError('ISSUE_FAILED', `the receipt of ${file.request.reference} was not issued`);
  return join(post.paths.documents, receipt.path);
}

interface SubmitOptions extends CommonOptions {
  data: string;
  piece?: readonly string[];
  language?: Language;
  key?: string;
}

async function submit(id: string, options: SubmitOptions): Promise<void> {
  await withPost(options, async (post) => {
    const { settings, store, paths } = post;
    const procedure = await procedureOf(post, id);
    const submitted = await submitRequest(
      {
        procedure,
        data: await readData(options.data),
        language: options.language ?? (settings.post.languages[0] as Language),
        files: await pieceFiles(options.piece, settings.limits),
        ...(options.key === undefined ? {} : { idempotencyKey: options.key }),
      },
      agentOf(options),
      {
        store,
        pieces: openPieces(paths.pieces, settings.limits),
        post: settings.post,
        now: new Date(),
        random: nodeBackend.random,
      },
    );
    const { request } = submitted.file;
    const receipt = await issueReceipt(post, options, submitted.file);
    const fee = feeFor(procedure, JSON.parse(request.data) as RequestData, {
      currency: settings.post.currency,
      today: localDay(new Date(request.submittedAt), settings.post.timeZone),
    });
    if (options.json) {
      printJson({
        reference: request.reference,
        state: request.state,
        created: submitted.created,
        owed: submitted.owed.map(({ where, message }) => ({ where, message })),
        warnings: submitted.warnings.map(({ where, message }) => ({ where, message })),
        fee,
        receipt,
      });
      return;
    }
    const lines = [
      `${request.reference}  ${request.state}`,
      ...submitted.owed.map(({ message }) => `  still owed: ${message}`),
      ...submitted.warnings.map(({ message }) => `  to look at: ${message}`),
      `  receipt: ${receipt}`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  });
}

interface ListOptions extends CommonOptions {
  state?: readonly string[];
  procedure?: string;
  assigned?: string;
  limit: string;
}

const isState = (name: string): name is RequestState => (requestStates as readonly string[]).includes(name);

async function list(options: ListOptions): Promise<void> {
  const unknown = options.state?.find((name) => !isState(name));
  if (unknown)
    throw new ConsulError('USAGE', `there is no state ${unknown}; there are ${requestStates.join(', ')}`);
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100_000)
    throw new ConsulError('USAGE', '--limit takes a number from 1 to 100000');
  await withPost(options, async ({ store }) => {
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
    for (const row of rows)
      process.stdout.write(
        `${row.reference}  ${row.state.padEnd(22)} ${row.procedure.padEnd(18)} ${(row.dueAt ?? '-').slice(0, 10).padEnd(10)}  ${row.holder}\n`,
      );
  });
}

const summary = ({
  reference,
  procedure,
  state,
  holder,
  submittedAt,
  dueAt,
  assignedTo,
  decision,
}: RequestRow) => ({
  reference,
  procedure,
  state,
  holder,
  submittedAt,
  dueAt,
  assignedTo,
  decision,
});

const pieceSummary = ({
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

async function show(text: string, options: CommonOptions): Promise<void> {
  const reference = parseReference(text);
  await withPost(options, async ({ store }) => {
    const { request, pieces, timeline } = await showRequest(store.read, reference);
    if (options.json) {
      printJson({
        ...summary(request),
        language: request.language,
        data: JSON.parse(request.data),
        question: request.question,
        decisionReason: request.decisionReason,
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
    const lines = [
      `${request.reference}  ${request.procedure}  ${request.state}`,
      `  ${request.holder}, submitted ${request.submittedAt}${request.dueAt ? `, due ${request.dueAt.slice(0, 10)}` : ''}`,
      ...(request.assignedTo ? [`  assigned to ${request.assignedTo}`] : []),
      ...(request.question ? [`  asked: ${request.question}`] : []),
      ...(request.decision
        ? [`  ${request.decision}${request.decisionReason ? `: ${request.decisionReason}` : ''}`]
        : []),
      'Pieces',
      ...pieces.map((piece) => {
        const about = piece.item === null ? piece.kind : `${piece.kind}:${piece.item + 1}`;
        return `  ${String(piece.ordinal).padStart(2)}  ${about.padEnd(26)} ${piece.state.padEnd(9)} ${piece.name ?? ''}${piece.reason ? `  (${piece.reason})` : ''}`;
      }),
      'Timeline',
      ...timeline.map(({ at, actor, kind }) => `  ${at.slice(0, 19)}Z  ${kind.padEnd(20)} ${actor}`),
      `Possible now: ${possibleActs(request.state).join(', ') || 'nothing'}`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  });
}

/** Does acts on one request, one after the other, all or none, and says what it became. */
async function doActs(
  text: string,
  options: CommonOptions,
  acts: (request: RequestFile, post: OpenPost) => readonly Act[] | Promise<readonly Act[]>,
): Promise<void> {
  const reference = parseReference(text);
  await withPost(options, async (post) => {
    const before = await loadRequest(post.store.read, reference);
    const chosen = await acts(before, post);
    const files = await actOnMany(
      chosen.map((act): RequestAct => ({ reference, act })),
      {
        store: post.store,
        procedures: await proceduresOf(post, [before.request.procedure]),
        post: post.settings.post,
        actor: agentOf(options),
        now: new Date(),
        random: nodeBackend.random,
      },
    );
    announce(files.at(-1) ?? before, options);
  });
}

function announce({ request }: RequestFile, options: CommonOptions): void {
  if (options.json) printJson(summary(request));
  else if (!options.quiet) process.stdout.write(`${request.reference}  ${request.state}\n`);
}

interface AskOptions extends CommonOptions {
  message: string;
  piece?: readonly string[];
}

async function ask(reference: string, options: AskOptions): Promise<void> {
  await doActs(reference, options, async (file, post) => {
    const procedure = await procedureOf(post, file.request.procedure);
    const pieces = (options.piece ?? []).map((name) => {
      const { kind, index } = readPieceName(procedure, name);
      return { kind, item: index ?? null };
    });
    return [...toInstruction(file, options), { kind: 'ask', message: options.message, pieces }];
  });
}

/** An agent who acts on a request that nobody has taken yet takes it. */
function toInstruction({ request }: RequestFile, options: CommonOptions): Act[] {
  return request.state === 'submitted' ? [{ kind: 'assign', agent: agentOf(options).name }] : [];
}

interface DecideOptions extends CommonOptions {
  accept?: boolean;
  refuse?: boolean;
  reason?: string;
  ground?: string;
  contest?: string;
}

async function decide(reference: string, options: DecideOptions): Promise<void> {
  if (options.accept === options.refuse)
    throw new ConsulError('USAGE', 'decide takes either --accept or --refuse');
  await doActs(reference, options, (file) => [
    ...toInstruction(file, options),
    options.accept
      ? { kind: 'accept', ...(options.reason === undefined ? {} : { reason: options.reason }) }
      : {
          kind: 'refuse',
          reason: options.reason ?? '',
          ground: options.ground ?? '',
          contest: options.contest ?? '',
        },
  ]);
}

interface ReviewOptions extends CommonOptions {
  accept?: readonly string[];
  refuse?: readonly string[];
  reason?: string;
}

const ordinal = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new ConsulError('USAGE', `${text} is not the number of a piece`);
  return value;
};

async function review(reference: string, options: ReviewOptions): Promise<void> {
  const accepted = (options.accept ?? []).map(
    (text): Act => ({ kind: 'acceptPiece', ordinal: ordinal(text) }),
  );
  const refused = (options.refuse ?? []).map(
    (text): Act => ({
      kind: 'refusePiece',
      ordinal: ordinal(text),
      as: 'refused',
      reason: options.reason ?? '',
    }),
  );
  if (accepted.length + refused.length === 0)
    throw new ConsulError('USAGE', 'review takes --accept or --refuse');
  await doActs(reference, options, (file) => [...toInstruction(file, options), ...accepted, ...refused]);
}

async function add(text: string, options: CommonOptions & { piece: readonly string[] }): Promise<void> {
  const reference = parseReference(text);
  await withPost(options, async (post) => {
    const { settings, store, paths } = post;
    const before = await loadRequest(store.read, reference);
    const after = await bringPieces(reference, await pieceFiles(options.piece, settings.limits), {
      store,
      procedures: await proceduresOf(post, [before.request.procedure]),
      pieces: openPieces(paths.pieces, settings.limits),
      post: settings.post,
      actor: agentOf(options),
      now: new Date(),
      random: nodeBackend.random,
    });
    announce(after, options);
  });
}

async function piece(text: string, number: string, options: CommonOptions & { out: string }): Promise<void> {
  const reference = parseReference(text);
  await withPost(options, async (post) => {
    const { pieces } = await loadRequest(post.store.read, reference);
    const row = pieces.find((one) => one.ordinal === ordinal(number));
    if (!row?.sha256)
      throw new ConsulError('PIECE_UNKNOWN', `request ${reference} has no received piece ${number}`);
    const identity = await openKeyRing(post.paths, await fileKeys(post, options)).privateKey('pieces');
    const content = await openPieces(post.paths.pieces, post.settings.limits).get(row.sha256, identity);
    await writeDurably(options.out, content, { mode: 0o600 });
    if (options.json) printJson({ ...pieceSummary(row), out: options.out });
    else if (!options.quiet)
      process.stdout.write(`${options.out}: ${row.mediaType}, ${content.length} bytes\n`);
  });
}

async function receipt(text: string, options: CommonOptions): Promise<void> {
  const reference = parseReference(text);
  await withPost(options, async (post) => {
    const path = await issueReceipt(post, options, await loadRequest(post.store.read, reference));
    if (options.json) printJson({ reference, receipt: path });
    else process.stdout.write(`${path}\n`);
  });
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = newCommand('consul request', 'Requests (demandes) and what agents do with them');
  const sub = (name: string, description: string) =>
    withKeyOptions(command.command(name).description(description));
  sub('submit', 'Takes a request, checks it, and returns a signed, time-stamped receipt')
    .argument('<procedure>', 'identifier, see consul procedures list')
    .requiredOption('--data <file>', 'JSON data of the form; - for standard input')
    .option('--piece <name=file>', 'a piece (pièce justificative); may be repeated', collect)
    .option('--language <language>', 'language of the document: fr or en')
    .option('--key <key>', 'idempotency key: a retry with the same key does not make a second request')
    .action(submit);
  sub('list', 'Lists requests, the newest first')
    .option('--state <state>', 'only in this state; may be repeated', collect)
    .option('--procedure <id>', 'only of this procedure')
    .option('--assigned <agent>', 'only those of this agent')
    .option('--limit <number>', 'at most so many', '100')
    .action(list);
  sub('show', 'Shows a request with its pieces and its timeline').argument('<reference>').action(show);
  sub('assign', 'Gives a request to an agent')
    .argument('<reference>')
    .option('--to <agent>', 'the agent (else who acts)')
    .action((reference: string, options: CommonOptions & { to?: string }) =>
      doActs(reference, options, () => [{ kind: 'assign', agent: options.to ?? agentOf(options).name }]),
    );
  sub('ask', 'Asks the citizen for an answer or for pieces; the clock stops')
    .argument('<reference>')
    .requiredOption('--message <text>', 'what is asked, in words for the citizen')
    .option('--piece <name>', 'a piece that is asked for; may be repeated', collect)
    .action(ask);
  sub('answer', 'Takes the answer of the citizen')
    .argument('<reference>')
    .requiredOption('--message <text>', 'the answer')
    .action((reference: string, options: CommonOptions & { message: string }) =>
      doActs(reference, options, () => [{ kind: 'answer', message: options.message }]),
    );
  sub('add', 'Takes pieces that the citizen brings later')
    .argument('<reference>')
    .requiredOption('--piece <name=file>', 'a piece; may be repeated', collect)
    .action(add);
  sub('review', 'Accepts or refuses pieces by their numbers')
    .argument('<reference>')
    .option('--accept <number>', 'may be repeated', collect)
    .option('--refuse <number>', 'may be repeated', collect)
    .option('--reason <text>', 'why pieces are refused')
    .action(review);
  sub('piece', 'Writes a stored piece, decrypted, to a file')
    .argument('<reference>')
    .argument('<number>')
    .requiredOption('--out <file>', 'where to write it (mode 0600)')
    .action(piece);
  sub('decide', 'Accepts or refuses a request')
    .argument('<reference>')
    .option('--accept', 'accept it: its document may be issued')
    .option('--refuse', 'refuse it, with a reason, a ground and the way to contest')
    .option('--reason <text>', 'why')
    .option('--ground <text>', 'the rule or text that a refusal stands on')
    .option('--contest <text>', 'where and until when a refusal can be contested')
    .action(decide);
  sub('withdraw', 'Withdraws a request for the citizen')
    .argument('<reference>')
    .option('--reason <text>', 'why')
    .action((reference: string, options: CommonOptions & { reason?: string }) =>
      doActs(reference, options, () => [
        { kind: 'withdraw', ...(options.reason === undefined ? {} : { reason: options.reason }) },
      ]),
    );
  sub('receipt', 'Gives the receipt of a request, issuing it where it is still missing')
    .argument('<reference>')
    .action(receipt);
  await run(command, argv);
}
