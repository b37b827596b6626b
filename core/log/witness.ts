import { concatBytes, fromLatin1, utf8 } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { toBase64 } from './base64.ts';
import { parseDecimal } from './checkpoint.ts';
import { type NoteSignature, parseNote } from './note.ts';

// C2SP tlog-witness: a log shows its newest checkpoint to a witness, with the proof that it continues the one that the
// witness saw before; the witness cosigns.

export interface WitnessOptions {
  /** Submission prefix of the witness. */
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
}

export interface ShownCheckpoint {
  /** The signed checkpoint. */
  readonly note: Uint8Array;
  readonly size: number;
  /** The consistency proof from an older size, which is not 0. */
  proof(oldSize: number): Promise<readonly Uint8Array[]>;
}

const maxAnswer = 64 * 1024;

/** The body of `add-checkpoint`. */
export function addCheckpointRequest(
  oldSize: number,
  proof: readonly Uint8Array[],
  note: Uint8Array,
): Uint8Array {
  const lines = [`old ${oldSize}`, ...proof.map(toBase64), ''];
  return concatBytes(utf8(lines.map((line) => `${line}\n`).join('')), note);
}

/** Signature lines as the answer of a witness holds them, read by the rules of the note that they belong to. */
export function readCosignatures(lines: Uint8Array, note: Uint8Array): readonly NoteSignature[] {
  const { text } = parseNote(note);
  return parseNote(concatBytes(utf8(`${text}\n`), lines)).signatures;
}

const failed = (url: string, why: string, cause?: unknown): ConsulError =>
  new ConsulError('FILE_UNREADABLE', `the witness ${url} does not cosign (${why})`, { cause });

async function post(body: Uint8Array, { url, fetch, timeoutMs }: WitnessOptions) {
  const address = `${url.replace(/\/$/, '')}/add-checkpoint`;
  try {
    const response = await fetch(address, {
      method: 'POST',
      body: Uint8Array.from(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const answer = new Uint8Array(await response.arrayBuffer());
    if (answer.length > maxAnswer) throw failed(url, `an answer of ${answer.length} bytes`);
    return { status: response.status, answer };
  } catch (cause) {
    if (cause instanceof ConsulError) throw cause;
    throw failed(url, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/**
 * Asks a witness for its cosignature. What it gives is not checked here: `withCosignatures` does that.
 * @throws ConsulError FILE_UNREADABLE when the witness cannot be reached or refuses; CHECKPOINT_INVALID when its answer
 *   holds no signature lines
 */
export async function askWitness(
  shown: ShownCheckpoint,
  options: WitnessOptions,
): Promise<readonly NoteSignature[]> {
  let oldSize = 0;
  // Twice: the first answer may be the size that the witness has seen (status 409).
  for (let attempt = 0; attempt < 2; attempt++) {
    const proof = oldSize === 0 || oldSize === shown.size ? [] : await shown.proof(oldSize);
    const { status, answer } = await post(addCheckpointRequest(oldSize, proof, shown.note), options);
    if (status === 200) return readCosignatures(answer, shown.note);
    const known = status === 409 ? parseDecimal(fromLatin1(answer).trimEnd()) : undefined;
    if (known === undefined) throw failed(options.url, `HTTP status ${status}`);
    if (known > shown.size) throw failed(options.url, `it has seen ${known} entries of ${shown.size}`);
    oldSize = known;
  }
  throw failed(options.url, 'HTTP status 409');
}
