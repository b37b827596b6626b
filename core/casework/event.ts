/** What an act did, by kind: the entries of a request's timeline. */
export interface EventDetails {
  'request.submitted': {
    readonly procedure: string;
    readonly procedureVersion: number;
    /** SHA-256 of the data, hexadecimal: what was submitted cannot be exchanged later. */
    readonly data: string;
    readonly pieces: readonly PieceTrace[];
    /** Kinds of the pieces that are still owed. */
    readonly owed: readonly string[];
  };
  'request.assigned': { readonly agent: string };
  'request.asked': { readonly message: string; readonly pieces: readonly string[] };
  'request.answered': { readonly message: string };
  'request.waiting': { readonly for: 'authority' | 'appointment'; readonly note: string };
  'request.resumed': { readonly note: string };
  'piece.received': { readonly pieces: readonly PieceTrace[] };
  'piece.accepted': { readonly ordinal: number; readonly kind: string };
  'piece.refused': {
    readonly ordinal: number;
    readonly kind: string;
    readonly as: 'refused' | 'expired';
    readonly reason: string;
  };
  'request.accepted': { readonly reason?: string };
  /** An agent signed the decision: serial number of the certificate, base64 of the signature (core/casework/approval.ts). */
  'request.approved': { readonly certificate: string; readonly signature: string };
  'request.refused': { readonly reason: string; readonly ground: string; readonly contest: string };
  'request.withdrawn': { readonly reason?: string };
  'request.cancelled': { readonly reason: string };
  'request.expired': { readonly reason: string };
  /** `approvedBy`: the certificates of the agents whose signatures the procedure demands. */
  'request.issued': { readonly number: string; readonly approvedBy?: readonly string[] };
  'request.handed-over': { readonly channel: 'counter' | 'post' | 'electronic'; readonly to?: string };
  'request.closed': Readonly<Record<string, never>>;
  'document.revoked': { readonly number: string; readonly reason: string };
  /** Its proof does not hold any more: the next edition follows. */
  'document.superseded': { readonly number: string; readonly edition: number; readonly certificate: string };
  'document.resealed': { readonly number: string; readonly edition: number };
}

export interface PieceTrace {
  readonly ordinal: number;
  readonly kind: string;
  readonly sha256: string;
}

export type EventKind = keyof EventDetails;

export type RequestEvent = {
  [K in EventKind]: { readonly kind: K; readonly detail: EventDetails[K] };
}[EventKind];

/** Whether the citizen is told of it. */
export const isNotified: Readonly<Record<EventKind, boolean>> = {
  'request.submitted': true,
  'request.assigned': false,
  'request.asked': true,
  'request.answered': false,
  'request.waiting': true,
  'request.resumed': false,
  'piece.received': false,
  'piece.accepted': false,
  'piece.refused': true,
  'request.accepted': true,
  'request.approved': false,
  'request.refused': true,
  'request.withdrawn': true,
  'request.cancelled': true,
  'request.expired': true,
  'request.issued': true,
  'request.handed-over': false,
  'request.closed': false,
  'document.revoked': true,
  'document.superseded': false,
  'document.resealed': true,
};
