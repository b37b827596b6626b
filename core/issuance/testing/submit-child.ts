import { readFileSync, writeSync } from 'node:fs';
import { type Death, dieAt } from './effects.ts';
import type { Acknowledged } from './invariants.ts';
import { hexDigest, openSubmittingPost, type SubmitPlan, submit } from './submit.ts';
import { watchedContext } from './watched.ts';

// For tests only: a process that takes a deposit, and dies while it does.

export type SubmitSaid =
  | { readonly submitted: string; readonly created: boolean }
  | { readonly receipt: Acknowledged };

const say = (said: SubmitSaid): void => void writeSync(1, `${JSON.stringify(said)}\n`);

const plan = JSON.parse(process.argv[2] ?? '') as SubmitPlan & { readonly death?: Death };
const { post, context, procedure, close } = await openSubmittingPost(plan);
dieAt(plan.death);
await submit(
  { post, context: watchedContext(context), procedure },
  plan,
  (file) => hexDigest(readFileSync(file)),
  {
    submitted: (submitted, created) => say({ submitted, created }),
    receipt: (receipt) => say({ receipt }),
  },
);
dieAt(undefined);
await close();
