import { type AlgorithmPolicy, isAcceptable, type PolicedAlgorithm } from '../pki/algorithm-policy.ts';
import { type Checklist, sayDay } from './words.ts';

/**
 * Whether what was used may still be relied on at the control time (ETSI EN 319 102-1 §5.2.8): the earliest time at which
 * its existence is proven, else now. Nothing is said where it may.
 */
export function checkAlgorithms(
  list: Checklist,
  what: 'signature' | 'timestamp' | 'seal',
  used: readonly PolicedAlgorithm[],
  at: Date,
  policy: AlgorithmPolicy,
): boolean {
  if (used.every((algorithm) => isAcceptable(algorithm, at, policy))) return true;
  list.refused('algorithms', 'CRYPTO_CONSTRAINTS_FAILURE', `algorithms.${what}`, {
    day: sayDay(list.language, at),
  });
  return false;
}
