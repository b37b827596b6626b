import { fromUtf8, utf8 } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { type CheckpointVerdict, checkCheckpoint, parseDecimal } from './checkpoint.ts';
import { importVerifierKey, type NoteVerifier } from './note.ts';
import { hashLength, leafHash, verifyInclusion } from './tree.ts';

const header = 'c2sp.org/tlog-proof@v1';
/** A tree of 2^53 leaves is 53 levels high. */
const maxHashes = 53;
const maxExtraLength = 64 * 1024;
const maxHeaderLength = 128 * 1024;

/** What a `.tlog-proof` file says: C2SP tlog-proof. */
export interface LogProof {
  readonly index: number;
  /** From the sibling of the leaf up to the child of the root. */
  readonly hashes: readonly Uint8Array[];
  /** Opaque and not authenticated. */
  readonly extra?: Uint8Array;
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: Uint8Array;
}

/** The bytes of a `.tlog-proof` file. */
export function formatProof(proof: LogProof): Uint8Array {
  const lines = [header];
  if (proof.extra !== undefined) lines.push(`extra ${toBase64(proof.extra)}`);
  lines.push(`index ${proof.index}`, ...proof.hashes.map(toBase64), '', '');
  const head = utf8(lines.join('\n'));
  const out = new Uint8Array(head.length + proof.checkpoint.length);
  out.set(head);
  out.set(proof.checkpoint, head.length);
  return out;
}

function malformed(what: string, cause?: unknown): never {
  throw new ConsulError('LOG_PROOF_INVALID', `not a log proof: ${what}`, { cause });
}

/**
 * Reads a `.tlog-proof` file; the checkpoint inside is taken out and not yet read.
 * @throws ConsulError LOG_PROOF_INVALID for anything outside C2SP tlog-proof
 */
export function parseProof(bytes: Uint8Array): LogProof {
  const end = blankLine(bytes);
  const lines = decode(bytes.subarray(0, end)).split('\n');
  if (lines.shift() !== header) malformed(`the first line is not ${header}`);
  const extra = lines[0]?.startsWith('extra ') ? parseExtra(lines.shift() ?? '') : {};
  const [word, number, ...rest] = (lines.shift() ?? '').split(' ');
  const index = word === 'index' && rest.length === 0 ? parseDecimal(number ?? '') : undefined;
  if (index === undefined) malformed('no index line with a plain decimal');
  if (lines.length > maxHashes) malformed(`more than ${maxHashes} hashes`);
  return { index, hashes: lines.map(parseHash), ...extra, checkpoint: bytes.subarray(end + 2) };
}

/** Where the first blank line begins, which ends the part that is ours. */
function blankLine(bytes: Uint8Array): number {
  const limit = Math.min(bytes.length, maxHeaderLength);
  for (let i = 0; i + 1 < limit; i++) if (bytes[i] === 0x0a && bytes[i + 1] === 0x0a) return i;
  return malformed('no blank line before the checkpoint');
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    return malformed('it is not UTF-8', cause);
  }
}

function parseExtra(line: string): { readonly extra: Uint8Array } {
  const extra = fromBase64(line.slice('extra '.length));
  if (extra === undefined || extra.length === 0 || extra.length > maxExtraLength)
    malformed('an extra line that is not base64');
  return { extra };
}

function parseHash(line: string): Uint8Array {
  const hash = fromBase64(line);
  if (hash?.length !== hashLength) malformed('a line that is not a SHA-256 hash in base64');
  return hash;
}

/** A verifier key, as text or already imported: importing costs more than the check. */
export type LogKey = string | NoteVerifier;

export type ProofVerdict =
  | (Extract<CheckpointVerdict, { valid: true }> & { readonly index: number })
  | {
      readonly valid: false;
      readonly reason: 'origin' | 'signature' | 'inclusion';
      readonly message: string;
    };

/**
 * Checks offline that a log holds an entry: the log's signature on the checkpoint, then the path from the entry to its
 * root. `entry` is the entry itself, not its leaf hash; for documents the SHA-256 of the seal's COSE bytes.
 * @param logKeys the verifier key of the log, or all that it has had: one of them must have signed the checkpoint
 * @param witnesses verifier keys of witnesses whose cosignatures count; whether enough signed is the caller's policy
 * @throws ConsulError LOG_PROOF_INVALID when the bytes are not a log proof, KEY_INVALID for a malformed key
 */
export async function verifyProof(
  proof: Uint8Array | string,
  entry: Uint8Array,
  logKeys: LogKey | readonly LogKey[],
  backend: CryptoBackend,
  witnesses: readonly LogKey[] = [],
): Promise<ProofVerdict> {
  const { index, hashes, checkpoint: note } = parseProof(typeof proof === 'string' ? utf8(proof) : proof);
  const imported = (key: LogKey) => (typeof key === 'string' ? importVerifierKey(key, backend) : key);
  const keys = typeof logKeys === 'string' || !('length' in logKeys) ? [logKeys] : logKeys;
  const head = await readCheckpoint(
    note,
    await Promise.all(keys.map(imported)),
    await Promise.all(witnesses.map(imported)),
  );
  if (!head.valid) return head;
  const digest = (bytes: Uint8Array) => backend.digest('sha256', bytes);
  const { size, root } = head.checkpoint;
  const leaf = await leafHash(digest, entry);
  if (!(await verifyInclusion({ index, size, leaf, root, proof: hashes }, digest)))
    return {
      valid: false,
      reason: 'inclusion',
      message: `the proof does not lead from this entry at index ${index} to the root of the checkpoint`,
    };
  return { ...head, index };
}

async function readCheckpoint(
  note: Uint8Array,
  keys: readonly NoteVerifier[],
  witnesses: readonly NoteVerifier[],
): Promise<CheckpointVerdict> {
  try {
    let first: CheckpointVerdict | undefined;
    for (const key of keys) {
      const verdict = await checkCheckpoint(note, key, witnesses);
      if (verdict.valid) return verdict;
      first ??= verdict;
    }
    return first ?? { valid: false, reason: 'signature', message: 'no key of the log is known' };
  } catch (error) {
    if (error instanceof ConsulError && error.code === 'CHECKPOINT_INVALID')
      malformed(`its checkpoint is ${error.message}`, error);
    throw error;
  }
}
