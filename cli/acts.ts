import type { Actor } from '../core/casework/actor.ts';
import { type ActingContext, actOnMany, type RequestAct } from '../core/casework/casework.ts';
import { parseReference } from '../core/casework/reference.ts';
import type { Act } from '../core/casework/workflow.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import type { OpenPost } from '../core/issuance/open-post.ts';
import { readPieceName } from '../core/procedures/pieces.ts';
import { loadRequest, type RequestFile } from '../core/store/request.ts';
import { type CommonOptions, printJson } from './outcome.ts';
import { agentOf, procedureOf, proceduresOf, withPost } from './post.ts';
import { summary } from './request-shown.ts';

/** Who acts, when, and by which procedure. */
export const actingOn = async (
  post: OpenPost,
  { request }: RequestFile,
  actor: Actor,
): Promise<ActingContext> => ({
  store: post.store,
  procedures: await proceduresOf(post, [request.procedure]),
  post: post.settings.post,
  actor,
  now: new Date(),
  random: nodeBackend.random,
});

/** Does acts on one request, one after the other, all or none, and says what it became. */
export async function doActs(
  text: string,
  options: CommonOptions,
  acts: (request: RequestFile, post: OpenPost) => readonly Act[] | Promise<readonly Act[]>,
  actor: Actor = agentOf(options),
): Promise<void> {
  const reference = parseReference(text);
  await withPost(options, async (post) => {
    const before = await loadRequest(post.store.read, reference);
    const chosen = await acts(before, post);
    const files = await actOnMany(
      chosen.map((act): RequestAct => ({ reference, act })),
      await actingOn(post, before, actor),
    );
    announce(files.at(-1) ?? before, options);
  });
}

export function announce({ request }: RequestFile, options: CommonOptions): void {
  if (options.json) printJson(summary(request));
  else if (!options.quiet) process.stdout.write(`${request.reference}  ${request.state}\n`);
}

/** An agent who acts on a request that nobody has taken yet takes it. */
export function toInstruction({ request }: RequestFile, options: CommonOptions): Act[] {
  return request.state === 'submitted' ? [{ kind: 'assign', agent: agentOf(options).name }] : [];
}

export async function assign(reference: string, options: CommonOptions & { to?: string }): Promise<void> {
  await doActs(reference, options, () => [{ kind: 'assign', agent: options.to ?? agentOf(options).name }]);
}

export async function ask(
  reference: string,
  options: CommonOptions & { message: string; piece?: readonly string[] },
): Promise<void> {
  await doActs(reference, options, async (file, post) => {
    const procedure = await procedureOf(post, file.request.procedure);
    const pieces = (options.piece ?? []).map((name) => {
      const { kind, index } = readPieceName(procedure, name);
      return { kind, item: index ?? null };
    });
    return [...toInstruction(file, options), { kind: 'ask', message: options.message, pieces }];
  });
}

export async function answer(reference: string, options: CommonOptions & { message: string }): Promise<void> {
  await doActs(reference, options, () => [{ kind: 'answer', message: options.message }]);
}

interface ReviewOptions extends CommonOptions {
  accept?: readonly string[];
  refuse?: readonly string[];
  reason?: string;
}

/** The number of a piece, as `request show` lists it. */
export function ordinal(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new ConsulError('USAGE', `${JSON.stringify(text)} is not the number of a piece`);
  return value;
}

export async function review(reference: string, options: ReviewOptions): Promise<void> {
  const accepted = (options.accept ?? []).map(
    (text): Act => ({ kind: 'acceptPiece', ordinal: ordinal(text) }),
  );
  const refused = (options.refuse ?? []).map(
    (text): Act => ({
      kind: 'refusePiece',
      ordinal: ordinal(text),
      as: 'refused',
      reason: options.reason ?? '',
    }),
  );
  if (accepted.length + refused.length === 0)
    throw new ConsulError('USAGE', 'review takes --accept or --refuse');
  await doActs(reference, options, (file) => [...toInstruction(file, options), ...accepted, ...refused]);
}

/** Withdrawing is for the citizen; the agent writes it down. */
export async function withdraw(
  reference: string,
  options: CommonOptions & { reason?: string },
): Promise<void> {
  const agent = agentOf(options);
  await doActs(
    reference,
    options,
    () => [{ kind: 'withdraw', ...(options.reason === undefined ? {} : { reason: options.reason }) }],
    { ...agent, roles: [...agent.roles, 'citizen'] },
  );
}
