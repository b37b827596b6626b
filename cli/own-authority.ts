import { nodeBackend } from '../core/crypto/node.ts';
import type { OpenPost } from '../core/issuance/open-post.ts';
import { timestampPolicy } from '../core/issuance/timestamping.ts';
import { serialNumber } from '../core/pki/serial.ts';
import { openKeyRing } from '../core/store/keys.ts';
import { type TimestampAuthority, timestampAuthority } from '../core/time/authority.ts';
import type { CommonOptions } from './outcome.ts';
import { keySecrets } from './secrets.ts';

/**
 * The post's own time-stamp authority, its key open.
 * @throws ConsulError PASSPHRASE_WRONG, KEY_INVALID, PIN_WRONG, TOKEN_UNAVAILABLE
 */
export async function ownAuthority(post: OpenPost, options: CommonOptions): Promise<TimestampAuthority> {
  const signer = await openKeyRing(post.paths, keySecrets(post, options), post.settings.keys).certified(
    'tsa',
  );
  return timestampAuthority({
    signer,
    policy: timestampPolicy,
    clock: () => new Date(),
    serial: () => serialNumber(nodeBackend.random),
    accuracy: 1,
  });
}
