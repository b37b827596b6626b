import { Command, CommanderError, Option } from 'commander';
import { ConsulError, type ErrorCode, errorCodes } from '../core/errors.ts';

/** Exit statuses: 0 done or passed, 1 failed, 2 wrong usage, 3 indeterminate. */
export const exitStatus = { passed: 0, failed: 1, usage: 2, indeterminate: 3 } as const;

const usageCodes: ReadonlySet<ErrorCode> = new Set([
  'USAGE',
  'FILE_UNREADABLE',
  'TRUST_MISSING',
  'POST_MISSING',
]);

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

export function newCommand(name: string, description: string): Command {
  return new Command(name).description(description).exitOverride().showHelpAfterError(false);
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

function describe(error: unknown): { code: ErrorCode; message: string; details: ConsulError['details'] } {
  if (error instanceof ConsulError) return error;
  const cause = error as NodeJS.ErrnoException;
  if (cause?.code === 'ENOSPC' || cause?.code === 'EDQUOT' || cause?.code === 'EFBIG')
    return { code: 'DISK_FULL', message: `there is no room to write (${cause.code})`, details: [] };
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error), details: [] };
}

function report(error: unknown, argv: readonly string[]): void {
  const { code, message, details } = describe(error);
  if (argv.includes('--json')) {
    printJson({ error: { code, message, advice: errorCodes[code], details } });
  } else {
    process.stderr.write(`consul: ${message} [${code}] ${errorCodes[code]}\n`);
    for (const { where, label, message: what } of details)
      process.stderr.write(`  ${where}${label ? ` (${label})` : ''}: ${what}\n`);
  }
  if (argv.includes('--debug') && error instanceof Error) {
    for (let link: unknown = error; link instanceof Error; link = link.cause)
      process.stderr.write(`${link.stack}\n`);
  }
}

/** Runs a command on the arguments after its name; every failure ends here, as one line and an exit status. */
export async function run(command: Command, argv: readonly string[]): Promise<void> {
  try {
    await command.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return;
      process.exitCode = exitStatus.usage;
      return;
    }
    report(error, argv);
    process.exitCode =
      error instanceof ConsulError && usageCodes.has(error.code) ? exitStatus.usage : exitStatus.failed;
  }
}
