import { readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConsulError } from '../errors.ts';
import { fromPem } from '../pki/key-file.ts';
import { syncFolder } from './durable-file.ts';
import { certifiedKeyNames, type SigningKeyName } from './keys.ts';
import type { PostPaths } from './post-folder.ts';

/** What a post has a certificate for. */
export const signerNames = [...certifiedKeyNames, 'ocsp'] as const;
export type SignerName = (typeof signerNames)[number];

/** Where keys and certificates lie that are not, or no longer, in use, and what is for the world. */
export function pkiPaths(paths: PostPaths) {
  return {
    key: (name: SignerName) => join(paths.keys, `${name}.key.pem`),
    certificate: (name: SignerName | 'root') => join(paths.certificates, `${name}.cert.pem`),
    nextKey: (name: SignerName) => join(paths.keys, 'next', `${name}.key.pem`),
    /** Label of the key in a token that waits to take the place of another. */
    nextLabel: (name: SigningKeyName) => join(paths.keys, 'next', `${name}.label`),
    nextCertificate: (name: SignerName) => join(paths.certificates, 'next', `${name}.cert.pem`),
    /** Authorities that were replaced go on signing CRLs for what they issued. */
    retiredKey: (serial: string) => join(paths.keys, 'retired', `${serial}.key.pem`),
    /** The same for one whose key is in a token: JSON of its label or identifier. */
    retiredLabel: (serial: string) => join(paths.keys, 'retired', `${serial}.label.json`),
    /** By the key identifier of the authority, as its certificates say. */
    crl: (authority: string) => join(paths.public, 'crl', `${authority}.crl`),
    authority: (authority: string) => join(paths.public, 'ca', `${authority}.cer`),
    ocsp: (authority: string, name: string) => join(paths.public, 'ocsp', authority, name),
    ceremonies: join(paths.home, 'ceremonies'),
  };
}

/** How the answer to a question by this digest is called. */
export const answerName = (serial: string, hash: string): string => `${serial}.${hash}.ocsp`;

export type PkiPaths = ReturnType<typeof pkiPaths>;

export async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    throw new ConsulError('FILE_UNREADABLE', `cannot look at ${file} (${code})`, { cause });
  }
}

/** @returns DER, or undefined where there is no such file */
export async function readCertificateFile(file: string): Promise<Uint8Array | undefined> {
  if (!(await exists(file))) return undefined;
  try {
    return fromPem('CERTIFICATE', await readFile(file, 'utf8'));
  } catch (cause) {
    throw new ConsulError('CERTIFICATE_INVALID', `${file} does not hold a PEM certificate`, { cause });
  }
}

/** Puts a file in the place of another; where it was put already, nothing happens. */
export async function moveInto(from: string, to: string): Promise<void> {
  if (!(await exists(from))) return;
  await rename(from, to);
  await syncFolder(dirname(to));
  await syncFolder(dirname(from));
}

/** Takes a file away for good; where there is none, nothing happens. */
export async function removeFile(file: string): Promise<void> {
  if (!(await exists(file))) return;
  await rm(file);
  await syncFolder(dirname(file));
}
