/** ETSI EN 319 102-1 §5.1.3: the three main indications. */
export type Indication = 'TOTAL-PASSED' | 'INDETERMINATE' | 'TOTAL-FAILED';

/** ETSI EN 319 102-1 table 6, those that can come out here. */
export type SubIndication =
  | 'FORMAT_FAILURE'
  | 'HASH_FAILURE'
  | 'SIG_CRYPTO_FAILURE'
  | 'REVOKED'
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  | 'SIG_CONSTRAINTS_FAILURE'
  | 'CHAIN_CONSTRAINTS_FAILURE'
  | 'CRYPTO_CONSTRAINTS_FAILURE'
  | 'NO_SIGNING_CERTIFICATE_FOUND'
  | 'NO_CERTIFICATE_CHAIN_FOUND'
  | 'OUT_OF_BOUNDS_NO_POE'
  | 'REVOKED_NO_POE'
  | 'TIMESTAMP_ORDER_FAILURE'
  | 'TRY_LATER'
  | 'SIGNED_DATA_NOT_FOUND';

export type Outcome = 'passed' | 'failed' | 'indeterminate';

/** One thing that was checked, and why it came out so. `id` is stable; `message` is for people. */
export interface Check {
  readonly id: string;
  readonly outcome: Outcome;
  readonly subIndication?: SubIndication;
  readonly message: string;
}
