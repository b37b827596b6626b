import { equalBytes } from '../bytes.ts';
import type { Awaitable, CryptoBackend, DigestName, SignatureAlgorithm } from '../crypto/backend.ts';
import { ecdsaSignatureFromDer } from '../crypto/ecdsa-signature.ts';
import { ConsulError } from '../errors.ts';
import type { PolicedAlgorithm } from '../pki/algorithm-policy.ts';
import { type Certificate, parseCertificate } from '../pki/certificate.ts';
import { signatureScheme } from './algorithm.ts';
import { oids } from './oid.ts';
import { readSignedData, type SignedData, type SignerIdentifier, type SignerInfo } from './read.ts';
import { type CmsReason, cmsReasons, type Refusal, refusalFrom, refuse } from './reason.ts';
import type { CertificateReference } from './signing-certificate.ts';

/** What a use of CMS asks beyond what the reader holds every SignedData to. */
export interface SignedDataProfile {
  /** eContentType. */
  readonly contentType: string;
  readonly content: 'detached' | 'embedded';
  readonly signingTime: 'forbidden' | 'allowed';
  /** Signed attributes that may stand; any other one might change what the signature means. */
  readonly signedAttributes: ReadonlySet<string> | 'any';
}

const commonAttributes = [
  oids.contentType,
  oids.messageDigest,
  oids.signingTime,
  oids.signingCertificateV2,
  oids.algorithmProtection,
];

/** ETSI EN 319 142-1 §6.3: a PAdES baseline signature. Signature policies are not carried out, and so refused. */
export const padesProfile: SignedDataProfile = {
  contentType: oids.data,
  content: 'detached',
  signingTime: 'forbidden',
  signedAttributes: new Set([
    ...commonAttributes,
    oids.commitmentType,
    oids.contentTimestamp,
    oids.signerAttributesV2,
  ]),
};

/** RFC 3161 §2.4.2 with RFC 5816: a time-stamp token. */
export const tokenProfile: SignedDataProfile = {
  contentType: oids.tstInfo,
  content: 'embedded',
  signingTime: 'allowed',
  signedAttributes: 'any',
};

export interface SignedDataInput {
  /** Digest of the content by the hash that the signature names; for a detached content. */
  readonly contentDigest?: (algorithm: DigestName) => Awaitable<Uint8Array>;
  /** Certificates (DER) known from elsewhere, where the signer's is not embedded. */
  readonly certificates?: readonly Uint8Array[];
  /** `parseCertificate`, or one that remembers what it parsed. */
  readonly parse?: (der: Uint8Array) => Certificate;
}

/** A signature that is right under the key of `certificate`. Whether that certificate is trusted is not said. */
export interface VerifiedSignedData {
  readonly valid: true;
  readonly signed: SignedData;
  readonly certificate: Certificate;
  /** The other certificates (DER) that a path may be built from, as signing-certificate-v2 allows. */
  readonly certificates: readonly Uint8Array[];
  readonly algorithm: SignatureAlgorithm;
}

/** What a policy that dates algorithms has to say of: the signature, and the digest of the content. */
export const usedAlgorithms = ({
  algorithm: signature,
  certificate,
  signed,
}: Pick<VerifiedSignedData, 'algorithm' | 'certificate' | 'signed'>): readonly PolicedAlgorithm[] => [
  { signature, key: certificate.publicKeyAlgorithm },
  { digest: signed.signer.digest },
];

export type SignedDataResult = VerifiedSignedData | Refusal<CmsReason>;

function checkProfile(signed: SignedData, profile: SignedDataProfile): readonly CertificateReference[] {
  const { signed: attributes } = signed.signer;
  if (signed.contentType !== profile.contentType)
    refuse('content-type', `a content of the type ${signed.contentType}`);
  if (profile.content === 'detached' && signed.content)
    refuse('content-embedded', 'the content stands inside a signature that must be detached');
  if (profile.content === 'embedded' && !signed.content)
    refuse('content-missing', 'the content is not inside the signature');
  if (profile.signingTime === 'forbidden' && attributes.signingTime)
    refuse('signing-time', 'the signing-time attribute is not allowed here');
  if (!attributes.signingCertificate) {
    if (attributes.types.includes(oids.signingCertificate))
      refuse('signing-certificate-sha1', 'the signing certificate is named by SHA-1 only');
    return refuse('signing-certificate-missing', 'the signing-certificate-v2 attribute is missing');
  }
  for (const type of attributes.types)
    if (profile.signedAttributes !== 'any' && !profile.signedAttributes.has(type))
      refuse('attribute-unknown', `the signed attribute ${type} is not allowed here`);
  return attributes.signingCertificate;
}

function identifies(identifier: SignerIdentifier, certificate: Certificate): boolean {
  if (identifier.kind === 'issuer-serial')
    return (
      equalBytes(identifier.serial, certificate.serial) &&
      equalBytes(identifier.issuer, certificate.issuer.der)
    );
  const { subjectKeyIdentifier } = certificate.extensions;
  return subjectKeyIdentifier !== undefined && equalBytes(identifier.keyIdentifier, subjectKeyIdentifier);
}

/** Whether ESSCertIDv2 names this certificate by its hash. */
async function references(
  reference: CertificateReference,
  der: Uint8Array,
  backend: CryptoBackend,
): Promise<boolean> {
  return equalBytes(await backend.digest(reference.algorithm, der), reference.hash);
}

/**
 * The certificate that signing-certificate-v2 binds the signature to, which must be the one that sid names
 * (ETSI EN 319 102-1 §5.2.3), and those that may stand in its path.
 */
async function signingCertificate(
  signer: SignerInfo,
  certificateReferences: readonly CertificateReference[],
  pool: readonly Uint8Array[],
  parse: (der: Uint8Array) => Certificate,
  backend: CryptoBackend,
): Promise<{ certificate: Certificate; others: readonly Uint8Array[] }> {
  const [own, ...path] = certificateReferences as readonly [CertificateReference, ...CertificateReference[]];
  const rest: Uint8Array[] = [];
  let der: Uint8Array | undefined;
  for (const candidate of pool) {
    if (!der && (await references(own, candidate, backend))) der = candidate;
    else rest.push(candidate);
  }
  if (!der) {
    if (pool.length === 0) return refuse('certificate-missing', 'the certificate of the signer is missing');
    return refuse('signing-certificate-hash', 'no certificate has the hash that the signature is bound to');
  }
  const certificate = parse(der);
  if (!identifies(signer.identifier, certificate))
    refuse(
      'certificate-missing',
      'the certificate that the signature is bound to is not the one of its signer',
    );
  const { issuerSerial } = own;
  if (
    issuerSerial &&
    !(
      equalBytes(issuerSerial.serial, certificate.serial) &&
      equalBytes(issuerSerial.issuer, certificate.issuer.der)
    )
  )
    refuse('signing-certificate-issuer', 'signing-certificate-v2 names another issuer or serial number');
  if (path.length === 0) return { certificate, others: rest };

  // RFC 5035 §4: further references limit the certificates of the path to those named.
  const others: Uint8Array[] = [];
  for (const reference of path)
    for (const candidate of rest) if (await references(reference, candidate, backend)) others.push(candidate);
  return { certificate, others };
}

async function checkSignature(
  signer: SignerInfo,
  certificate: Certificate,
  backend: CryptoBackend,
): Promise<SignatureAlgorithm> {
  const algorithm = signatureScheme(signer.signatureAlgorithm, signer.digest, certificate.publicKeyAlgorithm);
  const signature =
    algorithm.name === 'ecdsa' ? ecdsaSignatureFromDer(signer.signature, algorithm.curve) : signer.signature;
  const key = await backend.importPublicKey(algorithm, certificate.spki);
  if (!signature || !(await key.verify(signature, signer.signed.bytes)))
    refuse('signature', 'the signature does not match the key of the certificate');
  return algorithm;
}

async function verify(
  cms: SignedData | Uint8Array,
  profile: SignedDataProfile,
  input: SignedDataInput,
  backend: CryptoBackend,
): Promise<VerifiedSignedData> {
  const signed = cms instanceof Uint8Array ? readSignedData(cms) : cms;
  const { signer, content } = signed;
  const certificateReferences = checkProfile(signed, profile);
  const pool = [...signed.certificates, ...(input.certificates ?? [])];
  const { certificate, others } = await signingCertificate(
    signer,
    certificateReferences,
    pool,
    input.parse ?? parseCertificate,
    backend,
  );

  const digest = content
    ? await backend.digest(signer.digest, content)
    : await input.contentDigest?.(signer.digest);
  if (!digest) throw new ConsulError('INTERNAL', 'the digest of a detached content was not given');
  if (!equalBytes(digest, signer.signed.messageDigest))
    refuse('message-digest', 'the content is not the one that was signed');

  const algorithm = await checkSignature(signer, certificate, backend);
  return { valid: true, signed, certificate, certificates: others, algorithm };
}

/**
 * Verifies CMS SignedData: profile, signing certificate, message digest, signature (in the order of ETSI EN 319 102-1
 * §5.3). The path of the certificate, its validity and revocation are the caller's to check; so are unsigned
 * attributes and the policy that dates algorithms.
 * @param cms DER, or what `readSignedData` made of it
 * @returns never throws for a wrong signature: that is a result
 */
export async function verifySignedData(
  cms: SignedData | Uint8Array,
  profile: SignedDataProfile,
  input: SignedDataInput,
  backend: CryptoBackend,
): Promise<SignedDataResult> {
  try {
    return await verify(cms, profile, input, backend);
  } catch (error) {
    return refusalFrom(error, cmsReasons);
  }
}
