import type { DigestName, SignatureAlgorithm } from '../crypto/backend.ts';
import { readPssParameters } from '../crypto/pss-parameters.ts';
import { keyFits, type PublicKeyAlgorithm, rsaBits } from '../crypto/spki.ts';
import type { DerNode } from '../der/reader.ts';
import { tag } from '../der/tags.ts';
import { explicit, integer, nul, oid as oidOf, sequence } from '../der/writer.ts';

/** AlgorithmIdentifier (RFC 5280 §4.1.1.2), not yet bound to a key. */
export interface AlgorithmIdentifier {
  readonly bytes: Uint8Array;
  readonly oid: string;
  readonly parameters?: DerNode;
}

/** @throws ConsulError DER_INVALID */
export function readAlgorithmIdentifier(node: DerNode): AlgorithmIdentifier {
  const [oid, parameters, ...rest] = node.sequence();
  if (!oid || rest.length > 0) node.fail('a malformed AlgorithmIdentifier');
  return { bytes: node.bytes, oid: oid.oid(), ...(parameters ? { parameters } : {}) };
}

const ecdsaHash: Readonly<Record<string, DigestName>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

const rsaHash: Readonly<Record<string, DigestName>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
};

function named(identifier: AlgorithmIdentifier, key: PublicKeyAlgorithm): SignatureAlgorithm | undefined {
  const { oid, parameters } = identifier;
  const ecdsa = ecdsaHash[oid];
  // RFC 5758 §3.2: parameters absent.
  if (ecdsa)
    return key.kind === 'ec' && !parameters ? { name: 'ecdsa', curve: key.curve, hash: ecdsa } : undefined;
  const rsa = rsaHash[oid];
  // RFC 4055 §5: parameters NULL.
  if (rsa) return parameters?.tag === tag.null ? { name: 'rsa-pkcs1', hash: rsa } : undefined;
  if (oid === '1.2.840.113549.1.1.10') {
    const pss = parameters && readPssParameters(parameters);
    return pss && { name: 'rsa-pss', ...pss };
  }
  // RFC 8410 §3: parameters absent.
  return oid === '1.3.101.112' && !parameters ? { name: 'ed25519' } : undefined;
}

/**
 * The scheme that a signature by `key` with this identifier uses.
 * @returns undefined when it is not accepted: SHA-1, MD5, RSA outside 2048 to 8192 bits, curves and schemes outside
 * the list, parameters other than the standard asks, a key of another kind
 * @throws ConsulError DER_INVALID when RSASSA-PSS parameters are malformed
 */
export function signatureAlgorithmFor(
  identifier: AlgorithmIdentifier,
  key: PublicKeyAlgorithm,
): SignatureAlgorithm | undefined {
  if (key.kind === 'rsa' && (key.bits < rsaBits.least || key.bits > rsaBits.most)) return undefined;
  const algorithm = named(identifier, key);
  return algorithm && keyFits(key, algorithm) ? algorithm : undefined;
}

const digestOids: Readonly<Record<DigestName, string>> = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};

const oidFor = (table: Readonly<Record<string, DigestName>>, hash: DigestName): Uint8Array =>
  oidOf(Object.keys(table).find((oid) => table[oid] === hash) as string);

/** The AlgorithmIdentifier with which a signature of this scheme stands in certificates, CRLs and OCSP responses. */
export function writeAlgorithmIdentifier(algorithm: SignatureAlgorithm): Uint8Array {
  switch (algorithm.name) {
    case 'ecdsa':
      return sequence(oidFor(ecdsaHash, algorithm.hash));
    case 'rsa-pkcs1':
      return sequence(oidFor(rsaHash, algorithm.hash), nul);
    case 'rsa-pss': {
      const digest = sequence(oidOf(digestOids[algorithm.hash]), nul);
      const mask = sequence(oidOf('1.2.840.113549.1.1.8'), digest);
      const parameters = [explicit(0, digest), explicit(1, mask), explicit(2, integer(algorithm.saltLength))];
      return sequence(oidOf('1.2.840.113549.1.1.10'), sequence(...parameters));
    }
    case 'ed25519':
      return sequence(oidOf('1.3.101.112'));
  }
}
