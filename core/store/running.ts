import { toHex } from '../bytes.ts';
import type { RunningDocument } from '../procedures/rules.ts';
import { canonicalJson, sha256 } from './canonical.ts';
import { inGroups } from './groups.ts';
import type { Reader, Tx } from './store.ts';

/** Stands for a validity without an end. */
const lastDay = '9999-12-31';

const folded = (key: string): string => toHex(sha256(key));

export interface Running {
  readonly reference: string;
  readonly procedure: string;
  /** The person or dwelling that documents are added up for; kept as a digest. */
  readonly key: string;
  readonly figures: Readonly<Record<string, number>>;
}

export async function insertRunning(tx: Tx, entries: readonly Running[]): Promise<void> {
  const rows = entries.map((entry) => ({
    ...entry,
    key: folded(entry.key),
    figures: canonicalJson(entry.figures),
  }));
  await inGroups(rows, (group) => tx.insertInto('running').values(group).execute());
}

/** The documents of a procedure and key that are in force on a day or will be later, oldest first. */
export async function runningDocuments(
  db: Reader,
  at: { readonly procedure: string; readonly key: string; readonly today: string },
): Promise<RunningDocument[]> {
  const rows = await db
    .selectFrom('running')
    .innerJoin('document', (join) =>
      join
        .onRef('document.reference', '=', 'running.reference')
        .onRef('document.type', '=', 'running.procedure'),
    )
    .leftJoin('revocation', 'revocation.number', 'document.number')
    .select(['document.number', 'document.validFrom', 'document.validUntil', 'running.figures'])
    .where('running.procedure', '=', at.procedure)
    .where('running.key', '=', folded(at.key))
    .where('document.step', '=', 'issued')
    .where('revocation.number', 'is', null)
    .where(({ eb, or }) =>
      or([eb('document.validUntil', 'is', null), eb('document.validUntil', '>=', at.today)]),
    )
    .orderBy('document.statusIndex')
    .execute();
  return rows.map(({ number, validFrom, validUntil, figures }) => ({
    number,
    from: validFrom,
    until: validUntil ?? lastDay,
    figures: JSON.parse(figures) as Record<string, number>,
  }));
}
