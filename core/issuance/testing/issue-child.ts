import { createHash } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ConsulError } from '../../errors.ts';
import { issueGroup } from '../issue.ts';
import { procedures, someDraft } from './draft.ts';
import { type Death, dieAt, happened } from './effects.ts';
import { type IssuingPost, openIssuingPost } from './post.ts';
import { watchedContext } from './watched.ts';

// For tests only: a process that issues, and dies while it does.

export interface IssuePlan {
  readonly home: string;
  readonly fonts: string;
  /** References of requests; one group is issued after the other. */
  readonly groups: readonly (readonly string[])[];
  readonly death?: Death;
}

/** What the process says, a line each, as soon as it is so. */
export type Said =
  | { readonly ready: true }
  | {
      readonly acknowledged: readonly {
        readonly reference: string;
        readonly number: string;
        readonly sha256: string;
      }[];
    }
  | { readonly refused: string; readonly message: string }
  | { readonly happened: readonly string[] };

const say = (said: Said): void => void writeSync(1, `${JSON.stringify(said)}\n`);

const plan = JSON.parse(process.argv[2] ?? '') as IssuePlan;

function refused(error: unknown): void {
  if (!(error instanceof ConsulError)) throw error;
  say({ refused: error.code, message: error.message });
}

const digestOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

async function issueAll({ post, context }: IssuingPost): Promise<void> {
  say({ ready: true });
  dieAt(plan.death);
  for (const references of plan.groups) {
    try {
      const issued = await issueGroup(
        watchedContext(context),
        references.map((reference) => someDraft(reference)),
      );
      say({
        acknowledged: issued.map(({ reference, number, path }) => ({
          reference,
          number,
          sha256: digestOf(join(post.paths.documents, path)),
        })),
      });
    } catch (error) {
      refused(error);
    }
  }
  const names = [...happened()];
  dieAt(undefined);
  say({ happened: names });
}

const opened = await openIssuingPost({ ...plan, procedures }).catch(refused);
if (opened) {
  await issueAll(opened);
  await opened.close();
}
