import { ConsulError } from '../errors.ts';
import type { Language } from '../post.ts';
import { addDuration } from './calendar.ts';
import type { PieceDefinition } from './definition.ts';
import { type Finding, type MessageKey, sentence } from './finding.ts';
import { labelOf } from './form.ts';
import { formats } from './format.ts';
import { evaluate, type Procedure, type RequestData, requestValues, turns } from './procedure.ts';

/** A piece as it was handed in: its kind, the item it is about where the kind asks for one each, its files. */
export interface SuppliedPiece {
  readonly kind: string;
  /** Of the item, from 0. */
  readonly index?: number | undefined;
  readonly files: number;
  /** The date on the piece, `YYYY-MM-DD`, where somebody has read it; before what the form says. */
  readonly issuedOn?: string | undefined;
}

/** A piece that this request asks for. */
export interface AskedPiece {
  readonly definition: PieceDefinition;
  readonly index: number | undefined;
  /** How it is named on a command line: `lease`, or `guest-identity:2` for the second guest. */
  readonly name: string;
  readonly label: string;
  /** The date on it as the form tells it. */
  readonly issuedOn: string | undefined;
}

/** The pieces that a request asks for, in the order of the definition. */
export function askedPieces(
  procedure: Procedure,
  data: RequestData,
  { language, today }: { readonly language: Language; readonly today: string },
): AskedPiece[] {
  const values = requestValues(procedure, data, today);
  return procedure.definition.pieces.flatMap((definition) =>
    turns(values, definition.each)
      .filter(
        ({ values }) =>
          definition.when === undefined || evaluate(procedure, definition.when, values) === true,
      )
      .map(({ values, index, pointer }) => {
        const about =
          pointer === undefined ? '' : ` (${labelOf(procedure.definition.form, pointer, language)})`;
        return {
          definition,
          index,
          name: pieceName(definition.kind, index),
          label: definition.label[language] + about,
          issuedOn:
            definition.issuedOn === undefined
              ? undefined
              : String(evaluate(procedure, definition.issuedOn, values)),
        };
      }),
  );
}

/** `lease`, or `guest-identity:2` for the second item. */
export function pieceName(kind: string, index?: number | undefined): string {
  return index === undefined ? kind : `${kind}:${index + 1}`;
}

/**
 * Reads the name of a piece; for a kind that is asked for each item, a bare kind means the first.
 *
 * @throws ConsulError PIECE_UNKNOWN naming the kinds that there are
 */
export function readPieceName(
  procedure: Procedure,
  name: string,
): { kind: string; index: number | undefined } {
  const [, kind = '', item] = /^([^:]*)(?::([1-9]\d?))?$/.exec(name) ?? [];
  const definition = procedure.definition.pieces.find((piece) => piece.kind === kind);
  if (!definition || (item !== undefined && definition.each === undefined)) {
    const kinds = procedure.definition.pieces.map((piece) => (piece.each ? `${piece.kind}:N` : piece.kind));
    throw new ConsulError(
      'PIECE_UNKNOWN',
      `no piece "${name.slice(0, 60)}" in ${procedure.id}; there are ${kinds.join(', ')}`,
    );
  }
  return { kind, index: definition.each === undefined ? undefined : Number(item ?? 1) - 1 };
}

/**
 * What is missing or wrong among the pieces: absent, too few or too many files, too old, or not asked for (a warning).
 * `where` of each finding is the piece's name.
 */
export function missingPieces(
  procedure: Procedure,
  data: RequestData,
  pieces: readonly SuppliedPiece[],
  { language, today }: { readonly language: Language; readonly today: string },
): Finding[] {
  const asked = askedPieces(procedure, data, { language, today });
  const byName = new Map<string, SuppliedPiece>();
  for (const piece of pieces) {
    const name = pieceName(piece.kind, piece.index);
    const earlier = byName.get(name);
    byName.set(name, earlier ? { ...piece, files: earlier.files + piece.files } : piece);
  }
  const findings = asked.flatMap((piece) => pieceFindings(piece, byName.get(piece.name), language, today));
  const names = new Set(asked.map(({ name }) => name));
  for (const [name, { kind }] of byName) {
    if (names.has(name)) continue;
    const definition = procedure.definition.pieces.find((piece) => piece.kind === kind);
    findings.push(finding('piece.unasked', 'warn', name, definition?.label[language] ?? name, language));
  }
  return findings;
}

function pieceFindings(
  piece: AskedPiece,
  supplied: SuppliedPiece | undefined,
  language: Language,
  today: string,
): Finding[] {
  const { definition, name, label } = piece;
  const { min, max } = definition.files;
  const say = (key: MessageKey, ...inserts: (string | number)[]) =>
    finding(key, 'block', name, label, language, ...inserts);
  if (!supplied || supplied.files === 0) return [say('piece.missing')];
  const findings: Finding[] = [];
  if (supplied.files < min) findings.push(say('piece.few', min, supplied.files));
  if (supplied.files > max) findings.push(say('piece.many', max, supplied.files));
  const issuedOn = supplied.issuedOn ?? piece.issuedOn;
  if (issuedOn === undefined) return findings;
  const written = (day: string) => formats(language).date(day as never, { type: 'string' });
  const oldest = definition.maxAge === undefined ? undefined : addDuration(today, definition.maxAge, -1);
  if (issuedOn > today) findings.push(say('piece.future', written(issuedOn)));
  else if (oldest !== undefined && issuedOn < oldest)
    findings.push(say('piece.old', written(issuedOn), written(oldest)));
  return findings;
}

function finding(
  key: MessageKey,
  severity: Finding['severity'],
  name: string,
  label: string,
  language: Language,
  ...inserts: readonly (string | number)[]
): Finding {
  return {
    rule: key,
    severity,
    where: name,
    label,
    pointers: [],
    message: sentence(key, language, ...inserts),
  };
}
