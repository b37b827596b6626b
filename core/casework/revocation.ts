import { ConsulError } from '../errors.ts';
import { findDocument } from '../store/document.ts';
import { enqueue } from '../store/outbox.ts';
import { findRevocation, insertRevocation } from '../store/revocation.ts';
import type { RevocationRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { appendTimeline } from '../store/timeline.ts';
import { type Actor, actorName } from './actor.ts';
import type { EventDetails } from './event.ts';

export interface RevokingContext {
  readonly store: Store;
  readonly actor: Actor;
  readonly now: Date;
  readonly random: (length: number) => Uint8Array;
}

const maximumReason = 500;
const kind = 'document.revoked';

/**
 * Ends the force of a document, for good: register, timeline, journal and outbox in one transaction. Done again it finds
 * what was done first. Strangers learn of it from the next status list.
 * @throws ConsulError REASON_REQUIRED, DOCUMENT_UNKNOWN; REQUEST_WRONG_STATE while the document is not issued, or
 *   when it is not an agent who acts
 */
export async function revokeDocument(
  { number, reason }: { readonly number: string; readonly reason: string },
  { store, actor, now, random }: RevokingContext,
): Promise<RevocationRow & { readonly revokedBefore: boolean }> {
  const given = reason.trim().normalize('NFC');
  if (given === '' || given.length > maximumReason)
    throw new ConsulError('REASON_REQUIRED', `a revocation has a reason of 1 to ${maximumReason} characters`);
  if (actor.kind !== 'agent')
    throw new ConsulError('REQUEST_WRONG_STATE', 'only an agent may revoke a document');
  return store.transact(async (tx) => {
    const document = await findDocument(tx, number);
    if (!document) throw new ConsulError('DOCUMENT_UNKNOWN', `there is no document ${number}`);
    if (document.step !== 'issued')
      throw new ConsulError('REQUEST_WRONG_STATE', `document ${number} is not issued yet`);
    const before = await findRevocation(tx, number);
    if (before) return { ...before, revokedBefore: true };

    const { reference } = document;
    const revocation = { number, at: now.toISOString(), actor: actorName(actor), reason: given };
    const detail: EventDetails[typeof kind] = { number, reason: given };
    await insertRevocation(tx, revocation);
    const { at } = revocation;
    await appendTimeline(
      tx,
      [{ reference, at, actor: revocation.actor, kind, detail, trace: { number } }],
      random,
    );
    await enqueue(tx, [{ kind: 'notify', payload: { event: kind, reference } }], at);
    return { ...revocation, revokedBefore: false };
  });
}
