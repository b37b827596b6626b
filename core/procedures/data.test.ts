import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleTravellers } from '../../fixtures/people.ts';
import { procedureTexts } from '../../fixtures/procedures.ts';
import { exampleIds, exampleRequest } from '../../fixtures/requests.ts';
import { readVectors, vectorsFolder } from '../vectors.ts';
import { validateData } from './data.ts';
import { loadProcedures } from './load.ts';

const procedures = loadProcedures(procedureTexts());
const today = '2026-11-24';
const support = procedures.get('prise-en-charge')!;
const findings = (data: unknown, language: 'fr' | 'en' = 'fr') =>
  validateData(support, data, { language, today });

/** The example with one change, and its findings. */
function changed(change: (data: ReturnType<typeof exampleRequest>) => void, language: 'fr' | 'en' = 'fr') {
  const data = exampleRequest('prise-en-charge', today);
  change(data);
  return findings(data, language);
}

describe('data of a request', () => {
  it.each(exampleIds)('accepts the example of %s on any day', (id) => {
    for (const day of ['2025-03-01', today, '2031-12-31']) {
      const data = exampleRequest(id, day);
      expect(validateData(procedures.get(id)!, data, { language: 'fr', today: day })).toEqual([]);
    }
  });

  it('lists every violation with pointer and label', () => {
    const wrong = changed((data) => {
      delete data.guarantor.familyName;
      data.stay.from = '2027-02-30';
      data.resources.income.amount = -1;
      data.beneficiaries[0].sex = 'H';
      data.extra = 1;
    });
    expect(wrong.map(({ where, label }) => [where, label])).toEqual([
      ['/extra', ''],
      ['/guarantor/familyName', 'Garant › Nom de naissance'],
      ['/resources/income/amount', 'Ressources › Revenu mensuel net › Montant'],
      ['/beneficiaries/0/sex', 'Bénéficiaire 1 › Sexe'],
      ['/stay/from', 'Séjour › Premier jour du séjour'],
    ]);
    expect(wrong.every(({ severity, message }) => severity === 'block' && message.length > 10)).toBe(true);
  });

  it.each<[string, (data: ReturnType<typeof exampleRequest>) => void, string, RegExp, RegExp]>([
    ['required', (d) => delete d.truth, 'data.required', /obligatoire/, /required/],
    ['text', (d) => (d.stay.institution = 5), 'data.type.string', /texte/, /text/],
    ['number', (d) => (d.resources.income.amount = '2850'), 'data.type.number', /nombre/, /number/],
    ['whole number', (d) => (d.resources.dependants = 1.5), 'data.type.integer', /entier/, /whole/],
    ['group', (d) => (d.stay = []), 'data.type.object', /groupe/, /group/],
    ['list', (d) => (d.beneficiaries = {}), 'data.type.array', /liste/, /list/],
    ['yes or no', (d) => (d.truth = 'true'), 'data.type.boolean', /oui ou par non/, /yes or no/],
    ['acceptance', (d) => (d.truth = false), 'data.const', /accepter/, /accept/],
    ['line', (d) => (d.stay.institution = 'a\nb'), 'data.format.line', /une seule ligne/, /one line/],
    ['padding', (d) => (d.stay.institution = ' a'), 'data.format.line', /espace/, /space/],
    ['reordering marks', (d) => (d.stay.institution = 'a\u202eb'), 'data.format.line', /contrôle/, /control/],
    ['name', (d) => (d.guarantor.familyName = 'R2D2'), 'data.format.name', /lettres/, /letters/],
    [
      'document number',
      (d) => (d.guarantor.identityDocument.number = '#1'),
      'data.format.identifier',
      /chiffres/,
      /digits/,
    ],
    ['date', (d) => (d.stay.until = '31/12/2026'), 'data.format.date', /AAAA-MM-JJ/, /YYYY-MM-DD/],
    ['partial date', (d) => (d.guarantor.birth.date = '1979-13'), 'data.format.partial-date', /AAAA/, /YYYY/],
    ['country', (d) => (d.stay.country = 'ZZ'), 'data.format.country', /pays/, /country/],
    ['three-letter country', (d) => (d.stay.country = 'FRA'), 'data.maxLength', /au plus 2/, /at most 2/],
    ['e-mail', (d) => (d.guarantor.email = 'a@'), 'data.format.email', /électronique/, /e-mail/],
    [
      'telephone',
      (d) => (d.guarantor.phone = '01 42 00 00 00'),
      'data.format.phone',
      /indicatif/,
      /country code/,
    ],
    ['minimum', (d) => (d.dwelling.surface = 0), 'data.minimum', /au moins 1/, /1 or more/],
    ['maximum', (d) => (d.resources.dependants = 99), 'data.maximum', /au plus 30/, /30 or less/],
    [
      'cents',
      (d) => (d.undertaking.monthly.amount = 1.005),
      'data.multipleOf',
      /multiple de 0.01/,
      /multiple of 0.01/,
    ],
    ['empty text', (d) => (d.stay.institution = ''), 'data.minLength', /au moins 1/, /at least 1/],
    [
      'long text',
      (d) => (d.stay.institution = 'x'.repeat(101)),
      'data.maxLength',
      /au plus 100/,
      /at most 100/,
    ],
    ['no item', (d) => (d.beneficiaries = []), 'data.minItems', /au moins 1/, /at least 1/],
    [
      'many items',
      (d) => (d.beneficiaries = Array(9).fill(d.beneficiaries[0])),
      'data.maxItems',
      /au plus 8/,
      /at most 8/,
    ],
    ['item twice', (d) => (d.undertaking.costs = ['food', 'food']), 'data.uniqueItems', /deux fois/, /twice/],
    ['choice', (d) => (d.stay.purpose = 'work'), 'data.enum', /studies \(Études\)/, /studies \(Studies\)/],
    ['unknown field', (d) => (d.stay.visa = 1), 'data.additionalProperties', /n’existe pas/, /no such field/],
  ])('says in both languages: %s', (_, change, rule, fr, en) => {
    expect(changed(change).find((one) => one.rule === rule)?.message).toMatch(fr);
    expect(changed(change, 'en').find((one) => one.rule === rule)?.message).toMatch(en);
  });

  it('asks for a field by condition, inside groups and lists', () => {
    expect(changed((d) => delete d.resources.employer)).toMatchObject([
      { rule: 'data.asked', where: '/resources/employer', label: 'Ressources › Employeur' },
    ]);
    expect(changed((d) => delete d.guarantor.residencePermit)).toMatchObject([
      { where: '/guarantor/residencePermit' },
    ]);
    expect(changed((d) => (d.beneficiaries[0].birth.date = '2010'))).toMatchObject([
      { where: '/beneficiaries/0/parentalConsent', label: 'Bénéficiaire 1 › Parent qui donne son accord' },
    ]);
    expect(changed((d) => (d.beneficiaries[0].familyName = 'Παράδειγμα'))).toMatchObject([
      { where: '/beneficiaries/0/latinName' },
    ]);
    expect(
      changed((d) => {
        d.resources.status = 'retired';
        delete d.resources.employer;
        delete d.resources.profession;
      }),
    ).toEqual([]);
  });

  it.each(Object.entries(exampleTravellers))('takes a traveller of a %s name', (_, traveller) => {
    expect(changed((d) => (d.beneficiaries = [traveller]))).toEqual([]);
  });

  it('refuses what is too much before it looks closer', () => {
    const deep: Record<string, unknown> = {};
    deep.a = deep;
    expect(findings(deep)).toMatchObject([{ rule: 'data.tooLarge', where: '' }]);
    expect(findings({ guarantor: 'x'.repeat(300_000) })).toMatchObject([{ rule: 'data.tooLarge' }]);
    expect(findings(Array(100_000).fill(0))).toMatchObject([{ rule: 'data.tooLarge' }]);
    const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, i]));
    expect(findings(wide).length).toBeLessThanOrEqual(201);
  });

  it('refuses what JSON does not have', () => {
    for (const value of [undefined, () => 1, Symbol('s'), 1n, Number.NaN, new Date(0), new Map(), /x/]) {
      expect(findings({ truth: value }), String(value)).toMatchObject([
        { rule: 'data.notJson', where: '/truth' },
      ]);
    }
    expect(findings(undefined)).toMatchObject([{ rule: 'data.notJson', where: '' }]);
  });

  it('is not fooled by names of the prototype', () => {
    const data = JSON.parse('{"__proto__": {"truth": true}, "constructor": 1, "toString": 2}');
    const rules = findings(data).filter(({ rule }) => rule === 'data.additionalProperties');
    expect(rules.map(({ where }) => where).sort()).toEqual(['/__proto__', '/constructor', '/toString']);
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }), (data) => {
        expect(findings(data).length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });

  it('never throws for the example with any one value replaced', () => {
    const paths: string[][] = [];
    const walk = (value: unknown, path: string[]) => {
      paths.push(path);
      if (value !== null && typeof value === 'object')
        for (const key of Object.keys(value)) walk((value as never)[key], [...path, key]);
    };
    walk(exampleRequest('prise-en-charge', today), []);
    fc.assert(
      fc.property(fc.constantFrom(...paths.slice(1)), fc.jsonValue({ maxDepth: 2 }), (path, value) => {
        const data = exampleRequest('prise-en-charge', today);
        const parent = path.slice(0, -1).reduce((at, key) => at[key], data);
        parent[path.at(-1) ?? ''] = value;
        expect(Array.isArray(findings(data))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  const folder = vectorsFolder();
  it.skipIf(!folder)('takes each of the naughty strings as a name, or says why not (vectors: blns)', () => {
    const strings: string[] = readVectors('suites/blns/blns.json');
    expect(strings.length).toBeGreaterThan(400);
    let accepted = 0;
    for (const text of strings) {
      const wrong = changed((d) => {
        d.beneficiaries[0].givenNames = text;
        d.stay.institution = text;
      });
      const named = wrong.filter(({ where }) => where === '/beneficiaries/0/givenNames');
      if (named.length === 0) accepted++;
      if (/[\d<>{}$;]/.test(text)) expect(named, text).not.toEqual([]);
      for (const { message } of wrong) expect(message).not.toContain('undefined');
    }
    expect(accepted).toBeGreaterThan(20);
    expect(accepted).toBeLessThan(200);
  });
});
