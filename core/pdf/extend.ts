import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import type { TimestampSource } from '../time/source.ts';
import { addToStore, type PreparedEvidence } from './evidence.ts';
import type { PdfFile } from './read/document.ts';
import { type PdfSignature, readSignatures } from './read/signature.ts';
import { IncrementalUpdate, readForUpdate } from './update.ts';

/** Validation data with the signatures that it is for. */
export interface Evidence {
  readonly data: PreparedEvidence;
  /**
   * Names of the fields whose signatures or document timestamps it validates: each gets an entry of /VRI. Left out:
   * all of the file that have none yet.
   */
  readonly forSignatures?: readonly string[];
  /** When it was collected, for /TU; of no weight beside a document timestamp. */
  readonly collected?: Date;
}

export interface TimestampOptions {
  /** Bytes of DER that the token may take; default 8192. Zeros fill what it leaves. */
  readonly reserve?: number;
}

const defaultReserve = 8192;

/**
 * Raises a signature with a time-stamp to B-LT (ETSI EN 319 142-1 §6.3): adds a document security store with what it is
 * validated with, as an incremental update.
 *
 * @returns a new file that begins with every byte of `pdf`
 * @throws ConsulError PDF_INVALID for a file without a signature, or one that cannot be continued (`readForUpdate`);
 *   PDF_TOO_COMPLEX
 */
export async function addValidationData(pdf: Uint8Array, evidence: Evidence): Promise<Uint8Array> {
  const update = new IncrementalUpdate(readForUpdate(pdf));
  await store(update, evidence);
  return update.finish();
}

/**
 * Adds a document timestamp over the whole file (ETSI EN 319 142-1 §5.4.3) as an incremental update: it proves that the
 * signatures and the validation data existed.
 *
 * @returns a new file that begins with every byte of `pdf`
 * @throws ConsulError PDF_INVALID, PDF_TOO_COMPLEX; what `stamp` throws; INTERNAL when the token is larger than the reserve
 */
export async function addDocumentTimestamp(
  pdf: Uint8Array,
  stamp: TimestampSource,
  options: TimestampOptions = {},
): Promise<Uint8Array> {
  return stamped(new IncrementalUpdate(readForUpdate(pdf)), stamp, options);
}

/**
 * Raises a signature with a time-stamp to B-LT, or in the same update to B-LTA with a document timestamp that covers
 * the store. On a file that is B-LTA already, with the evidence for its last document timestamp, this renews it.
 *
 * @returns a new file that begins with every byte of `pdf`
 * @throws ConsulError as `addValidationData` and `addDocumentTimestamp` do
 */
export async function extendTo(
  pdf: Uint8Array,
  level: 'B-LT' | 'B-LTA',
  evidence: Evidence,
  stamp: TimestampSource,
  options: TimestampOptions = {},
): Promise<Uint8Array> {
  if (level === 'B-LT') return addValidationData(pdf, evidence);
  const update = new IncrementalUpdate(readForUpdate(pdf));
  await store(update, evidence);
  return stamped(update, stamp, options);
}

async function store(update: IncrementalUpdate, evidence: Evidence): Promise<void> {
  const { data, forSignatures, collected } = evidence;
  const signatures = signaturesIn(update.file);
  if (signatures.length === 0) invalid('the file has no signature');
  const named = forSignatures?.map(
    (name) =>
      signatures.find((signature) => signature.name === name) ??
      invalid(`the file has no signature in a field "${name}"`),
  );
  await addToStore(update, data, { named, all: signatures, collected });
}

/** A document timestamp in a field of its own, which shows nothing. */
async function stamped(
  update: IncrementalUpdate,
  stamp: TimestampSource,
  { reserve = defaultReserve }: TimestampOptions,
): Promise<Uint8Array> {
  const value = update.addSignature(
    { before: '/Type /DocTimeStamp /Filter /Adobe.PPKLite /SubFilter /ETSI.RFC3161', after: '' },
    reserve,
  );
  update.addSignatureField({ name: update.freeFieldName('Timestamp'), value, page: update.page(0) });
  return update.finish(async (covered) => stamp.stamp(await nodeBackend.digest('sha256', covered)));
}

function invalid(why: string): never {
  throw new ConsulError('PDF_INVALID', why);
}

/** The signatures of a file, all of which must be sound in form: what is broken is not made to last. */
function signaturesIn(file: PdfFile): readonly PdfSignature[] {
  const signatures = readSignatures(file).filter(({ problems }) => problems[0]?.id !== 'unsigned');
  for (const { name, problems } of signatures)
    if (problems[0]) invalid(`the signature in the field "${name}" is broken: ${problems[0].message}`);
  return signatures;
}
