import type { OpenPost } from '../core/issuance/open-post.ts';
import { ownAuthority } from '../core/issuance/timestamping.ts';
import { openKeyRing } from '../core/store/keys.ts';
import type { TimestampAuthority } from '../core/time/authority.ts';
import type { CommonOptions } from './outcome.ts';
import { keySecrets } from './secrets.ts';

/**
 * The time-stamp authority of a post, its key open.
 * @throws ConsulError PASSPHRASE_WRONG, KEY_INVALID, PIN_WRONG, TOKEN_UNAVAILABLE
 */
export async function openAuthority(post: OpenPost, options: CommonOptions): Promise<TimestampAuthority> {
  const keys = openKeyRing(post.paths, keySecrets(post, options), post.settings.keys);
  return ownAuthority(await keys.certified('tsa'));
}
