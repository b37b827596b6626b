import type { EventDetails } from '../casework/event.ts';
import { ConsulError } from '../errors.ts';
import type { SealedRecord } from '../pdf/record.ts';
import type { Language } from '../post.ts';
import { canonicalJson, type Json, sha256 } from '../store/canonical.ts';
import { type DocumentWithRecord, loggedFrom, supersede, unsettledEditions } from '../store/document.ts';
import type { CertificateRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { appendTimeline } from '../store/timeline.ts';
import { groupSize } from './batch.ts';
import type { Draft } from './draft.ts';

export interface ResealContext {
  readonly store: Store;
  readonly clock: () => Date;
  readonly random: (length: number) => Uint8Array;
  /** As the journal names actors. */
  readonly actor: string;
}

/** A document that has its number and its record: the straight line goes on from there. */
const begun = ({ reference, type, language }: DocumentWithRecord): Draft => ({
  reference,
  type,
  prefix: '',
  language: language as Language,
  compose: () => {
    throw new ConsulError('INTERNAL', `the document of ${reference} has its number already`);
  },
});

/**
 * The documents that a compromised key concerns, in groups for `issueMany`: each becomes the next edition of itself, with
 * the same number and the same printed text, a position of its own in the status list, and a new seal, entry in the log,
 * signature and time-stamp. The earlier edition is kept in the register and is in the status list as no longer in force.
 * Each group is superseded in one transaction before it is issued; what an interrupted run left is taken up first, and a
 * document that was sealed again is not concerned any more.
 * @param certificate as `actOnCompromise` left it: the post signs with its key no more
 * @throws ConsulError USAGE where the certificate was not revoked as compromised
 */
export async function* resealGroups(
  context: ResealContext,
  certificate: CertificateRow,
): AsyncGenerator<readonly Draft[]> {
  const { store } = context;
  const { serial, profile, lastSigning, compromisedSince } = certificate;
  if (lastSigning === null || compromisedSince === null)
    throw new ConsulError(
      'USAGE',
      `${serial} was not reported as compromised: consul pki compromised ${serial} --since … --root-key …`,
    );
  for (let after = -1; ; ) {
    const left = await unsettledEditions(store.read, { after, limit: groupSize });
    if (left.length === 0) break;
    after = left.at(-1)?.statusIndex ?? after;
    yield left.map(begun);
  }
  for (;;) {
    const superseded = await nextEditions(context, serial, {
      leafIndex: compromisedSince,
      reservedUntil: lastSigning,
      limit: groupSize,
      travel: profile === 'vds-signer',
    });
    if (superseded.length === 0) return;
    yield superseded.map(begun);
  }
}

/** @returns the editions that were superseded, of at most one group of documents */
async function nextEditions(
  { store, clock, random, actor }: ResealContext,
  certificate: string,
  concerned: Parameters<typeof loggedFrom>[1],
): Promise<readonly DocumentWithRecord[]> {
  return store.transact(async (tx) => {
    const documents = await loggedFrom(tx, concerned);
    const now = clock();
    const at = now.toISOString();
    // The register counts in seconds: the next edition is of a later one than the last of the lost key.
    const earliest = Math.floor(Date.parse(concerned.reservedUntil) / 1000) + 1;
    const issuedAt = new Date(Math.max(Math.floor(now.getTime() / 1000), earliest) * 1000);
    await supersede(tx, documents, at, ({ record }, position) => nextEdition(record, position, issuedAt));
    const kind = 'document.superseded';
    const entries = documents.map(({ reference, number, edition }) => {
      const detail: EventDetails[typeof kind] = { number, edition, certificate };
      return { reference, at, actor, kind, detail, trace: detail };
    });
    if (entries.length > 0) await appendTimeline(tx, entries, random);
    return documents;
  });
}

/** The same text under a new seal: what changes is when it was sealed, and its position in the status list. */
function nextEdition(json: string, statusIndex: number, issuedAt: Date) {
  const before = JSON.parse(json) as SealedRecord;
  const { claims } = before;
  const after: SealedRecord = {
    ...before,
    issuedAt: `${issuedAt.toISOString().slice(0, 19)}Z`,
    claims: {
      ...claims,
      issuedAt: Math.floor(issuedAt.getTime() / 1000),
      document: { ...claims.document, statusIndex },
    },
  };
  const record = canonicalJson(after as unknown as Json);
  return { record, recordDigest: sha256(record), reservedAt: issuedAt.toISOString() };
}
