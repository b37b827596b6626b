import { ConsulError } from '../../errors.ts';
import { decodeBase45 } from '../base45.ts';
import { isAlpha2 } from '../countries.ts';
import { inflateZlib } from '../zlib.ts';
import { type LenientCbor, untagged } from './lenient-cbor.ts';
import { type ForeignToken, readToken } from './token.ts';

/** A value of JSON, as the schema of the certificate has it. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };
export type JsonObject = { readonly [name: string]: JsonValue };

/** What an EU digital COVID certificate proves, by the name of its group in the schema. */
export type HcertKind = 'v' | 't' | 'r';

/** An EU digital COVID certificate (HCERT 1.0.5, DCC schema 1.3); its signature is not checked. */
export interface Hcert {
  readonly system: 'hcert';
  readonly token: ForeignToken;
  readonly kind: HcertKind;
  /** The certificate as JSON: `ver`, `nam`, `dob`, and one group. */
  readonly certificate: JsonObject;
  /** The only entry of its group. */
  readonly entry: JsonObject;
  /** What does not follow the schema or its value sets, in English; with any the certificate is not valid. */
  readonly problems: readonly string[];
}

const hcertPrefix = 'HC1:';
const maximumInflated = 65_536;
const claimLabel = -260;
const certificateLabel = 1;
const kinds: readonly HcertKind[] = ['v', 't', 'r'];

/**
 * Reads the text of an EU digital COVID certificate: base45, zlib, COSE_Sign1, CWT, claim -260.
 *
 * @throws ConsulError SEAL_INVALID, CBOR_INVALID
 */
export function readHcert(text: string): Hcert {
  if (!text.startsWith(hcertPrefix)) throw wrong('the text does not begin as a health certificate');
  const cose = inflateZlib(decodeBase45(text.slice(hcertPrefix.length)), maximumInflated);
  const token = readToken(cose, maximumInflated);
  if ('encrypted' in token) throw wrong('a health certificate is not encrypted');
  const container = untagged(token.claims.get(claimLabel));
  if (!(container instanceof Map)) throw wrong('the token has no health certificate');
  const certificate = toJson(container.get(certificateLabel));
  if (!isObject(certificate)) throw wrong('the health certificate is not a map');
  const groups = kinds.filter((kind) => certificate[kind] !== undefined && certificate[kind] !== null);
  const [kind] = groups;
  const group = kind && certificate[kind];
  if (!kind || groups.length !== 1 || !Array.isArray(group) || group.length !== 1)
    throw wrong('the health certificate does not hold exactly one entry');
  const [entry] = group as readonly JsonValue[];
  if (!isObject(entry)) throw wrong('the entry of the health certificate is not a map');
  return { system: 'hcert', token, kind, certificate, entry, problems: problemsOf(certificate, kind, entry) };
}

/** CBOR that has a form in JSON; byte strings have none. */
function toJson(value: LenientCbor): JsonValue {
  const plain = untagged(value);
  if (plain === undefined) return null;
  if (plain === null || typeof plain === 'string' || typeof plain === 'boolean') return plain;
  if (typeof plain === 'number') {
    if (!Number.isFinite(plain)) throw wrong('a number of the health certificate is not finite');
    return plain;
  }
  if (Array.isArray(plain)) return (plain as readonly LenientCbor[]).map(toJson);
  if (plain instanceof Map)
    return Object.fromEntries([...plain].map(([key, inner]) => [String(key), toJson(inner)]));
  throw wrong('a value of the health certificate has no form in JSON');
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The time of day is not asked for, and some states write it. */
const day = /^\d{4}-\d\d-\d\d(?:T.*)?$/;
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;
const birth = /^(?:(?:19|20)\d\d(?:-\d\d(?:-\d\d(?:T.*)?)?)?)?$/;

/** eHealth Network, value sets for digital COVID certificates, as they stood when the system ended in June 2023. */
const diseases = ['840539006'];
const testTypes = ['LP6464-4', 'LP217198-3'];
const testResults = ['260415000', '260373001'];
/** Numbers of the device list of the Joint Research Centre; it ended far below 5000. */
const device = /^(?:[1-9]\d{0,2}|[1-4]\d{3})$/;
const vaccineHolder =
  /^(?:ORG-\d{9}|Gamaleya-Research-Institute|Vector-Institute|Sinovac-Biotech|Bharat-Biotech|Fiocruz|Chumakov-Federal-Scientific-Center|CIGB|Sinopharm-WIBP|Instituto-Butantan|NVSI|Yisheng-Biopharma|Finlay-Institute)$/;

type Rule = (value: JsonValue) => boolean;
const isText: Rule = (value) => typeof value === 'string' && value.length <= 200;
const matches =
  (pattern: RegExp): Rule =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
const oneOf =
  (values: readonly string[]): Rule =>
  (value) =>
    values.includes(value as string);
const isDose: Rule = (value) => Number.isInteger(value) && (value as number) >= 1;
const isCountry: Rule = (value) => typeof value === 'string' && isAlpha2(value);

/** DCC schema 1.3: which fields an entry must have, and how each looks; `?` where it may be missing. */
const entryRules: Readonly<Record<HcertKind, Readonly<Record<string, Rule>>>> = {
  v: {
    tg: oneOf(diseases),
    vp: isText,
    mp: isText,
    ma: matches(vaccineHolder),
    dn: isDose,
    sd: isDose,
    dt: matches(day),
    co: isCountry,
    is: isText,
    ci: isText,
  },
  t: {
    tg: oneOf(diseases),
    tt: oneOf(testTypes),
    'nm?': isText,
    'ma?': matches(device),
    sc: matches(dateTime),
    tr: oneOf(testResults),
    'tc?': isText,
    co: isCountry,
    is: isText,
    ci: isText,
  },
  r: {
    tg: oneOf(diseases),
    fr: matches(day),
    co: isCountry,
    is: isText,
    df: matches(day),
    du: matches(day),
    ci: isText,
  },
};

function problemsOf(certificate: JsonObject, kind: HcertKind, entry: JsonObject): readonly string[] {
  const problems: string[] = [];
  const { ver, nam, dob } = certificate;
  if (typeof ver !== 'string' || !/^\d+\.\d+\.\d+$/.test(ver)) problems.push('ver');
  if (typeof dob !== 'string' || !birth.test(dob)) problems.push('dob');
  if (!isObject(nam) || typeof (nam.fnt ?? nam.gnt) !== 'string') problems.push('nam');
  else
    for (const name of ['fn', 'fnt', 'gn', 'gnt'])
      if (nam[name] !== undefined && nam[name] !== null && !isText(nam[name])) problems.push(`nam/${name}`);
  for (const [rule, holds] of Object.entries(entryRules[kind])) {
    const name = rule.replace('?', '');
    const value = entry[name];
    const isMissing = value === undefined || value === null || value === '';
    if (isMissing ? !rule.endsWith('?') : !holds(value)) problems.push(`${kind}/${name}`);
  }
  return problems;
}

const wrong = (message: string): ConsulError => new ConsulError('SEAL_INVALID', message);
