import type { Draft } from './draft.ts';
import { type Issued, type IssuingContext, issueGroup } from './issue.ts';

/** Documents that share their commits: large enough that waiting for the disk is a small part of the work. */
export const groupSize = 50;

/** How a group ended; a failure waits until its turn comes to be told. */
type Ended =
  | { readonly id: number; readonly issued: readonly Issued[] }
  | { readonly id: number; readonly error: unknown };

/** How many groups are worth having under way: while one waits for the disk another is made. */
export const groupsAtOnce = (threads: number): number => (threads > 0 ? threads + 1 : 2);

/**
 * Issues many documents, some groups at the same time: while one is on the producer's threads the next takes its
 * numbers. Results come a group at a time, in no fixed order; what was yielded is durable.
 * @param groups drafts in groups, read as they are needed
 */
export async function* issueMany(
  context: IssuingContext,
  groups: AsyncIterable<readonly Draft[]>,
  atOnce: number,
): AsyncGenerator<readonly Issued[]> {
  const running = new Map<number, Promise<Ended>>();
  let next = 0;
  const first = async (): Promise<readonly Issued[]> => {
    const ended = await Promise.race(running.values());
    running.delete(ended.id);
    if ('error' in ended) throw ended.error;
    return ended.issued;
  };
  try {
    for await (const drafts of groups) {
      const id = next++;
      running.set(
        id,
        issueGroup(context, drafts).then(
          (issued) => ({ id, issued }),
          (error: unknown) => ({ id, error }),
        ),
      );
      if (running.size >= atOnce) yield await first();
    }
    while (running.size > 0) yield await first();
  } finally {
    await Promise.all(running.values());
  }
}
