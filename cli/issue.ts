import { createReadStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseReference } from '../core/casework/reference.ts';
import { ConsulError } from '../core/errors.ts';
import { groupSize, issueMany } from '../core/issuance/batch.ts';
import { decidedDraft } from '../core/issuance/decided.ts';
import type { Draft } from '../core/issuance/draft.ts';
import { checkDraft, type Issued, type IssuingContext, issueGroup } from '../core/issuance/issue.ts';
import type { OpenPost } from '../core/issuance/open-post.ts';
import { procedureIds } from '../core/procedures/folder.ts';
import { loadRequest, loadRequests } from '../core/store/request.ts';
import { agentOf, procedureFolder, proceduresOf, withIssuing, withPost } from './post.ts';
import { type CommonOptions, exitStatus, newCommand, printJson, run, withKeyOptions } from './program.ts';
import { progressBar } from './progress.ts';

interface IssueOptions extends CommonOptions {
  batch?: string;
  threads?: string;
}

const shown = (post: OpenPost, { reference, number, path, timestamp }: Issued) => ({
  reference,
  number,
  document: join(post.paths.documents, path),
  timestamp,
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
    const [issued] = await withIssuing(
      post,
      options,
      { procedures, actor: agentOf(options), threads: 0 },
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
  readonly code: string;
  readonly message: string;
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
  const stream = createReadStream(file, 'utf8');
  try {
    yield* createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (cause) {
    throw new ConsulError(
      'FILE_UNREADABLE',
      `cannot read ${file} (${(cause as NodeJS.ErrnoException).code})`,
      {
        cause,
      },
    );
  }
}

/** The drafts of the lines of a batch, in groups; a line that cannot be issued is told apart and keeps nobody waiting. */
async function* draftGroups(
  file: string,
  post: OpenPost,
  context: IssuingContext,
  decide: Parameters<typeof decidedDraft>[1],
  fail: (line: number, error: unknown) => void,
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
        await checkDraft(context, draft);
        made.push(draft);
      } catch (error) {
        fail(line, error);
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
      if (seen.has(reference)) continue;
      seen.add(reference);
      waiting.push({ line: number, reference });
    } catch (error) {
      fail(number, error);
    }
    if (waiting.length === groupSize) yield drafts();
  }
  if (waiting.length > 0) yield drafts();
}

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
    const fail = (line: number, error: unknown): void => {
      if (!(error instanceof ConsulError)) throw error;
      failures.push({ line, code: error.code, message: error.message });
      bar.advance(1);
    };
    let issued = 0;
    let waiting = 0;
    await withIssuing(post, options, { procedures, actor: agentOf(options), threads }, async (context) => {
      const groups = draftGroups(file, post, context, { procedures, ...post.settings }, fail);
      for await (const group of issueMany(context, groups, threads > 0 ? threads + 1 : 1)) {
        for (const one of group) {
          if (one.timestamp === 'pending') waiting++;
          else issued++;
          if (options.json) process.stdout.write(`${JSON.stringify(shown(post, one))}\n`);
        }
        bar.advance(group.length);
      }
    });
    bar.end();
    for (const { line, code, message } of failures)
      process.stderr.write(`consul: ${file} line ${line}: ${message} [${code}]\n`);
    if (waiting > 0)
      process.stderr.write(
        `consul: ${waiting} documents wait for their time-stamp; run the same command again [TSA_UNREACHABLE]\n`,
      );
    if (!options.json && !options.quiet)
      process.stdout.write(`${issued} issued, ${failures.length} failed, ${waiting} waiting\n`);
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
    .action(issue);
  await run(command, argv);
}
