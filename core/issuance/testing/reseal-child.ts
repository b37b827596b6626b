import { nodeBackend } from '../../crypto/node.ts';
import { demandCertificate } from '../../store/certificate.ts';
import { issueMany } from '../batch.ts';
import { resealGroups } from '../reseal.ts';
import { procedures } from './draft.ts';
import { type Death, dieAt } from './effects.ts';
import { openIssuingPost } from './post.ts';
import { watchedContext } from './watched.ts';

// For tests only: a process that seals documents again, and dies while it does.

export interface ResealPlan {
  readonly home: string;
  readonly fonts: string;
  readonly serial: string;
  readonly death?: Death;
}

const plan = JSON.parse(process.argv[2] ?? '') as ResealPlan;
const { post, context, close } = await openIssuingPost({ ...plan, procedures });
const acting = {
  store: post.store,
  clock: () => new Date(),
  random: nodeBackend.random,
  actor: 'agent:amina',
};
const groups = resealGroups(acting, await demandCertificate(post.store.read, plan.serial));
dieAt(plan.death);
for await (const _group of issueMany(watchedContext(context), groups, 2));
dieAt(undefined);
await close();
