import type { DigestName, SignatureAlgorithm } from '../crypto/backend.ts';
import { digestByOid } from '../crypto/pss-parameters.ts';
import type { PublicKeyAlgorithm } from '../crypto/spki.ts';
import type { DerNode } from '../der/reader.ts';
import { tag } from '../der/tags.ts';
import {
  type AlgorithmIdentifier,
  readAlgorithmIdentifier,
  signatureAlgorithmFor,
} from '../pki/algorithm.ts';
import { oids } from './oid.ts';
import { refuse } from './reason.ts';

export const digestLengths: Readonly<Record<DigestName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

export const digestOids: Readonly<Record<DigestName, string>> = {
  sha256: oids.sha256,
  sha384: oids.sha384,
  sha512: oids.sha512,
};

/** The hash of the content that goes with a signature: the same as in it; RFC 8419 §3.1 says it for Ed25519. */
export const digestWith = (algorithm: SignatureAlgorithm): DigestName =>
  algorithm.name === 'ed25519' ? 'sha512' : algorithm.hash;

/** The accepted hash whose output has this length, where only the digest is handed over. */
export function digestNameOfLength(length: number): DigestName | undefined {
  return (Object.keys(digestLengths) as DigestName[]).find((name) => digestLengths[name] === length);
}

/** The hash that an AlgorithmIdentifier names, parameters absent or NULL (RFC 5754 §2); undefined for any other. */
export function readDigestAlgorithm(node: DerNode): DigestName | undefined {
  const { oid, parameters } = readAlgorithmIdentifier(node);
  return parameters && parameters.tag !== tag.null ? undefined : digestByOid.get(oid);
}

const rsaWithHash: Readonly<Record<DigestName, string>> = {
  sha256: oids.rsaSha256,
  sha384: oids.rsaSha384,
  sha512: oids.rsaSha512,
};

/**
 * The scheme of a SignerInfo under the key of its certificate. Its hash must be that of the digestAlgorithm, so that
 * one hash is used throughout.
 * @throws ConsulError CMS_INVALID, reason `algorithm`
 */
export function signatureScheme(
  identifier: AlgorithmIdentifier,
  digest: DigestName,
  key: PublicKeyAlgorithm,
): SignatureAlgorithm {
  // RFC 3370 §3.2: rsaEncryption leaves the hash to the digestAlgorithm.
  const plainRsa = identifier.oid === oids.rsaEncryption;
  const algorithm = signatureAlgorithmFor(
    plainRsa ? { ...identifier, oid: rsaWithHash[digest] } : identifier,
    key,
  );
  if (!algorithm)
    return refuse('algorithm', `the signature algorithm ${identifier.oid} with this key is not accepted`);
  const hash = digestWith(algorithm);
  if (hash !== digest) refuse('algorithm', `the signature uses ${hash}, the message digest ${digest}`);
  return algorithm;
}
