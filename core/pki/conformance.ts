import type { Certificate } from './certificate.ts';
import { extensionOid } from './extensions.ts';
import { equalNames } from './name.ts';
import { constraintDefect, generalNameDefect } from './name-constraints.ts';

/** Where a certificate stands in a path. */
export type PathRole = 'anchor' | 'intermediate' | 'leaf';

const neverCritical = [
  ['the authority key identifier', extensionOid.authorityKeyIdentifier],
  ['the subject key identifier', extensionOid.subjectKeyIdentifier],
  ['the authority information access', extensionOid.authorityInfoAccess],
  ['the subject information access', extensionOid.subjectInfoAccess],
] as const;

const alwaysCritical = [
  ['the name constraints extension', extensionOid.nameConstraints],
  ['the inhibit anyPolicy extension', extensionOid.inhibitAnyPolicy],
] as const;

/**
 * The profile that the makers of the certificates followed. RFC 3280 §4.2.1.12 left them free to mark policy
 * constraints critical or not; RFC 5280 §4.2.1.11 does not. Both are processed alike.
 */
export type CertificateProfile = 'rfc5280' | 'rfc3280';

/**
 * The demands of RFC 5280 §4 on the maker of a certificate that a reader can hold it to, and that parsing does not
 * see because they depend on the place in the path.
 * @returns what is wrong, or undefined
 */
export function certificateDefect(
  certificate: Certificate,
  role: PathRole,
  profile: CertificateProfile = 'rfc5280',
): string | undefined {
  const { extensions, issuer, subject } = certificate;
  const { all, basicConstraints, keyUsage, subjectAltNames } = extensions;
  const isCritical = (oid: string): boolean => all.get(oid)?.critical === true;
  const ca = basicConstraints?.ca === true;

  if (issuer.rdns.length === 0) return 'the issuer is empty (4.1.2.4)';
  if (subject.rdns.length === 0) {
    if (ca) return 'the subject of a CA is empty (4.1.2.6)';
    if (!subjectAltNames || !isCritical(extensionOid.subjectAltName))
      return 'the subject is empty without a critical alternative name (4.1.2.6)';
  }
  for (const [name, oid] of neverCritical) if (isCritical(oid)) return `${name} is critical`;
  for (const [name, oid] of alwaysCritical)
    if (all.has(oid) && !isCritical(oid)) return `${name} is not critical`;
  if (profile === 'rfc5280' && extensions.policyConstraints && !isCritical(extensionOid.policyConstraints))
    return 'the policy constraints extension is not critical (4.2.1.11)';

  if (!extensions.authorityKeyIdentifier && !equalNames(issuer, subject))
    return 'the authority key identifier is missing (4.2.1.1)';
  if (ca && !extensions.subjectKeyIdentifier)
    return 'the subject key identifier of a CA is missing (4.2.1.2)';
  if (!ca && keyUsage?.has('keyCertSign')) return 'keyCertSign without the CA bit (4.2.1.3)';
  if (basicConstraints?.pathLength !== undefined && !(ca && keyUsage?.has('keyCertSign') !== false))
    return 'a path length without the CA bit and keyCertSign (4.2.1.9)';
  // Of anchors, which are chosen, the form is demanded; for others the meaning is the same.
  if (role === 'anchor' && basicConstraints && !isCritical(extensionOid.basicConstraints))
    return 'the basic constraints are not critical (4.2.1.9)';
  if (extensions.nameConstraints && !ca) return 'name constraints outside a CA certificate (4.2.1.10)';

  for (const name of subjectAltNames ?? []) {
    const defect = generalNameDefect(name);
    if (defect) return `${defect} (4.2.1.6)`;
  }
  for (const base of [
    ...(extensions.nameConstraints?.permitted ?? []),
    ...(extensions.nameConstraints?.excluded ?? []),
  ]) {
    const defect = constraintDefect(base);
    if (defect) return `${defect} (4.2.1.10)`;
  }
  return undefined;
}
