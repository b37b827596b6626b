import type { Certificate } from './certificate.ts';
import type { PolicyMapping } from './extensions.ts';

const anyPolicy = '2.5.29.32.0';

/** What the caller asks of certificate policies (RFC 5280 §6.1.1 (c), (e), (f), (g)). */
export interface PolicyOptions {
  /** Acceptable policies; any policy where absent. */
  readonly initial?: readonly string[];
  readonly requireExplicit?: boolean;
  readonly inhibitMapping?: boolean;
  readonly inhibitAny?: boolean;
}

interface PolicyNode {
  readonly policy: string;
  readonly parents: readonly PolicyNode[];
  expected: readonly string[];
}

const root: PolicyNode = { policy: anyPolicy, parents: [], expected: [anyPolicy] };

/**
 * Policy processing of RFC 5280 §6.1 on the graph of RFC 9618, whose size grows with the policies in the
 * certificates and not with the product of them. Only the deepest level is kept; the levels above hang on it.
 */
export class PolicyGraph {
  readonly #options: PolicyOptions;
  #level: Map<string, PolicyNode> | undefined = new Map([[anyPolicy, root]]);
  #explicit: number;
  #mapping: number;
  #any: number;

  /** @param length certificates in the path, the anchor left out */
  constructor(length: number, options: PolicyOptions) {
    this.#options = options;
    this.#explicit = options.requireExplicit ? 0 : length + 1;
    this.#mapping = options.inhibitMapping ? 0 : length + 1;
    this.#any = options.inhibitAny ? 0 : length + 1;
  }

  /** §6.1.3 (d), (e), (f). @returns false where an explicit policy is required and none is left */
  descend(certificate: Certificate, state: { last: boolean; selfIssued: boolean }): boolean {
    const policies = certificate.extensions.certificatePolicies;
    const above = this.#level;
    if (!policies || !above) this.#level = undefined;
    else {
      const expecting = new Map<string, PolicyNode[]>();
      for (const node of above.values())
        for (const policy of node.expected) {
          const nodes = expecting.get(policy);
          if (nodes) nodes.push(node);
          else expecting.set(policy, [node]);
        }
      const level = new Map<string, PolicyNode>();
      const anyAbove = above.get(anyPolicy);
      for (const policy of policies) {
        if (policy === anyPolicy) continue;
        const parents = expecting.get(policy) ?? (anyAbove && [anyAbove]);
        if (parents) level.set(policy, { policy, parents, expected: [policy] });
      }
      if (policies.includes(anyPolicy) && (this.#any > 0 || (!state.last && state.selfIssued)))
        for (const [policy, parents] of expecting)
          if (!level.has(policy)) level.set(policy, { policy, parents, expected: [policy] });
      this.#level = level.size > 0 ? level : undefined;
    }
    return this.#explicit > 0 || this.#level !== undefined;
  }

  /** §6.1.4 (a), (b), (h), (i), (j). @returns false where a mapping names anyPolicy */
  prepare(certificate: Certificate, selfIssued: boolean): boolean {
    const { policyMappings, policyConstraints, inhibitAnyPolicy } = certificate.extensions;
    if (policyMappings?.some(({ issuer, subject }) => issuer === anyPolicy || subject === anyPolicy))
      return false;
    if (policyMappings && this.#level) this.#map(this.#level, policyMappings);
    if (!selfIssued) {
      this.#explicit = Math.max(0, this.#explicit - 1);
      this.#mapping = Math.max(0, this.#mapping - 1);
      this.#any = Math.max(0, this.#any - 1);
    }
    this.#explicit = Math.min(this.#explicit, policyConstraints?.requireExplicit ?? this.#explicit);
    this.#mapping = Math.min(this.#mapping, policyConstraints?.inhibitMapping ?? this.#mapping);
    this.#any = Math.min(this.#any, inhibitAnyPolicy ?? this.#any);
    return true;
  }

  #map(level: Map<string, PolicyNode>, mappings: readonly PolicyMapping[]): void {
    const subjects = new Map<string, string[]>();
    for (const { issuer, subject } of mappings) {
      const list = subjects.get(issuer);
      if (list) list.push(subject);
      else subjects.set(issuer, [subject]);
    }
    const any = level.get(anyPolicy);
    for (const [policy, expected] of subjects) {
      const node = level.get(policy);
      if (this.#mapping === 0) level.delete(policy);
      else if (node) node.expected = expected;
      else if (any) level.set(policy, { policy, parents: any.parents, expected });
    }
    if (level.size === 0) this.#level = undefined;
  }

  /**
   * §6.1.5 (a), (b), (g).
   * @returns the policies under which the path is valid, or undefined where one is required and none is left
   */
  conclude(leaf: Certificate): readonly string[] | undefined {
    let explicit = Math.max(0, this.#explicit - 1);
    if (leaf.extensions.policyConstraints?.requireExplicit === 0) explicit = 0;
    const authorities = this.#authorityPolicies();
    const initial = this.#options.initial ?? [anyPolicy];
    let policies: readonly string[];
    if (initial.includes(anyPolicy)) policies = [...authorities];
    else if (authorities.has(anyPolicy)) policies = initial;
    else policies = initial.filter((policy) => authorities.has(policy));
    return explicit > 0 || policies.length > 0 ? policies : undefined;
  }

  /** The policies in the words of the topmost authority: the nodes right below anyPolicy that reach the leaf. */
  #authorityPolicies(): ReadonlySet<string> {
    const found = new Set<string>();
    const seen = new Set<PolicyNode>();
    const queue = [...(this.#level?.values() ?? [])];
    if (this.#level?.has(anyPolicy)) found.add(anyPolicy);
    for (let node = queue.pop(); node; node = queue.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      if (node.policy !== anyPolicy && node.parents.some((parent) => parent.policy === anyPolicy))
        found.add(node.policy);
      queue.push(...node.parents);
    }
    return found;
  }
}
