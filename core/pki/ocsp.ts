import { equalBytes } from '../bytes.ts';
import { type DerNode, readDer } from '../der/reader.ts';
import { contextTag, tag } from '../der/tags.ts';
import { ConsulError } from '../errors.ts';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from './algorithm.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { type RevokedEntry, readReason } from './crl.ts';
import { readExtensionList } from './extensions.ts';
import { type Name, readName } from './name.ts';
import { type CertId, readCertId } from './ocsp-cert-id.ts';

export const ocspOid = {
  basicResponse: '1.3.6.1.5.5.7.48.1.1',
  nonce: '1.3.6.1.5.5.7.48.1.2',
  crlReferences: '1.3.6.1.5.5.7.48.1.3',
  noCheck: '1.3.6.1.5.5.7.48.1.5',
  archiveCutoff: '1.3.6.1.5.5.7.48.1.6',
  extendedRevoke: '1.3.6.1.5.5.7.48.1.9',
  signing: '1.3.6.1.5.5.7.3.9',
} as const;

/** Entry extensions of CRLs, which RFC 6960 §4.4.5 allows in single responses. */
const entryOid = { reason: '2.5.29.21', invalidityDate: '2.5.29.24' } as const;

export type OcspStatus =
  | { readonly status: 'good' }
  | ({ readonly status: 'revoked' } & RevokedEntry)
  | { readonly status: 'unknown' };

/** What a responder says of one certificate. */
export interface SingleResponse {
  readonly certificate: CertId;
  readonly status: OcspStatus;
  readonly thisUpdate: Date;
  /** Absent: newer information is to be had at any time (RFC 6960 §2.4). */
  readonly nextUpdate?: Date;
  /** Certificates that expired after this date are still answered for (RFC 6960 §4.4.4). */
  readonly archiveCutoff?: Date;
  /** A critical extension that is not understood: nothing may be concluded. */
  readonly notUnderstood?: string;
}

/** ResponderID: by name, or by the SHA-1 of the key. */
export type ResponderId =
  | { readonly by: 'name'; readonly name: Name }
  | { readonly by: 'key'; readonly hash: Uint8Array };

/** A successful OCSP response of the basic type, read and not yet judged: `ocspEvidence` does that. */
export interface OcspResponse {
  readonly bytes: Uint8Array;
  readonly tbs: Uint8Array;
  readonly responder: ResponderId;
  readonly producedAt: Date;
  readonly responses: readonly SingleResponse[];
  readonly nonce?: Uint8Array;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
  /** Untrusted: the responder's own, perhaps with others. */
  readonly certificates: readonly Certificate[];
  readonly notUnderstood?: string;
}

const maxLength = 1 << 24;
const maxCertificates = 16;
/** RFC 9654 §2.1. */
const maxNonce = 128;

/** OCSPResponseStatus (RFC 6960 §4.2.1); 4 is not used. */
const statusNames: Readonly<Record<number, string>> = {
  1: 'the request was malformed',
  2: 'an internal error',
  3: 'try later',
  5: 'the request must be signed',
  6: 'the request is not authorized',
};

/** RFC 6960 §4.1.1 and RFC 9654 §2.1: an OCTET STRING of 1 to 128 octets inside that of the extension. */
export function readNonce(value: Uint8Array): Uint8Array {
  const node = readDer(value);
  const nonce = node.octets();
  if (nonce.length === 0 || nonce.length > maxNonce) node.fail('a nonce of a length that is not allowed');
  return nonce;
}

const general = (node: DerNode): Date => node.expect(tag.generalizedTime).time();

function readStatus(node: DerNode): OcspStatus {
  switch (node.tag) {
    case contextTag(0, false):
      node.implicit(tag.null);
      return { status: 'good' };
    case contextTag(1, true): {
      const [date, reason, ...rest] = node.children;
      if (!date || rest.length > 0) return node.fail('malformed revocation information');
      return {
        status: 'revoked',
        date: general(date),
        reason: reason ? readReason(reason.explicit(contextTag(0, true))) : 'unspecified',
      };
    }
    case contextTag(2, false):
      node.implicit(tag.null);
      return { status: 'unknown' };
    default:
      return node.fail('not a CertStatus');
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function readSingle(node: DerNode): SingleResponse {
  const [certificate, status, thisUpdate, ...optional] = node.sequence();
  if (!certificate || !status || !thisUpdate) return node.fail('a SingleResponse that is cut short');
  const single: Writable<SingleResponse> = {
    certificate: readCertId(certificate),
    status: readStatus(status),
    thisUpdate: general(thisUpdate),
  };
  if (optional[0]?.tag === contextTag(0, true))
    single.nextUpdate = general((optional.shift() as DerNode).explicit(contextTag(0, true)));
  if (optional[0]?.tag === contextTag(1, true))
    for (const [identifier, { critical, value }] of readExtensionList(
      (optional.shift() as DerNode).explicit(contextTag(1, true)),
    )) {
      if (identifier === ocspOid.archiveCutoff) single.archiveCutoff = general(readDer(value));
      else if (identifier === entryOid.reason) readReason(readDer(value));
      else if (identifier === entryOid.invalidityDate) general(readDer(value));
      else if (critical) single.notUnderstood = `a critical extension ${identifier} for a certificate`;
    }
  if (optional.length > 0) node.fail('an unknown field of a SingleResponse');
  if (single.nextUpdate && single.nextUpdate < single.thisUpdate) node.fail('an update before itself');
  return single;
}

function readResponder(node: DerNode): ResponderId {
  if (node.tag === contextTag(1, true)) {
    const name = readName(node.explicit(node.tag));
    return name.rdns.length > 0 ? { by: 'name', name } : node.fail('a responder without a name');
  }
  if (node.tag !== contextTag(2, true)) return node.fail('not a ResponderID');
  const hash = node.explicit(node.tag).octets();
  return hash.length === 20 ? { by: 'key', hash } : node.fail('a key digest of a wrong length');
}

type ResponseData = Pick<OcspResponse, 'responder' | 'producedAt' | 'responses' | 'nonce' | 'notUnderstood'>;

function readResponseData(node: DerNode): ResponseData {
  const fields = [...node.sequence()];
  // Version 1 is the default, which DER leaves out; there is no other.
  if (fields[0]?.tag === contextTag(0, true)) node.fail('a version that is written out');
  const [responder, producedAt, responses, extensions, ...rest] = fields;
  if (!responder || !producedAt || !responses || rest.length > 0) return node.fail('not a ResponseData');
  const data: Writable<ResponseData> = {
    responder: readResponder(responder),
    producedAt: general(producedAt),
    responses: responses.sequence().map(readSingle),
  };
  if (data.responses.length === 0) responses.fail('a response about nothing');
  if (extensions)
    for (const [identifier, { critical, value }] of readExtensionList(
      extensions.explicit(contextTag(1, true)),
    )) {
      if (identifier === ocspOid.nonce) data.nonce = readNonce(value);
      else if (identifier === ocspOid.extendedRevoke) readDer(value).expect(tag.null);
      else if (critical) data.notUnderstood = `a critical extension ${identifier}`;
    }
  return data;
}

/** The content of the only kind of ResponseBytes that is accepted. */
function basicResponse(root: DerNode): Uint8Array {
  const [status, response, ...more] = root.sequence();
  if (!status || more.length > 0) return root.fail('not an OCSPResponse');
  const code = status.integer(tag.enumerated);
  if (code !== 0) return status.fail(`no answer: ${statusNames[code] ?? `status ${code}`}`);
  if (!response) return root.fail('a successful response without an answer');
  const bytes = response.explicit(contextTag(0, true));
  const [type, content, ...rest] = bytes.sequence();
  if (!type || !content || rest.length > 0) return bytes.fail('not ResponseBytes');
  if (type.oid() !== ocspOid.basicResponse) type.fail('a response that is not of the basic type');
  return content.octets();
}

function readResponse(der: Uint8Array): OcspResponse {
  const root = readDer(der);
  const basic = readDer(basicResponse(root));
  const [tbs, algorithm, signature, certificates, ...more] = basic.sequence();
  if (!tbs || !algorithm || !signature || more.length > 0) return basic.fail('not a BasicOCSPResponse');
  const list = certificates?.explicit(contextTag(0, true)).sequence() ?? [];
  if (certificates && list.length === 0) certificates.fail('an empty list of certificates');
  if (list.length > maxCertificates) basic.fail(`more than ${maxCertificates} certificates`);
  const read = list.map((node) => parseCertificate(node.bytes));
  if (read.some((one, i) => read.slice(0, i).some((other) => equalBytes(one.bytes, other.bytes))))
    basic.fail('a certificate that stands twice');
  return {
    bytes: root.bytes,
    tbs: tbs.bytes,
    ...readResponseData(tbs),
    signatureAlgorithm: readAlgorithmIdentifier(algorithm),
    signature: signature.bitOctets(),
    certificates: read,
  };
}

/**
 * Reads an OCSP response strictly as RFC 6960 §4.2 has it: DER, successful, of the basic type, version 1; at most
 * 16 MiB and 16 certificates.
 * @throws ConsulError CERTIFICATE_INVALID, also where the responder gave an error in place of an answer
 */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  if (der.length > maxLength)
    throw new ConsulError('CERTIFICATE_INVALID', `an OCSP response of ${der.length} bytes`);
  try {
    return readResponse(new Uint8Array(der));
  } catch (cause) {
    if (!(cause instanceof ConsulError)) throw cause;
    throw new ConsulError('CERTIFICATE_INVALID', `the OCSP response is malformed: ${cause.message}`, {
      cause,
    });
  }
}
