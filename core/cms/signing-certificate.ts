import type { DigestName } from '../crypto/backend.ts';
import type { DerNode } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import { readAlgorithmIdentifier } from '../pki/algorithm.ts';
import { digestLengths, readDigestAlgorithm } from './algorithm.ts';
import { membersOf } from './members.ts';
import { oids } from './oid.ts';
import { refuse } from './reason.ts';

/** Issuer name (DER) and serial number (content octets of the INTEGER) that name a certificate. */
export interface IssuerSerial {
  readonly issuer: Uint8Array;
  readonly serial: Uint8Array;
}

/** ESSCertIDv2 of RFC 5035 §4. */
export interface CertificateReference {
  readonly algorithm: DigestName;
  readonly hash: Uint8Array;
  readonly issuerSerial: IssuerSerial | undefined;
}

const maxReferences = 16;

function readIssuerSerial(node: DerNode): IssuerSerial {
  const members = membersOf(node);
  const names = members.required('issuer').sequence();
  const serial = members.required('serialNumber').expect(tag.integer).content;
  members.end();
  const [name, ...others] = names;
  if (!name || others.length > 0) return node.fail('an issuer that is not exactly one name');
  // GeneralName directoryName [4]: Name is a CHOICE, so the tag is explicit (X.680 §31.2.7).
  return { issuer: name.explicit(contextTag(4, true)).bytes, serial };
}

function readReference(node: DerNode): CertificateReference {
  const members = membersOf(node);
  const algorithmNode = members.optional(tag.sequence);
  const hash = members.required('certHash').octets();
  const issuerSerial = members.optional(tag.sequence);
  members.end();
  let algorithm: DigestName | undefined = 'sha256';
  if (algorithmNode) {
    algorithm = readDigestAlgorithm(algorithmNode);
    const { oid, parameters } = readAlgorithmIdentifier(algorithmNode);
    // X.690 §11.5: a DEFAULT value is never encoded.
    if (oid === oids.sha256 && !parameters) node.fail('the default hash algorithm written out');
  }
  if (!algorithm)
    return refuse('algorithm', 'the signing certificate is named by a hash outside the accepted list');
  if (hash.length !== digestLengths[algorithm]) node.fail(`a certHash of ${hash.length} bytes`);
  return { algorithm, hash, issuerSerial: issuerSerial && readIssuerSerial(issuerSerial) };
}

/**
 * SigningCertificateV2 (RFC 5035 §3): the signer's certificate first, then those that alone may stand in its path.
 * A policies field is refused: it limits the policies of the path, and here it would go unchecked.
 */
export function readSigningCertificate(node: DerNode): readonly CertificateReference[] {
  const members = membersOf(node);
  const references = members.required('certs').sequence();
  if (members.optional(tag.sequence))
    refuse('signing-certificate-policies', 'signing-certificate-v2 restricts the certificate policies');
  members.end();
  if (references.length === 0 || references.length > maxReferences)
    node.fail(`${references.length} certificates where 1 to ${maxReferences} are named`);
  return references.map(readReference);
}
