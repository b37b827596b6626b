import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fromLatin1, fromUtf8 } from '../core/bytes.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { openTrustBundle } from '../core/pki/trust-bundle.ts';
import { foreignSystem } from '../core/seal/foreign.ts';
import { type Code, verifyCode } from '../core/verify/code.ts';
import type { VerifyContext } from '../core/verify/context.ts';
import type { Report } from '../core/verify/report.ts';
import { verifySeal } from '../core/verify/seal.ts';
import { prepareTrust } from '../core/verify/trust.ts';
import { green, red, yellow } from './colour.ts';
import { readForeignTrustFiles } from './foreign-trust.ts';
import { readInput } from './input-file.ts';
import { localDay } from './local-day.ts';
import {
  type CommonOptions,
  errorJson,
  errorText,
  exitStatus,
  jsonText,
  messageLanguage,
  printNow,
  reportFailure,
  statusOfError,
} from './outcome.ts';
import { readTrustFile } from './trust-file.ts';

interface VerifyOptions extends CommonOptions {
  trust?: string;
  root?: string;
  status?: readonly string[];
  foreignTrust?: readonly string[];
  at?: string;
}

/** Larger files are no documents of ours; nothing larger is read into memory. */
const maxBytes = 64 * 1024 * 1024;

const startsWith = (bytes: Uint8Array, ...octets: number[]): boolean =>
  octets.every((octet, at) => bytes[at] === octet);

/** A header may stand anywhere in the first kilobyte for lenient readers; ours then says what is wrong with it. */
const looksLikePdf = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).includes('%PDF-');

const looksLikePicture = (bytes: Uint8Array): boolean =>
  startsWith(bytes, 0x89, 0x50, 0x4e, 0x47) || startsWith(bytes, 0xff, 0xd8, 0xff);

async function verifyBytes(bytes: Uint8Array, context: VerifyContext): Promise<Report> {
  const isPdf = looksLikePdf(bytes);
  if (isPdf || looksLikePicture(bytes)) {
    const files = await import('./verify-files.ts');
    return isPdf ? files.verifyPdfFile(bytes, context) : files.verifyPictureFile(bytes, context);
  }
  if (bytes[0] === 0xd2) return verifySeal(bytes, context);
  return verifyCode(codeIn(bytes), context);
}

/** The content of a code as a file; binary seals are no UTF-8. */
function codeIn(bytes: Uint8Array): Code {
  try {
    return { text: withoutLineEnd(fromUtf8(bytes)) };
  } catch {
    return { text: fromLatin1(bytes), bytes };
  }
}

/** White space within a code may be data (base45). */
const withoutLineEnd = (text: string): string => text.replace(/[\r\n]+$/, '');

/** The text of a code given in place of a file name, as a bar code scanner types it. */
const isCodeText = (argument: string): boolean =>
  (/^https:\/\/\S+#/i.test(argument) || isLongCode(argument)) && !existsSync(argument);

/** No file name is so long. */
const isLongCode = (argument: string): boolean =>
  argument.length >= 80 && foreignSystem(argument) !== undefined;

function verificationTime(at: string | undefined): Date {
  if (at === undefined) return new Date();
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) throw new ConsulError('USAGE', `--at takes an RFC 3339 time, not ${at}`);
  return time;
}

const marks = {
  'TOTAL-PASSED': green('✔'),
  INDETERMINATE: yellow('?'),
  'TOTAL-FAILED': red('✘'),
} as const;

const outcomeMarks = {
  passed: green('✔'),
  indeterminate: yellow('?'),
  failed: red('✘'),
  'not-checked': yellow('–'),
} as const;

function printReport(report: Report, name: string | undefined, quiet: boolean): void {
  const lines = [`${marks[report.indication]} ${name ? `${name}: ` : ''}${report.summary}`];
  if (!quiet) {
    const told = [...report.fields, ...(report.disclosed?.fields ?? [])];
    const width = Math.max(0, ...told.map((field) => field.label.length));
    for (const { label, value } of report.fields) lines.push(`    ${label.padEnd(width)}  ${value}`);
    for (const { label, value } of report.disclosed?.fields ?? [])
      lines.push(`  ${outcomeMarks.passed} ${label.padEnd(width)}  ${value.replaceAll('\n', ', ')}`);
    lines.push(`  ${report.indication}${report.subIndication ? ` / ${report.subIndication}` : ''}`);
    for (const check of report.checks)
      lines.push(`  ${outcomeMarks[check.outcome]} ${check.id.padEnd(19)} ${check.message}`);
  }
  printNow(`${lines.join('\n')}\n`);
}

type Verdict = { readonly file: string } & ({ readonly report: Report } | { readonly error: unknown });

/** A file that cannot be read does not hide the verdict on another; a refused one outweighs both. */
function statusOf(verdicts: readonly Verdict[]): number {
  const indications = verdicts.flatMap((verdict) => ('report' in verdict ? verdict.report.indication : []));
  if (indications.includes('TOTAL-FAILED')) return exitStatus.failed;
  if (indications.length < verdicts.length) return exitStatus.usage;
  return indications.includes('INDETERMINATE') ? exitStatus.indeterminate : exitStatus.passed;
}

async function verdictOn(file: string, context: VerifyContext): Promise<Verdict> {
  if (isCodeText(file)) return { file, report: await verifyCode({ text: file }, context) };
  try {
    return { file, report: await verifyBytes(await readInput(file, maxBytes), context) };
  } catch (error) {
    if (error instanceof ConsulError && statusOfError(error) === exitStatus.usage) return { file, error };
    throw error;
  }
}

async function verify(files: readonly string[], options: VerifyOptions): Promise<void> {
  const bundle = await openTrustBundle(await readTrustFile(options), nodeBackend, options.root);
  const context = {
    trust: prepareTrust(
      bundle,
      nodeBackend,
      await Promise.all((options.status ?? []).map((file) => readInput(file, maxBytes))),
    ),
    now: verificationTime(options.at),
    language: messageLanguage(options),
    dayAt: localDay,
    foreignTrust: await readForeignTrustFiles(options.foreignTrust ?? []),
  };
  const verdicts: Verdict[] = [];
  for (const file of files) {
    const verdict = await verdictOn(file, context);
    if (files.length === 1 && 'error' in verdict) throw verdict.error;
    verdicts.push(verdict);
    if (options.json) continue;
    if ('error' in verdict) process.stderr.write(errorText(verdict.error));
    else printReport(verdict.report, files.length > 1 ? file : undefined, options.quiet ?? false);
  }
  if (options.json) {
    const shown = verdicts.map((verdict) =>
      'error' in verdict
        ? { file: verdict.file, error: errorJson(verdict.error) }
        : { file: verdict.file, ...verdict.report },
    );
    const [only] = verdicts;
    printNow(jsonText(only && files.length === 1 && 'report' in only ? only.report : shown));
  }
  process.exitCode = statusOf(verdicts);
}

const usage = `Usage: consul verify [options] <file...>

Verifies documents (PDF), scans (PNG, JPEG, PDF) and seals, offline; seals of other systems too: 2D-Doc, EU digital COVID
certificate, ICAO VDS, VDS-NC and IDB, MOSIP Claim 169

Arguments:
  file                  PDF, picture, text of a seal or of what its holder shows, or file that holds it; - for
                        standard input

Options:
  --home <folder>       the post's folder (else CONSUL_HOME, else the XDG data folder)
  --json                print one JSON document on standard output
  --quiet               print only what was asked for
  --lang <language>     language of messages (choices: "fr", "en")
  --debug               show the stack trace of an error
  --trust <file>        the trust bundle (else CONSUL_TRUST, else the post's own)
  --root <fingerprint>  SHA-256 of the root certificate that must have signed the bundle
  --status <file>       a status list newer than the bundle (tells revocations); may be repeated
  --foreign-trust <path>  certificates or lists (PEM, DER, JSON) of signers of other systems, or a folder of them; may
                        be repeated
  --at <time>           verify as of this time (RFC 3339) instead of now
  -h, --help            display help for command

Exit status: 0 passed, 1 failed, 2 wrong usage, 3 indeterminate.
`;

/** By the parser of Node, not the one of the other commands: a verifier must start at once. */
function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        home: { type: 'string' },
        json: { type: 'boolean' },
        quiet: { type: 'boolean' },
        lang: { type: 'string' },
        debug: { type: 'boolean' },
        trust: { type: 'string' },
        root: { type: 'string' },
        status: { type: 'string', multiple: true },
        'foreign-trust': { type: 'string', multiple: true },
        at: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (cause) {
    throw new ConsulError('USAGE', (cause as Error).message.split('. ', 1)[0] ?? 'wrong arguments', {
      cause,
    });
  }
}

const isLanguage = (text: string | undefined): text is 'fr' | 'en' | undefined =>
  text === undefined || text === 'fr' || text === 'en';

export async function main(argv: readonly string[]): Promise<void> {
  try {
    const { values, positionals } = parse(argv);
    const { help, lang, 'foreign-trust': foreignTrust, ...rest } = values;
    if (help) {
      printNow(usage);
      return;
    }
    if (!isLanguage(lang)) throw new ConsulError('USAGE', `--lang takes fr or en, not ${lang}`);
    if (positionals.length === 0) throw new ConsulError('USAGE', 'verify takes at least one file');
    await verify(positionals, {
      ...rest,
      ...(lang ? { lang } : {}),
      ...(foreignTrust ? { foreignTrust } : {}),
    });
  } catch (error) {
    reportFailure(error, argv);
  }
}
