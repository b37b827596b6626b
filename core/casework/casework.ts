import { ConsulError } from '../errors.ts';
import type { Post } from '../post.ts';
import { localDay } from '../procedures/calendar.ts';
import type { Finding } from '../procedures/finding.ts';
import type { Procedures } from '../procedures/load.ts';
import type { Procedure } from '../procedures/procedure.ts';
import { canonicalJson, type Json } from '../store/canonical.ts';
import { documentsOf } from '../store/document.ts';
import { enqueue } from '../store/outbox.ts';
import type { Pieces } from '../store/pieces.ts';
import {
  findByIdempotencyKey,
  insertRequests,
  loadRequest,
  loadRequests,
  type RequestFile,
  updateRequest,
} from '../store/request.ts';
import { insertRunning } from '../store/running.ts';
import type { RequestRow, TimelineRow } from '../store/schema.ts';
import type { Reader, Store, Tx } from '../store/store.ts';
import { appendTimeline, readTimeline, type TimelineEntry } from '../store/timeline.ts';
import { type Actor, actorName } from './actor.ts';
import { demandApproval, demandedApprovals } from './approval.ts';
import { isNotified, type RequestEvent } from './event.ts';
import {
  describePieces,
  keepPieces,
  missingNeeds,
  type PieceFile,
  type PreparedRequest,
  prepareRequest,
  refuseTooMany,
  type Submission,
  type SubmissionContext,
} from './submission.ts';
import { type Act, type ActContext, applyAct } from './workflow.ts';

/** A request as it was taken, with what is still owed and what an agent must look at. */
export interface Submitted extends Pick<PreparedRequest, 'file' | 'owed' | 'warnings'> {
  /** False where the request was there already, from an earlier attempt with the same idempotency key. */
  readonly created: boolean;
}

/**
 * Takes a request: checked, its pieces kept, then written with its timeline, journal and outbox in one transaction.
 * One that lacks pieces is taken as `incomplete` and told what it lacks.
 * @throws ConsulError as `prepareRequest`; USAGE when the idempotency key was used for another content
 */
export async function submitRequest(
  submission: Submission,
  actor: Actor,
  context: SubmissionContext,
): Promise<Submitted> {
  const before = await submittedBefore(submission, context.store.read);
  if (before) return before;
  const [submitted] = await submitPrepared([await prepareRequest(submission, context)], actor, context);
  return submitted as Submitted;
}

/** What an earlier attempt took under the same key: found before anything is checked, since rules go by the day. */
async function submittedBefore(
  { idempotencyKey, procedure, data }: Submission,
  db: Reader,
): Promise<Submitted | undefined> {
  if (idempotencyKey === undefined) return undefined;
  const [row] = await findByIdempotencyKey(db, [idempotencyKey]);
  if (!row) return undefined;
  if (row.procedure !== procedure.id || row.data !== canonicalJson(data as Json)) throw usedKey(row);
  const file = await loadRequest(db, row.reference);
  const owed = file.pieces
    .filter((piece) => piece.state === 'asked')
    .map(({ kind, reason }): Finding => {
      return { rule: 'piece.missing', severity: 'block', where: kind, pointers: [], message: reason ?? kind };
    });
  return { file, owed, warnings: [], created: false };
}

const usedKey = (row: RequestRow): ConsulError =>
  new ConsulError('USAGE', `the idempotency key was used for ${row.reference} with another content`);

/** Writes many prepared requests in one transaction, in their order. */
export async function submitPrepared(
  prepared: readonly PreparedRequest[],
  actor: Actor,
  { store, random }: Pick<SubmissionContext, 'store' | 'random'>,
): Promise<Submitted[]> {
  return store.transact(async (tx) => {
    const taken = await takenBefore(tx, prepared);
    const fresh = prepared.filter((one) => !taken.has(one));
    await insertRequests(
      tx,
      fresh.map((one) => one.file),
    );
    await insertRunning(
      tx,
      fresh.flatMap((one) => one.running ?? []),
    );
    await tell(
      tx,
      fresh.map(({ file, event }) => ({ from: 'draft', after: file, event, at: file.request.submittedAt })),
      actor,
      random,
    );
    return prepared.map((one) => {
      const file = taken.get(one);
      return file ? { ...one, file, created: false } : { ...one, created: true };
    });
  });
}

/** Requests that an earlier attempt has written already. */
async function takenBefore(
  tx: Tx,
  prepared: readonly PreparedRequest[],
): Promise<Map<PreparedRequest, RequestFile>> {
  const keys = prepared.flatMap((one) => one.file.request.idempotencyKey ?? []);
  const rows = new Map((await findByIdempotencyKey(tx, keys)).map((row) => [row.idempotencyKey, row]));
  const files = await loadRequests(
    tx,
    [...rows.values()].map((row) => row.reference),
  );
  const taken = new Map<PreparedRequest, RequestFile>();
  for (const one of prepared) {
    const { idempotencyKey, procedure, data } = one.file.request;
    const row = idempotencyKey === null ? undefined : rows.get(idempotencyKey);
    if (!row) continue;
    if (row.procedure !== procedure || row.data !== data) throw usedKey(row);
    const file = files.get(row.reference);
    if (file) taken.set(one, file);
  }
  return taken;
}

export interface ActingContext {
  readonly store: Store;
  readonly procedures: Procedures;
  readonly post: Pick<Post, 'timeZone' | 'weekend' | 'holidays'>;
  readonly actor: Actor;
  readonly now: Date;
  readonly random: (length: number) => Uint8Array;
  /** Default: none. */
  readonly met?: ActContext['met'];
}

export interface RequestAct {
  readonly reference: string;
  readonly act: Act;
  /** The version that the actor has seen; another one is a conflict. Default: whatever is there. */
  readonly version?: number;
}

/**
 * Does one act.
 * @throws ConsulError REQUEST_UNKNOWN, REQUEST_WRONG_STATE, REQUEST_INCOMPLETE, REASON_REQUIRED, PIECE_UNKNOWN,
 *   PROCEDURE_UNKNOWN, APPROVAL_INVALID
 */
export async function act(one: RequestAct, context: ActingContext): Promise<RequestFile> {
  const [file] = await context.store.transact((tx) => actWithin(tx, [one], context));
  return file as RequestFile;
}

/** Does many acts, on a request each, in one transaction: all or none. */
export async function actOnMany(acts: readonly RequestAct[], context: ActingContext): Promise<RequestFile[]> {
  return context.store.transact((tx) => actWithin(tx, acts, context));
}

/** The same within a transaction that does more, as when documents are entered in the register. */
export async function actWithin(
  tx: Tx,
  acts: readonly RequestAct[],
  context: Omit<ActingContext, 'store'>,
): Promise<RequestFile[]> {
  const files = await loadRequests(
    tx,
    acts.map((one) => one.reference),
  );
  const told: Told[] = [];
  for (const { reference, act, version } of acts) {
    const before = files.get(reference);
    if (!before) throw new ConsulError('REQUEST_UNKNOWN', `there is no request ${reference}`);
    if (version !== undefined && version !== before.request.version)
      throw new ConsulError(
        'REQUEST_WRONG_STATE',
        `request ${reference} was changed by another act meanwhile`,
      );
    if (act.kind === 'withdraw' || act.kind === 'cancel') await refuseIssuing(tx, before);
    const at = context.now.toISOString();
    if (act.kind === 'approve') await demandApproval(tx, before, { ...act, at });
    const { file: after, events } = applyAct(before, act, {
      ...actContext(before, context),
      approvedBy: act.kind === 'issue' ? await approvers(tx, before, context.procedures) : [],
    });
    await updateRequest(tx, before, after);
    files.set(reference, after);
    for (const event of events) told.push({ from: before.request.state, after, event, at });
  }
  await tell(tx, told, context.actor, context.random);
  return acts.map((one) => files.get(one.reference) as RequestFile);
}

const approvers = (tx: Tx, file: RequestFile, procedures: Procedures): Promise<readonly string[]> =>
  demandedApprovals(tx, file, procedureOf(file, procedures).definition);

/** A document that was begun is ended: its number is in the register. A receipt is no obstacle. */
async function refuseIssuing(tx: Tx, { request }: RequestFile): Promise<void> {
  const documents = await documentsOf(tx, [request.reference]);
  const document = documents.find(({ type }) => type === request.procedure);
  if (document)
    throw new ConsulError(
      'REQUEST_WRONG_STATE',
      `request ${request.reference} has the document ${document.number}: issue it, then revoke it`,
    );
}

function actContext(file: RequestFile, context: Omit<ActingContext, 'store'>): ActContext {
  const { procedures, post, actor, now, met = [] } = context;
  const procedure = procedureOf(file, procedures);
  const today = localDay(now, post.timeZone);
  return {
    workflow: procedure.definition.workflow,
    actor,
    now,
    calendar: post,
    missing: (pieces) => missingNeeds(procedure, file, pieces, today),
    met,
  };
}

function procedureOf({ request }: RequestFile, procedures: Procedures): Procedure {
  const procedure = procedures.get(request.procedure);
  if (!procedure)
    throw new ConsulError(
      'PROCEDURE_UNKNOWN',
      `request ${request.reference} is of the procedure ${request.procedure}, which is not installed`,
    );
  return procedure;
}

/**
 * Takes pieces for a request that is there already.
 * @throws ConsulError as `act`, and PIECE_TYPE, PIECE_TOO_LARGE, DISK_FULL
 */
export async function bringPieces(
  reference: string,
  files: readonly PieceFile[],
  context: ActingContext & { readonly pieces: Pieces },
): Promise<RequestFile> {
  const before = await loadRequest(context.store.read, reference);
  const procedure = procedureOf(before, context.procedures);
  const described = describePieces(procedure, files, context.pieces);
  refuseTooMany(procedure, before, described, localDay(context.now, context.post.timeZone));
  const adding = { kind: 'addPieces', pieces: described } as const;
  // Nothing is kept of pieces that the request no longer takes.
  applyAct(before, adding, actContext(before, context));
  await keepPieces(files, context.pieces);
  return act({ reference, act: adding }, context);
}

export interface RequestHistory extends RequestFile {
  readonly timeline: readonly TimelineRow[];
}

/** @throws ConsulError REQUEST_UNKNOWN */
export async function showRequest(db: Reader, reference: string): Promise<RequestHistory> {
  const file = await loadRequest(db, reference);
  return { ...file, timeline: await readTimeline(db, reference) };
}

interface Told {
  readonly from: string;
  readonly after: RequestFile;
  readonly event: RequestEvent;
  readonly at: string;
}

/** Timeline, journal and outbox of what was done. The journal says who, what, when, and which states: nothing of a person. */
async function tell(
  tx: Tx,
  told: readonly Told[],
  actor: Actor,
  random: (length: number) => Uint8Array,
): Promise<void> {
  const entries = told.map(({ from, after, event, at }): TimelineEntry => {
    const { reference, state, procedure } = after.request;
    return {
      reference,
      at,
      actor: actorName(actor),
      kind: event.kind,
      detail: event.detail as { readonly [name: string]: Json },
      trace: { procedure, from, to: state },
    };
  });
  await appendTimeline(tx, entries, random);

  const notified = told.filter(({ event }) => isNotified[event.kind]);
  const [first] = notified;
  if (!first) return;
  const letters = notified.map(({ event, after }) => ({
    kind: 'notify',
    payload: { event: event.kind, reference: after.request.reference },
  }));
  await enqueue(tx, letters, first.at);
}
