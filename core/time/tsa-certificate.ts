import { oids } from '../cms/oid.ts';
import type { Certificate } from '../pki/certificate.ts';
import { extensionOid } from '../pki/extensions.ts';

/**
 * What RFC 3161 §2.3 and RFC 5280 §4.2.1.12 ask of the certificate of a time-stamp authority: an extended key usage
 * that is critical and names time-stamping alone, a key usage of signatures only, no CA.
 * @returns what is wrong, or undefined
 */
export function tsaUsageFault(certificate: Certificate): string | undefined {
  const { extendedKeyUsage, keyUsage, basicConstraints, all } = certificate.extensions;
  if (!extendedKeyUsage?.includes(oids.timeStamping)) return 'the certificate is not for time-stamping';
  if (extendedKeyUsage.length > 1) return 'the certificate is for other purposes than time-stamping too';
  if (!all.get(extensionOid.extendedKeyUsage)?.critical)
    return 'the extended key usage of the certificate is not critical';
  if (keyUsage && ![...keyUsage].every((use) => use === 'digitalSignature' || use === 'nonRepudiation'))
    return 'the key usage of the certificate allows more than signatures';
  if (basicConstraints?.ca) return 'the certificate is that of a CA';
  return undefined;
}
