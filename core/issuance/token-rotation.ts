import { ConsulError } from '../errors.ts';
import type { KeyKind } from '../pki/key-kind.ts';
import type { TokenKey } from '../pki/pkcs11.ts';
import type { Signer } from '../pki/signer.ts';
import { writeDurably } from '../store/durable-file.ts';
import { destroyTokenKey, type KeySource, tokenKey } from '../store/key-providers.ts';
import type { KeyRing, SigningKeyName } from '../store/keys.ts';
import { exists, type PkiPaths, removeFile } from '../store/pki-folder.ts';
import { writeSettings } from '../store/post-folder.ts';
import { readPresentText } from '../store/read-file.ts';
import type { OpenPost } from './open-post.ts';

// A key in a token is replaced as one in a file is: the next one waits, by its label, and takes its place at the switch.

export interface TokenKeyContext {
  readonly post: OpenPost;
  readonly paths: PkiPaths;
  readonly ring: KeyRing;
  readonly clock: () => Date;
}

type TokenSource = Extract<KeySource, { kind: 'token' }>;

/** Several posts may share a token, and a key is made more than once: each has a label of its own. */
export const tokenLabel = (post: string, name: string, at: Date): string =>
  `${post} ${name} ${at.toISOString().slice(0, 19)}`;

export const isInToken = ({ post }: TokenKeyContext, name: SigningKeyName): boolean =>
  post.settings.keys?.[name]?.provider === 'pkcs11';

async function sourceInToken({ ring }: TokenKeyContext, name: SigningKeyName): Promise<TokenSource> {
  const source = await ring.source(name);
  if (source.kind !== 'token') throw new ConsulError('INTERNAL', `the key ${name} is not in a token`);
  return source;
}

/** Makes the key that is to follow in the same token, or finds the one that waits. */
export async function tokenKeyThatWaits(
  context: TokenKeyContext,
  name: SigningKeyName,
  kind: KeyKind,
): Promise<Signer> {
  const file = context.paths.nextLabel(name);
  if (!(await exists(file)))
    await writeDurably(file, tokenLabel(context.post.settings.post.code, name, context.clock()));
  const { place } = await sourceInToken(context, name);
  return context.ring.open(await tokenKey(place, await readPresentText(file), kind));
}

/**
 * Puts the key that waits in its place: post.toml names it from now on. The one before it is destroyed, unless its serial
 * number says that an authority goes on signing lists with it. Where nothing waits, nothing happens.
 */
export async function switchTokenKey(
  context: TokenKeyContext,
  name: SigningKeyName,
  keptAs?: string,
): Promise<void> {
  const { post, paths } = context;
  const file = paths.nextLabel(name);
  const chosen = post.settings.keys?.[name];
  if (chosen?.provider !== 'pkcs11' || !(await exists(file))) return;
  const label = await readPresentText(file);
  if (chosen.label !== label) {
    const { place, key } = await sourceInToken(context, name);
    if (keptAs !== undefined) await writeDurably(paths.retiredLabel(keptAs), JSON.stringify(key));
    else await destroyTokenKey(place, key);
    const { id: _id, ...rest } = chosen;
    const keys = { ...post.settings.keys, [name]: { ...rest, label } };
    await writeSettings(post.paths.home, { ...post.settings, keys });
    // The ring of this run looks where the keys are now.
    Object.assign(post.settings.keys ?? {}, keys);
  }
  await removeFile(file);
}

/** The key with which an authority that was replaced goes on signing lists, where it is in the token. */
export async function retiredTokenKey(context: TokenKeyContext, serial: string): Promise<Signer | undefined> {
  const file = context.paths.retiredLabel(serial);
  if (!(await exists(file))) return undefined;
  const key = JSON.parse(await readPresentText(file)) as TokenKey;
  const { place } = await sourceInToken(context, 'issuing-ca');
  return context.ring.open({ kind: 'token', place, key });
}
