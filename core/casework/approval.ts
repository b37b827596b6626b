import { equalBytes, toHex } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { fromBase64 } from '../log/base64.ts';
import { parseCertificate } from '../pki/certificate.ts';
import { commonName } from '../pki/name.ts';
import { openStatement } from '../pki/signed-statement.ts';
import type { Definition } from '../procedures/definition.ts';
import { demandsSignatures } from '../procedures/workflow.ts';
import { canonicalJson, sha256 } from '../store/canonical.ts';
import { findCertificate } from '../store/certificate.ts';
import type { RequestFile } from '../store/request.ts';
import type { CertificateRow } from '../store/schema.ts';
import type { Reader } from '../store/store.ts';
import { readTimeline } from '../store/timeline.ts';
import type { EventDetails } from './event.ts';

/** How many agents sign the decision where a procedure demands it. */
const needed = 2;

/** The signature of an agent under the decision on a request. */
export interface Approval {
  /** Serial number of the agent's certificate. */
  readonly certificate: string;
  /** The name in it. */
  readonly agent: string;
  readonly at: string;
  /** Why it does not count; undefined where it does. */
  readonly fault: string | undefined;
  /** Where the register has that certificate. */
  readonly row?: CertificateRow;
}

interface Signed {
  readonly certificate: string;
  readonly signature: Uint8Array;
  /** RFC 3339, as it stands in the text that was signed. */
  readonly at: string;
}

/**
 * What an agent signs: the decision, and by their digests the data and the pieces that it rests on (RFC 8785).
 * @param at time of the signature, RFC 3339
 */
export function decisionText({ request, pieces }: RequestFile, at: string): string {
  const { reference, procedure, data, decision, decidedAt, decidedBy } = request;
  const { decisionReason, decisionGround, decisionContest } = request;
  return canonicalJson({
    kind: 'consul-decision',
    version: 1,
    reference,
    procedure,
    outcome: decision,
    reason: decisionReason,
    ground: decisionGround,
    contest: decisionContest,
    decidedAt,
    decidedBy,
    data: toHex(sha256(data)),
    pieces: pieces.flatMap(({ ordinal, state, sha256: digest }) =>
      digest ? [{ ordinal, state, sha256: toHex(digest) }] : [],
    ),
    signedAt: at,
  });
}

function certificateFault(row: CertificateRow, at: string): string | undefined {
  if (row.profile !== 'agent') return 'the certificate is not that of an agent';
  if (at < row.notBefore || at > row.notAfter) return 'the certificate was not in force';
  if (row.revokedAt !== null && row.revokedAt <= at) return 'the certificate was revoked';
  return undefined;
}

async function check(
  db: Reader,
  file: RequestFile,
  { certificate, signature, at }: Signed,
): Promise<Approval> {
  const row = await findCertificate(db, certificate);
  if (!row) return { certificate, agent: certificate, at, fault: 'the register has no such certificate' };
  const found = { certificate: row.serial, agent: commonName(parseCertificate(row.der).subject), at, row };
  const fault = certificateFault(row, at);
  if (fault !== undefined) return { ...found, fault };
  const statement = await openStatement(signature, row.der, nodeBackend);
  if ('fault' in statement) return { ...found, fault: statement.fault };
  const other = statement.text !== decisionText(file, at);
  return { ...found, fault: other ? 'it is under another decision than the present one' : undefined };
}

/** All signatures under the decision on a request, as the timeline tells them, each checked. */
export async function approvalsOf(db: Reader, file: RequestFile): Promise<readonly Approval[]> {
  const timeline = await readTimeline(db, file.request.reference);
  const signed = timeline.flatMap(({ kind, detail, at }) => {
    if (kind !== 'request.approved') return [];
    const { certificate, signature } = JSON.parse(detail) as EventDetails['request.approved'];
    return [{ certificate, signature: fromBase64(signature) ?? new Uint8Array(), at }];
  });
  const checked: Approval[] = [];
  for (const one of signed) checked.push(await check(db, file, one));
  return checked;
}

/** Whether two certificates are of one agent: the same name or the same key. */
const isSameAgent = (one: CertificateRow, other: CertificateRow): boolean =>
  one.subject === other.subject ||
  equalBytes(parseCertificate(one.der).spki, parseCertificate(other.der).spki);

/** The signatures that count: one of each agent. */
async function countedApprovals(db: Reader, file: RequestFile) {
  const counted: (Approval & { readonly row: CertificateRow })[] = [];
  for (const { row, ...approval } of await approvalsOf(db, file))
    if (row && approval.fault === undefined && !counted.some((one) => isSameAgent(one.row, row)))
      counted.push({ ...approval, row });
  return counted;
}

/**
 * Refuses a signature that would not count.
 * @throws ConsulError APPROVAL_INVALID; REQUEST_WRONG_STATE when this agent signed the decision already
 */
export async function demandApproval(db: Reader, file: RequestFile, signed: Signed): Promise<void> {
  const { fault, agent, row } = await check(db, file, signed);
  const { reference } = file.request;
  if (fault !== undefined || !row)
    throw new ConsulError('APPROVAL_INVALID', `the signature under the decision on ${reference}: ${fault}`);
  if ((await countedApprovals(db, file)).some((before) => isSameAgent(before.row, row)))
    throw new ConsulError(
      'REQUEST_WRONG_STATE',
      `${agent} signed the decision on ${reference} already: another signature is another agent's`,
    );
}

/**
 * The certificates of the agents whose signatures a procedure demands before its document is issued.
 * @returns none where the procedure demands none
 * @throws ConsulError REQUEST_INCOMPLETE where agents have still to sign
 */
export async function demandedApprovals(
  db: Reader,
  file: RequestFile,
  definition: Pick<Definition, 'workflow'>,
): Promise<readonly string[]> {
  if (!demandsSignatures(definition)) return [];
  const good = await countedApprovals(db, file);
  if (good.length >= needed) return good.map(({ certificate }) => certificate);
  const by = good.map(({ agent }) => agent).join(', ') || 'nobody yet';
  throw new ConsulError(
    'REQUEST_INCOMPLETE',
    `the decision on ${file.request.reference} needs the signatures of ${needed} agents; signed by: ${by}`,
  );
}
