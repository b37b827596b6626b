import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { timestampPolicy } from '../core/issuance/open-post.ts';
import { serialNumber } from '../core/pki/serial.ts';
import { openTrustBundle } from '../core/pki/trust-bundle.ts';
import { writeDurably } from '../core/store/durable-file.ts';
import { openKeyRing } from '../core/store/keys.ts';
import { postHome, postPaths } from '../core/store/post-folder.ts';
import { timestampAuthority } from '../core/time/authority.ts';
import { remoteTimestamps } from '../core/time/client.ts';
import type { TimestampSource } from '../core/time/source.ts';
import { checkToken } from '../core/time/token.ts';
import { prepareTrust, shownName } from '../core/verify/trust.ts';
import { fileKeys, withPost } from './post.ts';
import { type CommonOptions, exitStatus, newCommand, printJson, run, withKeyOptions } from './program.ts';

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
    maxBytes: 64 * 1024,
    acceptable: async () => {},
  });

async function ask(file: string, options: CommonOptions & { url?: string; out?: string }): Promise<void> {
  const digest = await digestOf(file);
  const out = options.out ?? `${file}.tst`;
  const token = options.url
    ? await remote(options.url).stamp(digest)
    : await withPost(options, async (post) =>
        timestampAuthority({
          signer: await openKeyRing(post.paths, await fileKeys(post, options)).certified('tsa'),
          policy: timestampPolicy,
          clock: () => new Date(),
          serial: () => serialNumber(nodeBackend.random),
          accuracy: 1,
        }).stamp(digest),
      );
  await writeDurably(out, token);
  if (options.json) printJson({ token: out });
  else process.stdout.write(`${out}: time-stamp token (RFC 3161)\n`);
}

async function verify(
  file: string,
  tokenFile: string,
  options: CommonOptions & { trust?: string },
): Promise<void> {
  const trustFile =
    options.trust ?? process.env.CONSUL_TRUST ?? postPaths(postHome(options.home, process.env)).trust;
  const [digest, token, bundle] = await Promise.all([
    digestOf(file),
    readFile(tokenFile).catch((cause: NodeJS.ErrnoException) => {
      throw new ConsulError('FILE_UNREADABLE', `cannot read ${tokenFile} (${cause.code})`, { cause });
    }),
    readFile(trustFile).catch((cause: NodeJS.ErrnoException) => {
      throw new ConsulError('TRUST_MISSING', `cannot read the trust bundle ${trustFile} (${cause.code})`, {
        cause,
      });
    }),
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
  else if (checked.valid && fault === undefined)
    process.stdout.write(
      `${file} existed on ${checked.info.genTime.toISOString()} (${shownName(checked.certificate)})\n`,
    );
  else process.stdout.write(`the time-stamp is not acceptable: ${fault}\n`);
  process.exitCode = fault === undefined ? exitStatus.passed : exitStatus.failed;
}

async function pathFault(
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
