import { ConsulError } from '../errors.ts';
import type { RequestState } from '../procedures/definition.ts';
import { inGroups } from './groups.ts';
import type { PieceRow, RequestRow } from './schema.ts';
import type { Reader, Tx } from './store.ts';

/** A request with its pieces, as one act finds it and the next one does. */
export interface RequestFile {
  readonly request: RequestRow;
  /** By ordinal. */
  readonly pieces: readonly PieceRow[];
}

export async function insertRequests(tx: Tx, files: readonly RequestFile[]): Promise<void> {
  await inGroups(files, async (group) => {
    await tx
      .insertInto('request')
      .values(group.map((file) => file.request))
      .execute();
  });
  const pieces = files.flatMap((file) => file.pieces);
  await inGroups(pieces, (group) => tx.insertInto('piece').values(group).execute());
}

/** @returns those that exist, by reference */
export async function loadRequests(
  db: Reader,
  references: readonly string[],
): Promise<Map<string, RequestFile>> {
  const files = new Map<string, { request: RequestRow; pieces: PieceRow[] }>();
  await inGroups(references, async (group) => {
    const requests = await db.selectFrom('request').selectAll().where('reference', 'in', group).execute();
    for (const request of requests) files.set(request.reference, { request, pieces: [] });
    const pieces = await db
      .selectFrom('piece')
      .selectAll()
      .where('reference', 'in', group)
      .orderBy('reference')
      .orderBy('ordinal')
      .execute();
    for (const piece of pieces) files.get(piece.reference)?.pieces.push(piece);
  });
  return files;
}

/** @throws ConsulError REQUEST_UNKNOWN */
export async function loadRequest(db: Reader, reference: string): Promise<RequestFile> {
  const file = (await loadRequests(db, [reference])).get(reference);
  if (!file) throw new ConsulError('REQUEST_UNKNOWN', `there is no request ${reference}`);
  return file;
}

/**
 * Replaces a request by what an act has made of it.
 * @param before what the act was applied to
 * @throws ConsulError REQUEST_WRONG_STATE when another act came between
 */
export async function updateRequest(tx: Tx, before: RequestFile, after: RequestFile): Promise<void> {
  const { reference } = before.request;
  const { numUpdatedRows } = await tx
    .updateTable('request')
    .set(changes(before.request, after.request))
    .where('reference', '=', reference)
    .where('version', '=', before.request.version)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n)
    throw new ConsulError('REQUEST_WRONG_STATE', `request ${reference} was changed by another act meanwhile`);

  const changed = after.pieces.filter((piece) => !before.pieces.includes(piece));
  for (const piece of changed)
    await tx
      .insertInto('piece')
      .values(piece)
      .onConflict((conflict) =>
        conflict.columns(['reference', 'ordinal']).doUpdateSet((eb) => ({
          state: eb.ref('excluded.state'),
          sha256: eb.ref('excluded.sha256'),
          mediaType: eb.ref('excluded.mediaType'),
          size: eb.ref('excluded.size'),
          name: eb.ref('excluded.name'),
          reason: eb.ref('excluded.reason'),
          at: eb.ref('excluded.at'),
        })),
      )
      .execute();
}

function changes(before: RequestRow, after: RequestRow): Partial<RequestRow> {
  const columns = Object.keys(after) as (keyof RequestRow)[];
  return Object.fromEntries(
    columns.filter((name) => after[name] !== before[name]).map((name) => [name, after[name]]),
  );
}

export async function findByIdempotencyKey(db: Reader, keys: readonly string[]): Promise<RequestRow[]> {
  const found: RequestRow[] = [];
  await inGroups(keys, async (group) => {
    found.push(
      ...(await db.selectFrom('request').selectAll().where('idempotencyKey', 'in', group).execute()),
    );
  });
  return found;
}

export interface RequestFilter {
  readonly states?: readonly RequestState[];
  readonly procedure?: string;
  readonly assignedTo?: string;
  /** The last of the page before. */
  readonly after?: { readonly submittedAt: string; readonly reference: string };
  readonly limit: number;
}

/** Newest first. */
export async function listRequests(db: Reader, filter: RequestFilter): Promise<RequestRow[]> {
  const { states, procedure, assignedTo, after, limit } = filter;
  let query = db
    .selectFrom('request')
    .selectAll()
    .orderBy('submittedAt', 'desc')
    .orderBy('reference', 'desc')
    .limit(limit);
  if (states) query = query.where('state', 'in', states);
  if (procedure !== undefined) query = query.where('procedure', '=', procedure);
  if (assignedTo !== undefined) query = query.where('assignedTo', '=', assignedTo);
  if (after)
    query = query.where(({ eb, or, and }) =>
      or([
        eb('submittedAt', '<', after.submittedAt),
        and([eb('submittedAt', '=', after.submittedAt), eb('reference', '<', after.reference)]),
      ]),
    );
  return query.execute();
}
