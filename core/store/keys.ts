import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsulError } from '../errors.ts';
import { certifiedSigner, keySigner } from '../pki/file-signer.ts';
import { decryptKey, fromPem, type KeyDerivation } from '../pki/key-file.ts';
import type { CertifiedSigner, Signer } from '../pki/signer.ts';
import type { PostPaths } from './post-folder.ts';

/** The keys of a post that live on its machine; the root's does not. */
export const certifiedKeyNames = ['issuing-ca', 'document-signer', 'seal-signer', 'tsa'] as const;
export type CertifiedKeyName = (typeof certifiedKeyNames)[number];
export type KeyName = CertifiedKeyName | 'log' | 'pieces';

export const keyFile = (paths: PostPaths, name: KeyName): string => join(paths.keys, `${name}.key.pem`);
export const certificateFile = (paths: PostPaths, name: CertifiedKeyName | 'root'): string =>
  join(paths.certificates, `${name}.cert.pem`);

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ConsulError(
      'FILE_UNREADABLE',
      `cannot read ${file} (${(cause as NodeJS.ErrnoException).code})`,
      {
        cause,
      },
    );
  }
}

export async function readCertificate(
  paths: PostPaths,
  name: CertifiedKeyName | 'root',
): Promise<Uint8Array> {
  const file = certificateFile(paths, name);
  const text = await readText(file);
  try {
    return fromPem('CERTIFICATE', text);
  } catch (cause) {
    throw new ConsulError('CERTIFICATE_INVALID', `${file} does not hold a PEM certificate`, { cause });
  }
}

/** Opens the key files of a post as they are asked for. */
export interface KeyRing {
  signer(name: 'log'): Promise<Signer>;
  certified(name: CertifiedKeyName): Promise<CertifiedSigner>;
  privateKey(name: KeyName): Promise<KeyObject>;
}

/** @param fileKey derives the key of the files from the passphrase, once for each set of parameters */
export function openKeyRing(
  paths: PostPaths,
  fileKey: (derivation: KeyDerivation) => Promise<Uint8Array>,
): KeyRing {
  const privateKey = async (name: KeyName): Promise<KeyObject> =>
    decryptKey(await readText(keyFile(paths, name)), name, fileKey);
  return {
    privateKey,
    signer: async (name) => keySigner(await privateKey(name)),
    certified: async (name) => {
      const [key, certificate, issuer] = await Promise.all([
        privateKey(name),
        readCertificate(paths, name),
        name === 'issuing-ca' ? undefined : readCertificate(paths, 'issuing-ca'),
      ]);
      return certifiedSigner(key, certificate, issuer ? [issuer] : []);
    },
  };
}
