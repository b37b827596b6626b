import type { KeyObject } from 'node:crypto';
import type { Post } from '../post.ts';
import { type CertificateRequest, issueCertificate } from './authority.ts';
import { encryptKey, type KeyDerivation, toPem } from './key-file.ts';
import type { ProfileName } from './profiles.ts';
import { serialNumber } from './serial.ts';
import type { Signer } from './signer.ts';
import { issueVdsSigner } from './vds-signer.ts';

/** The certificates that a post has from its first day. */
export type FoundingProfile =
  | Extract<ProfileName, 'root' | 'issuing-ca' | 'document-signer' | 'seal-signer' | 'tsa'>
  | 'vds-signer';

/** DER certificates by profile. */
export type FoundingCertificates = Readonly<Record<FoundingProfile, Uint8Array>>;

export interface CeremonyInput {
  readonly post: Post;
  readonly now: Date;
  readonly random: (length: number) => Uint8Array;
  /** The keys, wherever they are kept. */
  readonly signers: Readonly<Record<FoundingProfile, Signer>>;
}

/** How the certificates of a post name it, and where they say that its revocations are found. */
export const nameOfPost = (post: Post): Pick<CertificateRequest, 'organisation' | 'repository'> => ({
  organisation: {
    country: post.country,
    state: post.state.fr,
    post: post.name.fr,
    postCode: post.code,
  },
  repository: `http://${post.verifierHost}`,
});

export interface Authority {
  readonly signer: Signer;
  /** DER. */
  readonly certificate: Uint8Array;
}

export interface CertificateOrder {
  readonly post: Post;
  /** `vds-signer` follows ICAO Doc 9303-12, all others the profiles of the consular PKI. */
  readonly profile: Exclude<ProfileName, 'root'> | 'vds-signer';
  readonly subjectKey: Signer;
  readonly authority: Authority;
  readonly now: Date;
  readonly random: (length: number) => Uint8Array;
  /** Whether the authority answers by OCSP. */
  readonly ocsp?: boolean;
  /** Name of the person, for the profile `agent`. */
  readonly agent?: string;
}

/**
 * The serial number stands in every seal: shorter than others, so that the bar code stays small. With this length the
 * request of an OCSP client, whose base64 is the name of the answer's file, cannot end with a slash.
 */
const vdsSerialLength = 9;

/**
 * Letters 3 and 4 of the signer of a post in ICAO seals: the first and the last letter of its own part of the code. Two
 * posts may share them; their seals are told apart by the serial number, which is of 70 random bits.
 */
const vdsSignerName = (postCode: string): string => `${postCode[3]}${postCode[5]}`;

/** One more certificate of a post: a new authority by the root, or a new signer by an authority. @returns DER */
export function orderCertificate(order: CertificateOrder): Promise<Uint8Array> {
  const { post, profile, subjectKey, authority, now, random, ocsp, agent } = order;
  if (profile === 'vds-signer')
    return issueVdsSigner({
      subjectKey,
      issuer: authority,
      country: post.country,
      name: vdsSignerName(post.code),
      serial: serialNumber(random).subarray(0, vdsSerialLength),
      now,
    });
  return issueCertificate({
    ...nameOfPost(post),
    profile,
    subjectKey,
    issuer: authority,
    serial: serialNumber(random),
    now,
    ...(ocsp === undefined ? {} : { ocsp }),
    ...(agent === undefined ? {} : { agent }),
  });
}

/** The first ceremony of a post: a root, an issuing authority under it, and the signers under that. */
export async function foundingCertificates({
  post,
  now,
  random,
  signers,
}: CeremonyInput): Promise<FoundingCertificates> {
  const common = { ...nameOfPost(post), now };
  const issue = (profile: Exclude<FoundingProfile, 'vds-signer'>, issuer: CertificateRequest['issuer']) =>
    issueCertificate({
      ...common,
      profile,
      subjectKey: signers[profile],
      issuer,
      serial: serialNumber(random),
    });

  const root = await issue('root', { signer: signers.root });
  const issuing = await issue('issuing-ca', { signer: signers.root, certificate: root });
  const authority = { signer: signers['issuing-ca'], certificate: issuing };
  return {
    root,
    'issuing-ca': issuing,
    'document-signer': await issue('document-signer', authority),
    'seal-signer': await issue('seal-signer', authority),
    'vds-signer': await orderCertificate({
      post,
      profile: 'vds-signer',
      subjectKey: signers['vds-signer'],
      authority,
      now,
      random,
    }),
    tsa: await issue('tsa', authority),
  };
}

export const certificatePem = (der: Uint8Array): string => toPem('CERTIFICATE', der);

/** An encrypted key file with its own random IV. */
export const keyPem = (
  key: KeyObject,
  fileKey: Uint8Array,
  derivation: KeyDerivation,
  random: (length: number) => Uint8Array,
): string => encryptKey(key, fileKey, derivation, random(16));
