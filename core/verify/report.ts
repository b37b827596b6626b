import type { SignatureLevel } from '../pdf/level.ts';
import type { ForeignSystem } from '../seal/foreign.ts';

/** ETSI EN 319 102-1 §5.1.3: the three main indications. */
export type Indication = 'TOTAL-PASSED' | 'INDETERMINATE' | 'TOTAL-FAILED';

/** ETSI EN 319 102-1 tables 5 and 6: every sub-indication that can come out here, with its main indication. */
export const subIndications = {
  FORMAT_FAILURE: 'TOTAL-FAILED',
  HASH_FAILURE: 'TOTAL-FAILED',
  SIG_CRYPTO_FAILURE: 'TOTAL-FAILED',
  REVOKED: 'TOTAL-FAILED',
  EXPIRED: 'TOTAL-FAILED',
  NOT_YET_VALID: 'TOTAL-FAILED',
  SIG_CONSTRAINTS_FAILURE: 'INDETERMINATE',
  CHAIN_CONSTRAINTS_FAILURE: 'INDETERMINATE',
  CERTIFICATE_CHAIN_GENERAL_FAILURE: 'INDETERMINATE',
  CRYPTO_CONSTRAINTS_FAILURE: 'INDETERMINATE',
  NO_SIGNING_CERTIFICATE_FOUND: 'INDETERMINATE',
  NO_CERTIFICATE_CHAIN_FOUND: 'INDETERMINATE',
  OUT_OF_BOUNDS_NO_POE: 'INDETERMINATE',
  REVOKED_NO_POE: 'INDETERMINATE',
  TIMESTAMP_ORDER_FAILURE: 'INDETERMINATE',
  TRY_LATER: 'INDETERMINATE',
  SIGNED_DATA_NOT_FOUND: 'INDETERMINATE',
} as const satisfies Record<string, Exclude<Indication, 'TOTAL-PASSED'>>;

export type SubIndication = keyof typeof subIndications;

export type CheckId =
  | 'trust-bundle'
  | 'structure'
  | 'coverage'
  | 'signature-format'
  | 'signature-digest'
  | 'signature-value'
  | 'algorithms'
  | 'signer'
  | 'timestamp'
  | 'timestamp-authority'
  | 'archive-timestamp'
  | 'further-signature'
  | 'revocation'
  | 'seal'
  | 'seal-signer'
  | 'seal-signature'
  | 'record'
  | 'record-digest'
  | 'record-seal'
  | 'page-text'
  | 'qr-code'
  | 'machine-readable-zone'
  | 'travel-seal'
  | 'log-proof'
  | 'disclosures'
  | 'status'
  | 'validity';

/** One thing that was checked, and why it came out so. `id` is stable; `message` is for people. */
export interface Check {
  readonly id: CheckId;
  /** `not-checked` is for what this verifier has no means to check; it takes nothing from the verdict. */
  readonly outcome: 'passed' | 'failed' | 'indeterminate' | 'not-checked';
  readonly subIndication?: SubIndication;
  readonly message: string;
}

/** A field that the reader compares with the paper in their hand. */
export interface ShownField {
  readonly label: string;
  readonly value: string;
}

/** Private fields that the holder of a document shows, proven by its seal, and how many there are besides. */
export interface Disclosed {
  readonly fields: readonly ShownField[];
  readonly withheld: number;
}

/** What was found of a seal of another system, in the words of Doc 9303-13 appendix D. */
export interface ForeignFinding {
  readonly system: ForeignSystem;
  /** State or authority and kind of document as the seal names them; empty where it names none or cannot be read. */
  readonly issuer: string;
  readonly kind: string;
  readonly status: 'VALID' | 'INVALID';
  readonly reason?: string;
  /** The signature by itself. */
  readonly signature: 'valid' | 'invalid' | 'not-checked';
}

export interface FurtherSigner {
  readonly signer: string;
  /** RFC 3339; proven by its time-stamp. */
  readonly signedAt: string;
}

/**
 * The verdict on one file, picture or text. Its JSON form is stable: members are added, never changed or taken away
 * (docs/verify-json.md).
 */
export interface Report {
  readonly version: 1;
  /**
   * `travel-seal`: the ICAO seal of an emergency travel document, without the document; `foreign-seal`: the seal of
   * another system, which no post of the bundle issued.
   */
  readonly subject: 'pdf' | 'seal' | 'travel-seal' | 'foreign-seal' | 'unknown';
  readonly indication: Indication;
  readonly subIndication?: SubIndication;
  /** One sentence that a clerk can act on. */
  readonly summary: string;
  readonly checks: readonly Check[];
  /** What the document says of itself; only what is covered by a valid seal signature. */
  readonly document?: {
    readonly type: string;
    readonly number: string;
    readonly post: string;
    readonly issuedAt: string;
    readonly validFrom?: string;
    readonly validUntil?: string;
  };
  /** RFC 3339; the time proven by the time-stamp. */
  readonly signedAt?: string;
  readonly signer?: string;
  /** PAdES baseline level that the checks have shown. */
  readonly level?: SignatureLevel;
  /** Of those who signed after the post. */
  readonly furtherSignatures?: readonly FurtherSigner[];
  /** Of a seal of another system only. */
  readonly foreign?: ForeignFinding;
  /** Of a seal of another system also where it is not proven: only a passed report vouches for them. */
  readonly fields: readonly ShownField[];
  /** Present only where private fields were shown with the seal, and each is proven. */
  readonly disclosed?: Disclosed;
  /** True when only the seal was seen, so that the fields must be compared with the paper by eye. */
  readonly compareWithPaper: boolean;
  readonly trust: {
    readonly root: string;
    readonly sequence: number;
    readonly issued: string;
    readonly nextUpdate: string;
    readonly freshness: 'current' | 'stale' | 'expired' | 'not-yet-valid';
  };
  readonly verifiedAt: string;
}

/** The verdict that follows from the checks: the first failure decides, else the first doubt (EN 319 102-1 §5.1.3). */
export function conclude(
  checks: readonly Check[],
): Pick<Report, 'indication' | 'subIndication'> & { cause?: Check } {
  const cause =
    checks.find((check) => check.outcome === 'failed') ??
    checks.find((check) => check.outcome === 'indeterminate');
  if (!cause?.subIndication) return { indication: 'TOTAL-PASSED' };
  return { indication: subIndications[cause.subIndication], subIndication: cause.subIndication, cause };
}
