import { toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import type { Language, Post } from '../post.ts';
import { localDay } from '../procedures/calendar.ts';
import { validateData } from '../procedures/data.ts';
import type { Finding } from '../procedures/finding.ts';
import { formats } from '../procedures/format.ts';
import { missingPieces, readPieceName } from '../procedures/pieces.ts';
import type { Procedure, RequestData } from '../procedures/procedure.ts';
import { checkRules, runningEntry } from '../procedures/rules.ts';
import { aString, valueAt } from '../procedures/scope.ts';
import { dueDate, workingDaysBetween } from '../procedures/working-days.ts';
import { canonicalJson, type Json, sha256 } from '../store/canonical.ts';
import type { BroughtFile, Pieces, StoredPiece } from '../store/pieces.ts';
import type { RequestFile } from '../store/request.ts';
import { type Running, runningDocuments } from '../store/running.ts';
import type { PieceRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { RequestEvent } from './event.ts';
import { newReference } from './reference.ts';
import { askedPieces, type PieceNeed, pieceTrace, withPieces } from './workflow.ts';

/** A file for a piece, by the name that the procedure gives it: `lease`, `guest-identity:2`. */
export interface PieceFile {
  readonly piece: string;
  readonly file: BroughtFile;
}

export interface Submission {
  readonly procedure: Procedure;
  /** Anything that was read from JSON. */
  readonly data: unknown;
  readonly language: Language;
  readonly files: readonly PieceFile[];
  /** Chosen by the caller for this submission, so that a retry after a crash does not make a second request. */
  readonly idempotencyKey?: string;
}

export interface SubmissionContext {
  readonly store: Store;
  readonly pieces: Pieces;
  readonly post: Pick<Post, 'code' | 'timeZone' | 'weekend' | 'holidays'>;
  readonly now: Date;
  readonly random: (length: number) => Uint8Array;
}

/** A request that only has to be written. */
export interface PreparedRequest {
  readonly file: RequestFile;
  readonly event: RequestEvent;
  readonly running: Running | undefined;
  /** Pieces that are owed: why the request is incomplete. */
  readonly owed: readonly Finding[];
  /** Rules and pieces that an agent must look at. */
  readonly warnings: readonly Finding[];
}

/**
 * Checks a submission and keeps its pieces, so that only the request itself has to be written. Nothing is kept of one
 * that is refused; pieces kept for one that is then never written harm nothing and are found again by their digest.
 * @throws ConsulError SCHEMA_VIOLATION and RULE_VIOLATED with every finding, PIECE_UNKNOWN, PIECE_TYPE,
 *   PIECE_TOO_LARGE, DISK_FULL
 */
export async function prepareRequest(
  submission: Submission,
  context: SubmissionContext,
): Promise<PreparedRequest> {
  const { procedure, language } = submission;
  const { post, now } = context;
  const today = localDay(now, post.timeZone);
  const data = checkedData(submission, today);
  const warnings = await coherent(submission, data, today, context);
  const described = describePieces(procedure, submission.files, context.pieces);
  const wrongPieces = pieceFindings(procedure, data, described, { language, today });
  await keepPieces(submission.files, context.pieces);

  const at = now.toISOString();
  const reference = newReference(post.code, Number(today.slice(0, 4)), context.random);
  const came = withPieces({ request: { reference }, pieces: [] }, described, at);
  const owed = wrongPieces.filter((finding) => finding.severity === 'block');
  const asked = owed.flatMap((finding) => {
    const before = { request: { reference }, pieces: came.all };
    return askedPieces(before, [needOf(procedure, finding)], finding.message, at);
  });
  const pieces = [...came.all, ...asked.map((row, i) => ({ ...row, ordinal: came.all.length + i + 1 }))];

  const due = dueDate(now, procedure.definition.sla.workingDays, post);
  const incomplete = asked.length > 0;
  const text = canonicalJson(data as Json);
  const running = runningEntry(procedure, data, today);
  return {
    file: {
      request: {
        reference,
        procedure: procedure.id,
        procedureVersion: procedure.definition.version,
        language,
        state: incomplete ? 'incomplete' : 'submitted',
        data: text,
        holder: holderName(procedure, data, language),
        question: null,
        submittedAt: at,
        dueAt: incomplete ? null : due.toISOString(),
        remainingDays: incomplete ? workingDaysBetween(now, new Date(due.getTime() - 1), post) : null,
        assignedTo: null,
        decision: null,
        decisionReason: null,
        decisionGround: null,
        decisionContest: null,
        decidedAt: null,
        decidedBy: null,
        closedAt: null,
        idempotencyKey: submission.idempotencyKey ?? null,
        version: 1,
      },
      pieces,
    },
    event: {
      kind: 'request.submitted',
      detail: {
        procedure: procedure.id,
        procedureVersion: procedure.definition.version,
        data: toHex(sha256(text)),
        pieces: came.added.map(pieceTrace),
        owed: asked.map((row) => row.kind),
      },
    },
    running: running && { reference, procedure: procedure.id, ...running },
    owed,
    warnings: [...warnings, ...wrongPieces.filter((finding) => finding.severity === 'warn')],
  };
}

function checkedData({ procedure, data, language }: Submission, today: string): RequestData {
  const details = validateData(procedure, data, { language, today });
  if (details.length > 0)
    throw new ConsulError(
      'SCHEMA_VIOLATION',
      `the data of ${procedure.id} has ${details.length} field${details.length > 1 ? 's' : ''} to correct`,
      { details },
    );
  return data as RequestData;
}

async function coherent(
  { procedure, language }: Submission,
  data: RequestData,
  today: string,
  { store }: SubmissionContext,
): Promise<Finding[]> {
  const entry = runningEntry(procedure, data, today);
  const running = entry
    ? await runningDocuments(store.read, { procedure: procedure.id, key: entry.key, today })
    : [];
  const findings = checkRules(procedure, data, { today, language, running });
  const details = findings.filter((finding) => finding.severity === 'block');
  if (details.length > 0)
    throw new ConsulError(
      'RULE_VIOLATED',
      `the data of ${procedure.id} breaks ${details.length} rule${details.length > 1 ? 's' : ''}`,
      { details },
    );
  return findings;
}

type DescribedPiece = StoredPiece & PieceNeed;

/**
 * What the files are, before any of them is kept.
 * @throws ConsulError PIECE_UNKNOWN, PIECE_TYPE, PIECE_TOO_LARGE
 */
export function describePieces(
  procedure: Procedure,
  files: readonly PieceFile[],
  pieces: Pieces,
): DescribedPiece[] {
  return files.map(({ piece, file }) => {
    const { kind, index } = readPieceName(procedure, piece);
    const described = pieces.describe(file);
    const definition = procedure.definition.pieces.find((one) => one.kind === kind);
    if (definition && described.size > definition.maxBytes)
      throw new ConsulError(
        'PIECE_TOO_LARGE',
        `${described.name} has ${described.size} bytes; at most ${definition.maxBytes} are taken for ${piece}`,
      );
    if (definition && !definition.types.includes(described.mediaType))
      throw new ConsulError(
        'PIECE_TYPE',
        `${described.name} holds ${described.mediaType}; ${piece} is taken as ${definition.types.join(', ')}`,
      );
    return { ...described, kind, item: index ?? null };
  });
}

export async function keepPieces(files: readonly PieceFile[], pieces: Pieces): Promise<void> {
  await Promise.all(files.map(({ file }) => pieces.put(file)));
}

/** @throws ConsulError RULE_VIOLATED where there are more files than a piece may have */
function pieceFindings(
  procedure: Procedure,
  data: RequestData,
  described: readonly DescribedPiece[],
  options: { readonly language: Language; readonly today: string },
): Finding[] {
  const findings = missingPieces(procedure, data, supplied(described), options);
  refuseMany(findings);
  return findings;
}

function refuseMany(findings: readonly Finding[]): void {
  const details = findings.filter((finding) => finding.rule === 'piece.many');
  if (details.length > 0)
    throw new ConsulError('RULE_VIOLATED', details.map((detail) => detail.message).join(' '), { details });
}

const supplied = (pieces: readonly PieceNeed[]) =>
  pieces.map(({ kind, item }) => ({ kind, index: item ?? undefined, files: 1 }));

function needOf(procedure: Procedure, finding: Finding): PieceNeed {
  const { kind, index } = readPieceName(procedure, finding.where);
  return { kind, item: index ?? null };
}

/** Pieces that were refused or have expired do not count. */
function laterFindings(
  procedure: Procedure,
  { request }: RequestFile,
  pieces: readonly (PieceNeed & Pick<PieceRow, 'state'>)[],
  today: string,
): Finding[] {
  const counted = pieces.filter((piece) => piece.state === 'received' || piece.state === 'accepted');
  const data = JSON.parse(request.data) as RequestData;
  return missingPieces(procedure, data, supplied(counted), { language: request.language as Language, today });
}

/** What a request lacks with these pieces. */
export function missingNeeds(
  procedure: Procedure,
  file: RequestFile,
  pieces: readonly PieceRow[],
  today: string,
): PieceNeed[] {
  return laterFindings(procedure, file, pieces, today)
    .filter((finding) => finding.rule === 'piece.missing' || finding.rule === 'piece.few')
    .map((finding) => needOf(procedure, finding));
}

/** @throws ConsulError RULE_VIOLATED where a request would have more files than a piece may have */
export function refuseTooMany(
  procedure: Procedure,
  file: RequestFile,
  more: readonly PieceNeed[],
  today: string,
): void {
  const brought = more.map((need) => ({ ...need, state: 'received' as const }));
  refuseMany(laterFindings(procedure, file, [...file.pieces, ...brought], today));
}

/** The name of the person whom the document will be about, as lists show it. */
function holderName(procedure: Procedure, data: RequestData, language: Language): string {
  const person = valueAt({ data }, procedure.definition.document.claims.holder.split('.'));
  return formats(language).name(person as never, aString);
}
