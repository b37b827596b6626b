import { digestLengths, readDigestAlgorithm } from '../cms/algorithm.ts';
import { membersOf } from '../cms/members.ts';
import { type DerNode, readDer } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import { boolean, integer, oid, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { encodeImprint, type Imprint } from './imprint.ts';
import type { Failure } from './response.ts';

/** TimeStampReq (RFC 3161 §2.4.1) without extensions. */
export interface TimestampRequest {
  readonly imprint: Imprint;
  readonly policy?: string;
  readonly nonce?: bigint;
  /** Whether the token must carry the certificate of the authority. */
  readonly certReq: boolean;
}

/** A request without extensions is below this with the longest hash, policy and nonce. */
const maxLength = 1024;
const maxNonceLength = 64;

export function encodeRequest({ imprint, policy, nonce, certReq }: TimestampRequest): Uint8Array {
  return sequence(
    integer(1),
    encodeImprint(imprint),
    ...(policy === undefined ? [] : [oid(policy)]),
    ...(nonce === undefined ? [] : [integer(nonce)]),
    ...(certReq ? [boolean(true)] : []),
  );
}

function refuse(failure: Failure, message: string): never {
  throw new ConsulError('TIMESTAMP_REQUEST_INVALID', message, { details: [{ where: failure, message }] });
}

function readImprint(node: DerNode): Imprint {
  const members = membersOf(node);
  const algorithm = readDigestAlgorithm(members.required('hashAlgorithm'));
  const digest = members.required('hashedMessage').octets();
  members.end();
  if (!algorithm) return refuse('badAlg', 'the hash algorithm is not SHA-256, SHA-384 or SHA-512');
  if (digest.length !== digestLengths[algorithm])
    refuse('badDataFormat', `a digest of ${digest.length} bytes for ${algorithm}`);
  return { algorithm, digest };
}

function readMembers(der: Uint8Array): TimestampRequest {
  const members = membersOf(readDer(der));
  const version = members.required('version').integer();
  if (version !== 1) refuse('badRequest', `a request of version ${version}`);
  const imprint = readImprint(members.required('messageImprint'));
  const policy = members.optional(tag.oid)?.oid();
  const nonce = members.optional(tag.integer);
  const certReq = members.optional(tag.boolean);
  const extensions = members.optional(contextTag(0, true));
  members.end();
  if (nonce && nonce.content.length > maxNonceLength)
    nonce.fail(`a nonce of more than ${maxNonceLength} octets`);
  // X.690 §11.5: a DEFAULT value is never encoded.
  if (certReq && !certReq.boolean()) certReq.fail('the default of certReq written out');
  if (extensions) refuse('unacceptedExtension', 'no extension of a request is supported');
  return {
    imprint,
    ...(policy === undefined ? {} : { policy }),
    ...(nonce ? { nonce: nonce.bigint() } : {}),
    certReq: certReq !== undefined,
  };
}

/**
 * Reads a request strictly (RFC 3161 §2.4.1, hashes of ETSI TS 119 312).
 * @throws ConsulError TIMESTAMP_REQUEST_INVALID whose first detail names the PKIFailureInfo to answer with
 */
export function readRequest(der: Uint8Array): TimestampRequest {
  if (der.length > maxLength) refuse('badDataFormat', `a request of ${der.length} bytes`);
  try {
    return readMembers(der);
  } catch (cause) {
    if (!(cause instanceof ConsulError) || cause.code !== 'DER_INVALID') throw cause;
    return refuse('badDataFormat', `the request is malformed: ${cause.message}`);
  }
}
