import { equalBytes } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import type { TrustBundle, TrustContent, TrustedKey } from './trust-bundle.ts';

const daySeconds = 86_400;
/** How long a bundle serves before it must be renewed, where nothing else is asked for. */
export const trustDays = 366;

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

/**
 * The content that follows a bundle: the next sequence number, never the same or a lower one, issued now.
 * @param change what is another than before
 * @throws ConsulError TRUST_ROLLBACK when the clock stands before the bundle that is followed
 */
export function followingTrust(
  { rootFingerprint: _fingerprint, ...previous }: TrustBundle,
  now: Date,
  change: Partial<Pick<TrustContent, 'authorities' | 'keys' | 'logs' | 'statusLists' | 'checkpoints'>> = {},
  days: number = trustDays,
): TrustContent {
  const issued = seconds(now);
  if (issued < previous.issued)
    throw new ConsulError(
      'TRUST_ROLLBACK',
      `the trust bundle was issued at ${new Date(previous.issued * 1000).toISOString()}, later than now`,
    );
  return {
    ...previous,
    ...change,
    sequence: previous.sequence + 1,
    issued,
    nextUpdate: issued + days * daySeconds,
  };
}

const replaced = (
  keys: readonly TrustedKey[],
  certificate: Uint8Array,
  change: (key: TrustedKey) => TrustedKey,
): TrustedKey[] => keys.map((key) => (equalBytes(key.certificate, certificate) ? change(key) : key));

/** The keys after one of them is retired: what it signs until then stays good. A compromised one stays so. */
export const retireKey = (
  keys: readonly TrustedKey[],
  certificate: Uint8Array,
  lastSigning: Date,
): TrustedKey[] =>
  replaced(keys, certificate, (key) =>
    key.state === 'active' ? { ...key, state: 'retired', lastSigning: seconds(lastSigning) } : key,
  );

/** The keys after one of them fell into other hands: only what the log has before this entry stays good. */
export const compromiseKey = (
  keys: readonly TrustedKey[],
  certificate: Uint8Array,
  compromisedSince: number,
): TrustedKey[] =>
  replaced(keys, certificate, ({ certificate: same, use, post }) => ({
    certificate: same,
    use,
    post,
    state: 'compromised',
    compromisedSince,
  }));

/** A list with one more member, at most once. */
export const including = (list: readonly Uint8Array[], certificate: Uint8Array): Uint8Array[] =>
  list.some((one) => equalBytes(one, certificate)) ? [...list] : [...list, certificate];
