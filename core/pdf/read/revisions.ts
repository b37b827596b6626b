import { type Budget, invalid, tooComplex } from './bounds.ts';
import type { Findings } from './findings.ts';
import { type PdfDict, type PdfObject, PdfRef } from './objects.ts';
import { findLastXref, readSection, type XrefEntry, type XrefSection } from './xref.ts';

/** An object as one revision holds it; `value` is null where the revision frees the number. */
export interface HeldObject {
  readonly gen: number;
  readonly value: PdfObject;
  /** Byte of `num gen obj`; undefined for an object inside an object stream and for a freed one. */
  readonly offset: number | undefined;
}

/**
 * What one save of the file added: its bytes from `start` up to `end`, which begins the next revision. The first is
 * the original, each later one an incremental update (ISO 32000-2 §7.5.6).
 */
export interface Revision {
  readonly index: number;
  readonly start: number;
  /** After the last letter of `%%EOF`. */
  readonly eof: number;
  /** After the line end that may follow `%%EOF`. */
  readonly end: number;
  readonly trailer: PdfDict;
  readonly entries: ReadonlyMap<number, XrefEntry>;
  readonly objects: ReadonlyMap<number, HeldObject>;
  /** Object numbers that exist for the first time. */
  readonly added: readonly number[];
  /** Object numbers that an earlier revision held otherwise. */
  readonly changed: readonly number[];
  readonly freed: readonly number[];
  /** Byte ranges of its cross-reference sections up to their `%%EOF`. */
  readonly sections: readonly { readonly start: number; readonly end: number }[];
}

/** A revision before its objects are read. */
export type RevisionFrame = Pick<
  Revision,
  'index' | 'start' | 'eof' | 'end' | 'trailer' | 'entries' | 'sections'
>;

function afterLineEnd(bytes: Uint8Array, at: number): number {
  const next = bytes[at] === 0x0d ? at + 1 : at;
  return bytes[next] === 0x0a ? next + 1 : next;
}

/** The sections along /Prev, the newest first. */
function readChain(bytes: Uint8Array, budget: Budget, findings: Findings): readonly XrefSection[] {
  const { bounds } = budget;
  const sections: XrefSection[] = [];
  const seen = new Set<number>();
  let entriesLeft = bounds.objects;
  for (let offset: number | undefined = findLastXref(bytes, budget); offset !== undefined; ) {
    if (seen.has(offset)) invalid(offset, 'the chain of /Prev goes in a circle');
    if (sections.length > bounds.revisions) tooComplex(`more than ${bounds.revisions} revisions`);
    seen.add(offset);
    const section = readSection(bytes, offset, budget, findings, entriesLeft);
    entriesLeft -= section.entries.size;
    sections.push(section);
    offset = section.previous;
  }
  return sections;
}

/** The two sections of a linearized first revision: the newer stands before the older and is named by its end. */
function isLinearized(newer: XrefSection, older: XrefSection): boolean {
  return newer.offset < older.offset && !newer.startxref && older.startxref === newer.offset;
}

function joinLinearized(newer: XrefSection, older: XrefSection, findings: Findings): XrefSection {
  findings.note('linearized', newer.offset, 'the first revision is linearized: it has two sections');
  const entries = new Map(older.entries);
  for (const [num, entry] of newer.entries) {
    const other = entries.get(num);
    if (other && other.kind !== 'free')
      findings.note('duplicate-xref-entry', newer.offset, `object ${num} is listed twice in one revision`);
    entries.set(num, entry);
  }
  return { ...newer, entries, end: older.end, previous: undefined };
}

function checkRoot(revisions: readonly RevisionFrame[], findings: Findings): void {
  let known: PdfRef | undefined;
  for (const { trailer, eof } of revisions) {
    const root = trailer.get('Root');
    if (!(root instanceof PdfRef)) invalid(eof, 'the trailer has no /Root reference');
    if (known && (known.num !== root.num || known.gen !== root.gen))
      findings.note('root-replaced', eof, 'the trailer of a later revision names another /Root');
    known = root;
  }
}

/**
 * Splits the file in revisions, the oldest first, by its cross-reference sections and their end marks.
 * @throws ConsulError PDF_INVALID where a section does not stand exactly where it must, PDF_TOO_COMPLEX
 */
export function readRevisions(
  bytes: Uint8Array,
  budget: Budget,
  findings: Findings,
): readonly RevisionFrame[] {
  const chain = [...readChain(bytes, budget, findings)];
  const [oldest, second] = [chain.at(-1), chain.at(-2)];
  const ranges = new Map<XrefSection, RevisionFrame['sections']>();
  if (oldest && second && isLinearized(second, oldest)) {
    chain.length -= 2;
    const joined = joinLinearized(second, oldest, findings);
    ranges.set(joined, [
      { start: second.offset, end: second.end },
      { start: oldest.offset, end: oldest.end },
    ]);
    chain.push(joined);
  }
  const revisions: RevisionFrame[] = [];
  let start = 0;
  for (const section of chain.reverse()) {
    const { offset, entries, trailer } = section;
    const sections = ranges.get(section) ?? [{ start: offset, end: section.end }];
    if (sections.length === 1 && section.startxref !== offset)
      invalid(section.end, `startxref gives ${section.startxref ?? 'nothing'} for the section at ${offset}`);
    if (offset < start) invalid(offset, 'a cross-reference section before the end of the earlier revision');
    const end = afterLineEnd(bytes, section.end);
    revisions.push({ index: revisions.length, start, eof: section.end, end, trailer, entries, sections });
    start = end;
  }
  checkRoot(revisions, findings);
  if (start < bytes.length)
    findings.note('bytes-after-eof', start, `${bytes.length - start} bytes after the last %%EOF`);
  return revisions;
}
