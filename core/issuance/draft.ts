import type { DocumentRecord } from '../pdf/record.ts';
import type { Language } from '../post.ts';
import type { DraftClaims } from '../seal/record-claims.ts';
import type { Tx } from '../store/store.ts';

/** What a procedure makes of a request once the document has its number. */
export interface Composed {
  readonly record: DocumentRecord;
  readonly claims: DraftClaims;
  /** Rows of the record that the seal holds as salted hashes only, by their `field`. */
  readonly privateFields?: readonly string[];
  /** First and last day in force, `YYYY-MM-DD`. */
  readonly validFrom: string;
  readonly validUntil: string | null;
}

/** A document that is to be issued: everything but its number. */
export interface Draft {
  readonly reference: string;
  /** Kind of document; one request has at most one of each kind. */
  readonly type: string;
  /** Of its numbers, for example `PC`. */
  readonly prefix: string;
  readonly language: Language;
  /**
   * Cheap and without effects; the same arguments give the same document.
   * @throws ConsulError when the document cannot be composed: no number is used then
   */
  compose(number: string, statusIndex: number, issuedAt: Date): Composed;
  /**
   * Asked in the transaction that takes the number: the request may have been acted on since the draft was made.
   * @throws ConsulError when the document is not due any more; no number is used then
   */
  readonly confirm?: (tx: Tx) => Promise<void>;
}
