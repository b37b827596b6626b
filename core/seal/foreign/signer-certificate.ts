import { namedCurveSpki } from '../../crypto/explicit-curve.ts';
import { type PublicKeyAlgorithm, readSpki } from '../../crypto/spki.ts';
import { type DerNode, readDer } from '../../der/reader.ts';
import { contextTag, tag } from '../../der/tags.ts';
import { ConsulError } from '../../errors.ts';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from '../../pki/algorithm.ts';
import { documentTypeOid, readDocumentTypes } from '../../pki/document-type.ts';
import { extensionOid, readExtensionList } from '../../pki/extensions.ts';
import { type Name, readName } from '../../pki/name.ts';

/**
 * A certificate of another system as far as its seals need it. Those are often of version 1 (2D-Doc), carry keys with
 * explicit parameters (ICAO) or extensions that RFC 5280 does not have, so that `parseCertificate` refuses them;
 * documents are never judged by this.
 */
export interface SignerCertificate {
  readonly bytes: Uint8Array;
  readonly tbs: Uint8Array;
  readonly serial: Uint8Array;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** With the curve by name. */
  readonly spki: Uint8Array;
  readonly key: PublicKeyAlgorithm;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
  /** Whether it may sign certificates. */
  readonly isAuthority: boolean;
  readonly extendedKeyUsage: readonly string[];
  /** Doc 9303-12: codes of the documents that the signer may seal; undefined where nothing is said. */
  readonly documentTypes?: readonly string[];
}

const maximumLength = 1 << 16;

/** @throws ConsulError CERTIFICATE_INVALID */
export function readSignerCertificate(der: Uint8Array): SignerCertificate {
  if (der.length > maximumLength)
    throw new ConsulError('CERTIFICATE_INVALID', `a certificate of ${der.length} bytes`);
  try {
    return read(new Uint8Array(der));
  } catch (cause) {
    if (!(cause instanceof ConsulError)) throw cause;
    throw new ConsulError('CERTIFICATE_INVALID', `the certificate is malformed: ${cause.message}`, { cause });
  }
}

function read(der: Uint8Array): SignerCertificate {
  const root = readDer(der);
  const [tbs, outer, signature, ...more] = root.sequence();
  if (!tbs || !outer || !signature || more.length > 0) return root.fail('not a Certificate');
  const fields = [...tbs.sequence()];
  const take = (): DerNode => fields.shift() ?? tbs.fail('a TBSCertificate that is cut short');
  if (fields[0]?.tag === contextTag(0, true)) take();
  const serial = take().expect(tag.integer).content;
  take();
  const issuer = readName(take());
  const validity = take();
  const [notBefore, notAfter, ...rest] = validity.sequence();
  if (!notBefore || !notAfter || rest.length > 0) return validity.fail('a malformed validity');
  const subject = readName(take());
  const spki = namedCurveSpki(take().bytes);
  const last = fields.find((field) => field.tag === contextTag(3, true));
  const extensions = last
    ? readExtensionList(last.explicit(last.tag))
    : new Map<string, { value: Uint8Array }>();
  const extension = (oid: string): DerNode | undefined => {
    const found = extensions.get(oid);
    return found && readDer(found.value);
  };
  const documentTypes = extension(documentTypeOid);
  return {
    bytes: root.bytes,
    tbs: tbs.bytes,
    serial,
    issuer,
    subject,
    notBefore: notBefore.time(),
    notAfter: notAfter.time(),
    spki,
    key: readSpki(spki),
    signatureAlgorithm: readAlgorithmIdentifier(outer),
    signature: signature.bitOctets(),
    isAuthority: maySignCertificates(
      extension(extensionOid.basicConstraints),
      extension(extensionOid.keyUsage),
    ),
    extendedKeyUsage:
      extension(extensionOid.extendedKeyUsage)
        ?.sequence()
        .map((purpose) => purpose.oid()) ?? [],
    ...(documentTypes ? { documentTypes: readDocumentTypes(documentTypes) } : {}),
  };
}

/** Bit 5 of the key usage is keyCertSign (RFC 5280 §4.2.1.3). */
function maySignCertificates(constraints: DerNode | undefined, keyUsage: DerNode | undefined): boolean {
  const [ca] = constraints?.sequence() ?? [];
  if (ca?.tag !== tag.boolean || !ca.boolean()) return false;
  return keyUsage === undefined || keyUsage.namedBits()[5] === true;
}
