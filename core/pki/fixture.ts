import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { concatBytes } from '../bytes.ts';
import { contextTag, tag } from '../der/tags.ts';
import {
  bitString,
  boolean,
  element,
  explicit,
  implicit,
  integer,
  nul,
  octetString,
  oid,
  sequence,
  setOf,
  time,
  utf8String,
} from '../der/writer.ts';
import { extensionOid, type KeyUsage, keyUsages } from './extensions.ts';

/** Certificates and CRLs of any shape, right and wrong, for tests. */
export interface Party {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly spki: Uint8Array;
}

export function party(
  name: string,
  kind: 'P-256' | 'P-384' | 'rsa' | 'rsa-2048' | 'rsa-1024' | 'ed25519' = 'P-256',
): Party {
  const { privateKey, publicKey } =
    kind === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : kind === 'rsa' || kind === 'rsa-2048' || kind === 'rsa-1024'
        ? generateKeyPairSync('rsa', {
            modulusLength: { rsa: 3072, 'rsa-2048': 2048, 'rsa-1024': 1024 }[kind],
          })
        : generateKeyPairSync('ec', { namedCurve: kind });
  return { name, privateKey, spki: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })) };
}

/** The same key under another name. */
export const renamed = (name: string, { privateKey, spki }: Party): Party => ({ name, privateKey, spki });

export const commonName = (text: string): Uint8Array =>
  text === '' ? sequence() : sequence(setOf([sequence(oid('2.5.4.3'), utf8String(text))]));

export const extension = (identifier: string, value: Uint8Array, critical = false): Uint8Array =>
  sequence(oid(identifier), ...(critical ? [boolean(true)] : []), octetString(value));

const keyIdentifier = ({ spki }: Party): Uint8Array =>
  new Uint8Array(createHash('sha256').update(spki).digest().subarray(0, 20));

export function keyUsageBits(usages: readonly KeyUsage[]): Uint8Array {
  const last = Math.max(...usages.map((usage) => keyUsages.indexOf(usage)));
  const octets = new Uint8Array((last >> 3) + 1);
  for (const usage of usages) {
    const bit = keyUsages.indexOf(usage);
    octets[bit >> 3] = (octets[bit >> 3] as number) | (0x80 >> (bit & 7));
  }
  return element(tag.bitString, Uint8Array.of(7 - (last & 7)), octets);
}

export interface CertificateShape {
  readonly ca?: boolean;
  readonly pathLength?: number;
  readonly keyUsage?: readonly KeyUsage[];
  readonly extendedKeyUsage?: readonly string[];
  readonly extendedKeyUsageCritical?: boolean;
  /** DER of further extensions. */
  readonly extensions?: readonly Uint8Array[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly serial?: number | bigint | Uint8Array;
  /** DER AlgorithmIdentifier in place of the right one. */
  readonly algorithm?: Uint8Array;
}

const ecdsaSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const rsaSha256 = sequence(oid('1.2.840.113549.1.1.11'), nul);
const ed25519 = sequence(oid('1.3.101.112'));

const algorithmOf = ({ privateKey }: Party): Uint8Array =>
  ({ ec: ecdsaSha256, rsa: rsaSha256, ed25519 })[privateKey.asymmetricKeyType as 'ec' | 'rsa' | 'ed25519'];

const signatureOver = (bytes: Uint8Array, { privateKey }: Party): Uint8Array =>
  new Uint8Array(sign(privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, privateKey));

export const testTime = new Date('2026-06-01T12:00:00Z');

/** A certificate for `subject` by `issuer`; a CA where `ca` is set, else one for signing. */
export function certificate(issuer: Party, subject: Party, shape: CertificateShape = {}): Uint8Array {
  const ca = shape.ca ?? false;
  const usages = shape.keyUsage ?? (ca ? ['keyCertSign', 'cRLSign'] : ['digitalSignature']);
  const extensions = [
    extension(extensionOid.subjectKeyIdentifier, octetString(keyIdentifier(subject))),
    extension(
      extensionOid.authorityKeyIdentifier,
      sequence(implicit(contextTag(0, false), octetString(keyIdentifier(issuer)))),
    ),
    ...(ca
      ? [
          extension(
            extensionOid.basicConstraints,
            sequence(boolean(true), ...(shape.pathLength === undefined ? [] : [integer(shape.pathLength)])),
            true,
          ),
        ]
      : []),
    ...(usages.length > 0 ? [extension(extensionOid.keyUsage, keyUsageBits(usages), true)] : []),
    ...(shape.extendedKeyUsage
      ? [
          extension(
            extensionOid.extendedKeyUsage,
            sequence(...shape.extendedKeyUsage.map(oid)),
            shape.extendedKeyUsageCritical,
          ),
        ]
      : []),
    ...(shape.extensions ?? []),
  ];
  const algorithm = shape.algorithm ?? algorithmOf(issuer);
  const tbs = sequence(
    explicit(0, integer(2)),
    integer(shape.serial ?? new Uint8Array([1, ...randomBytes(8)])),
    algorithm,
    commonName(issuer.name),
    sequence(
      time(shape.notBefore ?? new Date('2020-01-01T00:00:00Z')),
      time(shape.notAfter ?? new Date('2040-01-01T00:00:00Z')),
    ),
    commonName(subject.name),
    subject.spki,
    explicit(3, sequence(...extensions)),
  );
  return sequence(tbs, algorithm, bitString(signatureOver(tbs, issuer)));
}

export interface CrlShape {
  readonly revoked?: readonly {
    serial: Uint8Array | number;
    date: Date;
    reason?: number;
    extensions?: readonly Uint8Array[];
  }[];
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date;
  readonly number?: number;
  readonly extensions?: readonly Uint8Array[];
  /** DER in place of what would stand there; no bytes leave the field out. */
  readonly fields?: Partial<Record<CrlField, Uint8Array>>;
  /** The AlgorithmIdentifier outside, where it is not the one inside. */
  readonly outerAlgorithm?: Uint8Array;
  /** What is signed in place of the list. */
  readonly signed?: Uint8Array;
  /** The BIT STRING of a signature value. */
  readonly signature?: (value: Uint8Array) => Uint8Array;
}

type CrlField = 'version' | 'algorithm' | 'issuer' | 'thisUpdate' | 'nextUpdate' | 'entries' | 'extensions';

/** Concatenated in portions: a call takes no hundred thousand arguments. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const portions: Uint8Array[] = [];
  for (let i = 0; i < parts.length; i += 1000) portions.push(concatBytes(...parts.slice(i, i + 1000)));
  return concatBytes(...portions);
}

export function crl(issuer: Party, shape: CrlShape = {}): Uint8Array {
  const algorithm = algorithmOf(issuer);
  const entries = (shape.revoked ?? []).map(({ serial, date, reason, extensions = [] }) => {
    const all = [
      ...(reason === undefined
        ? []
        : [extension('2.5.29.21', element(tag.enumerated, Uint8Array.of(reason)))]),
      ...extensions,
    ];
    return sequence(integer(serial), time(date), ...(all.length > 0 ? [sequence(...all)] : []));
  });
  const fields: Record<CrlField, Uint8Array> = {
    version: integer(1),
    algorithm,
    issuer: commonName(issuer.name),
    thisUpdate: time(shape.thisUpdate ?? new Date('2026-05-30T00:00:00Z')),
    nextUpdate: time(shape.nextUpdate ?? new Date('2026-06-10T00:00:00Z')),
    entries: entries.length > 0 ? sequence(joined(entries)) : new Uint8Array(),
    extensions: explicit(
      0,
      sequence(extension('2.5.29.20', integer(shape.number ?? 1)), ...(shape.extensions ?? [])),
    ),
    ...shape.fields,
  };
  const tbs = sequence(...Object.values(fields));
  const value = signatureOver(shape.signed ?? tbs, issuer);
  return sequence(
    tbs,
    shape.outerAlgorithm ?? fields.algorithm,
    shape.signature ? shape.signature(value) : bitString(value),
  );
}
