import { Command, CommanderError, Option } from 'commander';
import { ConsulError, type ErrorCode, errorCodes } from '../core/errors.ts';

/** Exit statuses: 0 done or passed, 1 failed, 2 wrong usage, 3 indeterminate. */
export const exitStatus = { passed: 0, failed: 1, usage: 2, indeterminate: 3 } as const;

/** What was named on the command line, or was not, is wrong; nothing was done, and nothing was judged. */
const usageCodes: ReadonlySet<ErrorCode> = new Set([
  'USAGE',
  'FILE_UNREADABLE',
  'FILE_UNWRITABLE',
  'PICTURE_UNREADABLE',
  'TRUST_MISSING',
  'TRUST_INVALID',
  'POST_MISSING',
]);

export const statusOfError = (error: unknown): number =>
  usageCodes.has(describe(error).code) ? exitStatus.usage : exitStatus.failed;

export interface CommonOptions {
  home?: string;
  json?: boolean;
  quiet?: boolean;
  lang?: 'fr' | 'en';
  debug?: boolean;
  agent?: string;
  passphraseFile?: string;
  passphraseFd?: string;
}

/** The options that every command takes. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--home <folder>', "the post's folder (else CONSUL_HOME, else the XDG data folder)")
    .option('--json', 'print one JSON document on standard output')
    .option('--quiet', 'print only what was asked for')
    .addOption(new Option('--lang <language>', 'language of messages').choices(['fr', 'en']))
    .option('--debug', 'show the stack trace of an error');
}

export function withKeyOptions(command: Command): Command {
  return withCommonOptions(command)
    .option('--agent <name>', 'who acts (else CONSUL_AGENT, else the login name)')
    .option('--passphrase-file <file>', "file whose first line is the passphrase of the post's keys")
    .option('--passphrase-fd <number>', 'open file descriptor to read the passphrase from');
}

/** Errors of the parser are told by `run` like any other; sub-commands inherit this. */
export function newCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ helpWidth: Math.min(process.stdout.columns ?? 100, 120) });
}

/** Language of messages: --lang, else CONSUL_LANG, else the locale, else French. */
export function messageLanguage(options: CommonOptions): 'fr' | 'en' {
  if (options.lang) return options.lang;
  const locale = process.env.CONSUL_LANG || process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG;
  return locale?.toLowerCase().startsWith('en') ? 'en' : 'fr';
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

interface Described {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ConsulError['details'];
}

const noRoom = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function describe(error: unknown): Described {
  if (error instanceof ConsulError) return error;
  const { name, code, syscall, path, message } = error as NodeJS.ErrnoException;
  if (error instanceof CommanderError)
    return { code: 'USAGE', message: message.replace(/^error: /, '').replace(/\.$/, ''), details: [] };
  if (name === 'ExitPromptError')
    return { code: 'USAGE', message: 'a question was not answered', details: [] };
  if (code && noRoom.has(code))
    return { code: 'DISK_FULL', message: `there is no room to write (${code})`, details: [] };
  if (code && syscall && path)
    return { code: 'FILE_UNREADABLE', message: `cannot use ${path} (${code})`, details: [] };
  return { code: 'INTERNAL', message: error instanceof Error ? message : String(error), details: [] };
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ');

/** An error as `--json` prints it. */
export function errorJson(error: unknown) {
  const { code, message, details } = describe(error);
  return { code, message: oneLine(message), advice: errorCodes[code], details };
}

/** An error as a person reads it: one line, and one more for each detail. */
export function errorText(error: unknown): string {
  const { code, message, advice, details } = errorJson(error);
  const lines = [`consul: ${message} [${code}] ${advice}`];
  for (const { where, label, message: what } of details)
    lines.push(`  ${where || '/'}${label ? ` (${label})` : ''}: ${oneLine(what)}`);
  return `${lines.join('\n')}\n`;
}

/** Ends a command that failed: as one line, or as JSON, and an exit status. */
export function reportFailure(error: unknown, argv: readonly string[]): void {
  if (argv.includes('--json')) printJson({ error: errorJson(error) });
  else process.stderr.write(errorText(error));
  if (argv.includes('--debug') && error instanceof Error) {
    for (let link: unknown = error; link instanceof Error; link = link.cause)
      process.stderr.write(`${link.stack}\n`);
  }
  process.exitCode = statusOfError(error);
}

/** Help was printed: asked for, or because no sub-command was named. */
const helpCodes = new Set(['commander.helpDisplayed', 'commander.help', 'commander.version']);

/** Runs a command on the arguments after its name; every failure ends here. */
export async function run(command: Command, argv: readonly string[]): Promise<void> {
  try {
    await command.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && helpCodes.has(error.code))
      process.exitCode = error.exitCode === 0 ? exitStatus.passed : exitStatus.usage;
    else reportFailure(error, argv);
  }
}
