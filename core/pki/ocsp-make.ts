import type { CryptoBackend } from '../crypto/backend.ts';
import { contextTag, tag } from '../der/tags.ts';
import {
  element,
  explicit,
  generalizedTime,
  implicit,
  nul,
  octetString,
  oid,
  sequence,
} from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { reasonCode } from './crl.ts';
import { writeExtension } from './extension-write.ts';
import { type OcspStatus, ocspOid } from './ocsp.ts';
import {
  type CertId,
  type CertIdHash,
  type IssuerId,
  isIssuedBy,
  issuerIdOf,
  responderKeyHash,
  writeCertId,
} from './ocsp-cert-id.ts';
import { type OcspRequest, parseOcspRequest } from './ocsp-request.ts';
import { signedStructure } from './signed.ts';
import type { CertifiedSigner } from './signer.ts';

export interface OcspAnswer {
  readonly certificate: CertId & { readonly hash: CertIdHash };
  readonly status: OcspStatus;
}

export interface OcspTimes {
  readonly producedAt: Date;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Expired certificates are answered for where they expired after this date. */
  readonly archiveCutoff?: Date;
}

function writeStatus(status: OcspStatus): Uint8Array {
  switch (status.status) {
    case 'good':
      return implicit(contextTag(0, false), nul);
    case 'unknown':
      return implicit(contextTag(2, false), nul);
    case 'revoked': {
      const code = element(tag.enumerated, Uint8Array.of(reasonCode(status.reason)));
      const reason = status.reason === 'unspecified' ? [] : [explicit(0, code)];
      return element(contextTag(1, true), generalizedTime(status.date), ...reason);
    }
  }
}

function writeSingle({ certificate, status }: OcspAnswer, times: OcspTimes): Uint8Array {
  const { thisUpdate, nextUpdate, archiveCutoff } = times;
  const cutoff = archiveCutoff && writeExtension(ocspOid.archiveCutoff, generalizedTime(archiveCutoff));
  return sequence(
    writeCertId(certificate),
    writeStatus(status),
    generalizedTime(thisUpdate),
    explicit(0, generalizedTime(nextUpdate)),
    ...(cutoff ? [explicit(1, sequence(cutoff))] : []),
  );
}

/**
 * Makes a response of the basic type (RFC 6960 §4.2) that names its responder by key and carries its certificate.
 * @param responder the authority itself, or one whose certificate is of the profile `ocsp`
 * @param nonce that of the request
 * @returns DER
 */
export async function makeOcspResponse(
  answers: readonly OcspAnswer[],
  responder: CertifiedSigner,
  times: OcspTimes,
  digest: CryptoBackend['digest'],
  nonce?: Uint8Array,
): Promise<Uint8Array> {
  const keyHash = await responderKeyHash(parseCertificate(responder.certificate), digest);
  const extension = nonce && writeExtension(ocspOid.nonce, octetString(nonce));
  const tbs = sequence(
    explicit(2, octetString(keyHash)),
    generalizedTime(times.producedAt),
    sequence(...answers.map((answer) => writeSingle(answer, times))),
    ...(extension ? [explicit(1, sequence(extension))] : []),
  );
  const basic = await signedStructure(tbs, responder, explicit(0, sequence(responder.certificate)));
  return sequence(
    element(tag.enumerated, Uint8Array.of(0)),
    explicit(0, sequence(oid(ocspOid.basicResponse), octetString(basic))),
  );
}

/** OCSPResponseStatus of an answer without content; it is not signed. */
const errorStatus = { malformedRequest: 1, internalError: 2, unauthorized: 6 } as const;

const ocspError = (status: keyof typeof errorStatus): Uint8Array =>
  sequence(element(tag.enumerated, Uint8Array.of(errorStatus[status])));

export interface ResponderSetup {
  readonly issuer: Pick<Certificate, 'subject' | 'spki'>;
  readonly responder: CertifiedSigner;
  /** What is known of a certificate of the issuer, by its serial number as it is encoded. */
  statusOf(serial: Uint8Array): OcspStatus | Promise<OcspStatus>;
  readonly clock: () => Date;
  /** For how long an answer holds, in seconds. */
  readonly validity: number;
  readonly archiveCutoff?: Date;
  readonly digest: CryptoBackend['digest'];
}

/**
 * An OCSP responder for one authority (RFC 6960 §2): bytes of a request in, bytes of a response out. It never throws
 * for what it is sent: what is not a request is answered `malformedRequest`, a question about another authority
 * `unauthorized` (RFC 5019 §2.2.3). At most 100 certificates are answered for at once.
 */
export function ocspResponder(setup: ResponderSetup): (request: Uint8Array) => Promise<Uint8Array> {
  const { issuer, responder, statusOf, clock, validity, archiveCutoff, digest } = setup;
  const issuerIds = new Map<CertIdHash, Promise<IssuerId>>();
  const idOf = (hash: CertIdHash): Promise<IssuerId> => {
    const known = issuerIds.get(hash) ?? issuerIdOf(issuer, hash, digest);
    issuerIds.set(hash, known);
    return known;
  };

  return async (bytes) => {
    let request: OcspRequest;
    try {
      request = parseOcspRequest(bytes);
    } catch (error) {
      if (error instanceof ConsulError) return ocspError('malformedRequest');
      throw error;
    }
    if (request.notUnderstood !== undefined) return ocspError('malformedRequest');
    const answers: OcspAnswer[] = [];
    for (const certificate of request.certificates) {
      const { hash } = certificate;
      if (!hash || !isIssuedBy(certificate, await idOf(hash))) return ocspError('unauthorized');
      answers.push({ certificate: { ...certificate, hash }, status: await statusOf(certificate.serial) });
    }
    const producedAt = clock();
    producedAt.setUTCMilliseconds(0);
    return makeOcspResponse(
      answers,
      responder,
      {
        producedAt,
        thisUpdate: producedAt,
        nextUpdate: new Date(producedAt.getTime() + validity * 1000),
        ...(archiveCutoff && { archiveCutoff }),
      },
      digest,
      request.nonce,
    );
  };
}
