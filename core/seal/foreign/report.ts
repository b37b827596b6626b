import messages from '../../../templates/messages/foreign.json' with { type: 'json' };
import { toHex } from '../../bytes.ts';
import { ConsulError } from '../../errors.ts';
import { decodeBase32 } from '../base32.ts';
import { decodeC40 } from '../c40.ts';
import { isAlpha2 } from '../countries.ts';
import type { ForeignSystem } from '../foreign.ts';
import { readMrz } from '../mrz.ts';
import { printable } from '../printable.ts';
import type { Claim169, IdentityValue } from './claim169.ts';
import type { Hcert, JsonValue } from './hcert.ts';
import { type Idb, maskedDate } from './idb.ts';
import type { ForeignSeal } from './read.ts';
import { daysSince2000, type TwoDDoc, type TwoDDocField, twoDDocFields, twoDDocTypes } from './two-d-doc.ts';
import type { VdsSeal } from './vds-document.ts';
import type { VdsNc } from './vds-nc.ts';
import type { ForeignVerdict } from './verify.ts';

export type ForeignLanguage = 'fr' | 'en';

export interface ForeignField {
  readonly label: string;
  readonly value: string;
}

/** What a clerk reads about a seal of another system. */
export interface ForeignReport {
  /** For example `Cachet 2D-Doc`. */
  readonly system: string;
  /** State or authority that the seal names; empty where it names none. */
  readonly issuer: string;
  /** Kind of document, for example `Bulletin de salaire`. */
  readonly kind: string;
  /** To be compared with the paper; proven only where the verdict is VALID. */
  readonly fields: readonly ForeignField[];
  /** Who signed it, or why it is not valid. */
  readonly verdict: string;
  /** The first line: names the system and who issued the seal, so that nobody takes it for one of ours. */
  readonly headline: string;
}

type Key = keyof typeof messages;
type Values = Readonly<Record<string, string | number>>;

/** What one report is written with. */
class Words {
  readonly #language: ForeignLanguage;

  constructor(language: ForeignLanguage) {
    this.#language = language;
  }

  say(key: Key, values: Values = {}): string {
    return this.pick(messages[key]).replace(/\{(\w+)\}/g, (_match, name: string) =>
      printable(String(values[name] ?? '')),
    );
  }

  /** A message whose key is put together from what stands in the seal; undefined where there is none. */
  find(key: string): string | undefined {
    return Object.hasOwn(messages, key) ? this.pick(messages[key as Key]) : undefined;
  }

  pick(texts: { readonly fr: string; readonly en: string }): string {
    return texts[this.#language];
  }

  /** The label of an item, or its bare name. */
  label(key: string, name: string): string {
    return this.find(key) ?? this.say('field.unknown', { name });
  }

  /** YYYY-MM-DD as people write it; anything else as it is. */
  day(iso: string): string {
    const parts = /^([\dX]{4})-([\dX]{2})-([\dX]{2})$/.exec(iso);
    return parts && this.#language === 'fr' ? `${parts[3]}/${parts[2]}/${parts[1]}` : iso;
  }

  seconds(time: number | undefined): string | undefined {
    return time === undefined ? undefined : this.day(new Date(time * 1000).toISOString().slice(0, 10));
  }
}

/** Label and value; lines without a value are left out. */
type Line = readonly [label: string, value: string | undefined];

interface Described {
  readonly issuer: string;
  readonly kind: string;
  readonly lines: readonly Line[];
}

/**
 * The words for a seal of another system and its verdict.
 *
 * @param seal only its system where it could not be read
 */
export function foreignReport(
  seal: ForeignSeal | ForeignSystem,
  verdict: ForeignVerdict,
  language: ForeignLanguage,
): ForeignReport {
  const words = new Words(language);
  const { issuer, kind, lines } =
    typeof seal === 'string' ? { issuer: '', kind: '', lines: [] } : describe(seal, words);
  const signer: Line = [words.say('field.signer'), verdict.signer?.subject];
  const named = {
    system: words.say(`system.${typeof seal === 'string' ? seal : seal.system}`),
    issuer: printable(issuer),
    kind: printable(kind),
  };
  const name = verdict.signer?.subject ?? words.say('value.bareKey');
  const text = verdictText(verdict, name, words);
  const title = [named.system, isAlpha2(issuer) ? nameOfState(issuer, language) : named.issuer, named.kind]
    .filter((part) => part !== '')
    .join(', ');
  return {
    ...named,
    fields: [...lines, signer].flatMap(([label, value]) =>
      value === undefined || value === '' ? [] : [{ label: printable(label), value: printable(value) }],
    ),
    verdict: text,
    headline: words.say(`headline.${verdict.status}`, { title, name, verdict: text }),
  };
}

/** ISO 3166-1 alpha-2 and the name that people know. */
function nameOfState(code: string, language: ForeignLanguage): string {
  const name = new Intl.DisplayNames(language, { type: 'region', fallback: 'none' }).of(code);
  return name === undefined ? code : `${name} (${code})`;
}

function verdictText(verdict: ForeignVerdict, name: string, words: Words): string {
  if (verdict.status === 'VALID') return words.say(`verdict.${verdict.subIndication ?? 'VALID'}`, { name });
  const notAfter = verdict.signer?.notAfter.toISOString().slice(0, 10);
  return words.say(`verdict.${verdict.subIndication}`, {
    detail: verdict.detail ?? '',
    notAfter: notAfter === undefined ? '' : words.day(notAfter),
  });
}

function describe(seal: ForeignSeal, words: Words): Described {
  switch (seal.system) {
    case 'hcert':
      return describeHcert(seal, words);
    case '2d-doc':
      return describeTwoDDoc(seal, words);
    case 'vds':
      return describeVds(seal, words);
    case 'vds-nc':
      return describeVdsNc(seal, words);
    case 'idb':
      return describeIdb(seal, words);
    case 'claim169':
      return describeClaim169(seal, words);
    case 'claim169-encrypted':
      return { issuer: '', kind: words.say('claim169.kind'), lines: [] };
  }
}

const textOf = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

function describeHcert({ token, kind, certificate, entry }: Hcert, words: Words): Described {
  const { nam, dob } = certificate;
  const names = (typeof nam === 'object' && nam !== null ? nam : {}) as Readonly<Record<string, JsonValue>>;
  const line = (name: string, value: JsonValue | undefined): Line => {
    const text = textOf(value);
    return [
      words.label(`hcert.field.${name}`, name),
      text && (words.find(`hcert.value.${text}`) ?? words.day(text)),
    ];
  };
  return {
    issuer: token.issuer ?? textOf(entry.co) ?? '',
    kind: words.say(`hcert.kind.${kind}`),
    lines: [
      line('fn', names.fn ?? names.fnt),
      line('gn', names.gn ?? names.gnt),
      line('dob', dob),
      ...Object.entries(entry).map(([name, value]) => line(name, value)),
      [words.say('field.validUntil'), words.seconds(token.expires)],
    ],
  };
}

function describeTwoDDoc(seal: TwoDDoc, words: Words): Described {
  const type = twoDDocTypes[seal.documentType];
  const label = ({ id }: TwoDDocField): string => {
    const definition = seal.form === 'c40' ? twoDDocFields[id] : undefined;
    return definition ? words.pick(definition) : words.say('field.unknown', { name: id });
  };
  return {
    issuer: seal.country ?? seal.authority.slice(0, 2),
    kind: type ? words.pick(type) : words.say('field.unknown', { name: seal.documentType }),
    lines: [
      ...seal.fields.map((field): Line => [label(field), twoDDocValue(seal, field, words)]),
      ...seal.annex.map(
        (field): Line => [
          words.say('field.annex', { label: label(field) }),
          twoDDocValue(seal, field, words),
        ],
      ),
      [words.say('field.issued'), seal.issued && words.day(seal.issued)],
      [words.say('field.signed'), seal.signed && words.day(seal.signed)],
    ],
  };
}

/** §7: how each value is written; what is written otherwise is shown as it stands. */
function twoDDocValue(seal: TwoDDoc, { id, value, truncated }: TwoDDocField, words: Words): string {
  const form = seal.form === 'c40' ? twoDDocFields[id]?.form : undefined;
  const shown = formatted(form, value, words);
  return truncated ? words.say('value.truncated', { value: shown }) : shown;
}

function formatted(form: string | undefined, value: string, words: Words): string {
  switch (form) {
    case 'days':
      return /^[0-9A-F]{4}$/.test(value) ? words.day(daysSince2000(value) ?? '') : value;
    case 'day':
      return value.replace(/^(\d\d)(\d\d)(\d{4})$/, (_match, day, month, year) =>
        words.day(`${year}-${month}-${day}`),
      );
    case 'minute':
      return value.replace(
        /^(\d\d)(\d\d)(\d{4})(\d\d)(\d\d)$/,
        (_match, day, month, year, hour, minute) =>
          `${words.day(`${year}-${month}-${day}`)} ${hour}:${minute}`,
      );
    case 'time':
      return value.replace(/^(\d\d)(\d\d)(\d\d)$/, '$1:$2:$3');
    case 'flag':
      return value === '1' ? words.say('value.yes') : value === '0' ? words.say('value.no') : value;
    case 'base32':
      return base32Text(value);
    default:
      return value;
  }
}

function base32Text(value: string): string {
  try {
    return new TextDecoder().decode(decodeBase32(value.replace(/=+$/, '')));
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    return value;
  }
}

function describeVds({ vds, document, fields, mrz }: VdsSeal, words: Words): Described {
  const { header } = vds;
  const reference = toHex(Uint8Array.of(header.definition, header.category));
  return {
    issuer: header.issuingCountry,
    kind: document ? words.say(`vds.document.${document}`) : words.say('vds.document.unknown', { reference }),
    lines: [
      ...fields.map(
        ({ tag, name, value }): Line => [
          name ? words.say(`vds.field.${name}`) : words.say('field.unknown', { name: tag }),
          value,
        ],
      ),
      ...mrzLines(mrz, words),
      [words.say('field.issued'), words.day(header.issued)],
      [words.say('field.signed'), words.day(header.signed)],
    ],
  };
}

/** Two lines of 36 or 44 characters, or three of 30; a zone that was shortened for its seal is not taken apart. */
function mrzLines(zone: string | undefined, words: Words): readonly Line[] {
  const size = zone && { 72: 36, 88: 44, 90: 30 }[zone.length];
  if (!zone || !size || zone.startsWith('V')) return [];
  try {
    const { primary, secondary, number, nationality, dateOfBirth, sex, dateOfExpiry } = readMrz(
      (zone.match(new RegExp(`.{${size}}`, 'g')) ?? []).join('\n'),
    );
    const values = { primary, secondary, number, nationality, dateOfBirth, sex, dateOfExpiry };
    return Object.entries(values).map(
      ([name, value]): Line => [words.say(`mrz.${name as keyof typeof values}`), value],
    );
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    return [];
  }
}

const maximumLines = 100;

function describeVdsNc(seal: VdsNc, words: Words): Described {
  const lines: Line[] = [];
  const walk = (name: string, value: JsonValue): void => {
    if (lines.length >= maximumLines) return;
    if (typeof value === 'object' && value !== null)
      for (const [inner, part] of Object.entries(value)) walk(Array.isArray(value) ? name : inner, part);
    else
      lines.push([
        words.label(`vds-nc.field.${name}`, name),
        value === null ? undefined : words.day(String(value)),
      ]);
  };
  walk('msg', seal.message);
  return {
    issuer: seal.issuer,
    kind: words.find(`vds-nc.type.${seal.type}`) ?? words.say('vds-nc.type.other', { type: seal.type }),
    lines,
  };
}

/** Doc 9303-13 part 2 and BSI TR-03171: coding of the messages whose content is not bytes. */
const idbCodings: Readonly<Record<number, 'c40' | 'mrz' | 'date' | 'national'>> = {
  7: 'mrz',
  8: 'mrz',
  9: 'c40',
  129: 'mrz',
  130: 'c40',
  131: 'c40',
  132: 'date',
  133: 'c40',
  134: 'national',
};
const nationalType = 134;

function describeIdb({ country, messages: list, signature }: Idb, words: Words): Described {
  const zones: string[] = [];
  const shown = (tag: number, value: Uint8Array): string => {
    try {
      switch (idbCodings[tag]) {
        case 'c40':
          return decodeC40(value).trimEnd();
        case 'mrz': {
          const zone = decodeC40(value).replaceAll(' ', '<');
          zones.push(zone);
          return zone;
        }
        case 'date':
          return value.length === 4 ? words.day(maskedDate(value)) : toHex(value);
        case 'national':
          return words.find(`idb.national.${value[0]}`) ?? toHex(value);
        default:
          return words.say('field.binary', { count: value.length });
      }
    } catch (error) {
      if (!(error instanceof ConsulError)) throw error;
      return toHex(value);
    }
  };
  const lines = list.map(
    ({ tag, value }): Line => [words.label(`idb.field.${tag}`, String(tag)), shown(tag, value)],
  );
  const type = list.find(({ tag }) => tag === nationalType)?.value[0];
  const [first] = list;
  const kind = words.find(`idb.national.${type}`) ?? (first && words.find(`idb.field.${first.tag}`));
  return {
    issuer: country,
    kind: kind ?? words.say('idb.kind'),
    lines: [
      ...lines,
      ...zones.flatMap((zone) => mrzLines(zone, words)),
      [words.say('field.signed'), signature && words.day(signature.signed)],
    ],
  };
}

const genders: Readonly<Record<string, 'male' | 'female' | 'other'>> = { 1: 'male', 2: 'female', 3: 'other' };

function describeClaim169({ token, identity }: Claim169, words: Words): Described {
  const shown = (name: string, value: IdentityValue): string => {
    if (value instanceof Uint8Array) return words.say('field.binary', { count: value.length });
    if (typeof value === 'object')
      return words.say('field.binary', { count: value.reduce((sum, { data }) => sum + data.length, 0) });
    const gender = name === 'gender' ? genders[String(value)] : undefined;
    if (gender) return words.say(`value.${gender}`);
    const day = name === 'dateOfBirth' ? /^(\d{4})(\d\d)(\d\d)$/.exec(String(value)) : null;
    return day ? words.day(day.slice(1).join('-')) : words.day(String(value));
  };
  return {
    issuer: token.issuer ?? '',
    kind: words.say('claim169.kind'),
    lines: [
      ...[...identity].map(
        ([name, value]): Line => [
          words.find(`claim169.field.${name}`) ?? words.say('claim169.field.biometric'),
          shown(name, value),
        ],
      ),
      [words.say('field.validFrom'), words.seconds(token.notBefore)],
      [words.say('field.validUntil'), words.seconds(token.expires)],
    ],
  };
}
