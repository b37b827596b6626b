import { utf8 } from '../bytes.ts';
import type { CryptoBackend, DigestName, SignatureAlgorithm } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import { backends, wycheproofCases } from '../crypto/suites.ts';
import { nul, octetString, oid, sequence } from '../der/writer.ts';
import { writeAlgorithmIdentifier } from '../pki/algorithm.ts';
import type { Suite } from '../vectors.ts';
import { digestOids } from './algorithm.ts';
import {
  contentTypeAttribute,
  detachedAnatomy,
  forge,
  messageDigestAttribute,
  set,
  sha256Identifier,
  signingCertificateAttribute,
  sorted,
} from './forge.ts';
import { oids } from './oid.ts';
import { readSignedData } from './read.ts';
import { testingCa, testSigner } from './testing-ca.ts';
import { padesProfile, verifySignedData } from './verify.ts';

/** For tests and the conformance command: Wycheproof through the verification of a CMS. */

const ca = testingCa();
const content = utf8('the bytes of a document');

/** RFC 5754 §3.2: a signature by RSA may also stand under the identifier of its key; here those of larger keys do. */
const identifierOf = (algorithm: SignatureAlgorithm, spki: Uint8Array): Uint8Array =>
  algorithm.name === 'rsa-pkcs1' && spki.length > 400
    ? sequence(oid(oids.rsaEncryption), nul)
    : writeAlgorithmIdentifier(algorithm);

/** A right SignedData for this key, but for its signature, which no one here can make. */
function unsigned(publicKey: Uint8Array, algorithm: SignatureAlgorithm): Uint8Array {
  const digest: DigestName = 'hash' in algorithm ? algorithm.hash : 'sha512';
  const signer = ca.issue({ signer: { ...testSigner(), publicKey } });
  const digestAlgorithm = digest === 'sha256' ? sha256Identifier : sequence(oid(digestOids[digest]));
  const of = (data: Uint8Array) => nodeBackend.digest(digest, data) as Uint8Array;
  const reference = sequence(
    ...(digest === 'sha256' ? [] : [digestAlgorithm]),
    octetString(of(signer.certificate)),
  );
  return forge({
    ...detachedAnatomy(signer, content),
    digestAlgorithm,
    digestAlgorithms: set(digestAlgorithm),
    signatureAlgorithm: identifierOf(algorithm, publicKey),
    attributes: sorted([
      contentTypeAttribute(oids.data),
      messageDigestAttribute(of(content)),
      signingCertificateAttribute(reference),
    ]),
  });
}

const cases = (backend: CryptoBackend) =>
  wycheproofCases(['x509'], ({ algorithm, spki }) => {
    const read = readSignedData(unsigned(spki, algorithm));
    return async (signature, bytes) => {
      const signed = { ...read.signer.signed, bytes };
      const cms = { ...read, signer: { ...read.signer, signed, signature } };
      const contentDigest = (name: DigestName) => backend.digest(name, content);
      const result = await verifySignedData(cms, padesProfile, { contentDigest }, backend);
      if (!result.valid && result.reason !== 'signature') throw new Error(result.message);
      return result.valid;
    };
  });

export const cmsSuites: readonly Suite[] = backends.map(([name, backend]) => ({
  name: `Wycheproof, CMS, ${name}`,
  count: 3353,
  cases: () => cases(backend),
}));
