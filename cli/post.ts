import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Actor } from '../core/casework/actor.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { settleRequests } from '../core/issuance/decided.ts';
import type { IssuingContext } from '../core/issuance/issue.ts';
import { type OpenPost, openIssuing, openPost } from '../core/issuance/open-post.ts';
import type { SignatureLevel } from '../core/pdf/level.ts';
import { actors } from '../core/procedures/definition.ts';
import { readProcedure } from '../core/procedures/folder.ts';
import type { Procedures } from '../core/procedures/load.ts';
import type { Procedure } from '../core/procedures/procedure.ts';
import type { KeySecrets } from '../core/store/keys.ts';
import { postHome } from '../core/store/post-folder.ts';
import { type CommonOptions, errorText } from './outcome.ts';
import { keySecrets } from './secrets.ts';
import { shipped } from './shipped.ts';

export const fontFolder = shipped('templates', 'fonts');
export const procedureFolder = shipped('templates', 'procedures');

/** Who acts, as the journal names them: --agent, else CONSUL_AGENT, else the login name. Who may use the keys has all roles. */
export function agentOf(options: CommonOptions): Actor & { readonly kind: 'agent' } {
  const name = options.agent ?? process.env.CONSUL_AGENT ?? userInfo().username;
  return { kind: 'agent', name, roles: actors.filter((role) => role !== 'citizen' && role !== 'system') };
}

/** Runs with the post of --home open, and closes it whatever happens. */
export async function withPost<T>(options: CommonOptions, act: (post: OpenPost) => Promise<T>): Promise<T> {
  const post = await openPost(postHome(options.home, process.env));
  try {
    return await act(post);
  } finally {
    await post.close();
  }
}

/** A procedure, checked once for this version of the program and then read from the post's cache. */
export function procedureOf(post: OpenPost, id: string): Promise<Procedure> {
  return readProcedure(procedureFolder, id, {
    checked: { folder: join(post.paths.cache, 'procedures'), version: process.env.CONSUL_VERSION ?? '' },
  });
}

export async function proceduresOf(post: OpenPost, ids: Iterable<string>): Promise<Procedures> {
  const procedures = await Promise.all([...new Set(ids)].map((id) => procedureOf(post, id)));
  return new Map(procedures.map((procedure) => [procedure.id, procedure]));
}

export interface IssuingRun {
  readonly procedures: Procedures;
  readonly actor: Actor;
  /** Threads besides this one. */
  readonly threads: number;
  /** Where the run opens other keys too: what was asked for is not asked for again. */
  readonly secrets?: KeySecrets;
  /** Of the signatures; left out it is that of the settings. */
  readonly level?: SignatureLevel | undefined;
}

/** Runs with the keys open and everything ready to issue. */
export async function withIssuing<T>(
  post: OpenPost,
  options: CommonOptions,
  { procedures, actor, threads, level, secrets = keySecrets(post, options) }: IssuingRun,
  act: (context: IssuingContext) => Promise<T>,
): Promise<T> {
  const clock = (): Date => new Date();
  const context = await openIssuing(post, {
    ...secrets,
    clock,
    fonts: fontFolder,
    threads,
    workerScript: shipped('dist', 'issuing-worker.mjs'),
    ...(level === undefined ? {} : { level }),
    warn: (warning) => process.stderr.write(errorText(warning)),
    settle: settleRequests({
      procedures,
      post: post.settings.post,
      actor,
      clock,
      random: nodeBackend.random,
    }),
  });
  try {
    return await act(context);
  } finally {
    await context.producer.close();
  }
}
