import { equalBytes } from '../bytes.ts';
import { type PublicKeyAlgorithm, readSpki } from '../crypto/spki.ts';
import { type DerNode, readDer } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import { ConsulError } from '../errors.ts';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from './algorithm.ts';
import { type Extensions, readExtensions } from './extensions.ts';
import { type Name, readName } from './name.ts';

/** A certificate per RFC 5280 §4.1, version 3, read and not yet judged. */
export interface Certificate {
  readonly bytes: Uint8Array;
  /** What the signature is made over. */
  readonly tbs: Uint8Array;
  /** Big-endian, positive, 1 to 20 octets as encoded: a leading zero octet may stand before a high bit. */
  readonly serial: Uint8Array;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly publicKeyAlgorithm: PublicKeyAlgorithm;
  /** How the issuer signed; `signatureAlgorithmFor` binds it to the issuer's key, which names the curve. */
  readonly signatureAlgorithm: AlgorithmIdentifier;
  /** As in the certificate: DER for ECDSA. */
  readonly signature: Uint8Array;
  readonly extensions: Extensions;
}

/** A certificate with hundreds of names is still below this. */
const maxLength = 1 << 18;

function readSerial(node: DerNode): Uint8Array {
  const value = node.expect(tag.integer).content;
  if (value.length > 20) node.fail('a serial number of more than 20 octets');
  if ((value[0] as number) >= 0x80 || value.every((octet) => octet === 0))
    node.fail('a serial number that is not positive');
  return value;
}

function readCertificate(der: Uint8Array): Certificate {
  const root = readDer(der);
  const [tbs, outer, signature, ...more] = root.sequence();
  if (!tbs || !outer || !signature || more.length > 0) return root.fail('not a Certificate');
  const fields = [...tbs.sequence()];
  const take = (): DerNode => fields.shift() ?? tbs.fail('a TBSCertificate that is cut short');

  const version = take();
  if (version.tag !== contextTag(0, true) || version.explicit(version.tag).integer() !== 2)
    version.fail('a certificate that is not of version 3');
  const serial = readSerial(take());
  const inner = take();
  if (!equalBytes(inner.bytes, outer.bytes)) inner.fail('two different signature algorithms');
  const issuer = readName(take());
  const validity = take();
  const [notBefore, notAfter, ...rest] = validity.sequence();
  if (!notBefore || !notAfter || rest.length > 0) return validity.fail('a malformed validity');
  const subject = readName(take());
  const spki = take();

  // RFC 5280 §4.1.2.8: unique identifiers are read over.
  for (const number of [1, 2])
    if (fields[0]?.tag === contextTag(number, false)) take().implicit(tag.bitString);
  const extensions =
    fields[0]?.tag === contextTag(3, true) ? readExtensions(take().explicit(0xa3)) : undefined;
  if (fields.length > 0) tbs.fail('an unknown field of the certificate');

  return {
    bytes: root.bytes,
    tbs: tbs.bytes,
    serial,
    issuer,
    subject,
    notBefore: notBefore.time(),
    notAfter: notAfter.time(),
    spki: spki.bytes,
    publicKeyAlgorithm: readSpki(spki.bytes),
    signatureAlgorithm: readAlgorithmIdentifier(outer),
    signature: signature.bitOctets(),
    extensions: extensions ?? { all: new Map() },
  };
}

/**
 * Reads a certificate strictly as RFC 5280 §4.1 has it: DER, version 3, the inner signature algorithm the same as
 * the outer, a positive serial number of at most 20 octets, no extension twice, every known extension well-formed.
 * @throws ConsulError CERTIFICATE_INVALID
 */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > maxLength)
    throw new ConsulError('CERTIFICATE_INVALID', `a certificate of ${der.length} bytes`);
  try {
    // A copy, so that a certificate does not hold on to the file it came in.
    return readCertificate(new Uint8Array(der));
  } catch (cause) {
    if (!(cause instanceof ConsulError)) throw cause;
    throw new ConsulError('CERTIFICATE_INVALID', `the certificate is malformed: ${cause.message}`, { cause });
  }
}
