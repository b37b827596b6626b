import { equalBytes, fromLatin1 } from '../bytes.ts';
import { type DerNode, readDer } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import { ConsulError } from '../errors.ts';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from './algorithm.ts';
import {
  type DistributionPointName,
  type RevocationFlag,
  readDistributionPointName,
  readReasonFlags,
} from './distribution-point.ts';
import { readExtensionList } from './extensions.ts';
import { readGeneralNames } from './general-name.ts';
import { type Name, readName } from './name.ts';

/** CRLReason (RFC 5280 §5.3.1); 7 is not used. */
const reasonNames: Readonly<Record<number, RevocationReason>> = {
  0: 'unspecified',
  1: 'keyCompromise',
  2: 'cACompromise',
  3: 'affiliationChanged',
  4: 'superseded',
  5: 'cessationOfOperation',
  6: 'certificateHold',
  8: 'removeFromCRL',
  9: 'privilegeWithdrawn',
  10: 'aACompromise',
};

export type RevocationReason = Exclude<RevocationFlag, 'unused'> | 'unspecified' | 'removeFromCRL';

/** The number of a reason in CRLReason. */
export function reasonCode(reason: RevocationReason): number {
  const found = Object.entries(reasonNames).find(([, name]) => name === reason);
  return Number(found?.[0]);
}

/** Whether a revocation for this reason cannot be taken back (RFC 5280 §5.3.1). */
export const isPermanent = (reason: RevocationReason): boolean =>
  reason !== 'certificateHold' && reason !== 'removeFromCRL';

/** @throws ConsulError DER_INVALID */
export const readReason = (node: DerNode): RevocationReason =>
  reasonNames[node.integer(tag.enumerated)] ?? node.fail('a reason code that is not defined');

export interface RevokedEntry {
  readonly date: Date;
  readonly reason: RevocationReason;
}

/** IssuingDistributionPoint (RFC 5280 §5.2.5): which revocations the CRL holds. */
export interface CrlScope {
  /** The whole extension, to tell whether two CRLs have the same scope. */
  readonly der: Uint8Array;
  readonly name?: DistributionPointName;
  readonly onlyUser: boolean;
  readonly onlyCa: boolean;
  readonly onlyAttribute: boolean;
  readonly onlyReasons?: ReadonlySet<RevocationFlag>;
  readonly indirect: boolean;
}

/** A certificate revocation list, read and not yet judged: `checkRevocation` does that. */
export interface Crl {
  readonly bytes: Uint8Array;
  readonly tbs: Uint8Array;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
  readonly number: bigint;
  /** Present in a delta CRL: the number of the complete CRL it starts from. */
  readonly baseNumber?: bigint;
  readonly scope?: CrlScope;
  /** Certificates that expired on or after this date keep their entries (X.509 §9.5.2.8, expiredCertsOnCRL). */
  readonly expiredSince?: Date;
  readonly size: number;
  /** Why nothing may be concluded from this CRL: a critical extension of it or of an entry that is not understood. */
  readonly notUnderstood?: string;
  find(serial: Uint8Array, issuer: Name): RevokedEntry | undefined;
}

/** About a million entries. */
const maxLength = 1 << 25;

export const crlOid = {
  reasonCode: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  certificateIssuer: '2.5.29.29',
  crlNumber: '2.5.29.20',
  deltaIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  expiredCertificates: '2.5.29.60',
} as const;

const nameKey = (name: Name): string => name.keys.join('\u0001');

function readScope(der: Uint8Array): CrlScope {
  const scope: { -readonly [K in keyof CrlScope]: CrlScope[K] } = {
    der,
    onlyUser: false,
    onlyCa: false,
    onlyAttribute: false,
    indirect: false,
  };
  const isTrue = (field: DerNode): boolean =>
    field.implicit(tag.boolean).boolean() || field.fail('a default value that is written out');
  const node = readDer(der);
  let last = -1;
  for (const field of node.sequence()) {
    const number = field.tag & 0x1f;
    if (number <= last) field.fail('fields out of order');
    last = number;
    if (field.tag === contextTag(0, true)) scope.name = readDistributionPointName(field.explicit(field.tag));
    else if (field.tag === contextTag(1, false)) scope.onlyUser = isTrue(field);
    else if (field.tag === contextTag(2, false)) scope.onlyCa = isTrue(field);
    else if (field.tag === contextTag(3, false)) scope.onlyReasons = readReasonFlags(field);
    else if (field.tag === contextTag(4, false)) scope.indirect = isTrue(field);
    else if (field.tag === contextTag(5, false)) scope.onlyAttribute = isTrue(field);
    else field.fail('an unknown field of the issuing distribution point');
  }
  if (last === -1 || Number(scope.onlyUser) + Number(scope.onlyCa) + Number(scope.onlyAttribute) > 1)
    node.fail('an issuing distribution point that contradicts itself');
  return scope;
}

class Entries {
  readonly #byIssuer = new Map<string, Map<string, RevokedEntry>>();
  size = 0;
  /** Whether an entry names another issuer than that of the CRL. */
  indirect = false;
  notUnderstood: string | undefined;

  read(list: DerNode, crlIssuer: Name): void {
    const members = list.sequence();
    if (members.length === 0) list.fail('an empty list of revoked certificates');
    let entries = this.#of(crlIssuer);
    for (const member of members) entries = this.#entry(member, entries);
    this.size = members.length;
  }

  /** @returns where the next entry belongs: a certificate issuer holds until another is named (RFC 5280 §5.3.3) */
  #entry(member: DerNode, under: Map<string, RevokedEntry>): Map<string, RevokedEntry> {
    const [serial, date, extensions, ...rest] = member.sequence();
    if (!serial || !date || rest.length > 0) member.fail('a malformed CRL entry');
    let reason: RevocationReason = 'unspecified';
    let entries = under;
    if (extensions)
      for (const [identifier, { critical, value }] of readExtensionList(extensions)) {
        if (identifier === crlOid.reasonCode) reason = readReason(readDer(value));
        else if (identifier === crlOid.certificateIssuer) {
          entries = this.#of(this.#issuer(readDer(value)));
          this.indirect = true;
        } else if (identifier === crlOid.invalidityDate) readDer(value).time();
        else if (critical) this.notUnderstood = `a critical entry extension ${identifier}`;
      }
    const key = fromLatin1(serial.expect(tag.integer).content);
    if (!entries.has(key)) entries.set(key, { date: date.time(), reason });
    return entries;
  }

  find(serial: Uint8Array, issuer: Name): RevokedEntry | undefined {
    return this.#byIssuer.get(nameKey(issuer))?.get(fromLatin1(serial));
  }

  #of(issuer: Name): Map<string, RevokedEntry> {
    const key = nameKey(issuer);
    const entries = this.#byIssuer.get(key) ?? new Map<string, RevokedEntry>();
    this.#byIssuer.set(key, entries);
    return entries;
  }

  #issuer(node: DerNode): Name {
    for (const name of readGeneralNames(node)) if (name.form === 'directory') return name.value;
    return node.fail('a certificate issuer without a directory name');
  }
}

function readCrl(der: Uint8Array): Crl {
  const root = readDer(der);
  const [tbs, outer, signature, ...more] = root.sequence();
  if (!tbs || !outer || !signature || more.length > 0) return root.fail('not a CertificateList');
  const fields = [...tbs.sequence()];
  const take = (): DerNode => fields.shift() ?? tbs.fail('a TBSCertList that is cut short');

  const version = take();
  if (version.integer() !== 1) version.fail('a CRL that is not of version 2');
  const inner = take();
  if (!equalBytes(inner.bytes, outer.bytes)) inner.fail('two different signature algorithms');
  const issuer = readName(take());
  if (issuer.rdns.length === 0) tbs.fail('a CRL without an issuer');
  const thisUpdate = take().time();
  const nextUpdate = take().time();
  const entries = new Entries();
  if (fields[0]?.tag === tag.sequence) entries.read(take(), issuer);
  const extensions = readExtensionList(take().explicit(contextTag(0, true)));
  if (fields.length > 0) tbs.fail('an unknown field of the CRL');

  let number: bigint | undefined;
  let baseNumber: bigint | undefined;
  let scope: CrlScope | undefined;
  let expiredSince: Date | undefined;
  let notUnderstood = entries.notUnderstood;
  for (const [identifier, { critical, value }] of extensions) {
    if (identifier === crlOid.crlNumber) {
      if (critical) tbs.fail('a critical CRL number');
      number = readDer(value).bigint();
    } else if (identifier === crlOid.deltaIndicator) {
      if (!critical) tbs.fail('a delta CRL indicator that is not critical');
      baseNumber = readDer(value).bigint();
    } else if (identifier === crlOid.issuingDistributionPoint) {
      if (!critical) tbs.fail('an issuing distribution point that is not critical');
      scope = readScope(value);
    } else if (identifier === crlOid.expiredCertificates)
      expiredSince = readDer(value).expect(tag.generalizedTime).time();
    else if (critical) notUnderstood = `a critical extension ${identifier}`;
  }
  if (number === undefined) return tbs.fail('a CRL without a number');
  if (entries.indirect && !scope?.indirect)
    tbs.fail('entries of other issuers in a CRL that is not indirect');

  return {
    bytes: root.bytes,
    tbs: tbs.bytes,
    issuer,
    thisUpdate,
    nextUpdate,
    signatureAlgorithm: readAlgorithmIdentifier(outer),
    signature: signature.bitOctets(),
    number,
    ...(baseNumber !== undefined && { baseNumber }),
    ...(scope && { scope }),
    ...(expiredSince && { expiredSince }),
    size: entries.size,
    ...(notUnderstood !== undefined && { notUnderstood }),
    find: (serial, certificateIssuer) => entries.find(serial, certificateIssuer),
  };
}

/**
 * Reads a CRL strictly as RFC 5280 §5 has it: DER, version 2, nextUpdate and CRL number present, every entry
 * well-formed. Complete, delta and indirect CRLs are read; up to 32 MiB.
 * @throws ConsulError CERTIFICATE_INVALID
 */
export function parseCrl(der: Uint8Array): Crl {
  if (der.length > maxLength) throw new ConsulError('CERTIFICATE_INVALID', `a CRL of ${der.length} bytes`);
  try {
    return readCrl(new Uint8Array(der));
  } catch (cause) {
    if (!(cause instanceof ConsulError)) throw cause;
    throw new ConsulError('CERTIFICATE_INVALID', `the CRL is malformed: ${cause.message}`, { cause });
  }
}
