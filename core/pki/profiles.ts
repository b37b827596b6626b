import profilesData from '../../certs/profiles.json' with { type: 'json' };

type KeyUsageName = 'digitalSignature' | 'nonRepudiation' | 'keyCertSign' | 'cRLSign';

/** What a kind of certificate holds; see certs/profiles.json. */
export interface CertificateProfile {
  readonly commonName: string;
  readonly years: number;
  readonly authority?: { readonly pathLength: number };
  readonly keyUsage: readonly KeyUsageName[];
  readonly extendedKeyUsage?: readonly string[];
  readonly extendedKeyUsageCritical?: boolean;
  readonly policies?: readonly string[];
  /** id-pkix-ocsp-nocheck: nobody asks whether it was revoked, so it lives for a short time (RFC 6960 §4.2.2.2.1). */
  readonly noCheck?: boolean;
}

const { $comment: _, ...profileTable } = profilesData;

export type ProfileName = keyof typeof profileTable;

export const certificateProfiles = profileTable as unknown as Readonly<
  Record<ProfileName, CertificateProfile>
>;
