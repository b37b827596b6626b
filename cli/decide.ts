import { decisionText } from '../core/casework/approval.ts';
import { act, actOnMany } from '../core/casework/casework.ts';
import { parseReference } from '../core/casework/reference.ts';
import type { Act } from '../core/casework/workflow.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { signStatement } from '../core/pki/signed-statement.ts';
import { loadRequest, type RequestFile } from '../core/store/request.ts';
import { actingOn, announce, doActs, toInstruction } from './acts.ts';
import { certificateOfAgent, openAgentKey } from './agent-key.ts';
import { agentOf, withPost } from './post.ts';
import type { AgentKeyOptions } from './secrets.ts';

interface DecideOptions extends AgentKeyOptions {
  accept?: boolean;
  refuse?: boolean;
  reason?: string;
  ground?: string;
  contest?: string;
  key?: string;
}

function decision(file: RequestFile, options: DecideOptions): readonly Act[] {
  return [
    ...toInstruction(file, options),
    options.accept
      ? { kind: 'accept', ...(options.reason === undefined ? {} : { reason: options.reason }) }
      : {
          kind: 'refuse',
          reason: options.reason ?? '',
          ground: options.ground ?? '',
          contest: options.contest ?? '',
        },
  ];
}

/**
 * Decides, where nobody has decided yet, and signs the decision with the agent's own key. The key is opened first, and
 * who was interrupted between the two does the same again.
 */
async function decideAndSign(text: string, key: string, options: DecideOptions): Promise<void> {
  const reference = parseReference(text);
  const signer = await openAgentKey(key, options);
  await withPost(options, async (post) => {
    const { serial, der } = await certificateOfAgent(post, signer);
    const agent = agentOf(options);
    let file = await loadRequest(post.store.read, reference);
    const wanted = options.accept ? 'accepted' : 'refused';
    if (file.request.decision === null) {
      const acts = decision(file, options).map((one) => ({ reference, act: one }));
      file = (await actOnMany(acts, await actingOn(post, file, agent))).at(-1) ?? file;
    } else if (file.request.decision !== wanted)
      throw new ConsulError(
        'REQUEST_WRONG_STATE',
        `request ${reference} was ${file.request.decision} already`,
      );
    const context = await actingOn(post, file, agent);
    const statement = decisionText(file, context.now.toISOString());
    const signature = await signStatement(statement, { signer, certificate: der }, nodeBackend.digest);
    announce(
      await act({ reference, act: { kind: 'approve', certificate: serial, signature } }, context),
      options,
    );
  });
}

export async function decide(reference: string, options: DecideOptions): Promise<void> {
  if (options.accept === options.refuse)
    throw new ConsulError('USAGE', 'decide takes either --accept or --refuse');
  if (options.key !== undefined) return decideAndSign(reference, options.key, options);
  await doActs(reference, options, (file) => decision(file, options));
}
