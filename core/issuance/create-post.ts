import { randomBytes } from 'node:crypto';
import { constants, copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { logKeyOf } from '../log/note.ts';
import { certificatePem, createPostCredentials, keyPem, type PostCredentials } from '../pki/ceremony.ts';
import { keySigner } from '../pki/file-signer.ts';
import { deriveFileKey, keyDerivation } from '../pki/key-file.ts';
import { makeTrustBundle } from '../pki/trust-bundle.ts';
import type { Post } from '../post.ts';
import { asFileError, syncFolder } from '../store/durable-file.ts';
import { certificateFile, certifiedKeyNames, keyFile } from '../store/keys.ts';
import { createPieceRecipient } from '../store/pieces.ts';
import {
  anchorPaths,
  type PostPaths,
  postPaths,
  type Settings,
  writeSettings,
} from '../store/post-folder.ts';
import { openStore } from '../store/store.ts';
import { openTileStore } from '../store/tiles.ts';
import { logOrigin } from './log-origin.ts';

const trustDays = 366;
const graceDays = 31;

export interface PostPassphrase {
  readonly bytes: Uint8Array;
  readonly origin: 'chosen' | 'random';
  /** Text to leave in a file, when it was made here. */
  readonly keep?: string;
}

export interface NewPost {
  readonly home: string;
  readonly settings: Settings;
  readonly passphrase: PostPassphrase;
  readonly now: Date;
  /** Where the private key of the root goes; in the folder's `offline` without it. */
  readonly rootKey?: string;
}

/**
 * Makes a post: keys, certificates, trust bundle, database and log. Everything is made beside the final place and moved
 * there in one step: a post is whole or not there.
 * @throws ConsulError POST_EXISTS, FILE_EXISTS, POST_INVALID, DISK_FULL
 */
export async function createPost({ home, settings, passphrase, now, rootKey }: NewPost): Promise<void> {
  await refuseExisting(home);
  const partial = join(dirname(home), `.${basename(home)}.${process.pid}.partial`);
  const paths = postPaths(partial);
  try {
    // What a killed process of the same number left.
    await rm(partial, { recursive: true, force: true });
    await writeSettings(partial, settings);
    const credentials = await createPostCredentials({ post: settings.post, now, random: nodeBackend.random });
    await writeCredentials(paths, credentials, passphrase);
    await createPieceRecipient(paths, credentials.keys.pieces);
    await mkdir(dirname(paths.trust), { recursive: true });
    await writeFile(paths.trust, await firstTrustBundle(credentials, settings.post, now));
    const anchor = anchorPaths(partial, settings);
    await mkdir(dirname(anchor.journal), { recursive: true });
    const store = await openStore(paths.database, { create: true, anchor: anchor.journal });
    await store.close();
    const log = { origin: logOrigin(settings.post), signer: keySigner(credentials.keys.log) };
    await openTileStore(paths.log, anchor.checkpoint, nodeBackend).create(log);
    if (rootKey !== undefined) await moveAway(paths.rootKey, rootKey);
    await syncAll(partial);
    await moveInto(partial, home);
  } catch (cause) {
    throw asFileError(cause, home);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** To another disk, which a rename cannot reach. */
async function moveAway(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new ConsulError('FILE_EXISTS', `${to} exists already`, { cause });
  }
  await sync(to);
  await sync(dirname(to));
  await rm(from);
}

/** A file, or the names in a folder. */
const sync = syncFolder;

async function syncAll(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  await Promise.all(entries.map((entry) => (entry.isDirectory() ? syncAll : sync)(join(folder, entry.name))));
  await sync(folder);
}

/** Over an empty folder only: another process may have made a post there meanwhile. */
async function moveInto(partial: string, home: string): Promise<void> {
  try {
    await rename(partial, home);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw cause;
    throw new ConsulError('POST_EXISTS', `another process made a post in ${home}`, { cause });
  }
  await sync(dirname(home));
}

/** @throws ConsulError POST_EXISTS, FILE_EXISTS */
export async function refuseExisting(home: string): Promise<void> {
  const present: string[] = await readdir(home).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new ConsulError('FILE_UNREADABLE', `cannot look into ${home} (${cause.code})`, { cause });
  });
  if (present.includes('post.toml'))
    throw new ConsulError('POST_EXISTS', `there is already a post in ${home}`);
  if (present.length > 0) throw new ConsulError('FILE_EXISTS', `${home} is not empty`);
}

async function writeCredentials(
  paths: PostPaths,
  credentials: PostCredentials,
  passphrase: PostPassphrase,
): Promise<void> {
  const secret = { mode: 0o600, flag: 'wx' } as const;
  await mkdir(paths.keys, { recursive: true, mode: 0o700 });
  await mkdir(paths.certificates, { recursive: true });
  await mkdir(dirname(paths.rootKey), { recursive: true, mode: 0o700 });
  const derivation = keyDerivation(randomBytes(16), passphrase.origin);
  const fileKey = await deriveFileKey(passphrase.bytes, derivation);
  for (const name of [...certifiedKeyNames, 'log', 'pieces'] as const)
    await writeFile(
      keyFile(paths, name),
      keyPem(credentials.keys[name], fileKey, derivation, nodeBackend.random),
      secret,
    );
  for (const name of ['root', ...certifiedKeyNames] as const)
    await writeFile(certificateFile(paths, name), certificatePem(credentials.certificates[name]));

  // The root's file has a salt of its own: it leaves this machine.
  const rootDerivation = keyDerivation(randomBytes(16), passphrase.origin);
  const rootFileKey = await deriveFileKey(passphrase.bytes, rootDerivation);
  await writeFile(
    paths.rootKey,
    keyPem(credentials.keys.root, rootFileKey, rootDerivation, nodeBackend.random),
    secret,
  );
  if (passphrase.keep) await writeFile(paths.passphrase, `${passphrase.keep}\n`, secret);
}

async function firstTrustBundle(credentials: PostCredentials, post: Post, now: Date): Promise<Uint8Array> {
  const issued = Math.floor(now.getTime() / 1000);
  const { certificates, keys } = credentials;
  const key = (name: 'document-signer' | 'seal-signer' | 'tsa', use: 'document' | 'seal' | 'timestamp') => ({
    certificate: certificates[name],
    use,
    post: post.code,
    state: 'active' as const,
  });
  return makeTrustBundle(
    {
      kind: 'consul-trust',
      version: 1,
      sequence: 1,
      issued,
      nextUpdate: issued + trustDays * 86_400,
      graceDays,
      root: certificates.root,
      authorities: [certificates['issuing-ca']],
      posts: [
        {
          code: post.code,
          country: post.country,
          fr: post.name.fr,
          en: post.name.en,
          host: post.verifierHost,
          timeZone: post.timeZone,
        },
      ],
      keys: [key('document-signer', 'document'), key('seal-signer', 'seal'), key('tsa', 'timestamp')],
      logs: [{ post: post.code, key: await logKeyOf(logOrigin(post), keySigner(keys.log), nodeBackend) }],
    },
    keySigner(keys.root),
    nodeBackend.digest,
  );
}
