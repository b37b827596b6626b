import type { Generated, Selectable } from 'kysely';
import type { SignatureLevel } from '../pdf/level.ts';
import type { PieceType, RequestState } from '../procedures/definition.ts';

export type PieceState = 'asked' | 'received' | 'accepted' | 'refused' | 'expired';

/**
 * How far the issuing of a document has come. `reserved`: number and record are fixed. `logged`: the seal is made and
 * its leaf is in the log. `issued`: the signed file is in its place.
 */
export type DocumentStep = 'reserved' | 'logged' | 'issued';

/** `pending`: the timestamp authority did not answer yet. */
export type TimestampState = 'pending' | 'done';

// Conventions of every table: times are RFC 3339 in UTC with milliseconds, days are `YYYY-MM-DD`, JSON is text in its
// RFC 8785 form, digests are the 32 bytes of SHA-256.

export interface RequestTable {
  reference: string;
  procedure: string;
  procedureVersion: number;
  language: string;
  state: RequestState;
  /** JSON: what the citizen filled in. */
  data: string;
  /** Name shown in lists. */
  holder: string;
  /** Text of the question that waits for an answer of the citizen. */
  question: string | null;
  submittedAt: string;
  /** Day by which the post promised an answer; null while the clock stands. */
  dueAt: string | null;
  /** Working days left when the clock was stopped. */
  remainingDays: number | null;
  assignedTo: string | null;
  decision: 'accepted' | 'refused' | null;
  decisionReason: string | null;
  decisionGround: string | null;
  /** How and until when the citizen can contest a refusal. */
  decisionContest: string | null;
  decidedAt: string | null;
  decidedBy: string | null;
  closedAt: string | null;
  /** Chosen by the caller, so that a retry does not make a second request. */
  idempotencyKey: string | null;
  /** Counts the acts; two agents who act on the same state are told apart by it. */
  version: number;
}

export interface PieceTable {
  reference: string;
  /** Counted from 1 within the request. */
  ordinal: number;
  kind: string;
  /** Which item of the form's list the piece is about, counted from 0, where its kind is asked for each. */
  item: number | null;
  state: PieceState;
  /** Null, as the next three, while the piece is only asked for. */
  sha256: Uint8Array | null;
  mediaType: PieceType | null;
  size: number | null;
  name: string | null;
  reason: string | null;
  at: string;
}

/** What rules add up over the documents in force of one person or dwelling. */
export interface RunningTable {
  reference: string;
  procedure: string;
  key: string;
  /** JSON: names to numbers. */
  figures: string;
}

/** What happened to a request, in words that may hold personal data; the journal holds its digest. */
export interface TimelineTable {
  /** Number of the journal entry that covers this one. */
  seq: number;
  reference: string;
  at: string;
  actor: string;
  kind: string;
  detail: string;
  /** Random, so that the digest in the journal says nothing about an entry that was deleted. */
  salt: Uint8Array;
}

/** Who did what, without personal data; hash-chained and gap-free from 1. */
export interface JournalTable {
  seq: number;
  at: string;
  actor: string;
  action: string;
  subject: string;
  detail: string;
  covers: 'timeline' | 'object' | null;
  digest: Uint8Array | null;
  previous: Uint8Array;
  hash: Uint8Array;
}

/** The register of what was issued or is being issued. */
export interface DocumentTable {
  /** Position in the status list; grows by one with every reservation. */
  statusIndex: number;
  number: string;
  type: string;
  year: number;
  sequence: number;
  reference: string;
  language: string;
  recordDigest: Uint8Array;
  step: DocumentStep;
  seal: Uint8Array | null;
  leafIndex: number | null;
  path: string | null;
  sha256: Uint8Array | null;
  size: number | null;
  level: SignatureLevel | null;
  timestamp: TimestampState | null;
  /** When the certificate or an algorithm of its newest time-stamp ends; null where it has none. */
  lastsUntil: string | null;
  validFrom: string;
  validUntil: string | null;
  reservedAt: string;
  issuedAt: string | null;
  /** 1, and one more each time that it was sealed again. */
  edition: Generated<number>;
}

/** Earlier editions of documents, as they were when they were sealed again; nobody may rely on them any more. */
export interface SupersededTable extends Omit<DocumentTable, 'seal' | 'leafIndex' | 'edition'> {
  seal: Uint8Array;
  leafIndex: number;
  edition: number;
  /** JSON. */
  record: string;
  supersededAt: string;
}

/** The record of a document as JSON; apart from the register, whose rows change and must stay small. */
export interface RecordTable {
  statusIndex: number;
  json: string;
}

/** Documents that are no longer in force, for good; published as the status list of the post. */
export interface RevocationTable {
  number: string;
  at: string;
  actor: string;
  reason: string;
}

/** Entries of the transparency log (C2SP tlog-tiles), in order. */
export interface LeafTable {
  leafIndex: number;
  entry: Uint8Array;
}

/** `active`: in use, or ready for it. `retired`: signs no more, what it signed stays good. */
export type CertificateState = 'active' | 'retired' | 'revoked';

/** Every certificate that the authorities of this post issued. */
export interface CertificateTable {
  /** Hexadecimal, without leading zeros. */
  serial: string;
  profile: string;
  /** RFC 4514; authorities of one name share their revocations. */
  issuer: string;
  subject: string;
  der: Uint8Array;
  notBefore: string;
  notAfter: string;
  state: CertificateState;
  /** Of a retired one, and of one whose key fell into other hands: until when the post signed with it. */
  lastSigning: string | null;
  /** Of a revoked one: since when, and why (CRLReason of RFC 5280 §5.3.1). */
  revokedAt: string | null;
  reason: string | null;
  /** First entry of the log that is no longer trusted, where the key was compromised. */
  compromisedSince: number | null;
}

/** The next value of each gap-free sequence. */
export interface CounterTable {
  name: string;
  next: number;
}

/** What the world must be told, written in the transaction of the act it tells about. */
export interface OutboxTable {
  id: number;
  kind: string;
  payload: string;
  createdAt: string;
  doneAt: Generated<string | null>;
}

export interface Schema {
  request: RequestTable;
  piece: PieceTable;
  running: RunningTable;
  timeline: TimelineTable;
  journal: JournalTable;
  document: DocumentTable;
  record: RecordTable;
  superseded: SupersededTable;
  revocation: RevocationTable;
  leaf: LeafTable;
  certificate: CertificateTable;
  counter: CounterTable;
  outbox: OutboxTable;
}

export type RequestRow = Selectable<RequestTable>;
export type PieceRow = Selectable<PieceTable>;
export type TimelineRow = Selectable<TimelineTable>;
export type JournalRow = Selectable<JournalTable>;
export type DocumentRow = Selectable<DocumentTable>;
export type SupersededRow = Selectable<SupersededTable>;
export type RevocationRow = Selectable<RevocationTable>;
export type CertificateRow = Selectable<CertificateTable>;
export type OutboxRow = Selectable<OutboxTable>;
