import type { CryptoBackend } from '../crypto/backend.ts';
import { type DerNode, readDer } from '../der/reader.ts';
import { contextTag } from '../der/tags.ts';
import { explicit, octetString, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import type { Certificate } from './certificate.ts';
import { writeExtension } from './extension-write.ts';
import { readExtensionList } from './extensions.ts';
import { ocspOid, readNonce } from './ocsp.ts';
import { type CertId, type CertIdHash, issuerIdOf, readCertId, writeCertId } from './ocsp-cert-id.ts';

/** OCSPRequest (RFC 6960 §4.1), read. */
export interface OcspRequest {
  readonly certificates: readonly CertId[];
  readonly nonce?: Uint8Array;
  /** A critical extension that is not understood: the request cannot be answered. */
  readonly notUnderstood?: string;
}

const maxLength = 64 * 1024;
const maxCertificates = 100;

function readRequest(der: Uint8Array): OcspRequest {
  const root = readDer(der);
  const [tbs, signature, ...more] = root.sequence();
  if (!tbs || more.length > 0) return root.fail('not an OCSPRequest');
  // Signed requests are read, and their signatures ignored: who asks makes no difference.
  signature?.explicit(contextTag(0, true));
  const fields = [...tbs.sequence()];
  if (fields[0]?.tag === contextTag(0, true)) tbs.fail('a version that is written out');
  if (fields[0]?.tag === contextTag(1, true)) fields.shift();
  const [list, extensions, ...rest] = fields;
  if (!list || rest.length > 0) return tbs.fail('not a TBSRequest');
  const requests = list.sequence();
  if (requests.length === 0 || requests.length > maxCertificates)
    list.fail(`a request about no or more than ${maxCertificates} certificates`);
  let nonce: Uint8Array | undefined;
  let notUnderstood: string | undefined;
  const understand = (node: DerNode): void => {
    for (const [identifier, { critical, value }] of readExtensionList(node))
      if (identifier === ocspOid.nonce) nonce = readNonce(value);
      else if (critical) notUnderstood = identifier;
  };
  const certificates = requests.map((request) => {
    const [id, single, ...others] = request.sequence();
    if (!id || others.length > 0) return request.fail('not a Request');
    if (single)
      for (const [identifier, { critical }] of readExtensionList(single.explicit(contextTag(0, true))))
        if (critical) notUnderstood = identifier;
    return readCertId(id);
  });
  if (extensions) understand(extensions.explicit(contextTag(2, true)));
  return { certificates, ...(nonce && { nonce }), ...(notUnderstood !== undefined && { notUnderstood }) };
}

/**
 * Reads an OCSP request strictly as RFC 6960 §4.1 has it; at most 64 KiB and 100 certificates.
 * @throws ConsulError DER_INVALID
 */
export function parseOcspRequest(der: Uint8Array): OcspRequest {
  if (der.length > maxLength) throw new ConsulError('DER_INVALID', `an OCSP request of ${der.length} bytes`);
  return readRequest(new Uint8Array(der));
}

export interface OcspQuestion {
  readonly certificates: readonly Pick<Certificate, 'serial'>[];
  /** Of all of them. */
  readonly issuer: Pick<Certificate, 'subject' | 'spki'>;
  /** `sha1` where absent, which every responder knows (RFC 5019 §2.1.1). */
  readonly hash?: CertIdHash;
  /** 1 to 128 random bytes; without it the answer may be one that was made before. */
  readonly nonce?: Uint8Array;
}

/** An unsigned OCSPRequest; the same bytes for the same question without a nonce, so that answers can be files. */
export async function makeOcspRequest(
  question: OcspQuestion,
  digest: CryptoBackend['digest'],
): Promise<Uint8Array> {
  const { certificates, issuer, hash = 'sha1', nonce } = question;
  const issuerId = await issuerIdOf(issuer, hash, digest);
  const requests = certificates.map(({ serial }) => sequence(writeCertId({ ...issuerId, serial })));
  const extension = nonce && writeExtension(ocspOid.nonce, octetString(nonce));
  return sequence(sequence(sequence(...requests), ...(extension ? [explicit(2, sequence(extension))] : [])));
}
