import { demandedApprovals } from '../casework/approval.ts';
import { type ActingContext, actWithin } from '../casework/casework.ts';
import type { EventDetails } from '../casework/event.ts';
import { ConsulError } from '../errors.ts';
import type { Language, Post } from '../post.ts';
import { localDay } from '../procedures/calendar.ts';
import { composeDocument } from '../procedures/compose.ts';
import type { RequestState } from '../procedures/definition.ts';
import type { Procedures } from '../procedures/load.ts';
import type { RequestData } from '../procedures/procedure.ts';
import { enqueue } from '../store/outbox.ts';
import { loadRequest, loadRequests, type RequestFile } from '../store/request.ts';
import type { RequestRow } from '../store/schema.ts';
import type { Reader, Tx } from '../store/store.ts';
import { appendTimeline } from '../store/timeline.ts';
import type { Draft } from './draft.ts';
import type { SettledDocument } from './issue.ts';
import { receiptType } from './receipt.ts';

export interface DecidedContext {
  readonly procedures: Procedures;
  readonly post: Post;
  readonly signatory: { readonly name: string; readonly quality: string };
}

/**
 * The document that an accepted request has a right to.
 * @throws ConsulError REQUEST_WRONG_STATE unless it was accepted (or is issued already, whose document is then found),
 *   PROCEDURE_UNKNOWN; its `confirm` REQUEST_INCOMPLETE while agents have still to sign the decision
 */
export function decidedDraft(
  { request }: RequestFile,
  { procedures, post, signatory }: DecidedContext,
): Draft {
  const { reference, language } = request;
  demandState(request, ['accepted', 'issued', 'handed-over', 'closed']);
  const procedure = procedures.get(request.procedure);
  if (!procedure)
    throw new ConsulError(
      'PROCEDURE_UNKNOWN',
      `request ${reference} is of the procedure ${request.procedure}, which is not installed`,
    );
  let data: RequestData | undefined;
  return {
    reference,
    type: procedure.id,
    prefix: procedure.definition.prefix,
    language: language as Language,
    compose: (number, statusIndex, issuedAt) => {
      data ??= JSON.parse(request.data) as RequestData;
      const { record, claims, privateFields, validFrom, validUntil } = composeDocument(procedure, {
        data,
        number,
        language: language as Language,
        post,
        issuedAt,
        signatory,
      });
      return {
        record,
        claims: { ...claims, document: { ...claims.document, statusIndex } },
        privateFields,
        validFrom: localDay(validFrom, post.timeZone),
        validUntil: localDay(validUntil, post.timeZone),
      };
    },
    confirm: async (tx) => {
      const file = await loadRequest(tx, reference);
      demandState(file.request, ['accepted']);
      await demandedApprovals(tx, file, procedure.definition);
    },
  };
}

/**
 * Refuses a request whose decision agents have still to sign, before anything is begun for it.
 * @throws ConsulError REQUEST_INCOMPLETE
 */
export async function demandSigned(db: Reader, file: RequestFile, procedures: Procedures): Promise<void> {
  const procedure = procedures.get(file.request.procedure);
  if (procedure && file.request.state === 'accepted') await demandedApprovals(db, file, procedure.definition);
}

function demandState(
  { reference, state }: Pick<RequestRow, 'reference' | 'state'>,
  states: readonly RequestState[],
): void {
  if (!states.includes(state))
    throw new ConsulError(
      'REQUEST_WRONG_STATE',
      `request ${reference} is ${state}: only an accepted one is issued`,
    );
}

/**
 * What the issue of documents does to their requests: a receipt is noted, any other document ends the instruction; a
 * later edition of one that has done so is told, so that its holder fetches it.
 */
export function settleRequests(
  context: Omit<ActingContext, 'store' | 'now'> & { readonly clock: () => Date },
): (tx: Tx, documents: readonly SettledDocument[]) => Promise<void> {
  const { clock, ...acting } = context;
  return async (tx, documents) => {
    const now = clock();
    const receipts = documents.filter(({ type }) => type === receiptType);
    if (receipts.length > 0)
      await appendTimeline(
        tx,
        receipts.map(({ reference, number }) => ({
          reference,
          at: now.toISOString(),
          actor: 'system',
          kind: 'receipt.issued',
          detail: { number },
          trace: { number },
        })),
        acting.random,
      );
    const others = documents.filter(({ type }) => type !== receiptType);
    const files = await loadRequests(
      tx,
      others.map(({ reference }) => reference),
    );
    const awaited = others.filter(
      ({ reference, edition }) => edition === 1 || files.get(reference)?.request.state === 'accepted',
    );
    if (awaited.length > 0)
      await actWithin(
        tx,
        awaited.map(({ reference, number }) => ({ reference, act: { kind: 'issue', number } })),
        { ...acting, now },
      );
    await tellResealed(
      tx,
      documents.filter(({ edition }) => edition > 1),
      now.toISOString(),
      acting.random,
    );
  };
}

async function tellResealed(
  tx: Tx,
  documents: readonly SettledDocument[],
  at: string,
  random: (length: number) => Uint8Array,
): Promise<void> {
  if (documents.length === 0) return;
  const kind = 'document.resealed';
  const entries = documents.map(({ reference, number, edition }) => {
    const detail: EventDetails[typeof kind] = { number, edition };
    return { reference, at, actor: 'system', kind, detail, trace: detail };
  });
  await appendTimeline(tx, entries, random);
  const letters = documents.map(({ reference }) => ({ kind: 'notify', payload: { event: kind, reference } }));
  await enqueue(tx, letters, at);
}
