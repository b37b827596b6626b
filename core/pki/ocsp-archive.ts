import type { CryptoBackend } from '../crypto/backend.ts';
import { tag } from '../der/tags.ts';
import { element, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import type { Certificate } from './certificate.ts';
import { parseOcspResponse } from './ocsp.ts';
import { type CertIdHash, type IssuerId, isIssuedBy, issuerIdOf } from './ocsp-cert-id.ts';
import { type OcspRequest, parseOcspRequest } from './ocsp-request.ts';

/** Answers that were signed before, by the authority that they speak for. */
export interface OcspArchive {
  readonly authorities: readonly Certificate[];
  /** @param serial as it is encoded in the certificate */
  find(authority: Certificate, serial: Uint8Array, hash: CertIdHash): Promise<Uint8Array | undefined>;
}

/** What is sent: DER of an OCSPResponse, and how long it may be kept where it is an answer. */
export interface OcspReply {
  readonly body: Uint8Array;
  readonly holds?: { readonly from: Date; readonly until: Date };
}

/** OCSPResponseStatus of a reply without content (RFC 6960 §4.2.1). */
const statusCodes = { malformedRequest: 1, tryLater: 3, unauthorized: 6 } as const;

const without = (status: keyof typeof statusCodes): OcspReply => ({
  body: sequence(element(tag.enumerated, Uint8Array.of(statusCodes[status]))),
});

/**
 * A responder that has no key: it finds the answer to a question among those that were signed before (RFC 5019 §2.2). It
 * never throws for what it is sent. A question about more than one certificate, or one that nothing was signed for, is
 * `unauthorized` (§2.2.3); where the answer has run out, `tryLater`. A nonce is not repeated, which RFC 6960 §4.4.1
 * allows.
 */
export function archiveResponder(
  { authorities, find }: OcspArchive,
  digest: CryptoBackend['digest'],
  clock: () => Date,
): (request: Uint8Array) => Promise<OcspReply> {
  const names = new Map<CertIdHash, Promise<readonly IssuerId[]>>();
  const namesBy = (hash: CertIdHash): Promise<readonly IssuerId[]> => {
    const known =
      names.get(hash) ?? Promise.all(authorities.map((authority) => issuerIdOf(authority, hash, digest)));
    names.set(hash, known);
    return known;
  };
  return async (bytes) => {
    let request: OcspRequest;
    try {
      request = parseOcspRequest(bytes);
    } catch (error) {
      if (error instanceof ConsulError) return without('malformedRequest');
      throw error;
    }
    if (request.notUnderstood !== undefined) return without('malformedRequest');
    const [asked, ...others] = request.certificates;
    if (!asked?.hash || others.length > 0) return without('unauthorized');
    const at = (await namesBy(asked.hash)).findIndex((name) => isIssuedBy(asked, name));
    const authority = authorities[at];
    const body = authority && (await find(authority, asked.serial, asked.hash));
    if (!body) return without('unauthorized');
    const [single] = parseOcspResponse(body).responses;
    if (!single?.nextUpdate || single.nextUpdate <= clock()) return without('tryLater');
    return { body, holds: { from: single.thisUpdate, until: single.nextUpdate } };
  };
}
