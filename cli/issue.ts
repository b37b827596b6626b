import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Option } from 'commander';
import { parseReference } from '../core/casework/reference.ts';
import { ConsulError } from '../core/errors.ts';
import { groupSize, groupsAtOnce, issueMany } from '../core/issuance/batch.ts';
import { decidedDraft, demandSigned } from '../core/issuance/decided.ts';
import type { Draft } from '../core/issuance/draft.ts';
import { checkDraft, type Issued, type IssuingContext, issueGroup } from '../core/issuance/issue.ts';
import type { OpenPost } from '../core/issuance/open-post.ts';
import { type SignatureLevel, signatureLevels } from '../core/pdf/level.ts';
import { procedureIds } from '../core/procedures/folder.ts';
import { loadRequest, loadRequests } from '../core/store/request.ts';
import {
  type CommonOptions,
  errorJson,
  errorText,
  exitStatus,
  messageLanguage,
  printJson,
} from './outcome.ts';
import { agentOf, procedureFolder, proceduresOf, withIssuing, withPost } from './post.ts';
import { newCommand, run, withKeyOptions } from './program.ts';
import { progressBar } from './progress.ts';
import { say } from './words.ts';

interface IssueOptions extends CommonOptions {
  batch?: string;
  threads?: string;
  level?: SignatureLevel;
}

const shown = (post: OpenPost, { reference, number, path, timestamp, level }: Issued) => ({
  reference,
  number,
  document: join(post.paths.documents, path),
  timestamp,
  level,
});

function pending(issued: Issued): never {
  throw new ConsulError(
    'TSA_UNREACHABLE',
    `document ${issued.number} of ${issued.reference} is signed and waits for its time-stamp`,
  );
}

async function issueOne(text: string, options: IssueOptions): Promise<void> {
  const reference = parseReference(text);
  await withPost(options, async (post) => {
    const file = await loadRequest(post.store.read, reference);
    const procedures = await proceduresOf(post, [file.request.procedure]);
    const draft = decidedDraft(file, { procedures, ...post.settings });
    await demandSigned(post.store.read, file, procedures);
    const [issued] = await withIssuing(
      post,
      options,
      { procedures, actor: agentOf(options), threads: 0, level: options.level },
      async (context) => {
        await checkDraft(context, draft);
        return issueGroup(context, [draft]);
      },
    );
    if (!issued) throw new ConsulError('ISSUE_FAILED', `request ${reference} was not issued`);
    if (issued.timestamp === 'pending') pending(issued);
    const result = shown(post, issued);
    if (options.json) printJson(result);
    else process.stdout.write(`${result.number}  ${result.document}\n`);
  });
}

interface Failure {
  readonly line: number;
  readonly error: ConsulError;
}

function referenceIn(line: string): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new ConsulError('JSON_MALFORMED', 'the line is not JSON', { cause });
  }
  const reference = typeof value === 'string' ? value : (value as { reference?: unknown } | null)?.reference;
  if (typeof reference !== 'string')
    throw new ConsulError('SCHEMA_VIOLATION', 'the line has no "reference"', {
      details: [{ where: '/reference', message: 'required' }],
    });
  return parseReference(reference);
}

async function countLines(file: string): Promise<number> {
  let count = 0;
  for await (const line of lines(file)) if (line.trim() !== '') count++;
  return count;
}

async function* lines(file: string): AsyncGenerator<string> {
  const handle = await open(file).catch((cause: NodeJS.ErrnoException) => {
    throw new ConsulError('FILE_UNREADABLE', `cannot read ${file} (${cause.code})`, { cause });
  });
  try {
    if (!(await handle.stat()).isFile())
      throw new ConsulError('FILE_UNREADABLE', `${file} is not a regular file`);
    yield* handle.readLines({ autoClose: false });
  } finally {
    await handle.close();
  }
}

/** The drafts of the lines of a batch, in groups; a line that cannot be issued is told apart and keeps nobody waiting. */
async function* draftGroups(
  file: string,
  post: OpenPost,
  context: IssuingContext,
  decide: Parameters<typeof decidedDraft>[1],
  tell: { readonly failed: (line: number, error: unknown) => void; readonly repeated: () => void },
): AsyncGenerator<readonly Draft[]> {
  let waiting: { readonly line: number; readonly reference: string }[] = [];
  const seen = new Set<string>();
  const drafts = async (): Promise<readonly Draft[]> => {
    const files = await loadRequests(
      post.store.read,
      waiting.map(({ reference }) => reference),
    );
    const made: Draft[] = [];
    for (const { line, reference } of waiting) {
      try {
        const request = files.get(reference);
        if (!request) throw new ConsulError('REQUEST_UNKNOWN', `there is no request ${reference}`);
        const draft = decidedDraft(request, decide);
        await demandSigned(post.store.read, request, decide.procedures);
        await checkDraft(context, draft);
        made.push(draft);
      } catch (error) {
        tell.failed(line, error);
      }
    }
    waiting = [];
    return made;
  };
  let number = 0;
  for await (const line of lines(file)) {
    number++;
    if (line.trim() === '') continue;
    try {
      const reference = referenceIn(line);
      if (seen.has(reference)) tell.repeated();
      else waiting.push({ line: number, reference });
      seen.add(reference);
    } catch (error) {
      tell.failed(number, error);
    }
    if (waiting.length === groupSize) yield drafts();
  }
  if (waiting.length > 0) yield drafts();
}

const inLine = (file: string, { line, error }: Failure): ConsulError =>
  new ConsulError(error.code, `${file} line ${line}: ${error.message}`, { details: error.details });

/** One core makes documents on this thread; more cores make them on threads of their own. */
function threadCount(option: string | undefined): number {
  if (option === undefined) return availableParallelism() > 1 ? availableParallelism() : 0;
  const threads = Number(option);
  if (!Number.isInteger(threads) || threads < 0 || threads > 64)
    throw new ConsulError('USAGE', '--threads takes a number from 0 to 64');
  return threads;
}

async function issueBatch(file: string, options: IssueOptions): Promise<void> {
  const threads = threadCount(options.threads);
  const total = await countLines(file);
  await withPost(options, async (post) => {
    const procedures = await proceduresOf(post, await procedureIds(procedureFolder));
    const bar = progressBar(total, options);
    const failures: Failure[] = [];
    const tell = {
      failed: (line: number, error: unknown): void => {
        if (!(error instanceof ConsulError)) throw error;
        failures.push({ line, error });
        bar.advance(1);
      },
      repeated: () => bar.advance(1),
    };
    let issued = 0;
    let waiting = 0;
    const settings = { procedures, actor: agentOf(options), threads, level: options.level };
    await withIssuing(post, options, settings, async (context) => {
      const groups = draftGroups(file, post, context, { procedures, ...post.settings }, tell);
      for await (const group of issueMany(context, groups, groupsAtOnce(threads))) {
        for (const one of group) {
          if (one.timestamp === 'pending') waiting++;
          else issued++;
          if (options.json) process.stdout.write(`${JSON.stringify(shown(post, one))}\n`);
        }
        bar.advance(group.length);
      }
    });
    bar.end();
    failures.sort((one, other) => one.line - other.line);
    if (options.json)
      for (const { line, error } of failures)
        process.stdout.write(`${JSON.stringify({ line, error: errorJson(error) })}\n`);
    else for (const failure of failures) process.stderr.write(errorText(inLine(file, failure)));
    const counts = { issued, failed: failures.length, waiting };
    if (!options.json && !options.quiet)
      process.stdout.write(`${say(messageLanguage(options), 'issue.summary', counts)}\n`);
    if (failures.length > 0 || waiting > 0) process.exitCode = exitStatus.failed;
  });
}

async function issue(reference: string | undefined, options: IssueOptions): Promise<void> {
  if ((reference === undefined) === (options.batch === undefined))
    throw new ConsulError('USAGE', 'issue takes either a reference or --batch FILE');
  if (reference !== undefined) await issueOne(reference, options);
  else if (options.batch !== undefined) await issueBatch(options.batch, options);
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = withKeyOptions(
    newCommand(
      'consul issue',
      'Issues the document of an accepted request; run again it continues where it stopped',
    ),
  )
    .argument('[reference]', 'of the request')
    .option('--batch <file>', 'JSON lines, each {"reference": "…"}: issues all of them on every core')
    .option('--threads <number>', 'threads that make documents (one for each core)')
    .addOption(
      new Option('--level <level>', 'how long the signature lasts (else post.toml, else B-LTA)').choices(
        signatureLevels,
      ),
    )
    .action(issue);
  await run(command, argv);
}
