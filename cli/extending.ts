import { relative, resolve } from 'node:path';
import { nodeBackend } from '../core/crypto/node.ts';
import { settleRequests } from '../core/issuance/decided.ts';
import type { RegisterContext } from '../core/issuance/extension.ts';
import { openExtending } from '../core/issuance/open-extending.ts';
import type { OpenPost } from '../core/issuance/open-post.ts';
import { procedureIds } from '../core/procedures/folder.ts';
import { type DocumentWithRecord, documentAt } from '../core/store/document.ts';
import type { CommonOptions } from './outcome.ts';
import { agentOf, procedureFolder, proceduresOf } from './post.ts';
import { keySecrets } from './secrets.ts';

/** Runs with everything open that makes signatures last. */
export async function withExtending<T>(
  post: OpenPost,
  options: CommonOptions,
  act: (context: RegisterContext) => Promise<T>,
): Promise<T> {
  const agent = agentOf(options);
  const clock = (): Date => new Date();
  const context = await openExtending(post, {
    ...keySecrets(post, options),
    clock,
    actor: `agent:${agent.name}`,
    settle: settleRequests({
      procedures: await proceduresOf(post, await procedureIds(procedureFolder)),
      post: post.settings.post,
      actor: agent,
      clock,
      random: nodeBackend.random,
    }),
  });
  return act(context);
}

/** The document of the register that a file is, where it lies in its place. */
export const registeredFile = (
  { paths, store }: OpenPost,
  file: string,
): Promise<DocumentWithRecord | undefined> =>
  documentAt(store.read, relative(paths.documents, resolve(file)));
