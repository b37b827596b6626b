import { equalBytes } from '../bytes.ts';
import type { Certificate } from './certificate.ts';
import type { Crl, RevocationReason } from './crl.ts';
import {
  type DistributionPoint,
  type DistributionPointName,
  type RevocationFlag,
  revocationFlags,
} from './distribution-point.ts';
import type { GeneralName } from './general-name.ts';
import { equalNames, type Name } from './name.ts';
import type { LinkChecker } from './verified-links.ts';

export type RevocationVerdict =
  | { readonly status: 'good' }
  | { readonly status: 'revoked'; readonly date: Date; readonly reason: RevocationReason }
  | { readonly status: 'unknown'; readonly message: string };

export interface RevocationContext {
  readonly crls: readonly Crl[];
  /** When the certificate is to be good: a later revocation date does not count. */
  readonly time: Date;
  /** When the CRLs are to be fresh. */
  readonly freshAt: Date;
  readonly links: LinkChecker;
  /** Certificates that may have signed a CRL in the name of its issuer. */
  readonly signers: readonly Certificate[];
  /** Whether such a certificate has a path of its own to the anchor of the path that is judged. */
  isTrustedSigner(signer: Certificate): Promise<boolean>;
}

const allReasons: ReadonlySet<RevocationFlag> = new Set(revocationFlags.filter((flag) => flag !== 'unused'));

function intersection<T>(a: ReadonlySet<T>, b: ReadonlySet<T> | undefined): ReadonlySet<T> {
  return b ? new Set([...a].filter((member) => b.has(member))) : a;
}

const directoryNames = (names: readonly GeneralName[]): readonly Name[] =>
  names.flatMap((name) => (name.form === 'directory' ? [name.value] : []));

/** One text for each name of a distribution point, so that two points can be compared. */
function pointKeys(name: DistributionPointName, issuers: readonly Name[]): readonly string[] {
  const { fullName, relativeName } = name;
  if (relativeName) return issuers.map((issuer) => [...issuer.keys, ...relativeName.keys].join('\u0001'));
  return (fullName ?? []).map((general) => {
    switch (general.form) {
      case 'directory':
        return general.value.keys.join('\u0001');
      case 'ip':
        return `ip ${general.value.join('.')}`;
      case 'other':
        return `[${general.number}] ${general.der.join('.')}`;
      default:
        return `${general.form} ${general.value}`;
    }
  });
}

/** RFC 5280 §6.3.3 (b): whether this CRL speaks of this certificate under this distribution point. */
function covers(crl: Crl, point: DistributionPoint, certificate: Certificate): boolean {
  const issuers = point.crlIssuer ? directoryNames(point.crlIssuer) : [certificate.issuer];
  if (!issuers.some((issuer) => equalNames(issuer, crl.issuer))) return false;
  const { scope } = crl;
  if (!scope) return point.crlIssuer === undefined;
  if (point.crlIssuer && !scope.indirect) return false;
  const ca = certificate.extensions.basicConstraints?.ca === true;
  if ((scope.onlyUser && ca) || (scope.onlyCa && !ca) || scope.onlyAttribute) return false;
  if (!scope.name) return true;
  const offered = pointKeys(scope.name, [crl.issuer]);
  const wanted = pointKeys(
    point.name ?? { fullName: issuers.map((value) => ({ form: 'directory', value })) },
    issuers,
  );
  return offered.some((key) => wanted.includes(key));
}

const isFresh = (crl: Crl, at: Date): boolean => crl.thisUpdate <= at && at <= crl.nextUpdate;

function sameScope(a: Crl, b: Crl): boolean {
  if (!equalNames(a.issuer, b.issuer)) return false;
  return a.scope && b.scope ? equalBytes(a.scope.der, b.scope.der) : a.scope === b.scope;
}

/** RFC 5280 §6.3.3 (f), (g): signed by the issuer, or by another trusted key in the name of the CRL issuer. */
async function isSignedRight(crl: Crl, issuer: Certificate, context: RevocationContext): Promise<boolean> {
  for (const signer of [issuer, ...context.signers]) {
    if (!equalNames(signer.subject, crl.issuer)) continue;
    const { keyUsage } = signer.extensions;
    if (keyUsage && !keyUsage.has('cRLSign')) continue;
    if ((await context.links.check(signer, crl)) !== 'good') continue;
    if (signer === issuer || (await context.isTrustedSigner(signer))) return true;
  }
  return false;
}

/** Whether the CRL may be relied on, or why not. */
async function defectOf(
  crl: Crl,
  issuer: Certificate,
  context: RevocationContext,
): Promise<string | undefined> {
  if (crl.notUnderstood) return `the CRL has ${crl.notUnderstood}`;
  if (!isFresh(crl, context.freshAt))
    return `the CRL is for ${crl.thisUpdate.toISOString()} to ${crl.nextUpdate.toISOString()}`;
  if (!(await isSignedRight(crl, issuer, context))) return 'the CRL is not signed by its issuer';
  return undefined;
}

/**
 * The status of one certificate in the CRLs that were handed in, per RFC 5280 §6.3.3: distribution points, scopes,
 * reasons, delta and indirect CRLs. What the CRLs do not cover is unknown.
 * @param issuer the certificate above it in its path, itself already judged
 */
export async function checkRevocation(
  certificate: Certificate,
  issuer: Certificate,
  context: RevocationContext,
): Promise<RevocationVerdict> {
  const covered = new Set<RevocationFlag>();
  let problem = `no CRL of ${certificate.issuer.text} was given`;
  for (const point of [...(certificate.extensions.crlDistributionPoints ?? []), {}] as DistributionPoint[]) {
    for (const crl of context.crls) {
      if (crl.baseNumber !== undefined || !covers(crl, point, certificate)) continue;
      const reasons = intersection(intersection(allReasons, crl.scope?.onlyReasons), point.reasons);
      if ([...reasons].every((reason) => covered.has(reason))) continue;
      const defect = await defectOf(crl, issuer, context);
      if (defect) {
        problem = defect;
        continue;
      }

      let entry = crl.find(certificate.serial, certificate.issuer);
      const deltas = context.crls.filter(
        (other) => other.baseNumber !== undefined && sameScope(other, crl) && other.number > crl.number,
      );
      let outdated = false;
      for (const delta of deltas) {
        const deltaDefect =
          (delta.baseNumber as bigint) > crl.number
            ? 'the complete CRL is older than the delta CRL starts from'
            : await defectOf(delta, issuer, context);
        if (deltaDefect) {
          problem = deltaDefect;
          outdated = true;
          break;
        }
        const change = delta.find(certificate.serial, certificate.issuer);
        if (change) entry = change.reason === 'removeFromCRL' ? undefined : change;
      }
      if (outdated) continue;

      if (entry && entry.date <= context.time)
        return { status: 'revoked', date: entry.date, reason: entry.reason };
      for (const reason of reasons) covered.add(reason);
      if (covered.size === allReasons.size) return { status: 'good' };
    }
  }
  if (covered.size > 0) problem = 'the CRLs that were given do not cover every reason';
  return { status: 'unknown', message: problem };
}
