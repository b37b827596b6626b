import { type AlgorithmPolicy, acceptableUntil, type PolicedAlgorithm } from '../pki/algorithm-policy.ts';
import { type Checklist, sayDay } from './words.ts';

/** When the first of them ends to be acceptable, in milliseconds since 1970. */
export const acceptableUntilAll = (used: readonly PolicedAlgorithm[], policy: AlgorithmPolicy): number =>
  Math.min(...used.map((algorithm) => acceptableUntil(algorithm, policy)));

/**
 * What was used may not be relied on any more at the control time (ETSI EN 319 102-1 §5.2.8): the earliest time at which
 * its existence is proven, else now.
 */
export function refuseAlgorithms(
  list: Checklist,
  what: 'signature' | 'timestamp' | 'seal',
  control: Date,
): void {
  list.refused('algorithms', 'CRYPTO_CONSTRAINTS_FAILURE', `algorithms.${what}`, {
    day: sayDay(list.language, control),
  });
}
