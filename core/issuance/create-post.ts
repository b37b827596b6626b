import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { constants, copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { logKeyOf } from '../log/note.ts';
import {
  certificatePem,
  type FoundingCertificates,
  type FoundingProfile,
  foundingCertificates,
  keyPem,
} from '../pki/ceremony.ts';
import { type KeyDerivation, keyDerivation, passphraseKeys } from '../pki/key-file.ts';
import type { CertifiedKeyKind } from '../pki/key-kind.ts';
import type { TokenPlace } from '../pki/pkcs11.ts';
import type { Signer } from '../pki/signer.ts';
import { makeTrustBundle, type TrustedKey } from '../pki/trust-bundle.ts';
import type { Post } from '../post.ts';
import { asFileError, syncFolder } from '../store/durable-file.ts';
import { fileProvider, type SignerOpener, signerOpener, tokenProvider } from '../store/key-providers.ts';
import {
  type CertifiedKeyName,
  certificateFile,
  certifiedKeyNames,
  keyFile,
  type SigningKeyName,
} from '../store/keys.ts';
import { createPieceRecipient } from '../store/pieces.ts';
import { pkiPaths } from '../store/pki-folder.ts';
import {
  anchorPaths,
  type PostPaths,
  postPaths,
  type Settings,
  writeSettings,
} from '../store/post-folder.ts';
import { openStore, type Store } from '../store/store.ts';
import { openTileStore } from '../store/tiles.ts';
import { logOrigin } from './log-origin.ts';
import { listDays, publishList } from './revocation-lists.ts';
import { tokenLabel } from './token-rotation.ts';

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
  /** Without `keys`: those follow from `tokens`. */
  readonly settings: Settings;
  readonly passphrase: PostPassphrase;
  readonly now: Date;
  /** Where the private key of the root goes; in the folder's `offline` without it. */
  readonly rootKey?: string;
  /** Of all keys that have certificates but that of the seals; P-256 without it. */
  readonly keyKind?: CertifiedKeyKind;
  /** Keys that are made in a token, and stay there; the others are made in files. */
  readonly tokens?: Readonly<Partial<Record<SigningKeyName | 'root', NewTokenKey>>>;
}

export interface NewTokenKey extends TokenPlace {
  /** File that the PIN is read from every day; absent: whoever opens the key is asked for it. */
  readonly pinFile?: string;
}

const signingKeyNames = [...certifiedKeyNames, 'log'] as const;

/**
 * Makes a post: keys, certificates, trust bundle, database and log. Everything is made beside the final place and moved
 * there in one step: a post is whole or not there. Keys that were made in a token stay there when it is not: nothing
 * names them, and the next attempt makes others.
 * @throws ConsulError POST_EXISTS, FILE_EXISTS, POST_INVALID, DISK_FULL, TOKEN_UNAVAILABLE, PIN_WRONG
 */
export async function createPost(wanted: NewPost): Promise<void> {
  const { home, passphrase, now, rootKey, keyKind = 'P-256', tokens = {} } = wanted;
  const settings = withTokens(wanted.settings, tokens, now);
  await refuseExisting(home);
  const partial = join(dirname(home), `.${basename(home)}.${process.pid}.partial`);
  const paths = postPaths(partial);
  const opener = signerOpener();
  try {
    // What a killed process of the same number left.
    await rm(partial, { recursive: true, force: true });
    await writeSettings(partial, settings);
    const rootLabel = tokenLabel(settings.post.code, 'root', now);
    const given = { passphrase, keyKind, tokens, rootLabel };
    const signers = await makeKeys(paths, settings.keys ?? {}, given, opener);
    const { post } = settings;
    const certificates = await foundingCertificates({ post, now, random: nodeBackend.random, signers });
    await writeCertificates(paths, certificates);
    await mkdir(dirname(paths.trust), { recursive: true });
    await writeFile(paths.trust, await firstTrustBundle(certificates, signers, post, now));
    const anchor = anchorPaths(partial, settings);
    await mkdir(dirname(anchor.journal), { recursive: true });
    const store = await openStore(paths.database, { create: true, anchor: anchor.journal });
    await publishFirstLists(paths, store, { certificates, signers }, now).finally(() => store.close());
    const log = { origin: logOrigin(settings.post), signer: signers.log };
    await openTileStore(paths.log, anchor.checkpoint, nodeBackend).create(log);
    if (rootKey !== undefined && !tokens.root) await moveAway(paths.rootKey, rootKey);
    await syncAll(partial);
    await moveInto(partial, home);
  } catch (cause) {
    throw asFileError(cause, home);
  } finally {
    await opener.close();
    await rm(partial, { recursive: true, force: true });
  }
}

/** The key of the root is brought when it is needed: post.toml does not say where it is. */
function withTokens(settings: Settings, tokens: NonNullable<NewPost['tokens']>, now: Date): Settings {
  const { root: _root, ...daily } = tokens;
  const keys = Object.entries(daily).map(([name, { module, token, pinFile }]) => [
    name,
    {
      provider: 'pkcs11',
      module,
      token,
      label: tokenLabel(settings.post.code, name, now),
      ...(pinFile === undefined ? {} : { pinFile }),
    },
  ]);
  return keys.length === 0 ? settings : { ...settings, keys: Object.fromEntries(keys) };
}

/** The first revocation lists: signatures are made to last with what their certificates are validated with. */
async function publishFirstLists(
  paths: PostPaths,
  store: Store,
  made: { readonly certificates: FoundingCertificates; readonly signers: PostSigners },
  now: Date,
): Promise<void> {
  const place = { store, paths: pkiPaths(paths), clock: () => now };
  const authority = (name: 'root' | 'issuing-ca') => ({
    signer: made.signers[name],
    certificate: made.certificates[name],
  });
  await publishList(place, authority('root'), listDays.root);
  await publishList(place, authority('issuing-ca'), listDays.issuing);
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

/** Seals are read off paper: their keys are small, whatever the others are. */
const isSealer = (name: SigningKeyName): boolean => name === 'seal-signer' || name === 'vds-signer';

type PostSigners = Readonly<Record<FoundingProfile | 'log', Signer>>;

/** Makes every key where it is to be kept. */
async function makeKeys(
  paths: PostPaths,
  places: NonNullable<Settings['keys']>,
  {
    passphrase,
    keyKind,
    tokens,
    rootLabel,
  }: Required<Pick<NewPost, 'passphrase' | 'keyKind' | 'tokens'>> & { readonly rootLabel: string },
  opener: SignerOpener,
): Promise<PostSigners> {
  await mkdir(paths.keys, { recursive: true, mode: 0o700 });
  await mkdir(dirname(paths.rootKey), { recursive: true, mode: 0o700 });
  if (passphrase.keep) await writeFile(paths.passphrase, `${passphrase.keep}\n`, { mode: 0o600, flag: 'wx' });
  const fileKey = passphraseKeys(passphrase.bytes);
  const derivation = keyDerivation(randomBytes(16), passphrase.origin);
  await makePieceKey(paths, derivation, await fileKey(derivation));

  const files = fileProvider({ folder: paths.keys, fileKey, derivation });
  const signers = new Map<string, Signer>();
  for (const name of signingKeyNames) {
    const place = tokens[name];
    const chosen = places[name];
    const label = (chosen?.provider === 'pkcs11' && chosen.label) || name;
    const kind = name === 'log' ? 'ed25519' : isSealer(name) ? 'P-256' : keyKind;
    const made = place ? tokenProvider(place).generate(label, kind) : files.generate(name, kind);
    signers.set(name, await opener.signer(await made));
  }
  // The root's file has a salt of its own: it leaves this machine.
  const own = keyDerivation(randomBytes(16), passphrase.origin);
  const offline = fileProvider({ folder: dirname(paths.rootKey), fileKey, derivation: own });
  const root = tokens.root
    ? tokenProvider(tokens.root).generate(rootLabel, keyKind)
    : offline.generate('root', keyKind);
  signers.set('root', await opener.signer(await root));
  return Object.fromEntries(signers) as unknown as PostSigners;
}

/** The key of the pieces decrypts, by age, and is in a file always. */
async function makePieceKey(paths: PostPaths, derivation: KeyDerivation, fileKey: Uint8Array): Promise<void> {
  const key = generateKeyPairSync('x25519').privateKey;
  const pem = keyPem(key, fileKey, derivation, nodeBackend.random);
  await writeFile(keyFile(paths, 'pieces'), pem, { mode: 0o600, flag: 'wx' });
  await createPieceRecipient(paths, key);
}

async function writeCertificates(paths: PostPaths, certificates: FoundingCertificates): Promise<void> {
  await mkdir(paths.certificates, { recursive: true });
  for (const name of ['root', ...certifiedKeyNames] as const)
    await writeFile(certificateFile(paths, name), certificatePem(certificates[name]));
}

/** What the world is given to verify with on the first day. */
export async function firstTrustBundle(
  certificates: FoundingCertificates,
  signers: PostSigners,
  post: Post,
  now: Date,
): Promise<Uint8Array> {
  const issued = Math.floor(now.getTime() / 1000);
  const key = (name: Exclude<CertifiedKeyName, 'issuing-ca'>, use: TrustedKey['use']) => ({
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
      keys: [
        key('document-signer', 'document'),
        key('seal-signer', 'seal'),
        key('vds-signer', 'vds'),
        key('tsa', 'timestamp'),
      ],
      logs: [{ post: post.code, key: await logKeyOf(logOrigin(post), signers.log, nodeBackend) }],
    },
    signers.root,
    nodeBackend.digest,
  );
}
