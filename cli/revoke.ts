import { revokeDocument } from '../core/casework/revocation.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { agentOf, withPost } from './post.ts';
import { newCommand, run, withCommonOptions } from './program.ts';
import { clockTime, say } from './words.ts';

async function revoke(number: string, options: CommonOptions & { reason: string }): Promise<void> {
  await withPost(options, async (post) => {
    const revocation = await revokeDocument(
      { number, reason: options.reason },
      { store: post.store, actor: agentOf(options), now: new Date(), random: nodeBackend.random },
    );
    if (options.json) printJson(revocation);
    else if (!options.quiet) {
      const { revokedBefore, actor, reason } = revocation;
      const at = clockTime(revocation.at, post.settings.post.timeZone);
      const key = revokedBefore ? 'revoke.before' : 'revoke.done';
      process.stdout.write(`${say(messageLanguage(options), key, { number, at, actor, reason })}\n`);
    }
  });
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = withCommonOptions(newCommand('consul revoke', 'Ends the force of a document, for good'))
    .argument('<number>', 'as it stands on the document, for example PC-2026-000001')
    .requiredOption('--reason <text>', 'why; kept in the register, not published')
    .option('--agent <name>', 'who acts (else CONSUL_AGENT, else the login name)')
    .action(revoke);
  await run(command, argv);
}
