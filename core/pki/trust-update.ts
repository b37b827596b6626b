import { equalBytes } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { type TrustBundle, trustFreshness } from './trust-bundle.ts';

/** A trust bundle, and the file it was read from. */
export interface TrustFile {
  readonly bytes: Uint8Array;
  readonly bundle: TrustBundle;
}

export interface TrustUpdate {
  /** What a verifier has believed until now, if it has a bundle. */
  readonly present: TrustFile | undefined;
  readonly next: TrustFile;
  /** Whether the root was named by who asks: otherwise it is that of the present bundle. */
  readonly rootNamed: boolean;
  readonly now: Date;
}

const dayOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);

/**
 * Whether a bundle may take the place of another: of the same root, with a higher number, and in force. The same bundle
 * may come again.
 * @throws ConsulError TRUST_INVALID for another root, or one that nobody named; TRUST_ROLLBACK for an older bundle, or a
 *   second one of the same number; TRUST_EXPIRED
 */
export function demandNewerTrust({ present, next, rootNamed, now }: TrustUpdate): void {
  const { rootFingerprint: root, sequence, issued, nextUpdate } = next.bundle;
  const before = present?.bundle;
  if (!rootNamed && root !== before?.rootFingerprint)
    throw new ConsulError(
      'TRUST_INVALID',
      before
        ? `the bundle is of the root ${root}, the present one of ${before.rootFingerprint}`
        : `nobody has said that the root ${root} is the right one: name it with --root`,
    );
  if (present && root === before?.rootFingerprint) {
    if (sequence < before.sequence)
      throw new ConsulError(
        'TRUST_ROLLBACK',
        `the bundle has number ${sequence}, the present one ${before.sequence}`,
      );
    if (sequence === before.sequence && !equalBytes(next.bytes, present.bytes))
      throw new ConsulError('TRUST_ROLLBACK', `there are two different bundles of number ${sequence}`);
  }
  const freshness = trustFreshness(next.bundle, now);
  if (freshness === 'expired')
    throw new ConsulError('TRUST_EXPIRED', `the bundle was to be renewed until ${dayOf(nextUpdate)}`);
  if (freshness === 'not-yet-valid')
    throw new ConsulError('TRUST_INVALID', `the bundle was issued on ${dayOf(issued)}, later than now`);
}
