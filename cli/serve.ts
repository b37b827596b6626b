import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type Koa from 'koa';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { answerArchive } from '../core/store/answer-archive.ts';
import { postHome, postPaths } from '../core/store/post-folder.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { withPost } from './post.ts';
import { newCommand, run, withCommonOptions, withKeyOptions } from './program.ts';
import { say } from './words.ts';

interface ServeOptions extends CommonOptions {
  host: string;
  port: string;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new ConsulError('USAGE', `--port takes a number from 0 to 65535, not ${text}`);
  return port;
}

/** Answers until it is interrupted. */
async function serve(application: Koa, options: ServeOptions): Promise<void> {
  const port = portNumber(options.port);
  const server = application.listen(port, options.host);
  await Promise.race([
    once(server, 'listening'),
    once(server, 'error').then(([cause]) => {
      throw new ConsulError('USAGE', `cannot listen on ${options.host}:${port} (${cause.code})`, { cause });
    }),
  ]);
  const url = `http://${options.host}:${(server.address() as AddressInfo).port}/`;
  if (options.json) printJson({ url });
  else process.stdout.write(`${say(messageLanguage(options), 'serve.listening', { url })}\n`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  server.close();
  server.closeIdleConnections();
  await once(server, 'close');
}

async function serveTimestamps(options: ServeOptions): Promise<void> {
  const { timestampApplication } = await import('../intake/tsa.ts');
  const { openAuthority } = await import('./own-authority.ts');
  portNumber(options.port);
  await withPost(options, async (post) =>
    serve(timestampApplication(await openAuthority(post, options)), options),
  );
}

/** Needs no database and no key: the folder may be a copy on another machine. */
async function serveAnswers(options: ServeOptions & { dir?: string }): Promise<void> {
  const { ocspApplication } = await import('../verifier/ocsp.ts');
  const { archiveResponder } = await import('../core/pki/ocsp-archive.ts');
  const folder = options.dir ?? postPaths(postHome(options.home, process.env)).public;
  const clock = (): Date => new Date();
  const respond = archiveResponder(await answerArchive(folder), nodeBackend.digest, clock);
  await serve(ocspApplication(respond, clock), options);
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = newCommand('consul serve', 'Serves over HTTP until it is interrupted');
  withKeyOptions(command.command('tsa').description("Serves the post's time-stamp authority (RFC 3161)"))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes a free one', '3161')
    .action(serveTimestamps);
  withCommonOptions(
    command.command('ocsp').description('Serves the OCSP answers that were published (RFC 6960, RFC 5019)'),
  )
    .option('--dir <folder>', "what was published (else the post's own folder public)")
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes a free one', '2560')
    .action(serveAnswers);
  await run(command, argv);
}
