import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { openTrustBundle } from '../core/pki/trust-bundle.ts';
import { remoteTimestamps } from '../core/time/client.ts';
import type { TimestampSource } from '../core/time/source.ts';
import { checkToken } from '../core/time/token.ts';
import { prepareTrust, shownName } from '../core/verify/trust.ts';
import { readInput } from './input-file.ts';
import { type CommonOptions, exitStatus, messageLanguage, printJson } from './outcome.ts';
import { writeOutput } from './output-file.ts';
import { openAuthority } from './own-authority.ts';
import { withPost } from './post.ts';
import { newCommand, run, withKeyOptions } from './program.ts';
import { readTrustFile } from './trust-file.ts';
import { clockTime, say } from './words.ts';

/** Of an answer of an authority, and of a token. */
const maxToken = 64 * 1024;

async function digestOf(file: string): Promise<Uint8Array> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash).catch((cause: NodeJS.ErrnoException) => {
    throw new ConsulError('FILE_UNREADABLE', `cannot read ${file} (${cause.code})`, { cause });
  });
  return hash.digest();
}

const remote = (url: string): TimestampSource =>
  remoteTimestamps({
    url,
    fetch: globalThis.fetch,
    random: nodeBackend.random,
    backend: nodeBackend,
    timeoutMs: 10_000,
    maxBytes: maxToken,
  });

async function ask(file: string, options: CommonOptions & { url?: string; out?: string }): Promise<void> {
  const digest = await digestOf(file);
  const out = options.out ?? `${file}.tst`;
  const token = options.url
    ? await remote(options.url).stamp(digest)
    : await withPost(options, async (post) => (await openAuthority(post, options)).stamp(digest));
  await writeOutput(out, token);
  if (options.json) printJson({ token: out });
  else if (!options.quiet)
    process.stdout.write(`${say(messageLanguage(options), 'timestamp.token', { file: out })}\n`);
}

async function verify(
  file: string,
  tokenFile: string,
  options: CommonOptions & { trust?: string },
): Promise<void> {
  const [digest, token, bundle] = await Promise.all([
    digestOf(file),
    readInput(tokenFile, maxToken),
    readTrustFile(options),
  ]);
  const trust = prepareTrust(await openTrustBundle(bundle, nodeBackend), nodeBackend);
  const checked = await checkToken(token, { imprint: { algorithm: 'sha256', digest } }, nodeBackend);
  const fault = checked.valid
    ? await pathFault(trust, checked.certificate.bytes, checked.info.genTime)
    : checked.message;
  if (options.json)
    printJson(
      checked.valid && fault === undefined
        ? { valid: true, time: checked.info.genTime.toISOString(), authority: shownName(checked.certificate) }
        : { valid: false, message: fault },
    );
  else {
    const language = messageLanguage(options);
    const text =
      checked.valid && fault === undefined
        ? say(language, 'timestamp.valid', {
            file,
            time: clockTime(checked.info.genTime),
            authority: shownName(checked.certificate),
          })
        : say(language, 'timestamp.refused', { reason: fault ?? '' });
    process.stdout.write(`${text}\n`);
  }
  process.exitCode = fault === undefined ? exitStatus.passed : exitStatus.failed;
}

/** Why the authority of a token is not trusted at its time; undefined where it is. */
export async function pathFault(
  trust: ReturnType<typeof prepareTrust>,
  certificate: Uint8Array,
  time: Date,
): Promise<string | undefined> {
  const known = await trust.known('timestamp', certificate);
  if (!known) return 'the authority is not in the trust bundle';
  const path = await known.pathAt(time);
  return path.ok ? undefined : path.message;
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = newCommand('consul timestamp', 'Time-stamps (RFC 3161)');
  withKeyOptions(
    command.command('ask').description('Has the SHA-256 of a file time-stamped').argument('<file>'),
  )
    .option('--url <url>', "a time-stamp authority (else the post's own)")
    .option('--out <file>', 'where to write the token (FILE.tst without it)')
    .action(ask);
  withKeyOptions(
    command.command('verify').description('Checks a token').argument('<file>').argument('<token>'),
  )
    .option('--trust <file>', "the trust bundle (else CONSUL_TRUST, else the post's own)")
    .action(verify);
  await run(command, argv);
}
