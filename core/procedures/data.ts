import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Language } from '../post.ts';
import { dayNumber } from './calendar.ts';
import type { FormField } from './definition.ts';
import { type Finding, type MessageKey, sentence } from './finding.ts';
import { labelOf, pointerOf } from './form.ts';
import { evaluate, type Procedure, type RequestData, requestValues } from './procedure.ts';

/** Bounds of a request before its form is looked at. */
const bounds = { values: 5_000, depth: 12, characters: 200_000, findings: 200 };

/** Control characters, line separators, marks that reorder the text around them, private use, halves of pairs. */
const unprintable = /[\p{Cc}\p{Co}\p{Cn}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/u;
const isLine = (text: string) => text === text.trim() && text !== '' && !unprintable.test(text);

/** CLDR regions that are not countries of ISO 3166-1 (XK is kept: states recognise its documents). */
const notCountries = new Set([
  'AC',
  'CP',
  'CQ',
  'DG',
  'EA',
  'EU',
  'EZ',
  'IC',
  'QO',
  'TA',
  'UN',
  'XA',
  'XB',
  'ZZ',
]);

let regions: Intl.DisplayNames | undefined;
/** Intl is slow to wake: this is made when a country is first looked at. */
const isRegion = (code: string): boolean => {
  regions ??= new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
  return regions.of(code) !== undefined;
};

const textChecks: Record<string, (text: string) => boolean> = {
  line: isLine,
  lines: (text) => isLine(text.replaceAll('\n', ' ')),
  name: (text) => isLine(text) && /^\p{L}(?:[\p{L}\p{M} '’ʼ‘.·‐‑-]|\u200c|\u200d)*$/u.test(text),
  identifier: (text) => /^[\p{L}\p{N}]([\p{L}\p{N} ./-]*[\p{L}\p{N}])?$/u.test(text),
  date: (text) => dayNumber(text) !== undefined && text >= '1850' && text < '2300',
  'partial-date': (text) =>
    /^\d{4}(-\d\d){0,2}$/.test(text) &&
    dayNumber(`${text}-01-01`.slice(0, 10)) !== undefined &&
    text >= '1850' &&
    text < '2300',
  country: (text) => /^[A-Z]{2}$/.test(text) && !notCountries.has(text) && isRegion(text),
  phone: (text) => /^\+[1-9](?:[ .-]?\d){6,14}$/.test(text),
};

const validators = new WeakMap<Procedure, ValidateFunction>();

function validatorOf(procedure: Procedure): ValidateFunction {
  const known = validators.get(procedure);
  if (known) return known;
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: false,
    messages: false,
    meta: false,
    validateSchema: false,
  });
  addFormats.default(ajv, ['email']);
  for (const [name, check] of Object.entries(textChecks)) ajv.addFormat(name, check);
  const validate = ajv.compile(procedure.definition.form);
  validators.set(procedure, validate);
  return validate;
}

/**
 * Checks the data of a request against the form: every violation, in plain words.
 *
 * @param data anything at all; what is not plain JSON, or too much of it, is a finding too
 * @param options.language language of labels and messages
 * @param options.today day at the post, `YYYY-MM-DD`, for fields that are asked for by condition
 */
export function validateData(
  procedure: Procedure,
  data: unknown,
  { language, today }: { readonly language: Language; readonly today: string },
): Finding[] {
  const unreadable = beyondBounds(data);
  if (unreadable) return [found(procedure, language, unreadable.key, unreadable.pointer)];
  const validate = validatorOf(procedure);
  if (!validate(data)) return inWords(procedure, language, validate.errors ?? []);
  return missingByCondition(procedure, data as RequestData, language, today);
}

function found(
  procedure: Procedure,
  language: Language,
  key: MessageKey,
  pointer: string,
  ...inserts: readonly (string | number)[]
): Finding {
  return {
    rule: `data.${key}`,
    severity: 'block',
    where: pointer,
    label: labelOf(procedure.definition.form, pointer, language),
    pointers: [pointer],
    message: sentence(key, language, ...inserts),
  };
}

/** Walks the data once with a budget, so that nothing later meets a cycle, a deep nest or an endless text. */
function beyondBounds(data: unknown): { key: 'tooLarge' | 'notJson'; pointer: string } | undefined {
  let values = 0;
  let characters = 0;
  const walk = (value: unknown, path: readonly (string | number)[]): ReturnType<typeof beyondBounds> => {
    const pointer = () => pointerOf(path.map((token) => String(token).slice(0, 60)));
    values++;
    if (typeof value === 'string') characters += value.length;
    if (values > bounds.values || characters > bounds.characters || path.length > bounds.depth) {
      return { key: 'tooLarge', pointer: '' };
    }
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
    if (typeof value === 'number')
      return Number.isFinite(value) ? undefined : { key: 'notJson', pointer: pointer() };
    if (Array.isArray(value)) {
      if (value.length > bounds.values) return { key: 'tooLarge', pointer: '' };
      for (let i = 0; i < value.length; i++) {
        const wrong = walk(value[i], [...path, i]);
        if (wrong) return wrong;
      }
      return undefined;
    }
    const plain =
      typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value));
    if (!plain) return { key: 'notJson', pointer: pointer() };
    for (const [key, inside] of Object.entries(value as object)) {
      characters += key.length;
      const wrong = walk(inside, [...path, key]);
      if (wrong) return wrong;
    }
    return undefined;
  };
  return walk(data, []);
}

function inWords(procedure: Procedure, language: Language, errors: readonly ErrorObject[]): Finding[] {
  const findings = errors.slice(0, bounds.findings).map((error) => inWord(procedure, language, error));
  const more = errors.length - findings.length;
  if (more > 0) findings.push(found(procedure, language, 'more', '', more));
  return findings;
}

function inWord(procedure: Procedure, language: Language, error: ErrorObject): Finding {
  const params = error.params as Record<string, string | number>;
  const at = error.instancePath;
  const say = (key: MessageKey, pointer = at, ...inserts: readonly (string | number)[]) =>
    found(procedure, language, key, pointer, ...inserts);
  switch (error.keyword) {
    case 'required':
      return say('required', at + pointerOf([params.missingProperty ?? '']));
    case 'additionalProperties':
      return say('additionalProperties', at + pointerOf([String(params.additionalProperty).slice(0, 60)]));
    case 'type':
      return say(`type.${params.type}` as MessageKey);
    case 'format':
      return say(`format.${params.format}` as MessageKey);
    case 'minimum':
    case 'maximum':
    case 'minLength':
    case 'maxLength':
    case 'minItems':
    case 'maxItems':
      return say(error.keyword, at, params.limit ?? '');
    case 'multipleOf':
      return say('multipleOf', at, params.multipleOf ?? '');
    case 'enum': {
      const field = error.parentSchema as Extract<FormField, { enum: string[] }>;
      const options = field.enum.map(
        (value) => `${value} (${field['x-options'][value]?.[language] ?? value})`,
      );
      return say('enum', at, options.slice(0, 20).join(', '));
    }
    case 'const':
    case 'uniqueItems':
      return say(error.keyword);
    default:
      return say('other');
  }
}

/** Fields that are absent although their condition holds. */
function missingByCondition(
  procedure: Procedure,
  data: RequestData,
  language: Language,
  today: string,
): Finding[] {
  const findings: Finding[] = [];
  const values = requestValues(procedure, data, today);
  const walk = (fields: Readonly<Record<string, FormField>>, self: RequestData, at: string) => {
    for (const [name, field] of Object.entries(fields)) {
      const pointer = at + pointerOf([name]);
      const inside = self[name];
      const condition = field['x-asked-when'];
      if (inside === undefined) {
        if (condition !== undefined && evaluate(procedure, condition, { ...values, self }) === true) {
          findings.push(found(procedure, language, 'asked', pointer));
        }
      } else if (field.type === 'object') {
        walk(field.properties, inside as RequestData, pointer);
      } else if (field.type === 'array' && field.items.type === 'object') {
        const { properties } = field.items;
        (inside as RequestData[]).forEach((item, i) => {
          walk(properties, item, `${pointer}/${i}`);
        });
      }
    }
  };
  walk(procedure.definition.form.properties, data, '');
  return findings;
}
