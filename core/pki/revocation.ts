import { equalBytes } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import type { Certificate } from './certificate.ts';
import { type Crl, isPermanent, type RevocationReason, type RevokedEntry } from './crl.ts';
import {
  type DistributionPoint,
  type DistributionPointName,
  type RevocationFlag,
  revocationFlags,
} from './distribution-point.ts';
import type { GeneralName } from './general-name.ts';
import { equalNames, type Name } from './name.ts';
import type { OcspResponse } from './ocsp.ts';
import { ocspEvidence } from './ocsp-evidence.ts';
import type { LinkChecker } from './verified-links.ts';

export type RevocationVerdict =
  | { readonly status: 'good' }
  | { readonly status: 'revoked'; readonly date: Date; readonly reason: RevocationReason }
  | { readonly status: 'unknown'; readonly message: string };

export interface RevocationContext {
  readonly crls: readonly Crl[];
  readonly ocsp: readonly OcspResponse[];
  /** When the certificate is to be good: a later revocation date does not count. */
  readonly time: Date;
  /** When CRLs and OCSP responses are to be fresh, and their algorithms acceptable. */
  readonly freshAt: Date;
  readonly links: LinkChecker;
  readonly digest: CryptoBackend['digest'];
  /** Certificates that may have signed a CRL in the name of its issuer. */
  readonly signers: readonly Certificate[];
  /** Whether such a certificate has a path of its own to the anchor of the path that is judged. */
  isTrustedSigner(signer: Certificate): Promise<boolean>;
  /** Path validation of an OCSP responder right under the authority. @returns what is wrong */
  responderDefect(responder: Certificate, issuer: Certificate): Promise<string | undefined>;
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
    if ((await context.links.check(signer, crl, context.freshAt)) !== 'good') continue;
    if (signer === issuer || (await context.isTrustedSigner(signer))) return true;
  }
  return false;
}

/** Whether the CRL comes from who may say so, or why not. */
async function sourceDefect(
  crl: Crl,
  issuer: Certificate,
  context: RevocationContext,
): Promise<string | undefined> {
  if (crl.notUnderstood) return `the CRL has ${crl.notUnderstood}`;
  if (!(await isSignedRight(crl, issuer, context))) return 'the CRL is not signed by its issuer';
  return undefined;
}

/** Whether a certificate that does not stand in the CRL is good, or why that says nothing. */
function silenceDefect(crl: Crl, { notAfter }: Certificate, at: Date): string | undefined {
  if (!isFresh(crl, at))
    return `the CRL is for ${crl.thisUpdate.toISOString()} to ${crl.nextUpdate.toISOString()}`;
  // RFC 5280 §3.3: the entry of a certificate that expired may have been taken off.
  if (notAfter < crl.thisUpdate && !(crl.expiredSince && crl.expiredSince <= notAfter))
    return 'the certificate had expired, and the CRL does not say that it kept it';
  return undefined;
}

type StatusInCrls = { readonly status: 'good' } | { readonly status: 'unknown'; readonly message: string };

/**
 * The status of one certificate in the CRLs that were handed in, per RFC 5280 §6.3.3: distribution points, scopes,
 * reasons, delta and indirect CRLs. What the CRLs do not cover is unknown.
 */
async function statusInCrls(
  certificate: Certificate,
  issuer: Certificate,
  context: RevocationContext,
): Promise<StatusInCrls | ({ readonly status: 'revoked' } & RevokedEntry)> {
  const covered = new Set<RevocationFlag>();
  let problem = `no CRL of ${certificate.issuer.text} was given`;
  for (const point of [...(certificate.extensions.crlDistributionPoints ?? []), {}] as DistributionPoint[]) {
    for (const crl of context.crls) {
      if (crl.baseNumber !== undefined || !covers(crl, point, certificate)) continue;
      const reasons = intersection(intersection(allReasons, crl.scope?.onlyReasons), point.reasons);
      if ([...reasons].every((reason) => covered.has(reason))) continue;
      const source = await sourceDefect(crl, issuer, context);
      if (source) {
        problem = source;
        continue;
      }
      let entry = crl.find(certificate.serial, certificate.issuer);
      const silence = silenceDefect(crl, certificate, context.freshAt);
      if (silence) {
        // A revocation for good counts however old the CRL is.
        if (entry && isPermanent(entry.reason) && entry.date <= context.time)
          return { status: 'revoked', ...entry };
        problem = silence;
        continue;
      }

      const deltas = context.crls.filter(
        (other) => other.baseNumber !== undefined && sameScope(other, crl) && other.number > crl.number,
      );
      let outdated = false;
      for (const delta of deltas) {
        const deltaDefect =
          (delta.baseNumber as bigint) > crl.number
            ? 'the complete CRL is older than the delta CRL starts from'
            : ((await sourceDefect(delta, issuer, context)) ??
              silenceDefect(delta, certificate, context.freshAt));
        if (deltaDefect) {
          problem = deltaDefect;
          outdated = true;
          break;
        }
        const change = delta.find(certificate.serial, certificate.issuer);
        if (change) entry = change.reason === 'removeFromCRL' ? undefined : change;
      }
      if (outdated) continue;

      if (entry && entry.date <= context.time) return { status: 'revoked', ...entry };
      for (const reason of reasons) covered.add(reason);
      if (covered.size === allReasons.size) return { status: 'good' };
    }
  }
  if (covered.size > 0) problem = 'the CRLs that were given do not cover every reason';
  return { status: 'unknown', message: problem };
}

/** What the OCSP responses that were handed in say together; an answer of `unknown` says nothing (RFC 6960 §2.2). */
async function statusInOcsp(
  certificate: Certificate,
  issuer: Certificate,
  context: RevocationContext,
): Promise<RevocationVerdict> {
  let verdict: RevocationVerdict = { status: 'unknown', message: '' };
  for (const response of context.ocsp) {
    const answer = await ocspEvidence(response, certificate, issuer, {
      at: context.freshAt,
      links: context.links,
      digest: context.digest,
      responderDefect: context.responderDefect,
      responderStatus: async (responder, authority) =>
        (await statusInCrls(responder, authority, { ...context, time: context.freshAt })).status,
    });
    if (answer.status === 'revoked') {
      const { date, reason } = answer;
      if (date <= context.time) return { status: 'revoked', date, reason };
      verdict = { status: 'good' };
    } else if (answer.status === 'good') verdict = { status: 'good' };
    else if (verdict.status === 'unknown' && answer.status === 'unknown')
      verdict = { status: 'unknown', message: 'the OCSP responder does not know the certificate' };
    else if (
      verdict.status === 'unknown' &&
      answer.status === 'unusable' &&
      answer.reason !== 'other-certificate'
    )
      verdict = { status: 'unknown', message: answer.message };
  }
  return verdict;
}

/**
 * The status of one certificate by CRLs (RFC 5280 §6.3.3) and OCSP responses (RFC 6960 §3.2). A revocation by either
 * counts, the earlier one where both revoke; either is enough to be good. What does not come from the issuer or from
 * whom it lets speak says nothing, good or bad.
 * @param issuer the certificate above it in its path, itself already judged
 */
export async function checkRevocation(
  certificate: Certificate,
  issuer: Certificate,
  context: RevocationContext,
): Promise<RevocationVerdict> {
  const listed = await statusInCrls(certificate, issuer, context);
  const answered = await statusInOcsp(certificate, issuer, context);
  const verdicts = [listed, answered];
  const revoked = verdicts.filter((verdict) => verdict.status === 'revoked');
  const [earliest] = revoked.sort((a, b) => a.date.getTime() - b.date.getTime());
  if (earliest) return earliest;
  const good = verdicts.find((verdict) => verdict.status === 'good');
  if (good) return good;
  const said = verdicts.flatMap((verdict) => (verdict.status === 'unknown' ? [verdict.message] : []));
  return { status: 'unknown', message: said.filter((message) => message !== '').join('; ') };
}
