import { readFile } from 'node:fs/promises';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { parseCertificate } from '../core/pki/certificate.ts';
import { openTrustBundle, type TrustBundle, trustFreshness } from '../core/pki/trust-bundle.ts';
import { writeDurably } from '../core/store/durable-file.ts';
import { postHome, postPaths, readSettings } from '../core/store/post-folder.ts';
import { shownName } from '../core/verify/trust.ts';
import { type CommonOptions, newCommand, printJson, run, withCommonOptions } from './program.ts';

async function readBundle(file: string): Promise<{ bytes: Uint8Array; bundle: TrustBundle }> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new ConsulError('FILE_UNREADABLE', `cannot read the trust bundle ${file} (${cause.code})`, {
      cause,
    });
  });
  return { bytes, bundle: await openTrustBundle(bytes, nodeBackend) };
}

async function postBundle(options: CommonOptions): Promise<string> {
  const home = postHome(options.home, process.env);
  await readSettings(home);
  return postPaths(home).trust;
}

async function exportBundle(options: CommonOptions & { out?: string }): Promise<void> {
  const { bytes, bundle } = await readBundle(await postBundle(options));
  if (options.out === undefined || options.out === '-') {
    process.stdout.write(bytes);
    return;
  }
  await writeDurably(options.out, bytes);
  if (options.json)
    printJson({ trust: options.out, sequence: bundle.sequence, root: bundle.rootFingerprint });
  else
    process.stdout.write(
      `${options.out}: trust bundle no. ${bundle.sequence}, root SHA-256 ${bundle.rootFingerprint}\n`,
    );
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
  };
  if (options.json) {
    printJson(shown);
    return;
  }
  const lines = [
    `Trust bundle no. ${shown.sequence}, issued ${shown.issued}, next update ${shown.nextUpdate}: ${shown.freshness}`,
    `Root SHA-256 ${shown.root}`,
    ...shown.posts.map((post) => `Post ${post.code}: ${post.fr} (${post.host})`),
    ...shown.keys.map((key) => `Key ${key.use}, ${key.post}, ${key.state}: ${key.subject}`),
    ...shown.logs.map((log) => `Log ${log.post}: ${log.key}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

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
  await run(command, argv);
}
