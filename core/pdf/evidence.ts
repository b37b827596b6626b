import { equalBytes, toHex } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { readDer } from '../der/reader.ts';
import { streamObject } from './file-writer.ts';
import { isDict, type PdfDict, type PdfObject, PdfRef, PdfStream, PdfString } from './read/objects.ts';
import type { PdfSignature } from './read/signature.ts';
import { dateObject } from './serialize.ts';
import type { IncrementalUpdate } from './update.ts';

/** What a signature is validated with, as it was at one time. DER each. */
export interface ValidationData {
  readonly certificates: readonly Uint8Array[];
  /** CertificateList (RFC 5280 §5). */
  readonly crls: readonly Uint8Array[];
  /** OCSPResponse (RFC 6960 §4.2.1), not only its basic response. */
  readonly ocsps: readonly Uint8Array[];
}

interface Item {
  readonly der: Uint8Array;
  /** The stream object, from its dictionary to `endstream`. */
  readonly object: Uint8Array;
}

/** Validation data in the form of its objects: prepared once, appended to every document of a day. */
export type PreparedEvidence = Readonly<Record<keyof ValidationData, readonly Item[]>>;

/** Keys in the DSS and in an entry of /VRI (ETSI EN 319 142-1 §5.4.2.2 and §5.4.2.3). */
const keysOf = {
  certificates: { store: 'Certs', entry: 'Cert' },
  crls: { store: 'CRLs', entry: 'CRL' },
  ocsps: { store: 'OCSPs', entry: 'OCSP' },
} as const satisfies Record<keyof ValidationData, unknown>;
const kinds = Object.keys(keysOf) as (keyof ValidationData)[];

function item(der: Uint8Array): Item {
  readDer(der);
  return { der, object: streamObject(der) };
}

/**
 * Prepares validation data for any number of documents; what stands twice is kept once.
 *
 * @throws ConsulError DER_INVALID
 */
export function prepareEvidence(data: ValidationData): PreparedEvidence {
  const prepared = (list: readonly Uint8Array[]): Item[] =>
    list.filter((der, i) => list.findIndex((other) => equalBytes(other, der)) === i).map(item);
  return {
    certificates: prepared(data.certificates),
    crls: prepared(data.crls),
    ocsps: prepared(data.ocsps),
  };
}

/**
 * The key of a signature in /VRI: upper-case SHA-1 of the bytes that /Contents says, the zeros after the DER among them
 * (ISO 32000-2 table 261). It only names the signature.
 */
async function vriKey(contents: Uint8Array): Promise<string> {
  return toHex(await nodeBackend.digest('sha1', contents)).toUpperCase();
}

/** References to the streams that hold these items: those of the store where it has them, new ones otherwise. */
function referencesTo(
  update: IncrementalUpdate,
  items: readonly Item[],
  held: readonly PdfObject[],
): PdfRef[] {
  const known = held.flatMap((reference) => {
    const stream = update.resolve(reference);
    const found = reference instanceof PdfRef && stream instanceof PdfStream;
    return found ? [{ reference, bytes: update.file.data(stream) }] : [];
  });
  return items.map(
    ({ der, object }) =>
      known.find(({ bytes }) => equalBytes(bytes, der))?.reference ?? update.addStream(object),
  );
}

const together = (before: readonly PdfObject[], added: readonly PdfRef[]): readonly PdfObject[] => [
  ...before,
  ...added.filter(({ num }) => !before.some((other) => other instanceof PdfRef && other.num === num)),
];

/** The dictionary with the references added to the array of each kind that has some. */
function withReferences(
  update: IncrementalUpdate,
  dict: PdfDict,
  references: Readonly<Record<keyof ValidationData, readonly PdfRef[]>>,
  key: 'store' | 'entry',
): Map<string, PdfObject> {
  const out = new Map(dict);
  for (const kind of kinds)
    if (references[kind].length > 0)
      out.set(keysOf[kind][key], together(update.array(dict.get(keysOf[kind][key])), references[kind]));
  return out;
}

export interface ValidatedSignatures {
  readonly named: readonly PdfSignature[] | undefined;
  readonly all: readonly PdfSignature[];
  readonly collected: Date | undefined;
}

/**
 * Puts validation data into the document security store (ETSI EN 319 142-1 §5.4.2, ISO 32000-2 §12.8.4.3) with an entry
 * of /VRI for each signature that it is for. What the store has is kept and not written again.
 *
 * @param signatures.named those that the evidence is for; left out it is all that have no entry yet
 */
export async function addToStore(
  update: IncrementalUpdate,
  evidence: PreparedEvidence,
  { named, all, collected }: ValidatedSignatures,
): Promise<void> {
  const held = update.catalog.get('DSS');
  const store = update.dict(held) ?? new Map<string, PdfObject>([['Type', 'DSS']]);
  const references = {
    certificates: referencesTo(update, evidence.certificates, update.array(store.get('Certs'))),
    crls: referencesTo(update, evidence.crls, update.array(store.get('CRLs'))),
    ocsps: referencesTo(update, evidence.ocsps, update.array(store.get('OCSPs'))),
  };
  const entries = new Map(update.dict(store.get('VRI')));
  for (const { dictionary } of named ?? all) {
    const contents = dictionary?.get('Contents');
    if (!(contents instanceof PdfString)) continue;
    const key = await vriKey(contents.bytes);
    if (!named && entries.has(key)) continue;
    const entry = withReferences(update, update.dict(entries.get(key)) ?? new Map(), references, 'entry');
    if (collected) entry.set('TU', dateObject(collected));
    entries.set(key, entry);
  }
  const changed = withReferences(update, store, references, 'store');
  if (entries.size > 0) changed.set('VRI', entries);
  if (held instanceof PdfRef && isDict(update.resolve(held))) update.replace(held, changed);
  else update.setInCatalog({ DSS: update.add(changed), ...extensions(update) });
}

/** PDF 2.0 has the store; before, it is an extension that the catalog names (ISO 32000-2 §7.12). */
function extensions(update: IncrementalUpdate): { Extensions?: PdfDict } {
  const named = update.dict(update.catalog.get('Extensions')) ?? new Map<string, PdfObject>();
  if (update.file.version === '2.0' || named.has('ESIC')) return {};
  const extension = new Map<string, PdfObject>([
    ['BaseVersion', '1.7'],
    ['ExtensionLevel', 1],
  ]);
  return { Extensions: new Map([...named, ['ESIC', extension]]) };
}
