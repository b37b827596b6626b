import type { RevocationRow } from './schema.ts';
import type { Reader, Tx } from './store.ts';

/** Enters that a document is no longer in force; it must not be entered yet. */
export async function insertRevocation(tx: Tx, revocation: RevocationRow): Promise<void> {
  await tx.insertInto('revocation').values(revocation).execute();
}

export async function findRevocation(db: Reader, number: string): Promise<RevocationRow | undefined> {
  return db.selectFrom('revocation').selectAll().where('number', '=', number).executeTakeFirst();
}

/**
 * The status list as the register has it: how many entries, and which of them are no longer in force, in their order:
 * documents that were revoked, and earlier editions of documents that were sealed again.
 */
export async function revokedEntries(
  db: Reader,
): Promise<{ readonly size: number; readonly revoked: readonly number[] }> {
  // Revocations first: a document that is reserved meanwhile only makes the list longer.
  const revoked = await db
    .selectFrom('revocation')
    .innerJoin('document', 'document.number', 'revocation.number')
    .select('document.statusIndex')
    .execute();
  const superseded = await db.selectFrom('superseded').select('statusIndex').execute();
  const { last } = await db
    .selectFrom('document')
    .select(({ fn }) => fn.max('statusIndex').as('last'))
    .executeTakeFirstOrThrow();
  return {
    size: last === null ? 0 : Number(last) + 1,
    revoked: [...revoked, ...superseded].map((row) => row.statusIndex).sort((one, other) => one - other),
  };
}
