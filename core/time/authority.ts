import { digestNameOfLength } from '../cms/algorithm.ts';
import { type PreparedSignedData, prepareSignedData } from '../cms/make.ts';
import { oids } from '../cms/oid.ts';
import { nodeBackend } from '../crypto/node.ts';
import { contextTag } from '../der/tags.ts';
import { generalizedTime, implicit, integer, oid, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { parseCertificate } from '../pki/certificate.ts';
import type { CertifiedSigner } from '../pki/signer.ts';
import { encodeImprint, type Imprint } from './imprint.ts';
import { readRequest, type TimestampRequest } from './request.ts';
import { encodeGranted, encodeRejection, failureOf } from './response.ts';
import type { TimestampSource } from './source.ts';
import { tsaUsageFault } from './tsa-certificate.ts';

export interface TimestampAuthorityOptions {
  readonly signer: CertifiedSigner;
  /** Object identifier of the only policy of this authority. */
  readonly policy: string;
  readonly clock: () => Date;
  /** A number never given before, 1 to 20 octets big-endian. */
  readonly serial: () => Uint8Array;
  /** `PreparedSignedData.skeleton` of tokens that carry their certificate, from an earlier time. */
  readonly skeleton?: Uint8Array;
  /** How far the clock may be off, in seconds; thousandths are kept. */
  readonly accuracy: number;
}

export interface TimestampAuthority extends TimestampSource {
  /**
   * Answers a TimeStampReq with a TimeStampResp, both DER. A request that is wrong is answered with its
   * PKIFailureInfo, never with an error.
   */
  respond(request: Uint8Array): Promise<Uint8Array>;
}

function encodeAccuracy(seconds: number): Uint8Array {
  const milliseconds = Math.round(seconds * 1000);
  const thousandths = milliseconds % 1000;
  return sequence(
    integer(Math.trunc(milliseconds / 1000)),
    ...(thousandths > 0 ? [implicit(contextTag(0, false), integer(thousandths))] : []),
  );
}

/**
 * A time-stamp authority in the profile of ETSI EN 319 422: one policy, SHA-256 to SHA-512, an accuracy in every
 * token, no ordering, no extensions. What tokens share is prepared at the first one.
 * @throws ConsulError CERTIFICATE_INVALID when the certificate is not one of a time-stamp authority
 */
export function timestampAuthority(options: TimestampAuthorityOptions): TimestampAuthority {
  const { signer, policy, clock, serial } = options;
  const certificate = parseCertificate(signer.certificate);
  const fault = tsaUsageFault(certificate);
  if (fault) throw new ConsulError('CERTIFICATE_INVALID', `this cannot be a time-stamp authority: ${fault}`);

  const head = [integer(1), oid(policy)];
  const accuracy = encodeAccuracy(options.accuracy);
  const skeletons = new Map<boolean, Promise<PreparedSignedData>>();

  function prepared(includeCertificate: boolean): Promise<PreparedSignedData> {
    const known = skeletons.get(includeCertificate);
    if (known) return known;
    const made = prepareSignedData({
      signer,
      contentType: oids.tstInfo,
      includeChain: includeCertificate,
      includeCertificate,
      ...(includeCertificate && options.skeleton ? { skeleton: options.skeleton } : {}),
    });
    skeletons.set(includeCertificate, made);
    return made;
  }

  /** No token outside the validity of the certificate: nobody could verify it. */
  function validityFault(now: Date): ConsulError | undefined {
    if (now < certificate.notBefore)
      return new ConsulError(
        'CERTIFICATE_NOT_YET_VALID',
        `the certificate of the time-stamp authority is valid from ${certificate.notBefore.toISOString()}`,
      );
    if (now > certificate.notAfter)
      return new ConsulError(
        'CERTIFICATE_EXPIRED',
        `the certificate of the time-stamp authority expired on ${certificate.notAfter.toISOString()}`,
      );
    return undefined;
  }

  async function token(
    imprint: Imprint,
    now: Date,
    { nonce, certReq }: Pick<TimestampRequest, 'nonce' | 'certReq'>,
  ): Promise<Uint8Array> {
    const content = sequence(
      ...head,
      encodeImprint(imprint),
      integer(serial()),
      generalizedTime(now, { fraction: true }),
      accuracy,
      ...(nonce === undefined ? [] : [integer(nonce)]),
    );
    const signedData = await prepared(certReq);
    const messageDigest = await nodeBackend.digest(signedData.digest, content);
    return (await signedData.sign({ messageDigest, content })).der;
  }

  return {
    async stamp(value) {
      const algorithm = digestNameOfLength(value.length);
      if (!algorithm) throw new RangeError(`a digest of ${value.length} bytes`);
      const now = clock();
      const invalid = validityFault(now);
      if (invalid) throw invalid;
      return token({ algorithm, digest: value }, now, { certReq: true });
    },

    async respond(der) {
      let request: TimestampRequest;
      try {
        request = readRequest(der);
      } catch (error) {
        const failure = failureOf(error);
        if (!failure) throw error;
        return encodeRejection(failure, (error as ConsulError).message);
      }
      if (request.policy !== undefined && request.policy !== policy)
        return encodeRejection('unacceptedPolicy', `the policy of this authority is ${policy}`);
      const now = clock();
      const invalid = validityFault(now);
      if (invalid) return encodeRejection('systemFailure', invalid.message);
      return encodeGranted(await token(request.imprint, now, request));
    },
  };
}
