import { type KeySecrets, openKeyRing, readCertificate } from '../store/keys.ts';
import { pkiPaths } from '../store/pki-folder.ts';
import { openDocumentFolder } from './document-folder.ts';
import type { RegisterContext } from './extension.ts';
import { demandInForce, type OpenPost } from './open-post.ts';
import { knownAuthorities, remoteAuthority } from './remote-authority.ts';
import { ownAuthority, roomForOwn, roomForRemote } from './timestamping.ts';

export interface ExtendingOptions extends KeySecrets, Pick<RegisterContext, 'actor' | 'settle'> {
  readonly clock: () => Date;
}

/**
 * Opens what makes signatures last: time-stamps, and the revocation lists of the post.
 * @throws ConsulError PASSPHRASE_WRONG, CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET_VALID, KEY_INVALID, PIN_WRONG,
 *   TOKEN_UNAVAILABLE
 */
export async function openExtending(post: OpenPost, options: ExtendingOptions): Promise<RegisterContext> {
  const { paths, settings, store } = post;
  const { clock, actor, settle } = options;
  const ring = openKeyRing(paths, options, settings.keys);
  const issuing = {
    certificate: await readCertificate(paths, 'issuing-ca'),
    signer: () => ring.signer('issuing-ca'),
  };
  const place = {
    store,
    paths: pkiPaths(paths),
    trust: paths.trust,
    clock: () => new Date(Math.floor(clock().getTime() / 1000) * 1000),
    issuing,
  };
  const common = { place, folder: await openDocumentFolder(paths.documents), actor, settle };
  const { url } = settings.timestamp;
  if (url !== undefined) {
    const timestamps = remoteAuthority({ url, known: await knownAuthorities(paths) });
    return { ...common, timestamps, reserve: roomForRemote };
  }
  const tsa = await ring.certified('tsa');
  demandInForce('tsa', tsa, clock());
  // The authorities above it go into the store of validation data.
  const timestamps = ownAuthority({ ...tsa, chain: [] });
  return { ...common, timestamps, reserve: await roomForOwn(timestamps) };
}
