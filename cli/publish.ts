import { resolve } from 'node:path';
import { logOrigin } from '../core/issuance/log-origin.ts';
import { postHome, postPaths, readSettings } from '../core/store/post-folder.ts';
import { publish } from '../core/store/publication.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { newCommand, run, withCommonOptions } from './program.ts';
import { say } from './words.ts';

async function copy(options: CommonOptions & { out: string }): Promise<void> {
  const home = postHome(options.home, process.env);
  const { post } = await readSettings(home);
  const out = resolve(options.out);
  const log = logOrigin(post).slice(`${post.verifierHost}/`.length);
  const published = await publish(postPaths(home), log, out);
  if (options.json) printJson({ out, ...published });
  else if (!options.quiet)
    process.stdout.write(`${say(messageLanguage(options), 'publish.done', { out, ...published })}\n`);
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = withCommonOptions(
    newCommand('consul publish', 'Copies what is for the world into a folder for any web server or CDN'),
  )
    .requiredOption('--out <folder>', 'root of the host that certificates and seals name')
    .action(copy);
  await run(command, argv);
}
