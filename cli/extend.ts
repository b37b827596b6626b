import { join } from 'node:path';
import { Option } from 'commander';
import { ConsulError, type ErrorCode } from '../core/errors.ts';
import {
  documentsDue,
  extendDocument,
  extended,
  levelsBelow,
  type RegisterContext,
} from '../core/issuance/extension.ts';
import type { OpenPost } from '../core/issuance/open-post.ts';
import { type SignatureLevel, signatureLevels } from '../core/pdf/level.ts';
import { defaultBounds } from '../core/pdf/read/bounds.ts';
import { registeredFile, withExtending } from './extending.ts';
import { readInput } from './input-file.ts';
import {
  type CommonOptions,
  errorJson,
  errorText,
  exitStatus,
  messageLanguage,
  printJson,
} from './outcome.ts';
import { writeOutput } from './output-file.ts';
import { withPost } from './post.ts';
import { newCommand, run, withKeyOptions } from './program.ts';
import { say } from './words.ts';

interface ExtendOptions extends CommonOptions {
  level?: SignatureLevel;
  out?: string;
  due?: boolean;
  before?: string;
}

/** What became of one file. */
interface Outcome {
  readonly file: string;
  readonly number?: string;
  readonly before: SignatureLevel;
  readonly level: SignatureLevel;
}

const dayMilliseconds = 86_400_000;
const renewDays = 365;

/** A file that a person named: a document of the register where it is one, else on its own. */
async function extendFile(
  file: string,
  level: SignatureLevel,
  {
    post,
    context,
    out,
  }: { readonly post: OpenPost; readonly context: RegisterContext; readonly out: string | undefined },
): Promise<Outcome> {
  const row = out === undefined ? await registeredFile(post, file) : undefined;
  if (row) return { file, ...(await extendDocument(row, level, context)) };
  const pdf = await readInput(file, defaultBounds.fileBytes);
  const made = await extended(pdf, level, context);
  if (out !== undefined || made.file !== pdf) await writeOutput(out ?? file, made.file);
  return { file: out ?? file, before: made.before, level: made.level };
}

/** What ails the authority, the lists or the disk ails every file that would follow. */
const ofAll: ReadonlySet<ErrorCode> = new Set([
  'TSA_UNREACHABLE',
  'TSA_INVALID',
  'CRL_UNAVAILABLE',
  'DISK_FULL',
]);

interface Failure {
  readonly where: string;
  readonly error: ConsulError;
}

/** Goes on after a file that cannot be extended: what is wrong with one concerns no other. */
async function eachOf<T>(
  items: AsyncIterable<T> | Iterable<T>,
  options: CommonOptions,
  { name, act }: { readonly name: (item: T) => string; readonly act: (item: T) => Promise<Outcome> },
): Promise<void> {
  const language = messageLanguage(options);
  const outcomes: Outcome[] = [];
  const failures: Failure[] = [];
  for await (const item of items) {
    try {
      const outcome = await act(item);
      outcomes.push(outcome);
      const { before, level } = outcome;
      const key =
        before === level ? (level === 'B-LTA' ? 'extend.renewed' : 'extend.already') : 'extend.raised';
      if (!options.json && !options.quiet)
        process.stdout.write(
          `${say(language, key, { file: outcome.number ?? outcome.file, before, level })}\n`,
        );
    } catch (error) {
      if (!(error instanceof ConsulError)) throw error;
      failures.push({ where: name(item), error });
      if (ofAll.has(error.code)) break;
    }
  }
  if (options.json)
    printJson({
      extended: outcomes,
      failed: failures.map(({ where, error }) => ({ file: where, error: errorJson(error) })),
    });
  else {
    for (const { where, error } of failures)
      process.stderr.write(errorText(new ConsulError(error.code, `${where}: ${error.message}`)));
    if (outcomes.length + failures.length === 0 && !options.quiet)
      process.stdout.write(`${say(language, 'extend.nothing')}\n`);
  }
  if (failures.length > 0) process.exitCode = exitStatus.failed;
}

function dayOf(text: string): Date {
  const day = new Date(`${text}T00:00:00Z`);
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(day.getTime()))
    throw new ConsulError('USAGE', `--before takes a day, such as 2030-01-01, not ${JSON.stringify(text)}`);
  return day;
}

async function extend(files: readonly string[], options: ExtendOptions): Promise<void> {
  const { due = false, before, out } = options;
  if (due === files.length > 0) throw new ConsulError('USAGE', 'extend takes either files or --due');
  if (before !== undefined && !due) throw new ConsulError('USAGE', '--before goes with --due');
  if (out !== undefined && files.length !== 1) throw new ConsulError('USAGE', '--out goes with one file');
  await withPost(options, (post) =>
    withExtending(post, options, async (context) => {
      const { signature = {} } = post.settings;
      const level = options.level ?? (due ? (signature.level ?? 'B-LTA') : 'B-LTA');
      if (!due)
        return eachOf(files, options, {
          name: (file) => file,
          act: (file) => extendFile(file, level, { post, context, out }),
        });
      const ahead = (signature.renewDays ?? renewDays) * dayMilliseconds;
      const until = before === undefined ? new Date(Date.now() + ahead) : dayOf(before);
      return eachOf(documentsDue(context, level, until), options, {
        name: ({ number }) => number,
        act: async (row) => {
          // A time-stamp that ends is renewed, whatever level is wanted otherwise.
          const wanted = row.level && !levelsBelow(level).includes(row.level) ? 'B-LTA' : level;
          const done = await extendDocument(row, wanted, context);
          return { ...done, file: join(post.paths.documents, done.path) };
        },
      });
    }),
  );
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = withKeyOptions(
    newCommand('consul extend', 'Makes signatures last: raises their level, renews their time-stamps'),
  )
    .argument('[file...]', 'signed PDFs; a document of the register is extended in its place')
    .addOption(new Option('--level <level>', 'to be reached (B-LTA)').choices(signatureLevels))
    .option('--out <file>', 'where to write the extended file; the register is then left as it is')
    .option(
      '--due',
      'the documents of the register that are below their level, or whose time-stamp ends soon',
    )
    .option('--before <day>', 'with --due: those whose time-stamp ends before this day')
    .action(extend);
  await run(command, argv);
}
