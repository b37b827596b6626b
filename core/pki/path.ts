import { equalBytes } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { type AlgorithmPolicy, algorithmPolicy } from './algorithm-policy.ts';
import type { Certificate } from './certificate.ts';
import { type CertificateProfile, certificateDefect, type PathRole } from './conformance.ts';
import type { Crl, RevocationReason } from './crl.ts';
import { extensionOid, type KeyUsage, processedExtensions } from './extensions.ts';
import { equalNames, type Name } from './name.ts';
import { NameSubtrees } from './name-constraints.ts';
import type { OcspResponse } from './ocsp.ts';
import { PolicyGraph, type PolicyOptions } from './policies.ts';
import { checkRevocation } from './revocation.ts';
import { LinkChecker, VerifiedLinks } from './verified-links.ts';

/** A certificate trusted by decision. Its own constraints bind the path below it. */
export type TrustAnchor = Certificate;

/** How the leaf must be meant for a purpose (RFC 5280 §4.2.1.12). */
export interface PurposeOptions {
  readonly oid: string;
  /**
   * `permitted`: no extended key usage at all, or one with this or any purpose; `listed`: this very purpose stands
   * there; `sole`: it stands there alone and critical (RFC 3161 §2.3).
   */
  readonly form: 'permitted' | 'listed' | 'sole';
}

export interface PathInput {
  readonly leaf: Certificate;
  /** Untrusted, in any order, with others among them. */
  readonly intermediates: readonly Certificate[];
  readonly anchors: readonly TrustAnchor[];
  /** When the path is to be valid; fractions of a second do not count. */
  readonly time: Date;
  /** The leaf must assert one of these, where it has a key usage at all. */
  readonly keyUsage?: readonly KeyUsage[];
  readonly extendedKeyUsage?: PurposeOptions;
  /** CA certificates between leaf and anchor, self-issued ones not counted; never more than 8 in all. */
  readonly maxIntermediates?: number;
  readonly policies?: PolicyOptions;
  /** `rfc5280` where absent; `rfc3280` for hierarchies that were made before it. */
  readonly profile?: CertificateProfile;
  /**
   * Where given, every certificate below the anchor must be known not to be revoked, by a CRL or by an OCSP response;
   * a revocation by either counts. `freshAt` is when they are to be fresh, `time` where absent: later where a past
   * signature is judged with the CRL of today.
   */
  readonly revocation?: {
    readonly crls: readonly Crl[];
    readonly ocsp?: readonly OcspResponse[];
    readonly freshAt?: Date;
  };
  /** Which algorithms are acceptable at `time` (for CRLs and OCSP responses at `freshAt`); the shipped one if absent. */
  readonly algorithms?: AlgorithmPolicy;
  /** Keep one for many paths, so that what is common to them is checked once. */
  readonly verifiedLinks?: VerifiedLinks;
}

export type PathFailure =
  | 'no-path'
  | 'bad-signature'
  | 'algorithm'
  | 'profile'
  | 'critical-extension'
  | 'not-a-ca'
  | 'path-length'
  | 'key-usage'
  | 'extended-key-usage'
  | 'name-constraints'
  | 'policy'
  | 'not-yet-valid'
  | 'expired'
  | 'revoked'
  | 'revocation-unknown'
  | 'too-complex';

export interface InvalidPath {
  readonly ok: false;
  readonly reason: PathFailure;
  /** One line for a person. */
  readonly message: string;
  /** The certificate at fault. */
  readonly certificate?: Certificate;
  /** With `revoked`. */
  readonly revocation?: { readonly date: Date; readonly reason: RevocationReason };
}

export type PathResult =
  | {
      readonly ok: true;
      /** From the leaf to the anchor, both with it. */
      readonly path: readonly Certificate[];
      /** The policies the path is valid for; `2.5.29.32.0` stands for any. */
      readonly policies: readonly string[];
      /** When the first algorithm of its signatures ends to be acceptable; absent where no end is set. */
      readonly algorithmsUntil?: Date;
    }
  | InvalidPath;

const maxDepth = 8;
const maxCertificates = 1000;
const maxSignatureChecks = 100;
const maxSteps = 2000;
const maxNestedPaths = 16;
const anyPurpose = '2.5.29.37.0';

const failure = (reason: PathFailure, message: string, certificate?: Certificate): InvalidPath => ({
  ok: false,
  reason,
  message,
  ...(certificate && { certificate }),
});

const label = (certificate: Certificate): string =>
  certificate.subject.text || 'a certificate without a subject';

const isSelfIssued = (certificate: Certificate): boolean =>
  equalNames(certificate.issuer, certificate.subject);

/** What every path judged in one call shares. */
interface Search {
  readonly links: LinkChecker;
  readonly digest: CryptoBackend['digest'];
  steps: number;
  nestedPaths: number;
}

/**
 * Finds a path from the leaf to one of the anchors and validates it per RFC 5280 §6.1 (policies on the graph of
 * RFC 9618), with the demands of §4 on every certificate in it. Of several candidate paths one valid path is enough.
 * Bounded: 8 intermediates, 100 signature checks, 2,000 steps. An invalid path is an answer and never thrown; a leaf
 * that is itself among the anchors has no path.
 */
export async function validatePath(input: PathInput, backend: CryptoBackend): Promise<PathResult> {
  if (input.intermediates.length + input.anchors.length > maxCertificates)
    return failure('too-complex', `more than ${maxCertificates} certificates to build a path from`);
  const links = new LinkChecker(
    backend,
    input.verifiedLinks ?? new VerifiedLinks(),
    maxSignatureChecks,
    input.algorithms ?? algorithmPolicy,
  );
  return findPath(input, { links, digest: backend.digest, steps: 0, nestedPaths: 0 });
}

function findPath(input: PathInput, search: Search): Promise<PathResult> {
  return new PathBuilder(input, search).find();
}

const nameKey = (name: Name): string => name.keys.join('\u0001');

function bySubject(certificates: readonly Certificate[]): ReadonlyMap<string, readonly Certificate[]> {
  const index = new Map<string, Certificate[]>();
  for (const certificate of certificates) {
    const key = nameKey(certificate.subject);
    const same = index.get(key);
    if (!same) index.set(key, [certificate]);
    else if (!same.some((other) => equalBytes(other.bytes, certificate.bytes))) same.push(certificate);
  }
  return index;
}

/** How far a failed attempt came: what is said of the one that came farthest is what is said at the end. */
const rank = { none: 0, noIssuer: 1, brokenLink: 2, completePath: 3 } as const;

class PathBuilder {
  readonly #input: PathInput;
  readonly #search: Search;
  readonly #anchors: ReadonlyMap<string, readonly Certificate[]>;
  readonly #intermediates: ReadonlyMap<string, readonly Certificate[]>;
  #failure: InvalidPath;
  #rank: number = rank.none;
  #exhausted = false;

  constructor(input: PathInput, search: Search) {
    this.#input = input;
    this.#search = search;
    this.#anchors = bySubject(input.anchors);
    this.#intermediates = bySubject(input.intermediates);
    this.#failure = failure(
      'no-path',
      `no trusted certificate of ${input.leaf.issuer.text} was given`,
      input.leaf,
    );
  }

  async find(): Promise<PathResult> {
    return (await this.#extend([this.#input.leaf])) ?? this.#failure;
  }

  #remember(failed: InvalidPath, reached: number): void {
    if (failed.reason === 'too-complex') this.#exhausted = true;
    if (this.#exhausted ? failed.reason !== 'too-complex' : reached <= this.#rank) return;
    this.#failure = failed;
    this.#rank = reached;
  }

  /** @param chain from the leaf upwards, every link in it checked */
  async #extend(chain: readonly Certificate[]): Promise<PathResult | undefined> {
    const last = chain[chain.length - 1] as Certificate;
    for (const { issuer, anchor } of this.#candidates(last)) {
      if (this.#exhausted) return undefined;
      // RFC 4158 §2.4.2: no name with the same key twice in a path, which also ends every loop.
      if (
        chain.some((seen) => equalBytes(seen.spki, issuer.spki) && equalNames(seen.subject, issuer.subject))
      )
        continue;
      this.#search.steps += 1;
      if (this.#search.steps > maxSteps) {
        this.#remember(failure('too-complex', 'too many candidate paths', last), rank.none);
        return undefined;
      }
      const found = anchor ? await this.#finish(chain, last, issuer) : await this.#climb(chain, last, issuer);
      if (found) return found;
    }
    return undefined;
  }

  *#candidates(certificate: Certificate): Iterable<{ issuer: Certificate; anchor: boolean }> {
    const key = nameKey(certificate.issuer);
    const wanted = certificate.extensions.authorityKeyIdentifier;
    const rankOf = (issuer: Certificate): number => {
      const own = issuer.extensions.subjectKeyIdentifier;
      return wanted && own ? (equalBytes(wanted, own) ? 0 : 2) : 1;
    };
    const order = (issuers: readonly Certificate[] = []): readonly Certificate[] =>
      issuers.length < 2 ? issuers : [...issuers].sort((a, b) => rankOf(a) - rankOf(b));
    const anchors = order(this.#anchors.get(key));
    for (const issuer of anchors) yield { issuer, anchor: true };
    for (const issuer of order(this.#intermediates.get(key)))
      if (!anchors.some((anchor) => equalBytes(anchor.bytes, issuer.bytes))) yield { issuer, anchor: false };
  }

  async #linkHolds(issuer: Certificate, certificate: Certificate): Promise<boolean> {
    const verdict = await this.#search.links.check(issuer, certificate, this.#input.time);
    switch (verdict) {
      case 'good':
        return true;
      case 'bad-signature':
        this.#remember(
          failure(verdict, `${label(certificate)} is not signed by the key of ${label(issuer)}`, certificate),
          rank.brokenLink,
        );
        return false;
      case 'algorithm':
        this.#remember(
          failure(
            verdict,
            `the signature of ${label(certificate)} uses a key or an algorithm that is not accepted at that time`,
            certificate,
          ),
          rank.brokenLink,
        );
        return false;
      case 'too-complex':
        this.#remember(failure(verdict, 'too many signatures to check', certificate), rank.none);
        return false;
    }
  }

  async #climb(
    chain: readonly Certificate[],
    last: Certificate,
    issuer: Certificate,
  ): Promise<PathResult | undefined> {
    if (chain.length > maxDepth) {
      this.#remember(failure('path-length', `more than ${maxDepth} intermediates`, issuer), rank.brokenLink);
      return undefined;
    }
    const problem = authorityProblem(issuer);
    if (problem) {
      this.#remember(problem, rank.brokenLink);
      return undefined;
    }
    if (!(await this.#linkHolds(issuer, last))) return undefined;
    this.#remember(
      failure('no-path', `no trusted certificate of ${issuer.issuer.text} was given`, issuer),
      rank.noIssuer,
    );
    return this.#extend([...chain, issuer]);
  }

  async #finish(
    chain: readonly Certificate[],
    last: Certificate,
    anchor: Certificate,
  ): Promise<PathResult | undefined> {
    if (!(await this.#linkHolds(anchor, last))) return undefined;
    const result = await judge([...chain, anchor], this.#input, this.#search);
    if (result.ok) return result;
    this.#remember(result, rank.completePath);
    return undefined;
  }
}

/** RFC 5280 §6.1.4 (k), (n): what makes a certificate an authority. */
function authorityProblem(certificate: Certificate): InvalidPath | undefined {
  const { basicConstraints, keyUsage } = certificate.extensions;
  if (!basicConstraints?.ca)
    return failure('not-a-ca', `${label(certificate)} is not a certification authority`, certificate);
  if (keyUsage && !keyUsage.has('keyCertSign'))
    return failure('key-usage', `${label(certificate)} may not sign certificates`, certificate);
  return undefined;
}

/** The checks that need nothing but the certificate and its place. */
function certificateProblem(
  certificate: Certificate,
  role: PathRole,
  profile: CertificateProfile | undefined,
): InvalidPath | undefined {
  const defect = certificateDefect(certificate, role, profile);
  if (defect)
    return failure('profile', `${label(certificate)} does not follow RFC 5280: ${defect}`, certificate);
  for (const [oid, { critical }] of certificate.extensions.all)
    if (critical && !processedExtensions.has(oid))
      return failure(
        'critical-extension',
        `${label(certificate)} has the critical extension ${oid}, which is not understood`,
        certificate,
      );
  return role === 'leaf' ? undefined : authorityProblem(certificate);
}

function validityProblem(certificate: Certificate, time: Date): InvalidPath | undefined {
  const second = Math.floor(time.getTime() / 1000) * 1000;
  // Written so that a date that is none refuses.
  if (!(second >= certificate.notBefore.getTime()))
    return failure(
      'not-yet-valid',
      `${label(certificate)} is valid from ${certificate.notBefore.toISOString()}`,
      certificate,
    );
  if (second > certificate.notAfter.getTime())
    return failure(
      'expired',
      `${label(certificate)} was valid until ${certificate.notAfter.toISOString()}`,
      certificate,
    );
  return undefined;
}

function leafUsageProblem(input: PathInput): InvalidPath | undefined {
  const { leaf } = input;
  const { keyUsage, extendedKeyUsage, all } = leaf.extensions;
  if (input.keyUsage && keyUsage && !input.keyUsage.some((usage) => keyUsage.has(usage)))
    return failure('key-usage', `${label(leaf)} is not for ${input.keyUsage.join(' or ')}`, leaf);
  if (!input.extendedKeyUsage) return undefined;
  const { oid, form } = input.extendedKeyUsage;
  const meant =
    form === 'permitted'
      ? !extendedKeyUsage || extendedKeyUsage.includes(oid) || extendedKeyUsage.includes(anyPurpose)
      : extendedKeyUsage?.includes(oid) === true;
  const alone = extendedKeyUsage?.length === 1 && all.get(extensionOid.extendedKeyUsage)?.critical === true;
  if (meant && (form !== 'sole' || alone)) return undefined;
  return failure(
    'extended-key-usage',
    `${label(leaf)} is not for the purpose ${oid}${form === 'sole' ? ' alone' : ''}`,
    leaf,
  );
}

/** An authority whose purposes are limited cannot give others (nesting). */
function nestedUsageProblem(certificate: Certificate, purpose: string | undefined): InvalidPath | undefined {
  const { extendedKeyUsage } = certificate.extensions;
  if (!purpose || !extendedKeyUsage) return undefined;
  if (extendedKeyUsage.includes(purpose) || extendedKeyUsage.includes(anyPurpose)) return undefined;
  return failure(
    'extended-key-usage',
    `${label(certificate)} may not issue certificates for the purpose ${purpose}`,
    certificate,
  );
}

/**
 * RFC 5280 §6.1 on one path whose signatures were checked. What depends on the clock comes last, so that `expired`
 * means that nothing else is wrong.
 * @param chain from the leaf to the anchor
 */
async function judge(chain: readonly Certificate[], input: PathInput, search: Search): Promise<PathResult> {
  const anchor = chain[chain.length - 1] as Certificate;
  const below = chain.slice(0, -1).reverse();
  const policies = new PolicyGraph(below.length, input.policies ?? {});
  const subtrees = new NameSubtrees();
  let pathLength = Math.min(
    input.maxIntermediates ?? maxDepth,
    anchor.extensions.basicConstraints?.pathLength ?? maxDepth,
  );

  const anchorProblem =
    certificateProblem(anchor, 'anchor', input.profile) ??
    nestedUsageProblem(anchor, input.extendedKeyUsage?.oid);
  if (anchorProblem) return anchorProblem;
  if (anchor.extensions.nameConstraints) subtrees.add(anchor.extensions.nameConstraints);

  for (const [i, certificate] of below.entries()) {
    const last = i === below.length - 1;
    const selfIssued = isSelfIssued(certificate);
    const problem = certificateProblem(certificate, last ? 'leaf' : 'intermediate', input.profile);
    if (problem) return problem;
    if (last || !selfIssued) {
      const names = subtrees.check(certificate);
      if (!names.ok) return failure(names.reason, names.message, certificate);
    }
    if (!policies.descend(certificate, { last, selfIssued }))
      return failure('policy', `${label(certificate)} is under no acceptable policy`, certificate);
    if (last) break;

    if (!policies.prepare(certificate, selfIssued))
      return failure('policy', `${label(certificate)} maps the policy that stands for any`, certificate);
    if (certificate.extensions.nameConstraints) subtrees.add(certificate.extensions.nameConstraints);
    const usageProblem = nestedUsageProblem(certificate, input.extendedKeyUsage?.oid);
    if (usageProblem) return usageProblem;
    if (!selfIssued) {
      if (pathLength <= 0)
        return failure('path-length', `${label(certificate)} is one authority too many`, certificate);
      pathLength -= 1;
    }
    pathLength = Math.min(pathLength, certificate.extensions.basicConstraints?.pathLength ?? pathLength);
  }

  const usageProblem = leafUsageProblem(input);
  if (usageProblem) return usageProblem;
  const valid = policies.conclude(input.leaf);
  if (!valid) return failure('policy', `${label(input.leaf)} is under no acceptable policy`, input.leaf);

  for (const certificate of [anchor, ...below]) {
    const problem = validityProblem(certificate, input.time);
    if (problem) return problem;
  }
  return (
    (await revocationProblem(below, anchor, input, search)) ?? {
      ok: true,
      path: chain,
      policies: valid,
      ...algorithmsUntil(chain, search.links),
    }
  );
}

/** @param chain from the leaf to the anchor */
function algorithmsUntil(
  chain: readonly Certificate[],
  links: LinkChecker,
): { readonly algorithmsUntil?: Date } {
  let end = Number.POSITIVE_INFINITY;
  for (const [i, certificate] of chain.slice(0, -1).entries())
    end = Math.min(end, links.endOf(chain[i + 1] as Certificate, certificate));
  return Number.isFinite(end) ? { algorithmsUntil: new Date(end) } : {};
}

/** What every path in one call is judged by. */
const rulesOf = ({ profile, algorithms }: PathInput): Pick<PathInput, 'profile' | 'algorithms'> => ({
  ...(profile && { profile }),
  ...(algorithms && { algorithms }),
});

async function revocationProblem(
  below: readonly Certificate[],
  anchor: Certificate,
  input: PathInput,
  search: Search,
): Promise<InvalidPath | undefined> {
  const { revocation } = input;
  if (!revocation) return undefined;
  let issuer = anchor;
  for (const certificate of below) {
    const verdict = await checkRevocation(certificate, issuer, {
      crls: revocation.crls,
      ocsp: revocation.ocsp ?? [],
      digest: search.digest,
      time: input.time,
      freshAt: revocation.freshAt ?? input.time,
      links: search.links,
      signers: [anchor, ...input.intermediates],
      isTrustedSigner: async (signer) => {
        if (signer === anchor) return true;
        search.nestedPaths += 1;
        if (search.nestedPaths > maxNestedPaths) return false;
        const { intermediates, time } = input;
        const own = { leaf: signer, intermediates, anchors: [anchor], time, revocation, ...rulesOf(input) };
        return (await findPath(own, search)).ok;
      },
      responderDefect: async (responder, authority) => {
        search.nestedPaths += 1;
        if (search.nestedPaths > maxNestedPaths) return 'too many OCSP responders';
        const own = {
          ...{ leaf: responder, intermediates: [], anchors: [authority], ...rulesOf(input) },
          time: revocation.freshAt ?? input.time,
        };
        const result = await findPath(own, search);
        return result.ok ? undefined : result.message;
      },
    });
    if (verdict.status === 'revoked')
      return {
        ...failure(
          'revoked',
          `${label(certificate)} was revoked on ${verdict.date.toISOString()} (${verdict.reason})`,
          certificate,
        ),
        revocation: { date: verdict.date, reason: verdict.reason },
      };
    if (verdict.status === 'unknown')
      return failure('revocation-unknown', `${label(certificate)}: ${verdict.message}`, certificate);
    issuer = certificate;
  }
  return undefined;
}
