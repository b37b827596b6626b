import { createHash, type KeyObject } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toHex } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { keySigner } from '../pki/file-signer.ts';
import { decryptKey, encryptKey, type KeyDerivation } from '../pki/key-file.ts';
import { type KeyKind, newKey } from '../pki/key-kind.ts';
import { openToken, type Token, type TokenKey, type TokenPlace } from '../pki/pkcs11.ts';
import type { Signer } from '../pki/signer.ts';
import { asFileError, syncFolder } from './durable-file.ts';
import { readPresentText } from './read-file.ts';

/**
 * A private key in a form that can be handed to a worker thread: the key itself, which Node copies by reference, or
 * where it is in a token, of which the thread opens a session of its own.
 */
export type KeySource =
  | { readonly kind: 'held'; readonly key: KeyObject }
  | { readonly kind: 'token'; readonly place: TokenPlace; readonly key: TokenKey };

/** A place where private keys are kept by name. */
export interface KeyProvider {
  /** @throws ConsulError KEY_INVALID, FILE_UNREADABLE, PASSPHRASE_WRONG, PIN_WRONG, TOKEN_UNAVAILABLE */
  find(name: string): Promise<KeySource>;
  /** Makes a key that is kept there. @throws ConsulError KEY_EXISTS, and as `find` */
  generate(name: string, kind: KeyKind): Promise<KeySource>;
}

export interface FileKeys {
  readonly folder: string;
  /** Derives the key that encrypts the files (core/pki/key-file.ts). */
  readonly fileKey: (derivation: KeyDerivation) => Promise<Uint8Array>;
  /** Parameters for files that are made; those of a file that is read stand in it. */
  readonly derivation: KeyDerivation;
}

export const keyFileName = (name: string): string => `${name}.key.pem`;

export async function readKeyFile(
  file: string,
  name: string,
  fileKey: FileKeys['fileKey'],
): Promise<KeyObject> {
  return decryptKey(await readPresentText(file), name, fileKey);
}

/** Never over a file that is there, also when another process makes the same key at the same moment. */
async function writeNewKey(file: string, pem: string): Promise<void> {
  try {
    await writeFile(file, pem, { mode: 0o600, flag: 'wx', flush: true });
    await syncFolder(dirname(file));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
      throw new ConsulError('KEY_EXISTS', `there is a key ${file} already`, { cause });
    await rm(file, { force: true });
    throw asFileError(cause, file);
  }
}

/** Keys in encrypted PKCS#8 files, one each. */
export function fileProvider({ folder, fileKey, derivation }: FileKeys): KeyProvider {
  const file = (name: string): string => join(folder, keyFileName(name));
  return {
    find: async (name) => ({ kind: 'held', key: await readKeyFile(file(name), name, fileKey) }),
    generate: async (name, kind) => {
      const key = newKey(kind);
      const pem = encryptKey(key, await fileKey(derivation), derivation, nodeBackend.random(16));
      await writeNewKey(file(name), pem);
      return { kind: 'held', key };
    },
  };
}

/** Identifier of a key that is made in a token: equal names give equal identifiers, so that none is made twice. */
const identifier = (name: string): string =>
  toHex(createHash('sha256').update(name).digest().subarray(0, 16));

/**
 * Keys in a PKCS#11 token, labelled with their names.
 * @param chosen label or identifier of a key that somebody else made, by name
 */
export function tokenProvider(
  place: TokenPlace,
  chosen: Readonly<Record<string, TokenKey>> = {},
): KeyProvider {
  const within = async <T>(work: (token: Token) => T): Promise<T> => {
    const token = await openToken(place);
    try {
      return work(token);
    } finally {
      token.close();
    }
  };
  const keyOf = (name: string): TokenKey => chosen[name] ?? { label: name };
  return {
    find: (name) =>
      within((token) => {
        token.signer(keyOf(name));
        return { kind: 'token', place, key: keyOf(name) };
      }),
    generate: (name, kind) =>
      within((token) => {
        const key = { label: name, id: identifier(name) };
        token.generate(key, kind);
        return { kind: 'token', place, key };
      }),
  };
}

/** The same key where an interrupted attempt has made it already. */
export async function tokenKey(place: TokenPlace, label: string, kind: KeyKind): Promise<KeySource> {
  const provider = tokenProvider(place);
  try {
    return await provider.generate(label, kind);
  } catch (error) {
    if (error instanceof ConsulError && error.code === 'KEY_EXISTS') return provider.find(label);
    throw error;
  }
}

/** Takes a key out of its token for good; one that is not there is no error. */
export async function destroyTokenKey(place: TokenPlace, key: TokenKey): Promise<void> {
  const token = await openToken(place);
  try {
    token.destroy(key);
  } finally {
    token.close();
  }
}

/** Makes signers of key sources for one thread; the keys of one token share a session. */
export interface SignerOpener {
  /** @throws ConsulError KEY_INVALID, TOKEN_UNAVAILABLE, PIN_WRONG */
  signer(source: KeySource): Promise<Signer>;
  /** Ends the sessions: the signers from tokens sign no more. */
  close(): Promise<void>;
}

export function signerOpener(): SignerOpener {
  const tokens = new Map<string, Promise<Token>>();
  const tokenAt = (place: TokenPlace): Promise<Token> => {
    const name = JSON.stringify([place.module, place.token]);
    const token = tokens.get(name) ?? openToken(place);
    tokens.set(name, token);
    return token;
  };
  return {
    signer: async (source) =>
      source.kind === 'held' ? keySigner(source.key) : (await tokenAt(source.place)).signer(source.key),
    close: async () => {
      const opened = await Promise.allSettled(tokens.values());
      tokens.clear();
      for (const token of opened) if (token.status === 'fulfilled') token.value.close();
    },
  };
}
