import type { Draft } from './draft.ts';
import { type Issued, type IssuingContext, issueGroup } from './issue.ts';

/** Documents that share their commits: large enough that waiting for the disk is a small part of the work. */
export const groupSize = 50;

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
  const running = new Map<number, Promise<{ readonly id: number; readonly issued: readonly Issued[] }>>();
  let next = 0;
  const settled = async (): Promise<readonly Issued[]> => {
    const { id, issued } = await Promise.race(running.values());
    running.delete(id);
    return issued;
  };
  try {
    for await (const drafts of groups) {
      const id = next++;
      running.set(
        id,
        issueGroup(context, drafts).then((issued) => ({ id, issued })),
      );
      if (running.size >= atOnce) yield await settled();
    }
    while (running.size > 0) yield await settled();
  } finally {
    await Promise.allSettled(running.values());
  }
}
