import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { actorName } from '../core/casework/actor.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { groupsAtOnce, issueMany } from '../core/issuance/batch.ts';
import { resealGroups } from '../core/issuance/reseal.ts';
import { publishStatusList } from '../core/issuance/status.ts';
import { procedureIds } from '../core/procedures/folder.ts';
import { demandCertificate } from '../core/store/certificate.ts';
import { openKeyRing } from '../core/store/keys.ts';
import { type CommonOptions, exitStatus, messageLanguage, printJson } from './outcome.ts';
import { agentOf, procedureFolder, proceduresOf, withIssuing, withPost } from './post.ts';
import { keySecrets } from './secrets.ts';
import { say } from './words.ts';

/** Gives every document that a compromised key concerns its next edition, and publishes the status list. */
export async function reseal(serial: string, options: CommonOptions): Promise<void> {
  await withPost(options, async (post) => {
    const certificate = await demandCertificate(post.store.read, serial);
    const procedures = await proceduresOf(post, await procedureIds(procedureFolder));
    const actor = agentOf(options);
    const threads = availableParallelism() > 1 ? availableParallelism() : 0;
    const documents: { number: string; reference: string; document: string; timestamp: string }[] = [];
    const secrets = keySecrets(post, options);
    await withIssuing(post, options, { procedures, actor, threads, secrets }, async (context) => {
      const groups = resealGroups(
        {
          store: post.store,
          clock: context.clock,
          random: nodeBackend.random,
          actor: actorName(actor),
        },
        certificate,
      );
      for await (const group of issueMany(context, groups, groupsAtOnce(threads)))
        for (const { number, reference, path, timestamp } of group)
          documents.push({ number, reference, document: join(post.paths.documents, path), timestamp });
    });
    const ring = openKeyRing(post.paths, secrets, post.settings.keys);
    const { file } = await publishStatusList(post, ring, new Date());
    const waiting = documents.filter(({ timestamp }) => timestamp === 'pending').length;
    if (options.json)
      printJson({ serial: certificate.serial, resealed: documents, waiting, statusList: file });
    else if (!options.quiet) {
      for (const { number, document } of documents) process.stdout.write(`${number}  ${document}\n`);
      const values = { count: documents.length, waiting, file };
      process.stdout.write(`${say(messageLanguage(options), 'pki.resealed', values)}\n`);
    }
    if (waiting > 0) process.exitCode = exitStatus.failed;
  });
}
