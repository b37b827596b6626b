import { equalBytes } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import type { Signer } from '../pki/signer.ts';
import { fromBase64, toBase64 } from './base64.ts';
import {
  checkNote,
  formatNote,
  type NoteSignature,
  type NoteVerifier,
  parseNote,
  signatureType,
  signNote,
} from './note.ts';
import { hashLength } from './tree.ts';

/** The head of a log: C2SP tlog-checkpoint. */
export interface Checkpoint {
  /** Who the log is, for example `logs.example.org/ga-par`; also the name of its key. */
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** Further lines of the text, opaque; none in what we make. */
  readonly extensions: readonly string[];
}

/** The note text of a checkpoint. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root, extensions } = checkpoint;
  return [origin, String(size), toBase64(root), ...extensions].map((line) => `${line}\n`).join('');
}

/** An ASCII decimal without leading zeroes, or undefined. */
export function parseDecimal(text: string): number | undefined {
  const value = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

function malformed(what: string): never {
  throw new ConsulError('CHECKPOINT_INVALID', `not a checkpoint: ${what}`);
}

/**
 * Reads the note text of a checkpoint.
 * @throws ConsulError CHECKPOINT_INVALID for anything outside C2SP tlog-checkpoint, or a size above 2^53 - 1
 */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.includes('')) malformed('an empty line, or no newline at the end');
  const [origin, size, root, ...extensions] = lines;
  if (origin === undefined || size === undefined || root === undefined) malformed('fewer than three lines');
  const parsed = { size: parseDecimal(size), root: fromBase64(root) };
  if (parsed.size === undefined) malformed('the tree size is not a plain decimal');
  if (parsed.root?.length !== hashLength) malformed('the root is not a SHA-256 hash in base64');
  return { origin, size: parsed.size, root: parsed.root, extensions };
}

/**
 * The signed note of a checkpoint; the key is named by the origin.
 * @throws ConsulError KEY_INVALID unless the signer is Ed25519 and the origin can name a key
 */
export const signCheckpoint = (
  checkpoint: Checkpoint,
  signer: Signer,
  backend: CryptoBackend,
): Promise<Uint8Array> => signNote(formatCheckpoint(checkpoint), checkpoint.origin, signer, backend);

/** A statement by a known witness that it saw the log grow consistently up to this checkpoint. */
export interface Cosignature {
  readonly witness: string;
  /** Seconds since 1970. */
  readonly time: number;
}

export type CheckpointVerdict =
  | {
      readonly valid: true;
      readonly checkpoint: Checkpoint;
      readonly cosignatures: readonly Cosignature[];
    }
  | { readonly valid: false; readonly reason: 'origin' | 'signature'; readonly message: string };

/**
 * Checks that the log signed a checkpoint, and which of the given witnesses cosigned it. The origin must be the name
 * of the log's key. A wrong signature by any of these keys refuses the whole checkpoint; unknown keys are ignored.
 * @throws ConsulError CHECKPOINT_INVALID when the bytes are not a signed checkpoint
 */
export async function checkCheckpoint(
  bytes: Uint8Array,
  log: NoteVerifier,
  witnesses: readonly NoteVerifier[] = [],
): Promise<CheckpointVerdict> {
  const note = parseNote(bytes);
  const checkpoint = parseCheckpoint(note.text);
  if (checkpoint.origin !== log.name)
    return {
      valid: false,
      reason: 'origin',
      message: `the checkpoint is of the log ${checkpoint.origin}, not of ${log.name}`,
    };
  const signatures = await checkNote(note, [log, ...witnesses]);
  if (signatures === undefined)
    return { valid: false, reason: 'signature', message: 'a signature of the checkpoint is wrong' };
  if (!signatures.some(({ verifier }) => verifier === log))
    return { valid: false, reason: 'signature', message: `${log.name} did not sign the checkpoint` };
  const cosignatures = signatures.flatMap(({ verifier, time }) =>
    verifier.type === signatureType.cosignatureV1 && time !== undefined
      ? [{ witness: verifier.name, time }]
      : [],
  );
  return { valid: true, checkpoint, cosignatures };
}

/**
 * A checkpoint with cosignatures beside those that it has; the newest of a witness stays.
 * @param cosignatures of witnesses, all of them right over this very checkpoint
 * @throws ConsulError CHECKPOINT_INVALID when one is of nobody who is named, or wrong, or is no cosignature
 */
export async function withCosignatures(
  bytes: Uint8Array,
  cosignatures: readonly NoteSignature[],
  witnesses: readonly NoteVerifier[],
): Promise<Uint8Array> {
  const note = parseNote(bytes);
  const isOf = (one: NoteSignature, other: NoteSignature | NoteVerifier): boolean =>
    one.name === other.name && equalBytes(one.keyId, other.keyId);
  for (const signature of cosignatures) {
    const witness = witnesses.find((each) => isOf(signature, each));
    if (witness?.type !== signatureType.cosignatureV1)
      throw new ConsulError('CHECKPOINT_INVALID', `${signature.name} is not a witness that is known here`);
    if (!(await checkNote({ text: note.text, signatures: [signature] }, [witness])))
      throw new ConsulError('CHECKPOINT_INVALID', `${signature.name} did not cosign this checkpoint`);
  }
  const kept = note.signatures.filter((old) => !cosignatures.some((fresh) => isOf(old, fresh)));
  return formatNote({ text: note.text, signatures: [...kept, ...cosignatures] });
}
