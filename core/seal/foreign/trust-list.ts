import { fromUtf8, toHex } from '../../bytes.ts';
import type { CryptoBackend } from '../../crypto/backend.ts';
import { namedCurveSpki } from '../../crypto/explicit-curve.ts';
import { type PublicKeyAlgorithm, readSpki } from '../../crypto/spki.ts';
import { ConsulError } from '../../errors.ts';
import type { Name } from '../../pki/name.ts';
import { readSignerCertificate, type SignerCertificate } from './signer-certificate.ts';

/** Someone whose seals are trusted, by decision of whoever keeps the list. */
export interface TrustedSigner {
  /** Absent for a bare public key, as issuers of Claim 169 publish them. */
  readonly certificate?: SignerCertificate;
  /** DER SubjectPublicKeyInfo with the curve by name. */
  readonly spki: Uint8Array;
  readonly key: PublicKeyAlgorithm;
  readonly revoked: boolean;
}

/** Trust in other systems, ready to be asked. */
export interface ForeignTrust {
  /** By what seals call their signer: see `signerNames`. */
  readonly signers: ReadonlyMap<string, readonly TrustedSigner[]>;
  /** States and others whose signers are trusted where their certificate comes inside the seal. */
  readonly authorities: readonly SignerCertificate[];
}

export interface TrustFile {
  /** For messages; its ending tells what is in it. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The names under which seals of each system look for their signer. */
export const signerNames = {
  /** First 8 bytes of the SHA-256 of a certificate, or what a trust list says. */
  kid: (kid: Uint8Array): string => `kid ${toHex(kid)}`,
  /** `iss` of a token whose key has no identifier. */
  issuer: (issuer: string): string => `issuer ${issuer}`,
  twoDDoc: (authority: string, certificate: string): string => `2d-doc ${authority} ${certificate}`,
  /** Doc 9303-13 §2.2: country and name of the signer, and its serial number without leading zeros. */
  vds: (signer: string, reference: string): string =>
    `vds ${signer} ${reference.toUpperCase().replace(/^0+(?=.)/, '')}`,
  /** Last five bytes of the SHA-1 of a certificate. */
  idb: (reference: string): string => `idb ${reference.toLowerCase()}`,
  certificate: (sha256: Uint8Array): string => `certificate ${toHex(sha256)}`,
} as const;

const maximumFile = 64 * 2 ** 20;
const maximumSigners = 100_000;

/** One entry of a list; its keys in DER, from base64 or PEM. */
interface ListEntry {
  readonly certificate?: Uint8Array;
  readonly publicKey?: Uint8Array;
  /** Base64. */
  readonly kid?: string;
  readonly issuer?: string;
  readonly vds?: string;
  readonly '2d-doc'?: string;
  readonly revoked?: boolean;
}

/**
 * Reads trust lists out of files: certificates in PEM (`.pem`, `.crt`, `.cer`, several in one) or DER (`.der`, `.cer`,
 * `.crt`), and lists in JSON: an array of entries, `{"certificates": [entries]}` as the EU gateway publishes it (`kid`,
 * `rawData`), or a map from key identifier to certificate. An entry has `certificate` or `publicKey`, and may say by
 * which name seals know it: `kid`, `issuer`, `vds` ("UTTS 5B"), `2d-doc` ("FR00 0001"); `revoked` takes the trust away.
 * Certificates that may sign others are authorities besides: some states seal with such a key.
 *
 * @throws ConsulError TRUST_INVALID with the file
 */
export async function readForeignTrust(
  files: Iterable<TrustFile>,
  backend: Pick<CryptoBackend, 'digest'>,
): Promise<ForeignTrust> {
  const signers = new Map<string, TrustedSigner[]>();
  const authorities: SignerCertificate[] = [];
  let count = 0;
  for (const file of files) {
    try {
      for (const entry of entriesOf(file)) {
        if (++count > maximumSigners)
          throw new ConsulError('TRUST_INVALID', `more than ${maximumSigners} signers`);
        const { signer, names } = await trusted(entry, backend);
        if (signer.certificate?.isAuthority) authorities.push(signer.certificate);
        for (const name of names) signers.set(name, [...(signers.get(name) ?? []), signer]);
      }
    } catch (cause) {
      if (!(cause instanceof ConsulError)) throw cause;
      throw new ConsulError('TRUST_INVALID', `${file.name}: ${cause.message}`, { cause });
    }
  }
  return { signers, authorities };
}

async function trusted(entry: ListEntry, backend: Pick<CryptoBackend, 'digest'>) {
  const names: string[] = [];
  const { kid, issuer, vds, revoked = false } = entry;
  const twoDDoc = entry['2d-doc'];
  if (kid !== undefined) names.push(signerNames.kid(base64(kid)));
  if (issuer !== undefined) names.push(signerNames.issuer(issuer));
  if (vds !== undefined) names.push(signerNames.vds(...twoParts(vds)));
  if (twoDDoc !== undefined) names.push(signerNames.twoDDoc(...twoParts(twoDDoc)));
  if (entry.publicKey !== undefined) {
    const spki = namedCurveSpki(entry.publicKey);
    const signer: TrustedSigner = { spki, key: readSpki(spki), revoked };
    return { signer, names };
  }
  if (entry.certificate === undefined) throw invalid('an entry without a certificate or public key');
  const certificate = readSignerCertificate(entry.certificate);
  const sha256 = await backend.digest('sha256', certificate.bytes);
  const sha1 = await backend.digest('sha1', certificate.bytes);
  names.push(
    signerNames.certificate(sha256),
    signerNames.kid(sha256.subarray(0, 8)),
    signerNames.idb(toHex(sha1.subarray(-5))),
    ...ownNames(certificate),
  );
  const signer: TrustedSigner = { certificate, spki: certificate.spki, key: certificate.key, revoked };
  return { signer, names: new Set(names) };
}

/** The names that follow from those in the certificate. */
function ownNames({ subject, issuer, serial }: SignerCertificate): string[] {
  const [country, subjectName, issuerName] = [
    attribute(subject, '2.5.4.6'),
    attribute(subject, '2.5.4.3'),
    attribute(issuer, '2.5.4.3'),
  ];
  const names: string[] = [];
  if (country?.length === 2 && subjectName?.length === 2)
    names.push(signerNames.vds(country + subjectName, toHex(serial)));
  if (/^[A-Z0-9]{4}$/.test(issuerName ?? '') && /^[A-Z0-9]{4,5}$/.test(subjectName ?? ''))
    names.push(signerNames.twoDDoc(issuerName as string, subjectName as string));
  return names;
}

const attribute = (name: Name, type: string): string | undefined =>
  name.rdns.flat().find((part) => part.type === type)?.text;

function entriesOf({ name, bytes }: TrustFile): Iterable<ListEntry> {
  if (bytes.length > maximumFile) throw invalid(`a file of ${bytes.length} bytes`);
  if (/\.json$/i.test(name)) return jsonEntries(textOf(bytes));
  // DER begins with a SEQUENCE; PEM is text.
  if (bytes[0] === 0x30) return [{ certificate: bytes }];
  const blocks = textOf(bytes).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (!blocks) throw invalid('neither a certificate nor a list of them');
  return blocks.map((block) => ({ certificate: derOf(block) }));
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes).replace(/^\ufeff/, '');
  } catch (cause) {
    throw new ConsulError('TRUST_INVALID', 'a text that is not UTF-8', { cause });
  }
}

function jsonEntries(text: string): readonly ListEntry[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConsulError('TRUST_INVALID', 'a list that is not JSON', { cause });
  }
  const list = isObject(value) && Array.isArray(value.certificates) ? value.certificates : value;
  if (Array.isArray(list)) return list.map(entry);
  if (!isObject(list)) throw invalid('a list of another form');
  return Object.entries(list).map(([kid, certificate]) => entry({ kid, certificate }));
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const texts = ['kid', 'issuer', 'vds', '2d-doc'] as const;
const keys = ['certificate', 'publicKey'] as const;

function entry(value: unknown): ListEntry {
  if (!isObject(value)) throw invalid('an entry that is not an object');
  const { revoked } = value;
  const known: Record<string, string | boolean | Uint8Array> = {};
  for (const name of [...keys, ...texts]) {
    const text = value[name] ?? (name === 'certificate' ? value.rawData : undefined);
    if (text === undefined || text === null) continue;
    if (typeof text !== 'string') throw invalid(`${name} of an entry is not a text`);
    known[name] = name === 'certificate' || name === 'publicKey' ? derOf(text) : text;
  }
  if (revoked !== undefined && typeof revoked !== 'boolean')
    throw invalid('revoked of an entry is neither true nor false');
  return { ...known, ...(revoked === undefined ? {} : { revoked }) };
}

function twoParts(text: string): [string, string] {
  const parts = /^([A-Z0-9]{4}) ([A-Z0-9]{1,255})$/.exec(text);
  if (!parts) throw invalid(`"${text.slice(0, 40)}" is not a signer and a certificate`);
  return [parts[1] as string, parts[2] as string];
}

const derOf = (text: string): Uint8Array =>
  base64(text.replace(/-----(?:BEGIN|END) [A-Z ]+-----/g, '').replace(/\s+/g, ''));

function base64(text: string): Uint8Array {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, ''));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new ConsulError('TRUST_INVALID', 'a value that is not base64', { cause });
  }
}

const invalid = (message: string): ConsulError => new ConsulError('TRUST_INVALID', message);
