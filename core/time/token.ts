import { equalBytes, toHex } from '../bytes.ts';
import { readSignedData, type SignedData } from '../cms/read.ts';
import { type Refusal, refusalFrom } from '../cms/reason.ts';
import { tokenProfile, usedAlgorithms, verifySignedData } from '../cms/verify.ts';
import type { Awaitable, CryptoBackend, DigestName, SignatureAlgorithm } from '../crypto/backend.ts';
import type { PolicedAlgorithm } from '../pki/algorithm-policy.ts';
import type { Certificate } from '../pki/certificate.ts';
import type { GeneralName } from '../pki/general-name.ts';
import { equalNames } from '../pki/name.ts';
import type { Imprint } from './imprint.ts';
import { refuse, type TokenReason, tokenReasons } from './reason.ts';
import { tsaUsageFault } from './tsa-certificate.ts';
import { readTstInfo, type TstInfo } from './tst-info.ts';

/** A time-stamp token, read but not checked. */
export interface TimestampToken {
  readonly signed: SignedData;
  readonly info: TstInfo;
}

export interface TokenExpectation {
  /** What was stamped: its digest, or a function that makes it by the hash that the token names. */
  readonly imprint: Imprint | ((algorithm: DigestName) => Awaitable<Uint8Array>);
  /** The nonce that was sent; left out when an archived token is checked. */
  readonly nonce?: bigint;
  /** The policy that was asked for. */
  readonly policy?: string;
  /** Certificates (DER) known from elsewhere, where the token does not carry that of its authority. */
  readonly certificates?: readonly Uint8Array[];
  /** `parseCertificate`, or one that remembers what it parsed. */
  readonly parse?: (der: Uint8Array) => Certificate;
}

/** A token that is right under the key of `certificate`. The caller validates its path at `info.genTime`. */
export interface CheckedToken {
  readonly valid: true;
  readonly info: TstInfo;
  readonly signed: SignedData;
  readonly certificate: Certificate;
  /** The other certificates (DER) that the path may be built from. */
  readonly certificates: readonly Uint8Array[];
  readonly algorithm: SignatureAlgorithm;
}

/** The same of a token, with the digest of what was stamped. */
export const usedInToken = (token: CheckedToken): readonly PolicedAlgorithm[] => [
  ...usedAlgorithms(token),
  { digest: token.info.imprint.algorithm },
];

export type TokenCheck = CheckedToken | Refusal<TokenReason>;

/**
 * Reads a TimeStampToken (RFC 3161 §2.4.2): SignedData in the profile of `readSignedData` around TSTInfo.
 * @throws ConsulError DER_INVALID, or CMS_INVALID whose first detail names the reason
 */
export function readToken(der: Uint8Array): TimestampToken {
  const signed = readSignedData(der);
  if (signed.contentType !== tokenProfile.contentType)
    refuse('content-type', `a content of the type ${signed.contentType} where a time-stamp must stand`);
  if (!signed.content) return refuse('content-missing', 'the token has no content');
  return { signed, info: readTstInfo(signed.content) };
}

function sameName(a: GeneralName, b: GeneralName): boolean {
  if (a.form !== b.form) return false;
  if (a.form === 'directory' && b.form === 'directory') return equalNames(a.value, b.value);
  const text = (name: GeneralName): string => {
    if (name.form === 'other') return toHex(name.der);
    return name.value instanceof Uint8Array ? toHex(name.value) : String(name.value);
  };
  return text(a) === text(b);
}

/** RFC 3161 §2.4.2: the tsa field, where present, is one of the subject names of the certificate. */
function names(tsa: GeneralName, certificate: Certificate): boolean {
  const subject: GeneralName = { form: 'directory', value: certificate.subject };
  return [subject, ...(certificate.extensions.subjectAltNames ?? [])].some((name) => sameName(tsa, name));
}

async function check(
  token: TimestampToken,
  expectation: TokenExpectation,
  backend: CryptoBackend,
): Promise<TokenCheck> {
  const { signed, info } = token;
  const { imprint, nonce, policy, certificates = [], parse } = expectation;
  const verified = await verifySignedData(
    signed,
    tokenProfile,
    { certificates, ...(parse ? { parse } : {}) },
    backend,
  );
  if (!verified.valid) return verified;
  const { certificate, algorithm } = verified;

  const expected =
    typeof imprint === 'function'
      ? { algorithm: info.imprint.algorithm, digest: await imprint(info.imprint.algorithm) }
      : imprint;
  if (info.imprint.algorithm !== expected.algorithm || !equalBytes(info.imprint.digest, expected.digest))
    refuse('imprint', 'the token is over other data');
  if (nonce !== undefined && info.nonce !== nonce)
    refuse('nonce', 'the token answers another request: its nonce differs');
  if (policy !== undefined && info.policy !== policy)
    refuse('policy', `the token is of the policy ${info.policy}, not ${policy}`);
  const fault = tsaUsageFault(certificate);
  if (fault) refuse('tsa-usage', fault);
  if (info.tsa && !names(info.tsa, certificate))
    refuse('tsa-name', 'the token names another authority than its certificate');
  return { valid: true, info, signed, certificate, certificates: verified.certificates, algorithm };
}

/**
 * Checks a time-stamp token in full (RFC 3161 §2.2 and §2.3, ETSI EN 319 422): signature, signing certificate and its
 * usage, imprint, nonce and policy. Left to the caller: the path and revocation of the certificate at `genTime`.
 * @param token DER, or what `readToken` made of it
 * @returns never throws for a wrong token: that is a result
 */
export async function checkToken(
  token: TimestampToken | Uint8Array,
  expectation: TokenExpectation,
  backend: CryptoBackend,
): Promise<TokenCheck> {
  try {
    return await check(token instanceof Uint8Array ? readToken(token) : token, expectation, backend);
  } catch (error) {
    return refusalFrom(error, tokenReasons);
  }
}
