import { ConsulError } from '../errors.ts';
import { type TrustBundle, trustFreshness } from './trust-bundle.ts';

export interface TrustUpdate {
  /** The bundle that a verifier has believed until now, if it has one. */
  readonly present: TrustBundle | undefined;
  readonly next: TrustBundle;
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
  const { rootFingerprint: root, sequence, issued } = next;
  if (!rootNamed && root !== present?.rootFingerprint)
    throw new ConsulError(
      'TRUST_INVALID',
      present
        ? `the bundle is of the root ${root}, the present one of ${present.rootFingerprint}`
        : `nobody has said that the root ${root} is the right one: name it with --root`,
    );
  if (root === present?.rootFingerprint) {
    if (sequence < present.sequence)
      throw new ConsulError(
        'TRUST_ROLLBACK',
        `the bundle has number ${sequence}, the present one ${present.sequence}`,
      );
    if (sequence === present.sequence && issued !== present.issued)
      throw new ConsulError('TRUST_ROLLBACK', `there are two different bundles of number ${sequence}`);
  }
  const freshness = trustFreshness(next, now);
  if (freshness === 'expired')
    throw new ConsulError('TRUST_EXPIRED', `the bundle was to be renewed until ${dayOf(next.nextUpdate)}`);
  if (freshness === 'not-yet-valid')
    throw new ConsulError('TRUST_INVALID', `the bundle was issued on ${dayOf(issued)}, later than now`);
}
