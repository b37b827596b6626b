import shippedPolicy from '../../certs/algorithm-policy.json' with { type: 'json' };
import type { CurveName, DigestName, SignatureAlgorithm } from '../crypto/backend.ts';
import type { PublicKeyAlgorithm } from '../crypto/spki.ts';

interface Term {
  /** First day that is too late, `YYYY-MM-DD` in UTC; null: no end is set. */
  readonly until: string | null;
}

interface SizedTerm extends Term {
  readonly leastBits: number;
}

/** Until when each algorithm may be relied on (ETSI TS 119 312); what is not listed may never. */
export interface AlgorithmPolicy {
  readonly name: string;
  readonly digests: Readonly<Partial<Record<string, Term>>>;
  readonly curves: Readonly<Partial<Record<CurveName | 'Ed25519', Term>>>;
  /** The term of the largest `leastBits` that a key has reached counts. */
  readonly 'rsa-pkcs1': readonly SizedTerm[];
  readonly 'rsa-pss': readonly SizedTerm[];
}

/** The policy in certs/algorithm-policy.json. */
export const algorithmPolicy: AlgorithmPolicy = shippedPolicy;

/** The same algorithms without their ends: for suites that were made in the time of shorter keys. */
export const undatedPolicy: AlgorithmPolicy = {
  name: `${algorithmPolicy.name}, without its dates`,
  digests: undated(algorithmPolicy.digests),
  curves: undated(algorithmPolicy.curves),
  'rsa-pkcs1': algorithmPolicy['rsa-pkcs1'].map((term) => ({ ...term, until: null })),
  'rsa-pss': algorithmPolicy['rsa-pss'].map((term) => ({ ...term, until: null })),
};

function undated<T extends Readonly<Partial<Record<string, Term>>>>(terms: T): T {
  return Object.fromEntries(Object.keys(terms).map((name) => [name, { until: null }])) as unknown as T;
}

/** A digest by itself (an imprint, a message digest), or a signature with the key that checks it. */
export type PolicedAlgorithm =
  | { readonly digest: DigestName | (string & {}) }
  | { readonly signature: SignatureAlgorithm; readonly key: PublicKeyAlgorithm };

const always = Number.POSITIVE_INFINITY;
const never = Number.NEGATIVE_INFINITY;

const endOf = (term: Term | undefined): number =>
  term === undefined ? never : term.until === null ? always : Date.parse(`${term.until}T00:00:00Z`);

function sizedEnd(terms: readonly SizedTerm[], bits: number): number {
  const reached = terms.filter(({ leastBits }) => bits >= leastBits);
  return endOf(reached.sort((a, b) => b.leastBits - a.leastBits)[0]);
}

function signatureEnd(
  algorithm: SignatureAlgorithm,
  key: PublicKeyAlgorithm,
  policy: AlgorithmPolicy,
): number {
  switch (algorithm.name) {
    case 'ed25519':
      return endOf(policy.curves.Ed25519);
    case 'ecdsa':
      return Math.min(endOf(policy.curves[algorithm.curve]), endOf(policy.digests[algorithm.hash]));
    case 'rsa-pkcs1':
    case 'rsa-pss':
      return Math.min(
        key.kind === 'rsa' ? sizedEnd(policy[algorithm.name], key.bits) : never,
        endOf(policy.digests[algorithm.hash]),
      );
  }
}

/**
 * When an algorithm ends to be acceptable, in milliseconds since 1970; infinite where no end is set, negative infinite
 * where it never was.
 */
export function acceptableUntil(
  algorithm: PolicedAlgorithm,
  policy: AlgorithmPolicy = algorithmPolicy,
): number {
  return 'digest' in algorithm
    ? endOf(Object.hasOwn(policy.digests, algorithm.digest) ? policy.digests[algorithm.digest] : undefined)
    : signatureEnd(algorithm.signature, algorithm.key, policy);
}

/**
 * Whether an algorithm may be relied on at a time: the control time of ETSI EN 319 102-1 §5.2.8, which is the time for
 * which the existence of what was signed is proven.
 */
export const isAcceptable = (
  algorithm: PolicedAlgorithm,
  at: Date,
  policy: AlgorithmPolicy = algorithmPolicy,
): boolean => at.getTime() < acceptableUntil(algorithm, policy);
