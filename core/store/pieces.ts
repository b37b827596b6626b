import { type KeyObject, randomUUID } from 'node:crypto';
import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { equalBytes, toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import type { PieceType } from '../procedures/definition.ts';
import { sha256 } from './canonical.ts';
import { asFileError, syncFolder, writeDurably } from './durable-file.ts';
import { claimedType, contentType } from './media-type.ts';
import { readPresentText } from './read-file.ts';

// Pieces (pièces justificatives) lie in a folder by the SHA-256 of their content, each encrypted to the X25519 key of
// the post in the age format (age-encryption.org/v1). Taking pieces in needs the public half only.

/** Longest name that is kept. */
const maxName = 120;

/** A piece as it was brought: a file that a person names. */
export interface BroughtFile {
  readonly name: string;
  readonly content: Uint8Array;
}

export interface StoredPiece {
  readonly sha256: Uint8Array;
  readonly mediaType: PieceType;
  /** Bytes, before encryption. */
  readonly size: number;
  readonly name: string;
}

export interface Pieces {
  /**
   * What a piece would be kept as, without keeping it.
   * @throws ConsulError PIECE_TOO_LARGE, PIECE_TYPE
   */
  describe(file: BroughtFile): StoredPiece;
  /**
   * Keeps a piece; the same content again changes nothing. When it resolves the piece is durable.
   * @throws ConsulError PIECE_TOO_LARGE, PIECE_TYPE, DISK_FULL; nothing of it is kept then
   */
  put(file: BroughtFile): Promise<StoredPiece>;
  has(sha256: Uint8Array): Promise<boolean>;
  /**
   * @param identity the private X25519 key of the post
   * @throws ConsulError PIECE_UNKNOWN; PIECE_UNREADABLE when the file is damaged, not the one that was put, or
   *   encrypted to another key
   */
  get(sha256: Uint8Array, identity: KeyObject): Promise<Uint8Array>;
}

const piecePath = (folder: string, digest: Uint8Array): string => {
  const name = toHex(digest);
  return join(folder, name.slice(0, 2), name.slice(2, 4), `${name}.age`);
};

// Beside each piece its SHA-256 as it lies there, encrypted, in the form of sha256sum: damage is found without the key.

const checkSumPath = (path: string): string => `${path}.sha256`;
const checkSum = (path: string, stored: Uint8Array): string =>
  `${toHex(sha256(stored))}  ${basename(path)}\n`;

/**
 * What is wrong with a piece as it is kept; its content is not looked at.
 * @returns undefined where all is right
 */
export async function pieceFault(folder: string, digest: Uint8Array): Promise<string | undefined> {
  const path = piecePath(folder, digest);
  const [stored, sum] = await Promise.all(
    [path, checkSumPath(path)].map((file) =>
      readFile(file).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === 'ENOENT') return undefined;
        throw new ConsulError('PIECE_UNREADABLE', `cannot read ${file} (${cause.code})`, { cause });
      }),
    ),
  );
  if (!stored) return 'the piece is missing';
  if (!sum) return 'its check sum is missing';
  return sum.toString('latin1') === checkSum(path, stored) ? undefined : 'the piece was altered';
}

/** Puts a piece in its place unless it is there: of two that bring the same content at once, the first has put it. */
async function publish(path: string, encrypted: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.new`;
  await writeDurably(temporary, encrypted, { mode: 0o600 });
  try {
    await link(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw asFileError(cause, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

const recipientFile = (folder: string): string => join(folder, 'recipient');

/**
 * Sets up the folder of pieces of a new post.
 * @param key the private X25519 key of the post, of which only the public half is written
 */
export async function createPieceRecipient(
  paths: { readonly pieces: string },
  key: KeyObject,
): Promise<void> {
  const { identityToRecipient } = await import('age-encryption');
  const recipient = await identityToRecipient(await ageIdentity(key));
  await writeDurably(recipientFile(paths.pieces), `${recipient}\n`);
}

/** @param limits.pieceBytes the largest piece, before encryption */
export function openPieces(folder: string, limits: { readonly pieceBytes: number }): Pieces {
  const pathOf = (digest: Uint8Array): string => piecePath(folder, digest);
  let prepared: Promise<(content: Uint8Array) => Promise<Uint8Array>> | undefined;

  return {
    describe: (file) => describe(file, limits.pieceBytes),
    async put(file) {
      const piece = describe(file, limits.pieceBytes);
      const path = pathOf(piece.sha256);
      if (!(await exists(path))) {
        prepared ??= encrypterTo(folder);
        const encrypt = await prepared;
        await publish(path, await encrypt(file.content));
      }
      if (!(await exists(checkSumPath(path))))
        await writeDurably(checkSumPath(path), checkSum(path, await readFile(path)), { mode: 0o600 });
      return piece;
    },
    has: (digest) => exists(pathOf(digest)),
    async get(digest, identity) {
      const name = toHex(digest).slice(0, 16);
      const encrypted = await readPiece(pathOf(digest), name);
      const content = await decrypt(encrypted, identity, name);
      if (!equalBytes(sha256(content), digest))
        throw new ConsulError(
          'PIECE_UNREADABLE',
          `the stored piece ${name}… is not the one that was put there`,
        );
      return content;
    },
  };
}

/**
 * Reads a file that a person names as a piece; what is too large is not read.
 * @throws ConsulError PIECE_UNREADABLE, PIECE_TOO_LARGE
 */
export async function readBroughtFile(
  path: string,
  limits: { readonly pieceBytes: number },
): Promise<BroughtFile> {
  try {
    const handle = await open(path, 'r');
    try {
      const info = await handle.stat();
      if (!info.isFile()) throw new ConsulError('PIECE_UNREADABLE', `${path} is not a regular file`);
      refuseLarge(basename(path), info.size, limits.pieceBytes);
      return { name: basename(path), content: new Uint8Array(await handle.readFile()) };
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof ConsulError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConsulError('PIECE_UNREADABLE', `cannot read ${path} (${code})`, { cause });
  }
}

function describe({ name: path, content }: BroughtFile, limit: number): StoredPiece {
  const name = basename(path);
  refuseLarge(name, content.length, limit);
  const mediaType = contentType(content);
  if (!mediaType)
    throw new ConsulError('PIECE_TYPE', `the content of ${name} is neither PDF nor JPEG nor PNG`);
  if (claimedType(name) !== mediaType)
    throw new ConsulError('PIECE_TYPE', `${name} holds ${mediaType}, which its name does not say`);
  return { sha256: sha256(content), mediaType, size: content.length, name: keptName(name) };
}

function refuseLarge(name: string, size: number, limit: number): void {
  if (size > limit)
    throw new ConsulError('PIECE_TOO_LARGE', `${name} has ${size} bytes; at most ${limit} are taken`);
}

/** The end of a name says more than its beginning: it keeps the extension. */
function keptName(name: string): string {
  const plain = name.normalize('NFC').replace(/\p{C}/gu, '');
  return [...plain].slice(-maxName).join('');
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw cause;
  }
}

async function readPiece(path: string, name: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new ConsulError('PIECE_UNKNOWN', `there is no piece ${name}…`, { cause });
    throw new ConsulError('PIECE_UNREADABLE', `cannot read the stored piece ${name}… (${code})`, { cause });
  }
}

/** Loaded when the first piece comes: the import costs as much as starting the program. */
async function encrypterTo(folder: string): Promise<(content: Uint8Array) => Promise<Uint8Array>> {
  const recipient = (await readPresentText(recipientFile(folder))).trim();
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return (content) => encrypter.encrypt(content);
}

async function decrypt(encrypted: Uint8Array, identity: KeyObject, name: string): Promise<Uint8Array> {
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  decrypter.addIdentity(await ageIdentity(identity));
  try {
    return await decrypter.decrypt(encrypted);
  } catch (cause) {
    throw new ConsulError('PIECE_UNREADABLE', `the stored piece ${name}… is damaged or of another key`, {
      cause,
    });
  }
}

/** age takes an X25519 key of WebCrypto for an identity. */
async function ageIdentity(key: KeyObject): Promise<CryptoKey> {
  const der = new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
  try {
    return await crypto.subtle.importKey('pkcs8', der, 'X25519', false, ['deriveBits']);
  } finally {
    der.fill(0);
  }
}
