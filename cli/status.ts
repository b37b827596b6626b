import { publishStatusList } from '../core/issuance/status.ts';
import { openKeyRing } from '../core/store/keys.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { withPost } from './post.ts';
import { newCommand, run, withKeyOptions } from './program.ts';
import { keySecrets } from './secrets.ts';
import { say } from './words.ts';

async function publish(options: CommonOptions): Promise<void> {
  await withPost(options, async (post) => {
    const ring = openKeyRing(post.paths, keySecrets(post, options), post.settings.keys);
    const { bytes, ...published } = await publishStatusList(post, ring, new Date());
    const shown = { ...published, bytes: bytes.length };
    if (options.json) printJson(shown);
    else if (!options.quiet)
      process.stdout.write(`${say(messageLanguage(options), 'status.published', shown)}\n`);
  });
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = newCommand('consul status', 'The status list of the post (IETF Token Status List, CWT)');
  withKeyOptions(
    command
      .command('publish')
      .description(
        'Signs the list of all revocations and puts it into public/status of the post; run it daily',
      ),
  ).action(publish);
  await run(command, argv);
}
