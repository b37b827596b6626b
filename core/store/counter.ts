import type { Tx } from './store.ts';

/**
 * Takes `count` values of a sequence that has no gaps: they are given back when the transaction is rolled back.
 * @returns the first of them
 */
export async function advance(tx: Tx, name: string, first: number, count: number): Promise<number> {
  const { next } = await tx
    .insertInto('counter')
    .values({ name, next: first + count })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((eb) => ({ next: eb('counter.next', '+', count) })),
    )
    .returning('next')
    .executeTakeFirstOrThrow();
  return next - count;
}
