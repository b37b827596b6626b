import { fromUtf8 } from '../core/bytes.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { parseCertificate } from '../core/pki/certificate.ts';
import { openTrustBundle, type TrustBundle, trustFreshness } from '../core/pki/trust-bundle.ts';
import { postHome, postPaths, readSettings } from '../core/store/post-folder.ts';
import { shownName } from '../core/verify/trust.ts';
import { readInput } from './input-file.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { writeOutput } from './output-file.ts';
import { newCommand, run, withCommonOptions } from './program.ts';
import { type RootOptions, withRootOptions } from './root-options.ts';
import { maxBundle } from './trust-file.ts';
import type { UpdateOptions } from './trust-update.ts';
import { clockTime, say } from './words.ts';

async function readBundle(file: string): Promise<{ bytes: Uint8Array; bundle: TrustBundle }> {
  const bytes = await readInput(file, maxBundle);
  return { bytes, bundle: await openTrustBundle(bytes, nodeBackend) };
}

async function postBundle(options: CommonOptions): Promise<string> {
  const home = postHome(options.home, process.env);
  await readSettings(home);
  return postPaths(home).trust;
}

async function exportBundle(options: CommonOptions & { out?: string }): Promise<void> {
  const { bytes, bundle } = await readBundle(await postBundle(options));
  const { sequence, rootFingerprint: root } = bundle;
  if (options.out === undefined || options.out === '-') {
    if (options.json || process.stdout.isTTY)
      throw new ConsulError('USAGE', 'a trust bundle is binary: name a file for it with --out');
    process.stdout.write(bytes);
    return;
  }
  await writeOutput(options.out, bytes);
  if (options.json) printJson({ trust: options.out, sequence, root });
  else if (!options.quiet) {
    const values = { file: options.out, sequence, root };
    process.stdout.write(`${say(messageLanguage(options), 'trust.exported', values)}\n`);
  }
}

async function show(file: string | undefined, options: CommonOptions): Promise<void> {
  const { bundle } = await readBundle(file ?? (await postBundle(options)));
  const time = (seconds: number): string => new Date(seconds * 1000).toISOString();
  const shown = {
    sequence: bundle.sequence,
    issued: time(bundle.issued),
    nextUpdate: time(bundle.nextUpdate),
    freshness: trustFreshness(bundle, new Date()),
    root: bundle.rootFingerprint,
    posts: bundle.posts,
    keys: bundle.keys.map(({ certificate, ...key }) => ({
      ...key,
      subject: shownName(parseCertificate(certificate)),
    })),
    logs: bundle.logs,
    statusLists: (bundle.statusLists ?? []).map(({ post, list }) => ({ post, bytes: list.length })),
    checkpoints: (bundle.checkpoints ?? []).map(({ post, checkpoint }) => ({
      post,
      checkpoint: fromUtf8(checkpoint),
    })),
  };
  if (options.json) {
    printJson(shown);
    return;
  }
  const language = messageLanguage(options);
  const rows = [
    [say(language, 'trust.root'), '', '', `SHA-256 ${shown.root}`],
    ...shown.posts.map((post) => [
      say(language, 'trust.post'),
      post.code,
      '',
      `${post[language]} (${post.host})`,
    ]),
    ...shown.keys.map((key) => [say(language, `trust.${key.use}`), key.post, key.state, key.subject]),
    ...shown.logs.map((log) => [say(language, 'trust.log'), log.post, '', log.key]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const heading = say(language, 'trust.bundle', {
    sequence: shown.sequence,
    issued: clockTime(shown.issued),
    nextUpdate: clockTime(shown.nextUpdate),
    freshness: say(language, `trust.${shown.freshness}`),
  });
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  process.stdout.write(`${[heading, ...lines.map((line) => `  ${line}`)].join('\n')}\n`);
}

/** What makes certificates takes long to load, and is needed for this alone. */
const renew = async (options: RootOptions): Promise<void> => {
  const { renewTrustOf } = await import('./trust-renew.ts');
  await renewTrustOf(options);
};

const update = async (source: string, options: UpdateOptions): Promise<void> => {
  const { updateTrust } = await import('./trust-update.ts');
  await updateTrust(source, options);
};

const changeAuthority =
  (change: 'added' | 'retired') =>
  async (file: string, options: RootOptions): Promise<void> => {
    const { changeAuthority: changed } = await import('./trust-authority.ts');
    await changed(change, file, options);
  };

export async function main(argv: readonly string[]): Promise<void> {
  const command = newCommand('consul trust', 'The trust bundle: what a stranger needs to verify offline');
  withCommonOptions(
    command.command('export').description('Writes the trust bundle to a file or standard output'),
  )
    .option('--out <file>', 'where to write it (standard output without it)')
    .action(exportBundle);
  withCommonOptions(
    command.command('show').description('Shows what a bundle holds').argument('[file]'),
  ).action(show);
  withCommonOptions(
    command
      .command('update')
      .description('Takes a newer bundle in the place of the one that is there')
      .argument('<source>', 'a file or an address; - for standard input'),
  )
    .option('--trust <file>', "the bundle that is replaced (else CONSUL_TRUST, else the post's own)")
    .option('--root <fingerprint>', 'SHA-256 of the root certificate, for the first bundle or another root')
    .action(update);
  withRootOptions(
    command.command('renew').description('Signs the next trust bundle with the root key'),
  ).action(renew);
  withRootOptions(
    command
      .command('add-authority')
      .description('Has the trust bundle stand behind a time-stamp authority of another house'),
  )
    .argument('<file>', 'its certificate, PEM or DER; the CA certificates that its tokens carry after it')
    .action(changeAuthority('added'));
  withRootOptions(
    command.command('retire-authority').description('Ends that: what it stamped until now stays good'),
  )
    .argument('<file>', 'its certificate, PEM or DER')
    .action(changeAuthority('retired'));
  await run(command, argv);
}
