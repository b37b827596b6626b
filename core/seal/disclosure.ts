import { compareBytes, concatBytes } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { isLine } from './claims.ts';

/**
 * Selective disclosure after SD-JWT (RFC 9901) and SD-CWT (draft-ietf-spice-sd-cwt): a private field is a triple of
 * salt, value and key, known to others by its digest alone. A seal has no room for a digest of each field, so it holds
 * one over all of them, and a presentation brings the digests of the fields that it withholds.
 */

/** A private field as its holder may show it. */
export interface Disclosure {
  /** 16 random bytes: without them nobody can try out what a digest stands for (RFC 9901 §9.3). */
  readonly salt: Uint8Array;
  /** The key: what the document calls the field. */
  readonly label: string;
  /** May have several lines, separated by "\n". */
  readonly value: string;
}

/** A field that is shown, with the bytes that were read and are hashed: its triple in deterministic CBOR. */
export interface ShownDisclosure extends Disclosure {
  readonly encoded: Uint8Array;
}

/** What a holder shows of the private fields of a document, before it was held against the seal. */
export interface Presentation {
  /** At least one, in the order of the document. */
  readonly shown: readonly ShownDisclosure[];
  /** Digests of the other private fields, in bytewise order, so that they say nothing by their place. */
  readonly withheld: readonly Uint8Array[];
}

type Digest = Pick<CryptoBackend, 'digest'>;

export const saltLength = 16;
/** Of SHA-256, as of the record beside it in the seal: what counts is that nobody finds a second preimage. */
const digestLength = 16;
/** The most private fields of one document. */
export const maximumPrivateFields = 24;
const maximumValue = 1000;
/** More than a QR code holds; texts travel by other ways too. */
export const maximumPresentation = 16_384;

/** Whether a field can be told by itself: one line of label, and a printable value. */
export const isDisclosable = ({ label, value }: Pick<Disclosure, 'label' | 'value'>): boolean =>
  isLine(label) && value.length <= maximumValue && isLine(value.replaceAll('\n', ''), maximumValue);

/** The digest over all private fields of a document that stands in its seal: 16 bytes. */
export async function privateDigest(
  disclosures: readonly Disclosure[],
  backend: Digest,
): Promise<Uint8Array> {
  return digestOfAll(await fieldDigests(disclosures.map(encodeTriple), backend), backend);
}

/** The digest that the seal must hold where a presentation is of its document. */
export async function presentedDigest(
  { shown, withheld }: Presentation,
  backend: Digest,
): Promise<Uint8Array> {
  const triples = shown.map(({ encoded }) => encoded);
  return digestOfAll([...(await fieldDigests(triples, backend)), ...withheld], backend);
}

/**
 * What shows some private fields of a document and withholds the others, in deterministic CBOR.
 *
 * @param disclosures all private fields of the document
 * @throws ConsulError SCHEMA_VIOLATION when no reader would take so much
 */
export async function makePresentation<T extends Disclosure>(
  disclosures: readonly T[],
  isShown: (disclosure: T) => boolean,
  backend: Digest,
): Promise<Uint8Array> {
  const hidden = disclosures.filter((each) => !isShown(each));
  const withheld = await fieldDigests(hidden.map(encodeTriple), backend);
  const bytes = encodeCbor([disclosures.filter(isShown).map(encodeTriple), withheld.sort(compareBytes)]);
  if (bytes.length > maximumPresentation)
    throw new ConsulError('SCHEMA_VIOLATION', 'too much is shown at once: show fewer fields');
  return bytes;
}

/**
 * Reads what `makePresentation` gave, and nothing else.
 *
 * @throws ConsulError DISCLOSURE_INVALID, CBOR_INVALID
 */
export function readPresentation(bytes: Uint8Array): Presentation {
  const parts = decodeCbor(bytes, maximumPresentation);
  if (!isList(parts) || parts.length !== 2) throw invalid('a presentation is an array of two');
  const [triples, digests] = parts;
  if (!isList(triples) || triples.length === 0) throw invalid('it shows no field');
  if (!isList(digests) || triples.length + digests.length > maximumPrivateFields)
    throw invalid(`no document has more than ${maximumPrivateFields} private fields`);
  return { shown: triples.map(readTriple), withheld: readWithheld(digests) };
}

const isList = (value: CborValue | undefined): value is readonly CborValue[] => Array.isArray(value);

/** In the order of SD-CWT: salt, value, key. */
const encodeTriple = ({ salt, value, label }: Disclosure): Uint8Array => encodeCbor([salt, value, label]);

function readTriple(encoded: CborValue): ShownDisclosure {
  if (!(encoded instanceof Uint8Array)) throw invalid('a field that is shown is not a byte string');
  const triple = decodeCbor(encoded, maximumPresentation);
  if (!isList(triple) || triple.length !== 3) throw invalid('a field that is shown is an array of three');
  const [salt, value, label] = triple;
  if (!(salt instanceof Uint8Array) || salt.length !== saltLength)
    throw invalid(`a salt has ${saltLength} bytes`);
  if (typeof value !== 'string' || typeof label !== 'string' || !isDisclosable({ label, value }))
    throw invalid('a field that is shown is not printable text');
  return { salt, label, value, encoded };
}

function readWithheld(digests: readonly CborValue[]): readonly Uint8Array[] {
  const read = digests.map((digest) => {
    if (digest instanceof Uint8Array && digest.length === digestLength) return digest;
    throw invalid(`the digest of a withheld field has ${digestLength} bytes`);
  });
  if (read.some((digest, at) => at > 0 && compareBytes(read[at - 1] as Uint8Array, digest) >= 0))
    throw invalid('the digests of withheld fields are not in order');
  return read;
}

const fieldDigests = (triples: readonly Uint8Array[], backend: Digest): Promise<Uint8Array[]> =>
  Promise.all(triples.map((triple) => shortDigest(triple, backend)));

/** In bytewise order, one after the other: each has the same length. */
const digestOfAll = (digests: readonly Uint8Array[], backend: Digest): Promise<Uint8Array> =>
  shortDigest(concatBytes(...[...digests].sort(compareBytes)), backend);

async function shortDigest(bytes: Uint8Array, backend: Digest): Promise<Uint8Array> {
  return (await backend.digest('sha256', bytes)).slice(0, digestLength);
}

const invalid = (message: string): ConsulError => new ConsulError('DISCLOSURE_INVALID', message);
