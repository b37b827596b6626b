import { writeSync } from 'node:fs';
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
  pinFile?: string;
  pinFd?: string;
}

/** Language of messages: --lang, else CONSUL_LANG, else the locale, else French. */
export function messageLanguage(options: CommonOptions): 'fr' | 'en' {
  if (options.lang) return options.lang;
  const locale = process.env.CONSUL_LANG || process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG;
  return locale?.toLowerCase().startsWith('en') ? 'en' : 'fr';
}

export const jsonText = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

export function printJson(value: unknown): void {
  process.stdout.write(jsonText(value));
}

/**
 * Writes to standard output at once, without its stream, for a program that must start at once too. Who reads it may
 * have seen enough.
 */
export function printNow(text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE') return;
    if (code !== 'EAGAIN') throw error;
    guardOutput();
    process.stdout.write(rest);
  }
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
  // By its code: the parser itself is loaded only by the commands that need it.
  if (code?.startsWith('commander.'))
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

/** What nobody caught is a defect, told like any other failure. */
export function guardProcess(): void {
  process.once('uncaughtException', (error: unknown) => {
    reportFailure(error, process.argv.slice(2));
    process.exit();
  });
}

/** Who reads the output may have seen enough, as `head` has. */
export function guardOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}
