import { equalBytes } from '../bytes.ts';
import type { Awaitable, CryptoBackend } from '../crypto/backend.ts';
import { type DerNode, readDer } from '../der/reader.ts';
import { tag } from '../der/tags.ts';
import { integer, nul, octetString, oid, sequence } from '../der/writer.ts';
import { readAlgorithmIdentifier } from './algorithm.ts';
import type { Certificate } from './certificate.ts';

/** Digests that may name an issuer; SHA-1 among them, because RFC 5019 §2.1.1 has every client use it. */
const hashOids = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const;

export type CertIdHash = keyof typeof hashOids;

const hashLengths: Readonly<Record<CertIdHash, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
const hashByOid = new Map(
  (Object.keys(hashOids) as CertIdHash[]).map((hash) => [hashOids[hash] as string, hash]),
);

/** CertID (RFC 6960 §4.1.1): a certificate by its issuer and its serial number. */
export interface CertId {
  /** Undefined: the issuer is named by a digest outside the list, so nothing is said of a certificate known here. */
  readonly hash: CertIdHash | undefined;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** As in the certificate. */
  readonly serial: Uint8Array;
}

/** @throws ConsulError DER_INVALID */
export function readCertId(node: DerNode): CertId {
  const [algorithm, name, key, serial, ...rest] = node.sequence();
  if (!algorithm || !name || !key || !serial || rest.length > 0) return node.fail('not a CertID');
  const { oid: identifier, parameters } = readAlgorithmIdentifier(algorithm);
  if (parameters && parameters.tag !== tag.null) algorithm.fail('a digest with parameters');
  const hash = hashByOid.get(identifier);
  const id = { hash, issuerNameHash: name.octets(), issuerKeyHash: key.octets() };
  for (const digest of [id.issuerNameHash, id.issuerKeyHash])
    if (hash && digest.length !== hashLengths[hash]) node.fail('a digest of a wrong length');
  const number = serial.expect(tag.integer).content;
  if (number.length > 20) serial.fail('a serial number of more than 20 octets');
  return { ...id, serial: number };
}

export const writeCertId = ({
  hash,
  issuerNameHash,
  issuerKeyHash,
  serial,
}: CertId & { readonly hash: CertIdHash }) =>
  sequence(
    sequence(oid(hashOids[hash]), nul),
    octetString(issuerNameHash),
    octetString(issuerKeyHash),
    integer(serial),
  );

/** The bits of the subjectPublicKey, without tag, length and count of unused bits: what RFC 6960 has hashed. */
const keyBits = (spki: Uint8Array): Uint8Array => {
  const root = readDer(spki);
  return root.sequence()[1]?.bitOctets() ?? root.fail('a public key without its bits');
};

/** KeyHash of a ResponderID (RFC 6960 §4.2.1): always SHA-1. */
export const responderKeyHash = (
  { spki }: Pick<Certificate, 'spki'>,
  digest: CryptoBackend['digest'],
): Awaitable<Uint8Array> => digest('sha1', keyBits(spki));

/** How one issuer is named. */
export interface IssuerId {
  readonly hash: CertIdHash;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
}

export async function issuerIdOf(
  issuer: Pick<Certificate, 'subject' | 'spki'>,
  hash: CertIdHash,
  digest: CryptoBackend['digest'],
): Promise<IssuerId> {
  return {
    hash,
    issuerNameHash: await digest(hash, issuer.subject.der),
    issuerKeyHash: await digest(hash, keyBits(issuer.spki)),
  };
}

export const isIssuedBy = (id: CertId, issuer: IssuerId): boolean =>
  id.hash === issuer.hash &&
  equalBytes(id.issuerNameHash, issuer.issuerNameHash) &&
  equalBytes(id.issuerKeyHash, issuer.issuerKeyHash);
