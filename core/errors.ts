/**
 * The closed list of error codes. A code is stable for ever: scripts and manuals refer to it.
 * `advice` says in one sentence what a person can do; `consul explain CODE` and docs/errors.md print it.
 */
export const errorCodes = {
  USAGE: 'Run the command with --help to see its arguments.',
  INTERNAL: 'This is a defect of consul: run the command again with --debug and report what it prints.',
  INSTALLATION_INVALID:
    'Run `npm ci` in the folder of consul with the Node.js that is to run it, then `npm run build`.',
  FILE_UNREADABLE: 'Check that the file exists, is a regular file and may be read by you.',
  FILE_UNWRITABLE: 'Name another file, at a place where you may write.',
  FILE_EXISTS: 'Choose another path, or move the existing file away first.',
  DISK_FULL: 'Free some space and run the command again: nothing half-written was kept.',
  JSON_MALFORMED: 'Correct the JSON at the line and column given.',
  SCHEMA_VIOLATION: 'Correct every field listed; the pointers follow RFC 6901.',

  STORE_BUSY: 'Another process is writing to this post: wait for it to end, then run the command again.',
  POST_MISSING: 'Create the post with `consul init`, or name its folder with --home or CONSUL_HOME.',
  POST_EXISTS: 'This folder already holds a post: choose another --home.',
  POST_INVALID: 'Correct post.toml at the place given.',
  POST_NEWER: 'This post was written by a newer consul: install that version or a later one.',
  POST_ROLLED_BACK:
    'The database is older than the log checkpoint kept outside it: a backup was restored. Restore the newest copy; see docs/operations.md.',
  PASSPHRASE_WRONG: 'Give the right passphrase by prompt, --passphrase-file or --passphrase-fd.',
  PASSPHRASE_MISSING: 'Give the passphrase with --passphrase-file or --passphrase-fd, or run on a terminal.',
  KEY_INVALID:
    'The private key file is damaged or of a kind that is not supported: restore it from the backup.',
  KEY_EXISTS: 'Choose another label or identifier: a key that exists is never replaced.',
  TOKEN_UNAVAILABLE:
    'Check the module, the token and the key that post.toml names, and that the token is connected.',
  PIN_WRONG: 'Correct the PIN before trying again: a token locks itself after a few wrong ones.',
  PIN_MISSING: 'Give the PIN of the token with --pin-file or --pin-fd, or run on a terminal.',
  CERTIFICATE_EXPIRED: 'Renew the certificate before issuing; documents already issued stay valid.',
  CERTIFICATE_NOT_YET_VALID: 'Check the clock of this machine, or wait until the certificate is valid.',
  CERTIFICATE_UNKNOWN: 'See the serial numbers with `consul pki list`.',
  CERTIFICATE_REVOKED: 'A revocation is for good; issue another certificate.',
  CERTIFICATE_IN_USE:
    'The post signs with this certificate: `consul pki rotate` it first, or report its key with `consul pki compromised`.',
  CERTIFICATE_INVALID: 'The certificate is damaged or does not follow RFC 5280 and cannot be used.',
  CRL_UNAVAILABLE:
    'Sign a new revocation list with `consul pki crl`, for that of the root with --root-key FILE; then `consul extend --due` raises what was issued meanwhile.',
  ALGORITHM_UNSUPPORTED: 'This platform cannot check such a signature: use the consul command on a computer.',

  PROCEDURE_UNKNOWN: 'List the procedures with `consul procedures list`.',
  PROCEDURE_INVALID: 'Correct the definition at the path given, then run `consul procedures check`.',
  REQUEST_UNKNOWN: 'Check the reference; `consul request list` shows the open requests.',
  REFERENCE_INVALID: 'The check character does not match: read the reference again.',
  REQUEST_WRONG_STATE: 'See `consul request show REFERENCE` for its state and what may be done now.',
  REQUEST_INCOMPLETE: 'Add what is missing, or decide with a reason.',
  RULE_VIOLATED: 'Correct the values named by the rule.',
  APPROVAL_INVALID:
    'The agent signs the decision again with `consul request decide REFERENCE --accept --key FILE`.',
  REASON_REQUIRED: 'Give the reason with --reason: an adverse act always has one.',
  PIECE_UNKNOWN: 'See the kinds of piece with `consul procedures show ID`.',
  PIECE_UNREADABLE: 'Check that the file exists and may be read.',
  PIECE_TOO_LARGE: 'Reduce the file (scan at 150 to 200 dpi) and send it again.',
  PIECE_TYPE: 'Send a PDF, JPEG or PNG file whose content is of the type its name claims.',

  DOCUMENT_UNKNOWN: 'Check the number: it stands on the document and in the register.',
  NUMBER_CONFLICT: 'Another process took the number: run the command again.',
  ISSUE_FAILED: 'Run the same command again: it continues where it stopped.',
  TEXT_UNPRINTABLE: 'The shipped fonts have no glyph for this character: correct the value or add a font.',
  TSA_UNREACHABLE: 'Run the command again later: the document waits as "timestamp pending".',
  TSA_INVALID: 'The timestamp authority gave a wrong answer: check its address and certificate.',
  TIMESTAMP_REQUEST_INVALID: 'Send a DER time-stamp request per RFC 3161 section 2.4.1.',

  DER_INVALID: 'The file is damaged or not DER.',
  CMS_INVALID: 'The signature container is damaged or outside the accepted profile.',
  CBOR_INVALID: 'The data is damaged or not deterministic CBOR.',
  SEAL_INVALID: 'This is not a seal of a consular document.',
  DISCLOSURE_INVALID:
    'What is shown is damaged or does not belong to the seal: ask the holder for another presentation.',
  STATUS_LIST_INVALID: 'The status list is damaged or of another form: fetch it again from the consulate.',
  SEAL_FOREIGN: 'The code was read, but it is of another system.',
  PICTURE_UNREADABLE: 'Scan the page again, flat and sharp, at 150 dpi or more.',
  PDF_INVALID: 'The file is damaged, truncated or not a PDF.',
  PDF_TOO_COMPLEX: 'The file exceeds the bounds of the reader and is refused.',
  SIGNATURE_NOT_PERMITTED:
    'A signature of this document forbids this one: name an empty field, or issue anew.',
  TRUST_MISSING: 'Name the trust bundle with --trust; it is public, ask the consulate for it.',
  TRUST_INVALID: 'The trust bundle is damaged or was not signed by the expected root.',
  TRUST_EXPIRED: 'Fetch the present trust bundle from the consulate.',
  TRUST_ROLLBACK: 'A newer trust bundle was seen before: use that one or a later one.',

  LOG_INCONSISTENT: 'The transparency log does not match: stop issuing and see docs/operations.md.',
  LOG_PROOF_INVALID: 'The log proof is damaged or belongs to another document.',
  CHECKPOINT_INVALID: 'The checkpoint is damaged or is not one of this log.',
  JOURNAL_BROKEN: 'The audit journal was altered: keep the folder as it is and see docs/operations.md.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** One finding inside an error: where (a JSON pointer, a file, a field), and what is wrong there. */
export interface ErrorDetail {
  readonly where: string;
  readonly label?: string;
  readonly message: string;
}

/**
 * The only error that consul throws on purpose. The message says what went wrong and where, in one line,
 * without secrets or personal data; what to do follows from the code.
 */
export class ConsulError extends Error {
  override readonly name = 'ConsulError';
  /** By name: bundles that are loaded apart, as the verifier's, each have this class. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'ConsulError';
  }

  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: readonly ErrorDetail[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
  }
}
