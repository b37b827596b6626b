import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ConsulError } from '../core/errors.ts';
import { timestampApplication } from '../intake/tsa.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { ownAuthority } from './own-authority.ts';
import { withPost } from './post.ts';
import { newCommand, run, withKeyOptions } from './program.ts';
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

async function serveTimestamps(options: ServeOptions): Promise<void> {
  const port = portNumber(options.port);
  await withPost(options, async (post) => {
    const authority = await ownAuthority(post, options);
    const server = timestampApplication(authority).listen(port, options.host);
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
    await once(server, 'close');
  });
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = newCommand('consul serve', 'Serves over HTTP until it is interrupted');
  withKeyOptions(command.command('tsa').description("Serves the post's time-stamp authority (RFC 3161)"))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes a free one', '3161')
    .action(serveTimestamps);
  await run(command, argv);
}
