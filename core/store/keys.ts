import type { KeyObject } from 'node:crypto';
import { join, resolve } from 'node:path';
import { equalBytes } from '../bytes.ts';
import { namedCurveSpki } from '../crypto/explicit-curve.ts';
import { ConsulError } from '../errors.ts';
import { parseCertificate } from '../pki/certificate.ts';
import { fromPem, type KeyDerivation } from '../pki/key-file.ts';
import type { TokenKey } from '../pki/pkcs11.ts';
import type { CertifiedSigner, Signer } from '../pki/signer.ts';
import { type KeySource, keyFileName, readKeyFile, signerOpener } from './key-providers.ts';
import type { PostPaths, Settings } from './post-folder.ts';
import { readPresentText } from './read-file.ts';

/** The keys of a post that live on its machine; the root's does not. */
export const certifiedKeyNames = [
  'issuing-ca',
  'document-signer',
  'seal-signer',
  'vds-signer',
  'tsa',
] as const;
export type CertifiedKeyName = (typeof certifiedKeyNames)[number];
export type KeyName = CertifiedKeyName | 'log' | 'pieces';

export const keyFile = (paths: PostPaths, name: KeyName): string => join(paths.keys, keyFileName(name));
export const certificateFile = (paths: PostPaths, name: CertifiedKeyName | 'root'): string =>
  join(paths.certificates, `${name}.cert.pem`);

export async function readCertificate(
  paths: PostPaths,
  name: CertifiedKeyName | 'root',
): Promise<Uint8Array> {
  const file = certificateFile(paths, name);
  const text = await readPresentText(file);
  try {
    return fromPem('CERTIFICATE', text);
  } catch (cause) {
    throw new ConsulError('CERTIFICATE_INVALID', `${file} does not hold a PEM certificate`, { cause });
  }
}

/** The keys that may be kept in a token: all that sign. The key of the pieces decrypts, by age, from its file. */
export type SigningKeyName = Exclude<KeyName, 'pieces'>;

/** What opens the keys of a post; each is asked for when the first key needs it. */
export interface KeySecrets {
  /** Derives the key of the files from the passphrase, once for each set of parameters. */
  readonly fileKey: (derivation: KeyDerivation) => Promise<Uint8Array>;
  /** PIN of a token whose settings name no file that holds it. @throws ConsulError PIN_MISSING */
  readonly pin?: (token: string) => Promise<string>;
}

/** Opens the keys of a post as they are asked for, from files or tokens. */
export interface KeyRing {
  signer(name: SigningKeyName): Promise<Signer>;
  /** @throws ConsulError KEY_INVALID also when the key is not the one of its certificate */
  certified(name: CertifiedKeyName): Promise<CertifiedSigner>;
  /** For threads of their own, which open it by `signerOpener`. */
  source(name: SigningKeyName): Promise<KeySource>;
  /** A signer of a key that has, or will have, another place than its settings say. */
  open(source: KeySource): Promise<Signer>;
  /** The key itself. @throws ConsulError KEY_INVALID when it is in a token */
  privateKey(name: KeyName): Promise<KeyObject>;
}

/** The PIN is the first line of its file; `/dev/fd/N` is a file too. */
export async function readPin(file: string): Promise<string> {
  const [pin = ''] = (await readPresentText(file)).split(/\r?\n/, 1);
  if (pin === '') throw new ConsulError('PIN_WRONG', `${file} holds no PIN in its first line`);
  return pin;
}

/** Each file is read once. */
function pinReader(home: string): (file: string) => Promise<string> {
  const pins = new Map<string, Promise<string>>();
  return (named) => {
    const file = resolve(home, named);
    const pin = pins.get(file) ?? readPin(file);
    pins.set(file, pin);
    return pin;
  };
}

/** @param places the `keys` of post.toml: which keys are in tokens */
export function openKeyRing(
  paths: PostPaths,
  { fileKey, pin: askPin }: KeySecrets,
  places: Settings['keys'] = {},
): KeyRing {
  const pinIn = pinReader(paths.home);
  const opener = signerOpener();

  const pinOf = (token: string, pinFile: string | undefined): Promise<string> => {
    if (pinFile !== undefined) return pinIn(pinFile);
    if (askPin) return askPin(token);
    throw new ConsulError('PIN_MISSING', `post.toml names no file for the PIN of the token ${token}`);
  };

  const privateKey = async (name: KeyName): Promise<KeyObject> => {
    if (name !== 'pieces' && places[name]?.provider === 'pkcs11')
      throw new ConsulError('KEY_INVALID', `the private key ${name} is in a token and stays there`);
    return readKeyFile(keyFile(paths, name), name, fileKey);
  };

  const source = async (name: SigningKeyName): Promise<KeySource> => {
    const place = places[name];
    if (place?.provider !== 'pkcs11') return { kind: 'held', key: await privateKey(name) };
    const { module, token, label, id, pinFile } = place;
    const pin = await pinOf(token, pinFile);
    const key: TokenKey = id === undefined ? { label: label ?? name } : { id, ...(label ? { label } : {}) };
    return { kind: 'token', place: { module, token, pin }, key };
  };

  const signer = async (name: SigningKeyName): Promise<Signer> => opener.signer(await source(name));

  return {
    privateKey,
    source,
    signer,
    open: (found) => opener.signer(found),
    certified: async (name) => {
      const [key, certificate, issuer] = await Promise.all([
        signer(name),
        readCertificate(paths, name),
        name === 'issuing-ca' ? undefined : readCertificate(paths, 'issuing-ca'),
      ]);
      return certifiedBy(key, certificate, issuer ? [issuer] : [], name);
    },
  };
}

/** A signer with its certificate, which must be of its key. @throws ConsulError KEY_INVALID */
export function certifiedBy(
  key: Signer,
  certificate: Uint8Array,
  chain: readonly Uint8Array[],
  name: string,
): CertifiedSigner {
  // A signer of ICAO seals has the parameters of its curve written out.
  if (!equalBytes(namedCurveSpki(parseCertificate(certificate).spki), key.publicKey))
    throw new ConsulError(
      'KEY_INVALID',
      `the certificate of the ${name} is of another key than its private key`,
    );
  return { ...key, certificate, chain };
}
