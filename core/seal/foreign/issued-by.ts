import type { CryptoBackend, DigestName } from '../../crypto/backend.ts';
import { ecdsaSignatureFromDer } from '../../crypto/ecdsa-signature.ts';
import type { PublicKeyAlgorithm } from '../../crypto/spki.ts';
import { ConsulError } from '../../errors.ts';
import { signatureAlgorithmFor } from '../../pki/algorithm.ts';
import { type Algorithm, ecdsa } from './signature-claim.ts';
import type { SignerCertificate } from './signer-certificate.ts';

/** Whether one of these authorities signed the certificate. */
export async function isIssuedByOne(
  certificate: SignerCertificate,
  issuers: readonly SignerCertificate[],
  backend: CryptoBackend,
): Promise<boolean> {
  for (const issuer of issuers) if (await isIssuedBy(certificate, issuer, backend)) return true;
  return false;
}

/** The signature of an authority over a certificate that began while the authority's own was valid. */
async function isIssuedBy(
  certificate: SignerCertificate,
  issuer: SignerCertificate,
  backend: CryptoBackend,
): Promise<boolean> {
  const { notBefore, signatureAlgorithm, signature, tbs } = certificate;
  if (notBefore < issuer.notBefore || notBefore > issuer.notAfter) return false;
  const algorithm = certificateAlgorithm(signatureAlgorithm, issuer.key);
  if (!algorithm) return false;
  const value =
    algorithm.name === 'ecdsa' || algorithm.name === 'ecdsa-brainpool'
      ? ecdsaSignatureFromDer(signature, algorithm.curve)
      : signature;
  if (!value) return false;
  try {
    return await (await backend.importPublicKey(algorithm, issuer.spki)).verify(value, tbs);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    return false;
  }
}

/** ecdsa-with-SHA224 to -SHA512 (RFC 5758 §3.2) on the curves of RFC 5639; all else as for documents. */
const brainpoolHashes: Readonly<Record<string, DigestName | 'sha224'>> = {
  '1.2.840.10045.4.3.1': 'sha224',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

function certificateAlgorithm(
  identifier: SignerCertificate['signatureAlgorithm'],
  key: PublicKeyAlgorithm,
): Algorithm | undefined {
  if (key.kind === 'unsupported') return ecdsa(key, brainpoolHashes[identifier.oid]);
  return signatureAlgorithmFor(identifier, key);
}
