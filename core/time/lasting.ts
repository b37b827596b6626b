import { signatureScheme } from '../cms/algorithm.ts';
import { acceptableUntil } from '../pki/algorithm-policy.ts';
import { parseCertificate } from '../pki/certificate.ts';
import { readToken } from './token.ts';

/** id-kp-timeStamping (RFC 3161 §2.3). */
const timeStamping = '1.3.6.1.5.5.7.3.8';

/**
 * Until when a token proves its time by itself: the certificate of its authority, or an algorithm of it, ends then. Before
 * that a newer one must cover it (ETSI EN 319 142-1 §5.4.3).
 * @param token DER, with the certificate of its authority
 * @throws ConsulError DER_INVALID, CMS_INVALID, CERTIFICATE_INVALID
 */
export function tokenLasts(token: Uint8Array): Date {
  const { signed, info } = readToken(token);
  const { signatureAlgorithm, digest } = signed.signer;
  const ends = signed.certificates
    .map((der) => parseCertificate(der))
    .filter(({ extensions }) => extensions.extendedKeyUsage?.includes(timeStamping))
    .flatMap(({ notAfter, publicKeyAlgorithm: key }) => [
      notAfter.getTime(),
      acceptableUntil({ signature: signatureScheme(signatureAlgorithm, digest, key), key }),
    ]);
  // Whose authority is not known is due now.
  if (ends.length === 0) return new Date(0);
  return new Date(Math.min(acceptableUntil({ digest: info.imprint.algorithm }), ...ends));
}
