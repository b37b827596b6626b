import { createHash } from 'node:crypto';
import type { Extension, Name } from '@peculiar/x509';
import { readDer } from '../der/reader.ts';
import { nul, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { writeAlgorithmIdentifier } from './algorithm.ts';
import { parseCertificate } from './certificate.ts';
import { ocspOid } from './ocsp.ts';
import { certificateProfiles, type ProfileName } from './profiles.ts';
import { signedStructure } from './signed.ts';
import type { Signer } from './signer.ts';

/** The organisation that the subject names stand for. */
export interface Organisation {
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly state: string;
  readonly post: string;
  /** Code of the post, for example GA-PAR. */
  readonly postCode: string;
}

export interface CertificateRequest {
  readonly profile: ProfileName;
  readonly organisation: Organisation;
  readonly subjectKey: Signer;
  /** The issuing authority; itself for a root. */
  readonly issuer: { readonly signer: Signer; readonly certificate?: Uint8Array };
  readonly serial: Uint8Array;
  readonly now: Date;
  /** Base address of the CRLs, CA certificates and OCSP answers, for example `http://verify.example`. */
  readonly repository: string;
  /** Whether the authority answers by OCSP: the certificate then says where. */
  readonly ocsp?: boolean;
  /** Name of the person, for the profile `agent`. */
  readonly agent?: string;
}

/**
 * Key identifier, RFC 7093 §2 method 1: the leftmost 160 bits of SHA-256 over the subjectPublicKey bits, hexadecimal.
 * It also names the files of an authority.
 */
export function keyIdentifier(spki: Uint8Array): string {
  const key = readDer(spki).sequence()[1];
  if (!key) throw new ConsulError('KEY_INVALID', 'the public key has no key bits');
  return createHash('sha256').update(key.bitOctets()).digest('hex').slice(0, 40);
}

/** Loaded where a certificate is made, which is seldom: it takes as long as to issue a document. */
async function loadX509() {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}
type X509 = Awaited<ReturnType<typeof loadX509>>;

function subjectName(x509: X509, request: CertificateRequest): Name {
  const { organisation, profile, agent = '' } = request;
  const commonName = certificateProfiles[profile].commonName.replace(
    /\{(country|state|post|agent)\}/g,
    (_match, field: 'country' | 'state' | 'post' | 'agent') => ({ ...organisation, agent })[field],
  );
  if (commonName === '') throw new ConsulError('USAGE', 'a certificate of an agent needs a name');
  return new x509.Name([
    { C: [{ printableString: organisation.country }] },
    { O: [{ utf8String: organisation.state }] },
    // ETSI EN 319 412-1 §5.1.4: a scheme defined locally, here CP for a consular post.
    { '2.5.4.97': [{ utf8String: `CP:${organisation.postCode}` }] },
    { CN: [{ utf8String: commonName }] },
  ]);
}

function extensions(x509: X509, request: CertificateRequest): Extension[] {
  const profile = certificateProfiles[request.profile];
  const { issuer, subjectKey, repository } = request;
  const usage = profile.keyUsage.reduce((bits, name) => bits | x509.KeyUsageFlags[name], 0);
  const issuerKey = keyIdentifier(issuer.signer.publicKey);
  const list: Extension[] = [];
  if (profile.authority)
    list.push(new x509.BasicConstraintsExtension(true, profile.authority.pathLength, true));
  list.push(
    new x509.KeyUsagesExtension(usage, true),
    new x509.SubjectKeyIdentifierExtension(keyIdentifier(subjectKey.publicKey)),
    new x509.AuthorityKeyIdentifierExtension(issuerKey),
  );
  if (profile.extendedKeyUsage)
    list.push(
      new x509.ExtendedKeyUsageExtension(
        [...profile.extendedKeyUsage],
        profile.extendedKeyUsageCritical ?? false,
      ),
    );
  if (profile.policies) list.push(new x509.CertificatePolicyExtension([...profile.policies]));
  if (issuer.certificate)
    list.push(
      new x509.CRLDistributionPointsExtension([`${repository}/crl/${issuerKey}.crl`]),
      new x509.AuthorityInfoAccessExtension({
        caIssuers: [new x509.GeneralName('url', `${repository}/ca/${issuerKey}.cer`)],
        ...(request.ocsp && !profile.noCheck
          ? { ocsp: [new x509.GeneralName('url', `${repository}/ocsp/${issuerKey}`)] }
          : {}),
      }),
    );
  if (profile.noCheck) list.push(new x509.Extension(ocspOid.noCheck, false, Uint8Array.from(nul)));
  return list;
}

/**
 * Issues one certificate after a profile of certs/profiles.json (RFC 5280 §4, ETSI EN 319 412-2 and -3).
 * The signature goes through the issuer's `Signer`, so that the authority's key may sit in hardware.
 * @returns DER
 */
export async function issueCertificate(request: CertificateRequest): Promise<Uint8Array> {
  const { issuer, subjectKey, serial, now } = request;
  const profile = certificateProfiles[request.profile];
  const x509 = await loadX509();
  const subject = subjectName(x509, request);
  const issuerName = issuer.certificate
    ? new x509.X509Certificate(Uint8Array.from(issuer.certificate)).subjectName
    : subject;
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + profile.years);
  const limit = issuer.certificate && parseCertificate(issuer.certificate).notAfter;

  const draft = await x509.X509CertificateGenerator.create(
    {
      serialNumber: Buffer.from(serial).toString('hex'),
      subject,
      issuer: issuerName,
      notBefore: now,
      notAfter: limit && limit < notAfter ? limit : notAfter,
      publicKey: Uint8Array.from(subjectKey.publicKey),
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      signature: new Uint8Array(64),
      extensions: extensions(x509, request),
    },
    globalThis.crypto,
  );
  // The draft says how a key of its kind would sign; the authority's may be of another.
  const [body] = readDer(new Uint8Array(draft.rawData)).sequence();
  const members = body?.sequence().map((member) => member.bytes) ?? [];
  if (members.length < 3) throw new ConsulError('INTERNAL', 'the certificate draft has no body');
  members[2] = writeAlgorithmIdentifier(issuer.signer.algorithm);
  const der = await signedStructure(sequence(...members), issuer.signer);
  parseCertificate(der);
  return der;
}
