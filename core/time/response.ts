import { membersOf } from '../cms/members.ts';
import { type DerNode, readDer } from '../der/reader.ts';
import { tag } from '../der/tags.ts';
import { element, integer, sequence, utf8String } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';

/** PKIFailureInfo of RFC 3161 §2.4.2: the bit of each reason. */
const failureBits = {
  badAlg: 0,
  badRequest: 2,
  badDataFormat: 5,
  timeNotAvailable: 14,
  unacceptedPolicy: 15,
  unacceptedExtension: 16,
  addInfoNotAvailable: 17,
  systemFailure: 25,
} as const;

export type Failure = keyof typeof failureBits;

/** PKIStatus, in the order of its values. */
const statuses = [
  'granted',
  'grantedWithMods',
  'rejection',
  'waiting',
  'revocationWarning',
  'revocationNotification',
] as const;

type Status = (typeof statuses)[number];

/** TimeStampResp (RFC 3161 §2.4.2). The token is not checked. */
export type TimestampResponse =
  | { readonly status: 'granted' | 'grantedWithMods'; readonly token: Uint8Array }
  | {
      readonly status: Exclude<Status, 'granted' | 'grantedWithMods'>;
      readonly failures: readonly Failure[];
      readonly text: readonly string[];
    };

const grantedStatus = sequence(integer(statuses.indexOf('granted')));

export const encodeGranted = (token: Uint8Array): Uint8Array => sequence(grantedStatus, token);

/** A named bit list with one bit set (X.690 §11.2.2: it ends with that bit). */
function failureInfo(failure: Failure): Uint8Array {
  const bit = failureBits[failure];
  const content = new Uint8Array(2 + (bit >> 3));
  content[0] = 7 - (bit & 7);
  content[content.length - 1] = 0x80 >> (bit & 7);
  return element(tag.bitString, content);
}

/** @param text what went wrong, for a person */
export const encodeRejection = (failure: Failure, text: string): Uint8Array =>
  sequence(
    sequence(integer(statuses.indexOf('rejection')), sequence(utf8String(text)), failureInfo(failure)),
  );

function readFailures(node: DerNode | undefined): readonly Failure[] {
  const bits = node?.namedBits() ?? [];
  return (Object.keys(failureBits) as Failure[]).filter((name) => bits[failureBits[name]]);
}

/**
 * Reads a response strictly: a token exactly where one is granted.
 * @throws ConsulError DER_INVALID
 */
export function readResponse(der: Uint8Array): TimestampResponse {
  const response = membersOf(readDer(der));
  const statusInfo = response.required('status');
  const token = response.optional(tag.sequence);
  response.end();
  const members = membersOf(statusInfo);
  const status = statuses[members.required('status').integer()];
  const text =
    members.optional(tag.sequence)?.children.map((line) => line.expect(tag.utf8String).text()) ?? [];
  const failInfo = members.optional(tag.bitString);
  members.end();
  if (!status) return statusInfo.fail('a status that the standard does not know');
  if (status === 'granted' || status === 'grantedWithMods') {
    if (!token || failInfo) return statusInfo.fail('a granted response without a token, or with a failure');
    return { status, token: token.bytes };
  }
  if (token) statusInfo.fail('a token in a response that grants none');
  return { status, failures: readFailures(failInfo), text };
}

/** The failure that a ConsulError TIMESTAMP_REQUEST_INVALID of `readRequest` names. */
export function failureOf(error: unknown): Failure | undefined {
  if (!(error instanceof ConsulError) || error.code !== 'TIMESTAMP_REQUEST_INVALID') return undefined;
  const where = error.details[0]?.where ?? '';
  return where in failureBits ? (where as Failure) : undefined;
}
