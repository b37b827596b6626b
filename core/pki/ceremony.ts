import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Post } from '../post.ts';
import { type CertificateRequest, issueCertificate } from './authority.ts';
import { keySigner } from './file-signer.ts';
import { encryptKey, type KeyDerivation, toPem } from './key-file.ts';
import type { ProfileName } from './profiles.ts';
import { serialNumber } from './serial.ts';

export interface PostCredentials {
  /** PEM certificates by profile. */
  readonly certificates: Readonly<Record<ProfileName, Uint8Array>>;
  readonly keys: Readonly<Record<ProfileName | 'log' | 'pieces', KeyObject>>;
}

export interface CeremonyInput {
  readonly post: Post;
  readonly now: Date;
  readonly random: (length: number) => Uint8Array;
}

const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** The first ceremony of a post: a root, an issuing authority under it, and the signers under that. */
export async function createPostCredentials({ post, now, random }: CeremonyInput): Promise<PostCredentials> {
  const keys = {
    root: newKey(),
    'issuing-ca': newKey(),
    'document-signer': newKey(),
    'seal-signer': newKey(),
    tsa: newKey(),
    log: generateKeyPairSync('ed25519').privateKey,
    pieces: generateKeyPairSync('x25519').privateKey,
  };
  const common = {
    organisation: {
      country: post.country,
      state: post.state.fr,
      post: post.name.fr,
      postCode: post.code,
    },
    now,
    repository: `http://${post.verifierHost}`,
  };
  const issue = (profile: ProfileName, issuer: CertificateRequest['issuer']) =>
    issueCertificate({
      ...common,
      profile,
      subjectKey: keySigner(keys[profile]),
      issuer,
      serial: serialNumber(random),
    });

  const root = await issue('root', { signer: keySigner(keys.root) });
  const issuing = await issue('issuing-ca', { signer: keySigner(keys.root), certificate: root });
  const authority = { signer: keySigner(keys['issuing-ca']), certificate: issuing };
  return {
    keys,
    certificates: {
      root,
      'issuing-ca': issuing,
      'document-signer': await issue('document-signer', authority),
      'seal-signer': await issue('seal-signer', authority),
      tsa: await issue('tsa', authority),
    },
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
