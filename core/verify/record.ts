import { Value } from '@sinclair/typebox/value';
import serialize from 'canonicalize';
import { equalBytes, fromUtf8 } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import type { PageContent, Replacement } from '../pdf/read/text.ts';
import { type DocumentRecord, type SealedRecord, SealedRecordSchema } from '../pdf/record.ts';
import { recordText } from '../pdf/record-text.ts';
import { privateDigest } from '../seal/disclosure.ts';
import { claimsToRecord } from '../seal/record-claims.ts';
import { recordDisclosures } from '../seal/record-disclosures.ts';
import type { Seal } from '../seal/seal.ts';

// The package is CommonJS whose export is the function itself; its types describe an ES module.
const canonicalize = serialize as unknown as typeof serialize.default;

/** A value, or why there is none, in words for a report. */
export type Reading<T> = { readonly value: T } | { readonly fault: string };

/** A document of a hundred pages is still below this. */
const maxBytes = 1 << 20;

/** record.json must be the RFC 8785 form itself, so that one record has one digest. */
export function readRecord(bytes: Uint8Array): Reading<SealedRecord> {
  if (bytes.length > maxBytes) return { fault: `${bytes.length} bytes` };
  let text: string;
  let data: unknown;
  try {
    text = fromUtf8(bytes);
    data = JSON.parse(text);
  } catch {
    return { fault: 'JSON' };
  }
  if (!Value.Check(SealedRecordSchema, data))
    return { fault: Value.Errors(SealedRecordSchema, data).First()?.path ?? '/' };
  if (canonicalize(data) !== text) return { fault: 'RFC 8785' };
  return { value: data };
}

/** The first thing that the record and its seal do not say alike; undefined where they agree. */
export async function recordContradiction(
  record: SealedRecord,
  seal: Seal,
  backend: Pick<CryptoBackend, 'digest'>,
): Promise<string | undefined> {
  const { recordDigest: _, privateDigest: digest, ...document } = seal.claims.document;
  const { claims } = record;
  const sealed = claimsToRecord({ ...seal.claims, document });
  for (const part of ['issuer', 'issuedAt', 'notBefore', 'expires', 'identity', 'document', 'extra'] as const)
    if (canonicalize(claims[part] ?? null) !== canonicalize(sealed[part] ?? null)) return part;
  if (record.number !== claims.document.number) return 'number';
  if (record.type !== claims.document.type) return 'type';
  if (record.post !== claims.document.post) return 'post';
  if (Math.floor(Date.parse(record.issuedAt) / 1000) !== claims.issuedAt) return 'issuedAt';
  return (await holdsPrivateFields(record, digest, backend)) ? undefined : 'salts';
}

/** Whether the private fields of a record, as they are printed, are those of the digest in its seal. */
export async function holdsPrivateFields(
  record: SealedRecord,
  digest: Uint8Array | undefined,
  backend: Pick<CryptoBackend, 'digest'>,
): Promise<boolean> {
  if (!record.salts || !digest) return record.salts === undefined && digest === undefined;
  try {
    return equalBytes(await privateDigest(recordDisclosures(record), backend), digest);
  } catch (error) {
    if (error instanceof ConsulError && error.code === 'SCHEMA_VIOLATION') return false;
    throw error;
  }
}

/** White space and what only steers line breaks and direction: layout may set it as it needs. */
const invisible = /[\s\u00ad\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff]+/gu;
const visible = (text: string): string => text.replace(invisible, '');

/**
 * Whether an /ActualText says what its glyphs say: the same letters in the same order. Only the marks on them may have
 * moved, as shaping moves those of a ligature.
 */
function saysTheSame({ actualText, shown }: Replacement): boolean {
  const [said, drawn] = [visible(actualText.normalize('NFKD')), visible(shown.normalize('NFKD'))];
  if (said === drawn) return true;
  if (said.length !== drawn.length) return false;
  const letters = (text: string): string => text.replace(/\p{M}+/gu, '');
  const sorted = (text: string): string => [...text].sort().join('');
  return letters(said) === letters(drawn) && sorted(said) === sorted(drawn);
}

/**
 * Whether the pages show what the record holds, character for character, and nothing else: not more, not less, nothing
 * hidden, and no /ActualText that says something else than its glyphs.
 * @returns where they differ, for a report
 */
export function textDifference(record: DocumentRecord, pages: readonly PageContent[]): string | undefined {
  const printed = visible(pages.map((page) => page.text).join(''));
  const expected = visible(recordText(record));
  if (printed !== expected) {
    let at = 0;
    while (printed[at] === expected[at]) at++;
    return `« …${expected.slice(Math.max(0, at - 12), at + 24)}… » / « …${printed.slice(Math.max(0, at - 12), at + 24)}… »`;
  }
  for (const [index, page] of pages.entries()) {
    if (visible(page.hidden) !== '') return `p. ${index + 1}: ${page.hidden.slice(0, 40)}`;
    const footer = `${record.footer}·${index + 1}/${pages.length}`;
    if (visible(page.artifacts) !== visible(footer)) return `p. ${index + 1}: ${page.artifacts.slice(0, 40)}`;
    const lie = page.replacements.find((replacement) => !saysTheSame(replacement));
    if (lie) return `p. ${index + 1}: ${lie.actualText.slice(0, 40)}`;
  }
  return undefined;
}
