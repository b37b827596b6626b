import type { Language } from '../post.ts';
import type { Names } from './names.ts';
import type { Shape } from './scope.ts';

/** How a value of a request is written in a text. One table for each language, prepared once. */
export const formatNames = [
  'date',
  'money',
  'number',
  'country',
  'name',
  'address',
  'choice',
  'choices',
] as const;
export type FormatName = (typeof formatNames)[number];

/** U+00A0: keeps a day with its month, a number with its unit. */
const fixedSpace = '\u00a0';

const months = {
  fr: [
    'janvier',
    'février',
    'mars',
    'avril',
    'mai',
    'juin',
    'juillet',
    'août',
    'septembre',
    'octobre',
    'novembre',
    'décembre',
  ],
  en: [
    'January',
    'February',
    'March',
    'April',
    'May',
    'June',
    'July',
    'August',
    'September',
    'October',
    'November',
    'December',
  ],
} as const;

const written = {
  fr: { usage: 'nom d’usage', first: '1er', and: 'et' },
  en: { usage: 'known as', first: '1', and: 'and' },
} as const;

interface Address {
  readonly street: string;
  readonly complement?: string;
  readonly postalCode?: string;
  readonly city: string;
  readonly region?: string;
  readonly country: string;
}

/** Greek capitals lose the accent (Unicode SpecialCasing, language el). */
function inCapitals(name: string): string {
  return /\p{Script=Greek}/u.test(name) ? name.toLocaleUpperCase('el') : name.toUpperCase();
}

/** "NDONG Jean-Pierre": the family name first and in capitals, as in registers. */
function inRegisterOrder(name: { familyName: string; givenNames?: string | undefined }): string {
  const family = inCapitals(name.familyName);
  return name.givenNames ? `${family} ${name.givenNames}` : family;
}

function personName(person: Names, language: Language): string {
  const own = inRegisterOrder(person);
  const usage = person.usageName
    ? ` (${written[language].usage}${fixedSpace}: ${inCapitals(person.usageName)})`
    : '';
  const name = language === 'fr' ? own + usage : own + usage.replace(`${fixedSpace}:`, '');
  return person.latinName ? `${inRegisterOrder(person.latinName)} (${name})` : name;
}

/** A day, or the part of it that is known: "1er mars 1998", "mars 1998", "1998". */
function date(value: string, language: Language): string {
  const [year = '', month, day] = value.split('-');
  if (month === undefined) return year;
  const name = months[language][Number(month) - 1];
  if (name === undefined) throw new RangeError(`"${value}" is not a day`);
  if (day === undefined) return `${name} ${year}`;
  return `${day === '01' ? written[language].first : Number(day)}${fixedSpace}${name} ${year}`;
}

const decapitalized = (text: string): string =>
  /^\p{Lu}\p{Ll}/u.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;

/** Values by key, made once; forgotten all together when there are many, so that memory stays bounded. */
function remembering<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) {
      value = make(key);
      if (known.size >= 1000) known.clear();
      known.set(key, value);
    }
    return value;
  };
}

export type Formats = Readonly<Record<FormatName, (value: never, shape: Shape) => string>> & {
  readonly plain: (value: string | number | bigint) => string;
};

function formatsIn(language: Language): Formats {
  // Intl is slow to wake: each part of it is made when it is first needed, and small whole numbers need none.
  let regions: Intl.DisplayNames | undefined;
  const country = remembering((code) => {
    regions ??= new Intl.DisplayNames(language, { type: 'region', fallback: 'code' });
    return regions.of(code) ?? code;
  });
  const currencies = remembering((currency) => {
    const style = { style: 'currency', currency, trailingZeroDisplay: 'stripIfInteger' };
    return new Intl.NumberFormat(language, style as Intl.NumberFormatOptions);
  });
  const sum = remembering((key) => currencies(key.slice(0, 3)).format(Number(key.slice(3))));
  let numbers: Intl.NumberFormat | undefined;
  const grouped = remembering((key) => {
    numbers ??= new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
    return numbers.format(Number(key));
  });
  const number = (value: number | bigint) => {
    const text = String(value);
    return /^-?\d{1,3}$/.test(text) ? text : grouped(text);
  };

  function choice(value: string, shape: Shape): string {
    const words = shape.type === 'string' ? shape.options?.[value] : undefined;
    if (!words) throw new RangeError(`"${value}" is not one of the options`);
    return words[language];
  }

  return {
    plain: (value) => (typeof value === 'string' ? value : number(value)),
    date: (value: string) => date(value, language),
    money: ({ amount, currency }: { amount: number; currency: string }) => sum(`${currency}${amount}`),
    number,
    country,
    name: (person: Names) => personName(person, language),
    address: (at: Address) =>
      [
        at.street,
        at.complement,
        at.postalCode ? `${at.postalCode} ${at.city}` : at.city,
        at.region,
        country(at.country),
      ]
        .filter(Boolean)
        .join(', '),
    choice,
    choices(values: readonly string[], shape: Shape) {
      const item = shape.type === 'list' ? shape.item : shape;
      const texts = values.map((value, i) =>
        i === 0 ? choice(value, item) : decapitalized(choice(value, item)),
      );
      const last = texts.pop() ?? '';
      return texts.length === 0 ? last : `${texts.join(', ')} ${written[language].and} ${last}`;
    },
  };
}

const prepared = new Map<Language, Formats>();

export function formats(language: Language): Formats {
  let found = prepared.get(language);
  if (!found) {
    found = formatsIn(language);
    prepared.set(language, found);
  }
  return found;
}

/** Whether a format can write values of a shape. */
export function formatFits(format: FormatName | undefined, shape: Shape): boolean {
  switch (format) {
    case undefined:
      return shape.type === 'string' || shape.type === 'number';
    case 'number':
      return shape.type === 'number';
    case 'date':
    case 'country':
      return shape.type === 'string' && shape.options === undefined;
    case 'money':
    case 'address':
      return shape.type === 'object' && shape.kind === format;
    case 'name':
      return shape.type === 'object' && shape.kind === 'person';
    case 'choice':
      return shape.type === 'string' && shape.options !== undefined;
    case 'choices':
      return shape.type === 'list' && shape.item.type === 'string' && shape.item.options !== undefined;
  }
}
