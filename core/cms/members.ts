import type { DerNode } from '../der/reader.ts';

/** The members of a SEQUENCE taken in order, as its ASN.1 names them. */
export interface Members {
  /** @throws ConsulError DER_INVALID when no member is left */
  required(name: string): DerNode;
  /** The next member where it has this identifier octet. */
  optional(identifier: number): DerNode | undefined;
  /** @throws ConsulError DER_INVALID when a member is left over */
  end(): void;
}

export function membersOf(node: DerNode): Members {
  const nodes = node.sequence();
  let next = 0;
  return {
    required: (name) => nodes[next++] ?? node.fail(`${name} is missing`),
    optional: (identifier) => (nodes[next]?.tag === identifier ? nodes[next++] : undefined),
    end: () => {
      if (next < nodes.length) node.fail('a member that the standard does not know');
    },
  };
}
