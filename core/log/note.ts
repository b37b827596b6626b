import { concatBytes, equalBytes, fromUtf8, toHex, utf8 } from '../bytes.ts';
import type { CryptoBackend, PublicKey } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import type { Signer } from '../pki/signer.ts';
import { fromBase64, toBase64 } from './base64.ts';

/** Room for 16 post-quantum signatures, as C2SP signed-note asks, and then some. */
const maxNoteLength = 256 * 1024;
const maxSignatures = 64;

const keyIdLength = 4;
const ed25519Length = 32;
/** RFC 8410 §4: SubjectPublicKeyInfo of Ed25519 up to the key. */
const ed25519Prefix = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

/** The signature type bytes of C2SP signed-note that are read here. */
export const signatureType = { ed25519: 0x01, cosignatureV1: 0x04 } as const;
export type SignatureType = (typeof signatureType)[keyof typeof signatureType];

/** One signature line: `signature` is what follows the key ID. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** A note as it was read; nothing in it may be believed before `checkNote`. */
export interface Note {
  /** With its final newline, without the blank line. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

function malformed(what: string): never {
  throw new ConsulError('CHECKPOINT_INVALID', `not a signed note: ${what}`);
}

/** Not empty, no Unicode space, no plus, nothing that a note may not contain. */
const isKeyName = (name: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what signed-note forbids
  name !== '' && !/[+\p{White_Space}\u0000-\u001f]/u.test(name);

/**
 * Reads a signed note (C2SP signed-note).
 * @throws ConsulError CHECKPOINT_INVALID for anything outside the format
 */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > maxNoteLength) malformed(`more than ${maxNoteLength} bytes`);
  if (bytes.some((byte) => byte < 0x20 && byte !== 0x0a)) malformed('it holds a control character');
  const whole = decode(bytes);
  const split = whole.lastIndexOf('\n\n');
  if (split < 0) malformed('no blank line before the signatures');
  const lines = whole.slice(split + 2).split('\n');
  if (lines.pop() !== '' || lines.length === 0) malformed('the last signature line is cut short');
  if (lines.length > maxSignatures) malformed(`more than ${maxSignatures} signatures`);
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignatureLine) };
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new ConsulError('CHECKPOINT_INVALID', 'not a signed note: it is not UTF-8', { cause });
  }
}

function parseSignatureLine(line: string): NoteSignature {
  const [dash, name, encoded, ...rest] = line.split(' ');
  if (dash !== '—' || name === undefined || encoded === undefined || rest.length > 0)
    malformed('a signature line of another form');
  if (!isKeyName(name)) malformed('a key name with a space or a plus');
  const bytes = fromBase64(encoded);
  if (bytes === undefined || bytes.length <= keyIdLength) malformed('a signature that is not base64');
  return { name, keyId: bytes.subarray(0, keyIdLength), signature: bytes.subarray(keyIdLength) };
}

/** The bytes of a note. */
export function formatNote(note: Note): Uint8Array {
  const lines = note.signatures.map(
    ({ name, keyId, signature }) => `— ${name} ${toBase64(concatBytes(keyId, signature))}\n`,
  );
  return utf8(`${note.text}\n${lines.join('')}`);
}

/** SHA-256(key name || 0x0A || signature type || public key)[:4]. */
async function keyIdOf(
  name: string,
  type: SignatureType,
  publicKey: Uint8Array,
  backend: CryptoBackend,
): Promise<Uint8Array> {
  const hash = await backend.digest('sha256', concatBytes(utf8(name), Uint8Array.of(0x0a, type), publicKey));
  return hash.slice(0, keyIdLength);
}

/** The 32 bytes of an Ed25519 key in a DER SubjectPublicKeyInfo. */
function ed25519KeyOf(signer: Signer): Uint8Array {
  const spki = signer.publicKey;
  const prefix = spki.subarray(0, ed25519Prefix.length);
  if (
    signer.algorithm.name !== 'ed25519' ||
    spki.length !== ed25519Prefix.length + ed25519Length ||
    !equalBytes(prefix, ed25519Prefix)
  )
    throw new ConsulError('KEY_INVALID', 'notes are signed with an Ed25519 key');
  return spki.slice(ed25519Prefix.length);
}

/**
 * The verifier key of a signer: `<name>+<key ID in hex>+<base64(type || public key)>`.
 * @throws ConsulError KEY_INVALID unless the signer is Ed25519 and the name a key name
 */
export async function verifierKey(
  name: string,
  type: SignatureType,
  signer: Signer,
  backend: CryptoBackend,
): Promise<string> {
  if (!isKeyName(name)) throw new ConsulError('KEY_INVALID', 'a key name has no space and no plus');
  const key = ed25519KeyOf(signer);
  const keyId = await keyIdOf(name, type, key, backend);
  return `${name}+${toHex(keyId)}+${toBase64(concatBytes(Uint8Array.of(type), key))}`;
}

/**
 * The verifier key of a log, whose key is named by its origin.
 * @throws ConsulError KEY_INVALID unless the signer is Ed25519 and the origin can name a key
 */
export const logKeyOf = (origin: string, signer: Signer, backend: CryptoBackend): Promise<string> =>
  verifierKey(origin, signatureType.ed25519, signer, backend);

/** A verifier key ready for use: parse once, check many notes. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly type: SignatureType;
  readonly key: PublicKey;
}

/**
 * Reads a verifier key.
 * @throws ConsulError KEY_INVALID for another form, another type of key, or a key ID that is not that of the key
 */
export async function importVerifierKey(vkey: string, backend: CryptoBackend): Promise<NoteVerifier> {
  const [, name = '', hex = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey) ?? [];
  const bytes = fromBase64(encoded) ?? new Uint8Array(0);
  const type = Object.values(signatureType).find((known) => known === bytes[0]);
  if (!isKeyName(name) || type === undefined || bytes.length !== 1 + ed25519Length)
    throw new ConsulError('KEY_INVALID', 'not a verifier key of an Ed25519 log or witness');
  const publicKey = bytes.subarray(1);
  const keyId = await keyIdOf(name, type, publicKey, backend);
  if (toHex(keyId) !== hex)
    throw new ConsulError('KEY_INVALID', `the key ID of ${name} is not that of its key`);
  const spki = concatBytes(ed25519Prefix, publicKey);
  return { name, keyId, type, key: await backend.importPublicKey({ name: 'ed25519' }, spki) };
}

/**
 * A note with one Ed25519 signature over `text`, which ends in a newline.
 * @throws ConsulError KEY_INVALID unless the signer is Ed25519 and the name a key name
 */
export async function signNote(
  text: string,
  name: string,
  signer: Signer,
  backend: CryptoBackend,
): Promise<Uint8Array> {
  if (!isKeyName(name)) throw new ConsulError('KEY_INVALID', 'a key name has no space and no plus');
  const keyId = await keyIdOf(name, signatureType.ed25519, ed25519KeyOf(signer), backend);
  return formatNote({ text, signatures: [{ name, keyId, signature: await signer.sign(utf8(text)) }] });
}

/** A signature by a known key that was found right; `time` (seconds since 1970) for a cosignature. */
export interface VerifiedSignature {
  readonly verifier: NoteVerifier;
  readonly time?: number;
}

/**
 * Checks every signature by a known key and ignores the others, as C2SP signed-note demands.
 * @returns the keys that signed, or undefined when a signature by a known key is wrong
 */
export async function checkNote(
  note: Note,
  known: readonly NoteVerifier[],
): Promise<readonly VerifiedSignature[] | undefined> {
  const verified: VerifiedSignature[] = [];
  for (const signature of note.signatures) {
    const verifier = known.find(
      (candidate) => candidate.name === signature.name && equalBytes(candidate.keyId, signature.keyId),
    );
    if (verifier === undefined) continue;
    const found = await checkSignature(note.text, signature.signature, verifier);
    if (found === undefined) return undefined;
    verified.push(found);
  }
  return verified;
}

async function checkSignature(
  text: string,
  signature: Uint8Array,
  verifier: NoteVerifier,
): Promise<VerifiedSignature | undefined> {
  switch (verifier.type) {
    case signatureType.ed25519:
      return (await verifier.key.verify(signature, utf8(text))) ? { verifier } : undefined;
    case signatureType.cosignatureV1: {
      const timed = readTimestampedSignature(signature);
      if (timed === undefined) return undefined;
      const right = await verifier.key.verify(timed.signature, cosignedMessage(text, timed.time));
      return right ? { verifier, time: timed.time } : undefined;
    }
  }
}

/** C2SP tlog-cosignature: what a witness signs over the text of a checkpoint. */
export const cosignedMessage = (text: string, time: number): Uint8Array =>
  utf8(`cosignature/v1\ntime ${time}\n${text}`);

/** C2SP tlog-cosignature: u64 time, then the Ed25519 signature. */
function readTimestampedSignature(
  bytes: Uint8Array,
): { readonly time: number; readonly signature: Uint8Array } | undefined {
  if (bytes.length !== 8 + 64) return undefined;
  const time = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  return Number.isSafeInteger(time) ? { time, signature: bytes.subarray(8) } : undefined;
}
