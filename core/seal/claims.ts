import { ConsulError, type ErrorDetail } from '../errors.ts';
import type { CborKey, CborMap, CborValue } from './cbor.ts';

/** How a value of a claim looks in CBOR and in the program; undefined where it may not stand there. */
interface Kind<T> {
  readonly wanted: string;
  write(value: T): CborValue | undefined;
  read(value: CborValue): T | undefined;
}

interface Claim<T, Required extends boolean> {
  readonly label: number;
  readonly kind: Kind<T>;
  readonly required: Required;
}

const required = <T>(label: number, kind: Kind<T>): Claim<T, true> => ({ label, kind, required: true });
const optional = <T>(label: number, kind: Kind<T>): Claim<T, false> => ({ label, kind, required: false });

/** Control characters, line separators, and the marks that reorder the text around them (UAX #9 §2). */
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u;
const maximumText = 200;

/** Text for one line of a page; written in NFC whatever form it came in. */
export const isLine = (text: string, longest = maximumText): boolean =>
  text !== '' && text.length <= longest && !unprintable.test(text);

function text(wanted = `1 to ${maximumText} printable characters`, pattern?: RegExp): Kind<string> {
  const valid = (value: unknown): string | undefined =>
    typeof value === 'string' && isLine(value) && (pattern === undefined || pattern.test(value))
      ? value
      : undefined;
  return { wanted, read: valid, write: (value) => valid(value)?.normalize('NFC') };
}

function integer(maximum: number, wanted: string): Kind<number> {
  const valid = (value: unknown): number | undefined =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maximum
      ? value
      : undefined;
  return { wanted, read: valid, write: valid };
}

function bytes(length: number): Kind<Uint8Array> {
  const valid = (value: unknown): Uint8Array | undefined =>
    value instanceof Uint8Array && value.length === length ? value : undefined;
  return { wanted: `${length} bytes`, read: valid, write: valid };
}

/** A day that exists in the Gregorian calendar. */
const day: Kind<string> = (() => {
  const valid = (value: unknown): string | undefined => {
    const parts = typeof value === 'string' ? /^(\d{4})(\d\d)(\d\d)$/.exec(value) : null;
    if (!parts) return undefined;
    const [whole, year, month, date] = parts as unknown as [string, string, string, string];
    const time = new Date(0);
    time.setUTCFullYear(Number(year), Number(month) - 1, Number(date));
    return time.getUTCMonth() === Number(month) - 1 && time.getUTCDate() === Number(date) ? whole : undefined;
  };
  return { wanted: 'a day as YYYYMMDD', read: valid, write: valid };
})();

/** Claim 169, attribute 9: 1 male, 2 female, 3 others. */
const sexes = ['male', 'female', 'other'] as const;
const sex: Kind<(typeof sexes)[number]> = {
  wanted: sexes.join(', '),
  write: (value) => (sexes.includes(value) ? sexes.indexOf(value) + 1 : undefined),
  read: (value) => (typeof value === 'number' ? sexes[value - 1] : undefined),
};

const state = text('an ISO 3166-1 alpha-2 code', /^[A-Z]{2}$/);
const country = text('an ISO 3166-1 alpha-2 or alpha-3 code', /^[A-Z]{2,3}$/);
/** NumericDate (RFC 8392 §2) without fractions, up to the year 9999. */
const seconds = integer(253_402_300_799, 'whole seconds since 1970-01-01 UTC');

/** CWT claims (RFC 8392 §3.1). */
const tokenClaims = {
  issuer: required(1, state),
  expires: optional(4, seconds),
  notBefore: optional(5, seconds),
  issuedAt: required(6, seconds),
} as const;

/** MOSIP Claim 169 version 1.2, "CBOR map structure". */
const identityClaims = {
  fullName: optional(4, text()),
  givenName: optional(5, text()),
  familyName: optional(7, text()),
  dateOfBirth: optional(8, day),
  sex: optional(9, sex),
  nationality: optional(13, country),
  /** The full name in a second script. */
  secondName: optional(19, text()),
  /** ISO 639 code of its language. */
  secondLanguage: optional(20, text('an ISO 639 code', /^[a-z]{2,3}$/)),
  issuingCountry: optional(23, country),
} as const;

/** Consular claims: what a document says besides the identity. Labels from 8 up belong to the procedures. */
const documentClaims = {
  type: required(1, text()),
  number: required(2, text()),
  placeOfBirth: optional(3, text()),
  travelDocument: optional(4, text()),
  post: required(5, text()),
  statusIndex: optional(6, integer(0xffff_ffff, 'an index of a status list')),
  /** First 16 bytes of the SHA-256 of the record in its RFC 8785 form. */
  recordDigest: required(7, bytes(16)),
  /** Digest over the private fields (core/seal/disclosure.ts), where the document has some. */
  privateDigest: optional(-2, bytes(16)),
  /** A date of birth of which only the year, or year and month, is known (ISO 8601 reduced precision). */
  incompleteBirthDate: optional(
    -1,
    text('a year as YYYY or a month as YYYY-MM', /^\d{4}(-(0[1-9]|1[0-2]))?$/),
  ),
} as const;

/** CWT claim keys of the two maps: IANA "claim169", and one of the private range (RFC 8392 §9.1). */
const identityLabel = 169;
const documentLabel = -65537;
/** The first label that a procedure may use in the consular claims. */
export const firstExtraLabel = 8;

/** A list of claims, ready to be gone through in both directions. */
interface Table {
  readonly claims: readonly NamedClaim[];
  readonly required: readonly NamedClaim[];
  readonly byLabel: ReadonlyMap<CborKey, NamedClaim>;
}
type NamedClaim = Claim<unknown, boolean> & { readonly name: string };

function tableOf(list: Readonly<Record<string, Claim<unknown, boolean>>>): Table {
  const claims = Object.entries(list).map(([name, claim]) => ({ name, ...claim }));
  return {
    claims,
    required: claims.filter((claim) => claim.required),
    byLabel: new Map(claims.map((claim) => [claim.label, claim])),
  };
}

const tokenTable = tableOf(tokenClaims);
const identityTable = tableOf(identityClaims);
const documentTable = tableOf(documentClaims);

type ValueOf<C> = C extends Claim<infer T, boolean> ? T : never;
type Must = { readonly required: true };
type Named<T> = {
  readonly [K in keyof T as T[K] extends Must ? K : never]: ValueOf<T[K]>;
} & { readonly [K in keyof T as T[K] extends Must ? never : K]?: ValueOf<T[K]> };
type Flat<T> = { [K in keyof T]: T[K] };

export type SealIdentity = Flat<Named<typeof identityClaims>>;
export type ExtraClaims = ReadonlyMap<number, string | number>;
export type SealDocument = Flat<
  Named<typeof documentClaims> & {
    /** By procedure: labels from 8 up, each a text or an integer. */
    readonly extra?: ExtraClaims;
  }
>;
/**
 * What a seal says, in terms of the program. `issuer` is the alpha-2 code of the state; times are seconds since 1970
 * UTC; `dateOfBirth` is YYYYMMDD.
 */
export type SealClaims = Flat<
  Named<typeof tokenClaims> & { readonly identity?: SealIdentity; readonly document: SealDocument }
>;

/** A signed claim that this program does not know: shown as such, never acted upon (RFC 8392 §3). */
export interface UnknownClaim {
  readonly within: 'token' | 'identity' | 'document';
  readonly label: CborKey;
  readonly value: CborValue;
}

/**
 * The CWT claims set of a seal.
 *
 * @throws ConsulError SCHEMA_VIOLATION with all that is wrong
 */
export function claimsToCbor(claims: SealClaims): CborMap {
  const problems: ErrorDetail[] = [];
  const token = write(tokenTable, claims, '', problems);
  if (claims.identity !== undefined) {
    token.set(identityLabel, write(identityTable, claims.identity, '/identity', problems));
  }
  const document = write(documentTable, claims.document, '/document', problems);
  for (const [label, value] of claims.document.extra ?? []) {
    const at = `/document/extra/${label}`;
    if (!isExtraLabel(label)) problems.push({ where: at, message: `labels begin at ${firstExtraLabel}` });
    else if (!isExtra(value)) problems.push({ where: at, message: 'wanted text or an integer' });
    else document.set(label, typeof value === 'string' ? value.normalize('NFC') : value);
  }
  token.set(documentLabel, document);
  if (problems.length > 0) {
    throw new ConsulError('SCHEMA_VIOLATION', 'the claims of the seal are not valid', { details: problems });
  }
  return token;
}

/**
 * The claims of a seal, and apart from them those that are not understood.
 *
 * @throws ConsulError SEAL_INVALID with all that is missing or of another form
 */
export function claimsFromCbor(value: CborValue): {
  readonly claims: SealClaims;
  readonly unknown: readonly UnknownClaim[];
} {
  if (!(value instanceof Map)) throw new ConsulError('SEAL_INVALID', 'the payload of the seal is not a map');
  const problems: ErrorDetail[] = [];
  const unknown: UnknownClaim[] = [];
  const { named: token, rest } = read(tokenTable, value, '', problems);
  const claims: Record<string, unknown> = token;
  for (const [label, item] of rest) {
    if (label === identityLabel) {
      claims.identity = readIdentity(item, problems, unknown);
    } else if (label === documentLabel) {
      claims.document = readDocument(item, problems, unknown);
    } else {
      unknown.push({ within: 'token', label, value: item });
    }
  }
  if (!value.has(documentLabel)) problems.push({ where: '/document', message: 'is missing' });
  if (problems.length > 0) {
    throw new ConsulError('SEAL_INVALID', 'the claims are not those of a consular document', {
      details: problems,
    });
  }
  return { claims: claims as unknown as SealClaims, unknown };
}

function readIdentity(value: CborValue, problems: ErrorDetail[], unknown: UnknownClaim[]) {
  const { named, rest } = read(identityTable, value, '/identity', problems);
  for (const [label, item] of rest) unknown.push({ within: 'identity', label, value: item });
  return named;
}

function readDocument(value: CborValue, problems: ErrorDetail[], unknown: UnknownClaim[]) {
  const { named, rest } = read(documentTable, value, '/document', problems);
  const extra = new Map<number, string | number>();
  for (const [label, item] of rest) {
    if (isExtraLabel(label) && isExtra(item)) extra.set(label, item);
    else unknown.push({ within: 'document', label, value: item });
  }
  return extra.size > 0 ? { ...named, extra } : named;
}

const isExtraLabel = (label: CborKey): label is number =>
  typeof label === 'number' && Number.isSafeInteger(label) && label >= firstExtraLabel;
const isExtra = (value: CborValue | undefined): value is string | number =>
  typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && isLine(value);

function write(
  table: Table,
  values: object | undefined,
  at: string,
  problems: ErrorDetail[],
): Map<CborKey, CborValue> {
  const map = new Map<CborKey, CborValue>();
  for (const { name, label, kind, required } of table.claims) {
    const value = (values as Readonly<Record<string, unknown>> | undefined)?.[name];
    if (value === undefined) {
      if (required) problems.push({ where: `${at}/${name}`, message: 'is missing' });
      continue;
    }
    const written = kind.write(value);
    if (written === undefined) problems.push({ where: `${at}/${name}`, message: `wanted ${kind.wanted}` });
    else map.set(label, written);
  }
  return map;
}

/** The claims of the table by their names, and the entries that are in none of its labels. */
function read(table: Table, value: CborValue, at: string, problems: ErrorDetail[]) {
  const named: Record<string, unknown> = {};
  const rest: [CborKey, CborValue][] = [];
  if (!(value instanceof Map)) {
    problems.push({ where: at, message: 'wanted a map' });
    return { named, rest };
  }
  for (const [label, item] of value as CborMap) {
    const claim = table.byLabel.get(label);
    if (claim === undefined) {
      rest.push([label, item]);
      continue;
    }
    const { name, kind } = claim;
    const known = kind.read(item);
    if (known === undefined) problems.push({ where: `${at}/${name}`, message: `wanted ${kind.wanted}` });
    else named[name] = known;
  }
  for (const { name, label } of table.required) {
    if (!value.has(label)) problems.push({ where: `${at}/${name}`, message: 'is missing' });
  }
  return { named, rest };
}
