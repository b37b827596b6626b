import { describe, expect, it } from 'vitest';
import { procedureTexts } from '../../fixtures/procedures.ts';
import { ConsulError } from '../errors.ts';
import { checkCommon, checkProcedure, type ProcedureSources, procedureFiles } from './check.ts';
import { pointerOf } from './form.ts';
import { loadProcedures } from './load.ts';
import { readSource } from './source.ts';

const texts = procedureTexts();

const sourceOf = (file: string, text = texts.get(file) ?? '') => readSource(file, text);
const unbroken = new Map([...texts.keys()].map((file) => [file, sourceOf(file).source]));
const common = checkCommon(unbroken.get('common.yaml')!).common!;

/** The findings of a definition in which one text was replaced; files that are as they were are not read again. */
function brokenBy(file: string, from: string, to: string) {
  const text = texts.get(file) ?? '';
  if (!text.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)}`);
  if (file === 'common.yaml') return problemsOf(new Map(texts).set(file, text.replace(from, to)));
  const changed = sourceOf(file, text.replace(from, to));
  const [id = ''] = file.split('/');
  const part = (name: string) => {
    const path = `${id}/${name}.yaml`;
    return [name, path === file ? changed.source : unbroken.get(path)] as const;
  };
  const { problems } = changed.problems.length
    ? changed
    : checkProcedure(id, Object.fromEntries(procedureFiles.map(part)) as ProcedureSources, {
        source: unbroken.get('common.yaml')!,
        definition: common,
      });
  return problems.map(({ source, path, reason }) => ({
    where: `${source.file}:${source.position(path)}`,
    label: pointerOf(path),
    message: reason,
  }));
}

function problemsOf(files: Map<string, string>) {
  try {
    loadProcedures(files);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    expect(error.code).toBe('PROCEDURE_INVALID');
    expect(error.message.split('\n')).toHaveLength(1);
    return error.details;
  }
  return [];
}

const lineOf = (file: string, part: string) => (texts.get(file) ?? '').split(part)[0]?.split('\n').length;

describe('the shipped procedures', () => {
  it('are right', () => {
    expect([...loadProcedures(texts).keys()]).toEqual(['hebergement', 'laissez-passer', 'prise-en-charge']);
  });

  it('have every text in French and English', () => {
    const seen: string[] = [];
    const walk = (value: unknown) => {
      if (value === null || typeof value !== 'object') return;
      const keys = Object.keys(value);
      if (keys.includes('fr') !== keys.includes('en') && !keys.includes('perEuro'))
        seen.push(JSON.stringify(value));
      for (const inside of Object.values(value)) walk(inside);
    };
    for (const { definition } of loadProcedures(texts).values()) walk(definition);
    expect(seen).toEqual([]);
  });
});

describe('a broken definition is named with file, line, path and reason', () => {
  const P = 'prise-en-charge/procedure.yaml';
  const F = 'prise-en-charge/form.yaml';
  const R = 'prise-en-charge/rules.yaml';
  const D = 'prise-en-charge/document.yaml';
  const L = 'laissez-passer/document.yaml';
  const C = 'common.yaml';

  it.each<[what: string, file: string, from: string, to: string, label: RegExp, reason: RegExp]>([
    ['YAML that is not', P, 'id: prise-en-charge', 'id: [prise', /^$/, /not YAML/],
    [
      'a key that stands twice',
      P,
      'prefix: PC',
      'prefix: PC\nprefix: PD',
      /^$/,
      /not YAML: Map keys must be unique/,
    ],
    ['an alias', P, 'prefix: PC', 'prefix: &a PC\nx: *a', /^$/, /aliases/],
    ['a missing part', P, 'prefix: PC\n', '', /^$/, /"prefix" is missing/],
    [
      'an unknown part',
      P,
      'prefix: PC',
      'prefix: PC\nprefixe: PC',
      /^\/prefixe$/,
      /"prefixe" is not known here/,
    ],
    ['a number of another type', P, 'version: 1', 'version: one', /^\/version$/, /must be integer/],
    [
      'an identifier that is not its folder',
      P,
      'id: prise-en-charge',
      'id: prise',
      /^\/id$/,
      /must be "prise-en-charge"/,
    ],
    [
      'a translation that is missing',
      P,
      'title: { fr: Attestation de prise en charge, en: Certificate of financial support }',
      'title: { fr: Attestation }',
      /^\/title$/,
      /"en" is missing/,
    ],
    [
      'a workflow that there is not',
      P,
      'workflow: standard',
      'workflow: express',
      /^\/workflow$/,
      /no workflow "express"/,
    ],
    [
      'an undefined state',
      P,
      'workflow: standard',
      'workflow: { initial: draft, moves: [{ from: [draft], to: sent, by: [citizen] }] }',
      /^\/workflow\/moves\/0\/to$/,
      /must be one of draft, submitted/,
    ],
    [
      'a state without a way out',
      P,
      'workflow: standard',
      'workflow: { initial: draft, moves: [{ from: [draft], to: submitted, by: [citizen] }] }',
      /^\/workflow\/moves$/,
      /"submitted" has no way out/,
    ],
    [
      'a state that is never reached',
      P,
      'workflow: standard',
      'workflow: { initial: draft, moves: [{ from: [draft], to: withdrawn, by: [citizen] }, { from: [issued], to: closed, by: [system] }] }',
      /^\/workflow\/moves\/1$/,
      /"issued" is never reached/,
    ],
    [
      'a move out of a final state',
      C,
      '      - { from: [draft], to: submitted,',
      '      - { from: [closed], to: draft, by: [citizen] }\n      - { from: [draft], to: submitted,',
      /^\/workflows\/standard\/moves\/0$/,
      /"closed" is final/,
    ],
    [
      'a state in a shared workflow',
      C,
      'to: refused, by',
      'to: rejected, by',
      /^\/workflows\/standard\/moves\/11\/to$/,
      /must be one of/,
    ],
    [
      'a fee category without an amount',
      P,
      'EUR: { standard: 15 }',
      'EUR: { single: 15 }',
      /^\/fee\/amounts\/EUR$/,
      /no amount for "standard"/,
    ],
    [
      'an amount of no category',
      P,
      'EUR: { standard: 15 }',
      'EUR: { standard: 15, minor: 3 }',
      /^\/fee\/amounts\/EUR\/minor$/,
      /no category "minor"/,
    ],
    [
      'a last category with a condition',
      P,
      'en: Single tariff } }',
      'en: Single tariff }, when: "true" }',
      /^\/fee\/categories\/0\/when$/,
      /serves all others/,
    ],
    [
      'a piece that stands twice',
      P,
      'kind: guarantor-permit',
      'kind: guarantor-identity',
      /^\/pieces$/,
      /"guarantor-identity" stands twice/,
    ],
    [
      'a piece of a type that is not accepted',
      P,
      'types: [application/pdf, image/jpeg, image/png]',
      'types: [application/zip]',
      /^\/pieces\/0\/types\/0$/,
      /must be one of application\/pdf/,
    ],
    [
      'a condition that is not CEL',
      P,
      'when: data.resources.status == "employee"',
      'when: data.resources.status = "employee"',
      /^\/pieces\/4\/when$/,
      /not CEL: .*character/,
    ],
    [
      'a condition that reads an unknown field',
      P,
      'when: data.resources.status == "employee"',
      'when: data.resources.state == "employee"',
      /^\/pieces\/4\/when$/,
      /No such key: state/,
    ],
    [
      'a condition of another type',
      P,
      'when: data.resources.status == "employee"',
      'when: data.resources.status',
      /^\/pieces\/4\/when$/,
      /results in string, wanted bool/,
    ],
    [
      'a comparison of a text with a number',
      P,
      'when: data.resources.status == "employee"',
      'when: data.resources.status == 3',
      /^\/pieces\/4\/when$/,
      /no such overload: string == int/,
    ],
    [
      'an unknown function',
      P,
      'when: data.resources.status == "employee"',
      'when: now() > 3',
      /^\/pieces\/4\/when$/,
      /now/,
    ],
    [
      'a pattern in an expression',
      P,
      'when: data.resources.status == "employee"',
      'when: data.resources.status.matches("e+")',
      /^\/pieces\/4\/when$/,
      /"matches" is not allowed/,
    ],
    [
      'a list that is none',
      P,
      'each: data.beneficiaries',
      'each: data.guarantor',
      /^\/pieces\/2\/each$/,
      /is not a list/,
    ],
    [
      'a table that there is not',
      P,
      'needed: figure(tables.incomeFloor,',
      'needed: figure(tables.floor,',
      /^\/running\/figures\/needed$/,
      /No such key: floor/,
    ],
    [
      'a duration that is none',
      P,
      'maxAge: P3M',
      'maxAge: three months',
      /^\/pieces\/5\/maxAge$/,
      /ISO 8601/,
    ],

    [
      'a shared field that there is not',
      F,
      '$ref: common#/resident',
      '$ref: common#/inhabitant',
      /^\/properties\/guarantor\/\$ref$/,
      /no field "inhabitant"/,
    ],
    [
      'a text without a format',
      F,
      'format: line\n        maxLength: 80\n        x-asked-when: self.status in',
      'maxLength: 80\n        x-asked-when: self.status in',
      /^\/properties\/resources\/properties\/profession$/,
      /"format" is missing/,
    ],
    [
      'a list without a bound',
      F,
      '        maxItems: 5\n',
      '',
      /^\/properties\/undertaking\/properties\/costs$/,
      /"maxItems" is missing/,
    ],
    [
      'a number without a bound',
      F,
      '        minimum: 0\n',
      '',
      /^\/properties\/resources\/properties\/dependants$/,
      /"minimum" is missing/,
    ],
    [
      'a type that there is not',
      F,
      'type: integer',
      'type: whole',
      /^\/properties\/resources\/properties\/dependants$/,
      /none of the kinds/,
    ],
    [
      'a label in one language',
      F,
      'x-label: { fr: Profession, en: Profession }',
      'x-label: { fr: Profession }',
      /profession\/x-label$/,
      /"en" is missing/,
    ],
    [
      'an option without words',
      F,
      'enum: [owner, tenant, free]',
      'enum: [owner, tenant, free, squatter]',
      /\/title\/x-options$/,
      /"squatter" has no words/,
    ],
    [
      'a required field that there is not',
      F,
      'required: [title, proofDate]',
      'required: [title, proofDay]',
      /^\/properties\/dwelling\/required$/,
      /no field "proofDay"/,
    ],
    [
      'a field on no page',
      F,
      'fields: [resources, dwelling]',
      'fields: [resources]',
      /^\/properties\/dwelling$/,
      /is on no page/,
    ],
    [
      'a field on two pages',
      F,
      'fields: [resources, dwelling]',
      'fields: [resources, dwelling, stay]',
      /^\/x-pages\/3\/fields\/0$/,
      /already on the page "resources"/,
    ],
    [
      'a condition of a field that reads an unknown one',
      F,
      'self.purpose in',
      'self.aim in',
      /institution\/x-asked-when$/,
      /No such key: aim/,
    ],
    [
      'a field both required and asked by condition',
      F,
      'required: [status, income,',
      'required: [status, employer, income,',
      /properties\/employer$/,
      /takes? ?it out|take it out/,
    ],

    [
      'a rule that stands twice',
      R,
      'id: permit-valid',
      'id: guarantor-adult',
      /^\/rules\/2\/id$/,
      /stands twice/,
    ],
    [
      'a rule that may meet an absent field',
      R,
      '    when: has(data.guarantor.residencePermit)\n    require: data',
      '    require: data',
      /^\/rules\/2\/require$/,
      /"data.guarantor.residencePermit" may be absent: ask has/,
    ],
    [
      'a message that reads an unknown field',
      R,
      '{v.latest|date}',
      '{v.last|date}',
      /^\/rules\/6\/message\/fr$/,
      /no field "v.last"/,
    ],
    [
      'a message with a format that does not fit',
      R,
      '{data.stay.country|country}',
      '{data.stay.country|money}',
      /^\/rules\/9\/message\/fr$/,
      /cannot be written as money/,
    ],
    [
      'a message that is not a template',
      R,
      '{v.latest|date}',
      '{v.latest',
      /^\/rules\/6\/message\/fr$/,
      /brace/,
    ],
    [
      'a pointer that leads nowhere',
      R,
      'fields: [/stay/from, /stay/until]',
      'fields: [/stay/start]',
      /^\/rules\/5\/fields\/0$/,
      /no field "\/stay\/start"/,
    ],
    [
      'a star without a list',
      R,
      'fields: [/stay/from, /stay/until]',
      'fields: [/beneficiaries/*/sex]',
      /^\/rules\/5\/fields\/0$/,
      /no field/,
    ],
    [
      'a severity that there is not',
      R,
      'severity: warn',
      'severity: maybe',
      /^\/rules\/3\/severity$/,
      /must be one of block, warn/,
    ],
    [
      'a has() of an unknown field',
      R,
      'when: has(data.guarantor.residencePermit)\n',
      'when: has(data.guarantor.permit)\n',
      /^\/rules\/2\/when$/,
      /no field "data.guarantor.permit"/,
    ],

    [
      'a block of no kind',
      D,
      '  - heading: { fr: Garant, en: Guarantor }',
      '  - header: { fr: Garant, en: Guarantor }',
      /^\/blocks\/3$/,
      /none of the kinds/,
    ],
    [
      'a row without a value',
      D,
      '        value: "{data.guarantor.nationality|country}"\n',
      '',
      /^\/blocks\/4\/rows\/2$/,
      /"value" is missing/,
    ],
    [
      'a row that stands twice',
      D,
      'field: guarantorBirth',
      'field: guarantorName',
      /^\/blocks\/4\/rows$/,
      /"guarantorName" stands twice/,
    ],
    [
      'a row that may be empty',
      D,
      '        when: has(data.stay.institution)\n',
      '',
      /rows\/1\/value$/,
      /may be absent/,
    ],
    [
      'a value without its format',
      D,
      '"{data.guarantor|name}"',
      '"{data.guarantor}"',
      /rows\/0\/value$/,
      /needs a format/,
    ],
    [
      'an item outside each',
      D,
      'fr: Garant, en: Guarantor }\n  - rows',
      'fr: "{item|name}", en: Guarantor }\n  - rows',
      /^\/blocks\/3\/heading\/fr$/,
      /no field "item"/,
    ],
    ['a document without a seal', D, '  - seal:', '  - letterhead:', /^\/blocks$/, /must be one "seal"/],
    [
      'a travel seal that is not the last block',
      L,
      '  - seal:\n',
      '  - travelSeal: { documentCode: PU, number: number, caption: [{ fr: A, en: A }] }\n  - seal:\n',
      /^\/blocks$/,
      /"travelSeal" stands last/,
    ],
    [
      'a travel seal of a document that its signer may not seal',
      L,
      'documentCode: PU',
      'documentCode: PP',
      /documentCode$/,
      /must be/,
    ],
    [
      'a travel seal whose number is none',
      L,
      'number: v.zoneNumber',
      'number: size(data.person.familyName)',
      /travelSeal\/number$/,
      /results in int, wanted string/,
    ],
    [
      'a validity that is no day',
      D,
      'from: today',
      'from: size(data.beneficiaries)',
      /^\/validity\/from$/,
      /results in int, wanted string/,
    ],
    [
      'a holder who is nobody',
      D,
      'holder: data.beneficiaries.0',
      'holder: data.stay',
      /^\/claims\/holder$/,
      /not a person/,
    ],
    [
      'a holder who may be absent',
      D,
      'holder: data.beneficiaries.0',
      'holder: data.beneficiaries.1',
      /^\/claims\/holder$/,
      /may be absent/,
    ],
    [
      'a claim that there is not',
      D,
      'sex, nationality, travelDocument]',
      'sex, shoeSize]',
      /^\/claims\/include\/4$/,
      /must be one of familyName/,
    ],
    [
      'a private row in a list',
      D,
      'label: { fr: Lien avec le garant, en: Relation to the guarantor }',
      'label: { fr: Lien avec le garant, en: Relation to the guarantor }\n            private: true',
      /^\/blocks\/5\/blocks\/2\/rows\/4\/private$/,
      /under "each" cannot be private/,
    ],
    [
      'a private row that the seal tells in clear',
      D,
      'label: { fr: Montant, en: Amount }',
      'label: { fr: Montant, en: Amount }\n        private: true',
      /^\/blocks\/7\/rows\/5\/private$/,
      /"data\.undertaking\.monthly" is in the seal in clear/,
    ],
    [
      'a private row of a name that the seal tells in clear',
      D,
      'value: "{data.guarantor|name}"',
      'value: "{data.guarantor|name}"\n        private: true',
      /^\/blocks\/4\/rows\/0\/private$/,
      /"data\.guarantor\.familyName" is in the seal in clear/,
    ],
    [
      'a private row of what the identity of the holder needs',
      D,
      '{data.guarantor.birth.date|date}, {data',
      '{data.beneficiaries.0.birth.date|date}, {data',
      /^\/blocks\/4\/rows\/1\/private$/,
      /"data\.beneficiaries\.0\.birth\.date" is in the seal in clear/,
    ],
    [
      'a private row whose name stands elsewhere too',
      D,
      'field: purpose',
      'field: guarantorIncome',
      /^\/blocks\/4\/rows\/6\/private$/,
      /"guarantorIncome" stands twice/,
    ],
    [
      'private rows that are called the same',
      D,
      'label: { fr: Revenu mensuel net, en: Net monthly income }',
      'label: { fr: Domicile, en: Net monthly income }',
      /^\/blocks\/4\/rows\/6\/private$/,
      /"guarantorAddress" has the same heading and label/,
    ],
    [
      'a private mark that is no yes or no',
      D,
      'private: true',
      'private: always',
      /^\/blocks\/4\/rows\/1\/private$/,
      /boolean/,
    ],
    ['a label of a claim below 8', D, '    8: {', '    7: {', /^\/claims\/extra/, /not known here/],
  ])('%s', (_, file, from, to, label, reason) => {
    const details = brokenBy(file, from, to);
    const found = details.filter((one) => label.test(one.label ?? '') && reason.test(one.message));
    expect(found, JSON.stringify(details, null, 1)).not.toEqual([]);
    expect(found[0]?.where).toMatch(new RegExp(`^${file.replace('.', '\\.')}:\\d+:\\d+$`));
  });

  it('points at the line', () => {
    const [problem] = brokenBy(R, 'severity: warn', 'severity: maybe');
    expect(problem?.where).toBe(`${R}:${lineOf(R, 'severity: warn')}:15`);
  });

  it('reports every problem of every file at once', () => {
    const files = new Map(texts)
      .set(P, (texts.get(P) ?? '').replace('prefix: PC', 'prefix: pc'))
      .set('hebergement/rules.yaml', 'rules: 5\n');
    expect(problemsOf(files).map(({ where }) => where.split(':')[0])).toEqual(['hebergement/rules.yaml', P]);
  });

  it('names a file that is missing', () => {
    const files = new Map(texts);
    files.delete(F);
    expect(problemsOf(files)).toEqual([{ where: `${F}:1:1`, label: '', message: 'the file is missing' }]);
    expect(problemsOf(new Map())).toEqual([
      { where: 'common.yaml:1:1', label: '', message: 'the file is missing' },
    ]);
  });

  it('refuses an enormous file and an empty one', () => {
    expect(problemsOf(new Map(texts).set(R, ' '.repeat(500_000)))[0]?.message).toMatch(/larger than/);
    expect(problemsOf(new Map(texts).set(R, ''))[0]).toMatchObject({
      where: `${R}:1:1`,
      message: 'must be object',
    });
  });
});
