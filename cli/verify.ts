import { createReadStream, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import pc from 'picocolors';
import { fromUtf8 } from '../core/bytes.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { openTrustBundle } from '../core/pki/trust-bundle.ts';
import type { Report } from '../core/verify/report.ts';
import { type VerifyContext, verifySeal } from '../core/verify/seal.ts';
import { prepareTrust } from '../core/verify/trust.ts';
import {
  type CommonOptions,
  exitStatus,
  messageLanguage,
  newCommand,
  printJson,
  run,
  withCommonOptions,
} from './program.ts';

interface VerifyOptions extends CommonOptions {
  trust?: string;
  root?: string;
  at?: string;
}

/** Larger files are no documents of ours; nothing larger is read into memory. */
const maxBytes = 64 * 1024 * 1024;

async function readBounded(file: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
      total += (chunk as Uint8Array).length;
      if (total > maxBytes) throw new ConsulError('FILE_UNREADABLE', `${file} is larger than 64 MiB`);
      chunks.push(chunk as Uint8Array);
    }
  } catch (cause) {
    if (cause instanceof ConsulError) throw cause;
    throw new ConsulError(
      'FILE_UNREADABLE',
      `cannot read ${file} (${(cause as NodeJS.ErrnoException).code})`,
      {
        cause,
      },
    );
  }
  return new Uint8Array(Buffer.concat(chunks));
}

const startsWith = (bytes: Uint8Array, ...octets: number[]): boolean =>
  octets.every((octet, at) => bytes[at] === octet);

/** A header may stand anywhere in the first kilobyte for lenient readers; ours then says what is wrong with it. */
const looksLikePdf = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).includes('%PDF-');

async function verifyBytes(bytes: Uint8Array, context: VerifyContext): Promise<Report> {
  if (looksLikePdf(bytes)) {
    const { verifyPdf } = await import('../core/verify/document.ts');
    const { readPictureCodes } = await import('./pictures.ts');
    return verifyPdf(bytes, context, readPictureCodes);
  }
  if (startsWith(bytes, 0x89, 0x50, 0x4e, 0x47) || startsWith(bytes, 0xff, 0xd8, 0xff)) {
    const { verifyCodes } = await import('../core/verify/picture.ts');
    const { readPictureCodes } = await import('./pictures.ts');
    return verifyCodes(await readPictureCodes(bytes), context);
  }
  if (bytes[0] === 0xd2) return verifySeal(bytes, context);
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    text = '';
  }
  return verifySeal(text, context);
}

/** A seal's text given in place of a file name, as a bar code scanner types it. */
const isSealText = (argument: string): boolean => /^https:\/\/\S+#/i.test(argument) && !existsSync(argument);

function trustFile(options: VerifyOptions): string {
  const named = options.trust ?? process.env.CONSUL_TRUST;
  if (named) return named;
  const home =
    options.home ??
    process.env.CONSUL_HOME ??
    join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'consul');
  const file = join(home, 'trust', 'bundle.cose');
  if (!existsSync(file)) throw new ConsulError('TRUST_MISSING', `there is no trust bundle at ${file}`);
  return file;
}

function verificationTime(at: string | undefined): Date {
  if (at === undefined) return new Date();
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) throw new ConsulError('USAGE', `--at takes an RFC 3339 time, not ${at}`);
  return time;
}

const marks = {
  'TOTAL-PASSED': pc.green('✔'),
  INDETERMINATE: pc.yellow('?'),
  'TOTAL-FAILED': pc.red('✘'),
} as const;

const outcomeMarks = { passed: pc.green('✔'), indeterminate: pc.yellow('?'), failed: pc.red('✘') } as const;

function printReport(report: Report, name: string | undefined, quiet: boolean): void {
  const lines = [`${marks[report.indication]} ${name ? `${name}: ` : ''}${report.summary}`];
  if (!quiet) {
    const width = Math.max(0, ...report.fields.map((field) => field.label.length));
    for (const { label, value } of report.fields) lines.push(`    ${label.padEnd(width)}  ${value}`);
    lines.push(`  ${report.indication}${report.subIndication ? ` / ${report.subIndication}` : ''}`);
    for (const check of report.checks)
      lines.push(`  ${outcomeMarks[check.outcome]} ${check.id.padEnd(19)} ${check.message}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

function statusOf(reports: readonly Report[]): number {
  if (reports.some((report) => report.indication === 'TOTAL-FAILED')) return exitStatus.failed;
  if (reports.some((report) => report.indication === 'INDETERMINATE')) return exitStatus.indeterminate;
  return exitStatus.passed;
}

async function verify(files: readonly string[], options: VerifyOptions): Promise<void> {
  const bundle = await openTrustBundle(await readBounded(trustFile(options)), nodeBackend, options.root);
  const context = {
    trust: prepareTrust(bundle, nodeBackend),
    now: verificationTime(options.at),
    language: messageLanguage(options),
  };
  const reports: { file: string; report: Report }[] = [];
  for (const file of files) {
    const report = isSealText(file)
      ? await verifySeal(file, context)
      : await verifyBytes(await readBounded(file), context);
    reports.push({ file, report });
    if (!options.json) printReport(report, files.length > 1 ? file : undefined, options.quiet ?? false);
  }
  if (options.json) {
    const [only] = reports;
    printJson(files.length === 1 ? only?.report : reports.map(({ file, report }) => ({ file, ...report })));
  }
  process.exitCode = statusOf(reports.map(({ report }) => report));
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = withCommonOptions(
    newCommand('consul verify', 'Verifies documents (PDF), scans (PNG, JPEG, PDF) and seals, offline'),
  )
    .argument('<file...>', 'PDF, picture, seal text or file that holds it; - for standard input')
    .option('--trust <file>', "the trust bundle (else CONSUL_TRUST, else the post's own)")
    .option('--root <fingerprint>', 'SHA-256 of the root certificate that must have signed the bundle')
    .option('--at <time>', 'verify as of this time (RFC 3339) instead of now')
    .addHelpText('after', '\nExit status: 0 passed, 1 failed, 2 wrong usage, 3 indeterminate.')
    .action(verify);
  await run(command, argv);
}
