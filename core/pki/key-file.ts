import { createCipheriv, createDecipheriv, createPrivateKey, type KeyObject, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { readDer } from '../der/reader.ts';
import { integer, octetString, oid, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';

const idPbes2 = '1.2.840.113549.1.5.13';
const idScrypt = '1.3.6.1.4.1.11591.4.11';
const idAes256Cbc = '2.16.840.1.101.3.4.1.42';

/** Bounds on what a key file may ask of this machine: 1 GiB of memory, 16 passes. */
const maxCost = 2 ** 20;
const maxParallelization = 16;

/** scrypt parameters of RFC 7914 §2. The salt is shared by the keys of one post, so that one derivation opens them all. */
export interface KeyDerivation {
  readonly salt: Uint8Array;
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
}

/**
 * For a passphrase that a person chose: N = 2^14, r = 8, p = 5, the OWASP strength that still fits the 32 MiB which
 * OpenSSL allows when it reads such a file. A passphrase of 128 random bits needs no stretching: one pass.
 */
export function keyDerivation(salt: Uint8Array, passphrase: 'chosen' | 'random'): KeyDerivation {
  return { salt, cost: 2 ** 14, blockSize: 8, parallelization: passphrase === 'chosen' ? 5 : 1 };
}

const scryptAsync = promisify(scrypt) as (
  password: Uint8Array,
  salt: Uint8Array,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
) => Promise<Uint8Array>;

/** The AES-256 key that encrypts key files; derived on a worker thread, so start it early and await it late. */
export function deriveFileKey(passphrase: Uint8Array, derivation: KeyDerivation): Promise<Uint8Array> {
  return scryptAsync(passphrase, derivation.salt, 32, {
    N: derivation.cost,
    r: derivation.blockSize,
    p: derivation.parallelization,
    maxmem: 256 * derivation.cost * derivation.blockSize,
  });
}

/** Derives each distinct set of parameters once for one passphrase. */
export function passphraseKeys(passphrase: Uint8Array): (derivation: KeyDerivation) => Promise<Uint8Array> {
  const known = new Map<string, Promise<Uint8Array>>();
  return (derivation) => {
    const { salt, cost, blockSize, parallelization } = derivation;
    const name = [Buffer.from(salt).toString('hex'), cost, blockSize, parallelization].join();
    const derived = known.get(name) ?? deriveFileKey(passphrase, derivation);
    known.set(name, derived);
    return derived;
  };
}

const pemLabel = 'ENCRYPTED PRIVATE KEY';

/**
 * A private key as PKCS#8 EncryptedPrivateKeyInfo in PEM: PBES2 (RFC 8018 §6.2) with scrypt (RFC 7914 §7) and
 * AES-256-CBC, readable by OpenSSL.
 * @param iv 16 random bytes
 */
export function encryptKey(
  key: KeyObject,
  fileKey: Uint8Array,
  derivation: KeyDerivation,
  iv: Uint8Array,
): string {
  const cipher = createCipheriv('aes-256-cbc', fileKey, iv);
  const plain = key.export({ type: 'pkcs8', format: 'der' });
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  plain.fill(0);
  const keyDerivationFunction = sequence(
    oid(idScrypt),
    sequence(
      octetString(derivation.salt),
      integer(derivation.cost),
      integer(derivation.blockSize),
      integer(derivation.parallelization),
      integer(32),
    ),
  );
  const encryptionScheme = sequence(oid(idAes256Cbc), octetString(iv));
  const der = sequence(
    sequence(oid(idPbes2), sequence(keyDerivationFunction, encryptionScheme)),
    octetString(encrypted),
  );
  return toPem(pemLabel, der);
}

interface EncryptedKey {
  readonly derivation: KeyDerivation;
  readonly iv: Uint8Array;
  readonly data: Uint8Array;
}

function readEncryptedKey(pem: string, name: string): EncryptedKey {
  try {
    const [algorithm, data] = readDer(fromPem(pemLabel, pem)).sequence();
    const [scheme, parameters] = algorithm?.sequence() ?? [];
    const [kdf, encryption] = parameters?.sequence() ?? [];
    const [kdfId, kdfParameters] = kdf?.sequence() ?? [];
    const [encryptionId, iv] = encryption?.sequence() ?? [];
    const [salt, cost, blockSize, parallelization] = kdfParameters?.sequence() ?? [];
    if (!(scheme && kdfId && encryptionId && salt && cost && blockSize && parallelization && iv && data))
      throw new RangeError('a part is missing');
    if (scheme.oid() !== idPbes2 || kdfId.oid() !== idScrypt || encryptionId.oid() !== idAes256Cbc)
      throw new RangeError('not PBES2 with scrypt and AES-256-CBC');
    const derivation = {
      salt: salt.octets(),
      cost: cost.integer(),
      blockSize: blockSize.integer(),
      parallelization: parallelization.integer(),
    };
    if (
      derivation.cost > maxCost ||
      derivation.blockSize > 8 ||
      derivation.parallelization > maxParallelization
    )
      throw new RangeError('scrypt parameters above the bounds');
    return { derivation, iv: iv.octets(), data: data.octets() };
  } catch (cause) {
    throw new ConsulError('KEY_INVALID', `the private key ${name} is not an encrypted PKCS#8 file`, {
      cause,
    });
  }
}

/** How the key of an encrypted file is derived, so that another can be encrypted by the same. @throws ConsulError KEY_INVALID */
export const derivationOf = (pem: string, name: string): KeyDerivation =>
  readEncryptedKey(pem, name).derivation;

/**
 * @param name how the key is called in messages
 * @throws ConsulError KEY_INVALID, PASSPHRASE_WRONG
 */
export async function decryptKey(
  pem: string,
  name: string,
  fileKey: (derivation: KeyDerivation) => Promise<Uint8Array>,
): Promise<KeyObject> {
  const { derivation, iv, data } = readEncryptedKey(pem, name);
  const decipher = createDecipheriv('aes-256-cbc', await fileKey(derivation), iv);
  try {
    const plain = Buffer.concat([decipher.update(data), decipher.final()]);
    const key = createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' });
    plain.fill(0);
    return key;
  } catch (cause) {
    throw new ConsulError('PASSPHRASE_WRONG', `the passphrase does not open the private key ${name}`, {
      cause,
    });
  }
}

/** RFC 7468 textual encoding. */
export function toPem(label: string, der: Uint8Array): string {
  const body =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...body, `-----END ${label}-----`, ''].join('\n');
}

/** All blocks with that label, in their order. */
export function pemBlocks(label: string, text: string): readonly Uint8Array[] {
  const pattern = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`, 'g');
  return [...text.matchAll(pattern)].map(([, body = '']) => Uint8Array.from(Buffer.from(body, 'base64')));
}

/** The first block with that label. @throws RangeError where there is none */
export function fromPem(label: string, text: string): Uint8Array {
  const [first] = pemBlocks(label, text);
  if (!first) throw new RangeError(`no ${label} block`);
  return first;
}
