import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import type { CurveName, SignatureAlgorithm } from '../crypto/backend.ts';
import { ecdsaSignatureToDer } from '../crypto/ecdsa-signature.ts';
import {
  bitString,
  boolean,
  element,
  explicit,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  time,
  utf8String,
} from '../der/writer.ts';
import type { CertifiedSigner, Signer } from '../pki/signer.ts';

/** For tests only: a certification authority as code, which also issues what a real one must not. */

const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer);

const groups: Record<CurveName, string> = { 'P-256': 'P-256', 'P-384': 'P-384', 'P-521': 'P-521' };

export type KeyKind =
  | { readonly name: 'ecdsa'; readonly curve: CurveName; readonly hash: 'sha256' | 'sha384' | 'sha512' }
  | { readonly name: 'rsa-pkcs1'; readonly hash: 'sha256' | 'sha384' | 'sha512'; readonly bits?: number }
  | { readonly name: 'rsa-pss'; readonly hash: 'sha256' | 'sha384' | 'sha512'; readonly saltLength: number }
  | { readonly name: 'ed25519' };

export const p256: KeyKind = { name: 'ecdsa', curve: 'P-256', hash: 'sha256' };

export interface TestSigner extends Signer {
  readonly key: KeyObject;
}

function newKey(kind: KeyKind): KeyObject {
  if (kind.name === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
  if (kind.name === 'ecdsa') return generateKeyPairSync('ec', { namedCurve: groups[kind.curve] }).privateKey;
  const modulusLength = kind.name === 'rsa-pkcs1' ? (kind.bits ?? 2048) : 2048;
  return generateKeyPairSync('rsa', { modulusLength }).privateKey;
}

function rawSign(kind: KeyKind, key: KeyObject, data: Uint8Array): Uint8Array {
  if (kind.name === 'ed25519') return plain(sign(null, data, key));
  if (kind.name === 'ecdsa') return plain(sign(kind.hash, data, { key, dsaEncoding: 'ieee-p1363' }));
  if (kind.name === 'rsa-pkcs1') return plain(sign(kind.hash, data, key));
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return plain(sign(kind.hash, data, { key, padding, saltLength: kind.saltLength }));
}

export function testSigner(kind: KeyKind = p256, key: KeyObject = newKey(kind)): TestSigner {
  const algorithm: SignatureAlgorithm =
    kind.name === 'rsa-pkcs1' ? { name: kind.name, hash: kind.hash } : kind;
  return {
    key,
    algorithm,
    publicKey: plain(createPublicKey(key).export({ type: 'spki', format: 'der' })),
    sign: (data) => rawSign(kind, key, data),
  };
}

export interface Leaf {
  readonly commonName?: string;
  readonly kind?: KeyKind;
  readonly signer?: TestSigner;
  readonly serial?: number;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly ca?: boolean;
  /** Bits of key usage as an octet; digitalSignature is 0x80. Undefined leaves the extension out. */
  readonly keyUsage?: number | undefined;
  readonly extendedKeyUsage?: readonly string[];
  readonly extendedKeyUsageCritical?: boolean;
}

export type TestCertified = CertifiedSigner & TestSigner;

const name = (commonName: string): Uint8Array =>
  sequence(setOf([sequence(oid('2.5.4.3'), utf8String(commonName))]));

const keyIdentifier = (spki: Uint8Array): Uint8Array => plain(createHash('sha1').update(spki).digest());

function extension(type: string, critical: boolean, value: Uint8Array): Uint8Array {
  return sequence(oid(type), ...(critical ? [boolean(true)] : []), octetString(value));
}

function keyUsageValue(octet: number): Uint8Array {
  let unused = 0;
  while (((octet >> unused) & 1) === 0) unused += 1;
  return element(0x03, Uint8Array.of(unused, octet));
}

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

let lastSerial = 1000;

function certificate(subject: TestSigner, leaf: Leaf, issuerName: string, issuer: TestSigner): Uint8Array {
  const { keyUsage = leaf.ca ? 0x06 : 0x80, extendedKeyUsage, extendedKeyUsageCritical = true } = leaf;
  lastSerial += 1;
  const extensions = [
    ...(leaf.ca ? [extension('2.5.29.19', true, sequence(boolean(true)))] : []),
    ...(keyUsage ? [extension('2.5.29.15', true, keyUsageValue(keyUsage))] : []),
    ...(extendedKeyUsage
      ? [
          extension(
            '2.5.29.37',
            extendedKeyUsageCritical,
            sequence(...extendedKeyUsage.map((use) => oid(use))),
          ),
        ]
      : []),
    extension('2.5.29.14', false, octetString(keyIdentifier(subject.publicKey))),
    extension('2.5.29.35', false, sequence(element(0x80, keyIdentifier(issuer.publicKey)))),
  ];
  const tbs = sequence(
    explicit(0, integer(2)),
    integer(leaf.serial ?? lastSerial),
    ecdsaWithSha256,
    name(issuerName),
    sequence(
      time(leaf.notBefore ?? new Date('2020-01-01T00:00:00Z')),
      time(leaf.notAfter ?? new Date('2045-01-01T00:00:00Z')),
    ),
    name(leaf.commonName ?? 'Signer'),
    subject.publicKey,
    explicit(3, sequence(...extensions)),
  );
  const value = issuer.sign(tbs) as Uint8Array;
  return sequence(tbs, ecdsaWithSha256, bitString(ecdsaSignatureToDer(value)));
}

export interface TestingCa {
  readonly root: Uint8Array;
  readonly intermediate: Uint8Array;
  issue(leaf?: Leaf): TestCertified;
}

/** A root and an intermediate with P-256 keys; leaves are issued by the intermediate. */
export function testingCa(): TestingCa {
  const rootKey = testSigner();
  const intermediateKey = testSigner();
  const root = certificate(rootKey, { commonName: 'Root', ca: true }, 'Root', rootKey);
  const intermediate = certificate(intermediateKey, { commonName: 'Issuing', ca: true }, 'Root', rootKey);
  return {
    root,
    intermediate,
    issue(leaf = {}) {
      const signer = leaf.signer ?? testSigner(leaf.kind);
      const der = certificate(signer, leaf, 'Issuing', intermediateKey);
      return { ...signer, certificate: der, chain: [intermediate] };
    },
  };
}

export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

export const sha256 = (data: Uint8Array): Uint8Array => plain(createHash('sha256').update(data).digest());
