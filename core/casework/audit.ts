import { toHex } from '../bytes.ts';
import { canonicalJson, sha256 } from '../store/canonical.ts';
import { loadRequests, type RequestFile } from '../store/request.ts';
import type { Reader } from '../store/store.ts';
import { approvalsOf } from './approval.ts';
import type { EventDetails } from './event.ts';

const pageSize = 100;

export interface RequestsReport {
  readonly outcome: 'intact' | 'broken';
  /** How many requests were found as their timelines say. */
  readonly requests: number;
  /** The first request that is not, and why. */
  readonly broken?: { readonly reference: string; readonly reason: string };
}

interface Entry {
  readonly reference: string;
  readonly kind: string;
  readonly detail: string;
  /** What the journal says of the same act. */
  readonly trace: string;
}

/**
 * Proves that data, state and pieces of every request are those that its timeline tells, and that the agents who signed
 * its decision have signed it as it is. The timeline itself is proved by `verifyJournal`; the two together cover all that
 * an agent relies on.
 */
export async function verifyRequests(db: Reader): Promise<RequestsReport> {
  let requests = 0;
  let after = '';
  for (;;) {
    const page = await db
      .selectFrom('request')
      .select('reference')
      .where('reference', '>', after)
      .orderBy('reference')
      .limit(pageSize)
      .execute();
    const references = page.map((row) => row.reference);
    const last = references.at(-1);
    if (last === undefined) return { outcome: 'intact', requests };
    after = last;

    const files = await loadRequests(db, references);
    const entries = await entriesOf(db, references);
    for (const [reference, file] of files) {
      const told = entries.get(reference) ?? [];
      const reason = difference(file, told) ?? (await approvalFault(db, file, told));
      if (reason !== undefined) return { outcome: 'broken', requests, broken: { reference, reason } };
      requests++;
    }
  }
}

async function entriesOf(db: Reader, references: readonly string[]): Promise<Map<string, Entry[]>> {
  const entries = new Map<string, Entry[]>(references.map((reference) => [reference, []]));
  const rows = await db
    .selectFrom('timeline')
    .innerJoin('journal', 'journal.seq', 'timeline.seq')
    .select(['timeline.reference', 'timeline.kind', 'timeline.detail', 'journal.detail as trace'])
    .where('timeline.reference', 'in', references)
    .orderBy('timeline.seq')
    .execute();
  for (const row of rows) entries.get(row.reference)?.push(row);
  return entries;
}

function difference({ request, pieces }: RequestFile, entries: readonly Entry[]): string | undefined {
  let data: string | undefined;
  let state: string | undefined;
  const brought = new Map<number, string>();
  for (const { kind, detail, trace } of entries) {
    state = (JSON.parse(trace) as { to?: string }).to ?? state;
    if (kind === 'request.submitted') data = (JSON.parse(detail) as EventDetails['request.submitted']).data;
    if (kind === 'request.submitted' || kind === 'piece.received') {
      const { pieces: traces } = JSON.parse(detail) as EventDetails['piece.received'];
      for (const piece of traces) brought.set(piece.ordinal, piece.sha256);
    }
  }
  if (data === undefined) return 'nothing tells that it was submitted';
  if (data !== toHex(sha256(request.data))) return 'its data is not what was submitted';
  if (state !== request.state) return `it is ${request.state}, but its timeline ends with ${state}`;
  const present = pieces.filter((piece) => piece.sha256 !== null);
  const other = present.find(
    ({ ordinal, sha256: digest }) => digest && brought.get(ordinal) !== toHex(digest),
  );
  if (other) return `piece ${other.ordinal} is not what was brought`;
  if (present.length !== brought.size) return 'a piece that was brought is missing';
  return undefined;
}

/** Every signature under the decision holds, and those are there under which the document was issued. */
async function approvalFault(
  db: Reader,
  file: RequestFile,
  entries: readonly Entry[],
): Promise<string | undefined> {
  const demanded = entries.flatMap(({ kind, detail }) =>
    kind === 'request.issued'
      ? ((JSON.parse(detail) as EventDetails['request.issued']).approvedBy ?? [])
      : [],
  );
  if (demanded.length === 0 && !entries.some(({ kind }) => kind === 'request.approved')) return undefined;
  const approvals = await approvalsOf(db, file);
  const wrong = approvals.find(({ fault }) => fault !== undefined);
  if (wrong) return `the signature of ${wrong.agent} under its decision does not hold: ${wrong.fault}`;
  const missing = demanded.find((serial) => !approvals.some(({ certificate }) => certificate === serial));
  return missing && `the signature of ${missing}, under which it was issued, is missing`;
}

/**
 * Proves that what is revoked is what timelines tell, no more and no less: a revocation that was taken away would give
 * a document its force back.
 * @returns the documents of which it is not so, and why
 */
export async function verifyRevocations(
  db: Reader,
): Promise<readonly { readonly number: string; readonly reason: string }[]> {
  const told = new Map<string, string>();
  const entries = await db
    .selectFrom('timeline')
    .select(['at', 'actor', 'detail'])
    .where('kind', '=', 'document.revoked')
    .execute();
  for (const { at, actor, detail } of entries) {
    const { number, reason } = JSON.parse(detail) as EventDetails['document.revoked'];
    told.set(number, canonicalJson({ number, at, actor, reason }));
  }
  const faults: { number: string; reason: string }[] = [];
  for (const row of await db.selectFrom('revocation').selectAll().execute()) {
    if (told.get(row.number) !== canonicalJson({ ...row }))
      faults.push({ number: row.number, reason: 'its revocation is not the one that its timeline tells' });
    told.delete(row.number);
  }
  for (const number of told.keys()) faults.push({ number, reason: 'its revocation was taken away' });
  return faults;
}
