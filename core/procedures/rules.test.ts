import { describe, expect, it } from 'vitest';
import { exampleTravellers } from '../../fixtures/people.ts';
import { procedureTexts } from '../../fixtures/procedures.ts';
import { type ExampleData, type ExampleId, exampleIds, exampleRequest } from '../../fixtures/requests.ts';
import { ConsulError } from '../errors.ts';
import { loadProcedures } from './load.ts';
import { prepareProcedure } from './procedure.ts';
import { checkRules, type RunningDocument, runningEntry } from './rules.ts';

const procedures = loadProcedures(procedureTexts());
const today = '2026-11-24';

type Change = (data: ExampleData) => void;

function broken(
  id: ExampleId,
  change: Change,
  running: readonly RunningDocument[] = [],
  language: 'fr' | 'en' = 'fr',
) {
  const data = exampleRequest(id, today);
  change(data);
  return checkRules(procedures.get(id)!, data, { today, language, running });
}

const none: Change = () => undefined;
const minor: Change = (d) => {
  d.beneficiaries[0].birth.date = '2012-01-01';
  d.beneficiaries[0].parentalConsent = { familyName: 'Nziengui', quality: 'father' };
};
const running = (from: string, until: string, figures: Record<string, number>): RunningDocument[] => [
  { number: 'XX-2026-000001', from, until, figures },
];

/** For each rule: data that just hold, and data that just do not. */
const support: [rule: string, holds: Change, breaks: Change, pointer: string][] = [
  [
    'guarantor-adult',
    (d) => (d.guarantor.birth.date = '2008-11-24'),
    (d) => (d.guarantor.birth.date = '2008-11-25'),
    '/guarantor/birth/date',
  ],
  [
    'guarantor-identity-valid',
    (d) => (d.guarantor.identityDocument.expiresOn = today),
    (d) => (d.guarantor.identityDocument.expiresOn = '2026-11-23'),
    '/guarantor/identityDocument/expiresOn',
  ],
  [
    'permit-valid',
    (d) => delete d.guarantor.residencePermit,
    (d) => (d.guarantor.residencePermit.expiresOn = '2026-11-23'),
    '/guarantor/residencePermit/expiresOn',
  ],
  [
    'permit-covers-stay',
    (d) => (d.guarantor.residencePermit.expiresOn = '2027-10-31'),
    (d) => (d.guarantor.residencePermit.expiresOn = '2027-10-30'),
    '/guarantor/residencePermit/expiresOn',
  ],
  [
    'proof-date-past',
    (d) => (d.dwelling.proofDate = today),
    (d) => (d.dwelling.proofDate = '2026-11-25'),
    '/dwelling/proofDate',
  ],
  ['period-order', (d) => (d.stay.until = d.stay.from), (d) => (d.stay.until = '2027-01-03'), '/stay/from'],
  [
    'period-length',
    (d) => (d.stay.until = '2028-01-04'),
    (d) => (d.stay.until = '2028-01-05'),
    '/stay/until',
  ],
  ['period-start', (d) => (d.stay.from = '2026-10-25'), (d) => (d.stay.from = '2026-10-24'), '/stay/from'],
  ['period-far', (d) => (d.stay.from = '2027-11-24'), (d) => (d.stay.from = '2027-11-25'), '/stay/from'],
  [
    'income-floor',
    (d) => (d.resources.income.amount = 1735.5),
    (d) => (d.resources.income.amount = 1735),
    '/resources/income/amount',
  ],
  [
    'income-with-dependants',
    (d) => (d.resources.dependants = 3),
    (d) => (d.resources.dependants = 4),
    '/resources/dependants',
  ],
  [
    'amount-floor',
    (d) => (d.undertaking.monthly = { amount: 403414, currency: 'XAF' }),
    (d) => (d.undertaking.monthly = { amount: 403413, currency: 'XAF' }),
    '/undertaking/monthly/amount',
  ],
  [
    'birth-past',
    (d) => (d.beneficiaries[0].birth.date = today),
    (d) => (d.beneficiaries[0].birth.date = '2026-11-25'),
    '/beneficiaries/0/birth/date',
  ],
  [
    'passport-validity',
    (d) => (d.beneficiaries[0].identityDocument.expiresOn = '2028-01-31'),
    (d) => (d.beneficiaries[0].identityDocument.expiresOn = '2028-01-30'),
    '/beneficiaries/0/identityDocument/expiresOn',
  ],
  [
    'not-own-guarantor',
    (d) => (d.beneficiaries[0].familyName = d.guarantor.familyName),
    (d) =>
      Object.assign(d.beneficiaries[0], {
        familyName: 'MOUSSAVOU',
        givenNames: 'Ngonda Elodie',
        birth: d.guarantor.birth,
      }),
    '/beneficiaries/0/familyName',
  ],
  [
    'not-own-guarantor',
    (d) => (d.beneficiaries[0].identityDocument.number = '00FA1234'),
    (d) => (d.beneficiaries[0].identityDocument.number = '00fa12345'),
    '/beneficiaries/0/familyName',
  ],
  [
    'beneficiary-once',
    (d) => d.beneficiaries.push(exampleTravellers.african),
    (d) => d.beneficiaries.push(structuredClone(d.beneficiaries[0])),
    '/beneficiaries/0/identityDocument/number',
  ],
  [
    'consent-by-another',
    minor,
    (d) => {
      minor(d);
      d.beneficiaries[0].parentalConsent.familyName = 'MOUSSAVOU';
    },
    '/beneficiaries/0/parentalConsent/familyName',
  ],
  [
    'tuition-for-studies',
    (d) => Object.assign(d.stay, { purpose: 'studies' }),
    (d) => (d.stay.purpose = 'visit'),
    '/undertaking/costs',
  ],
];

const lodging: typeof support = [
  [
    'host-adult',
    (d) => (d.host.birth.date = '2007'),
    (d) => (d.host.birth.date = '2008-12'),
    '/host/birth/date',
  ],
  [
    'host-identity-valid',
    (d) => (d.host.identityDocument.expiresOn = today),
    (d) => (d.host.identityDocument.expiresOn = '2026-11-23'),
    '/host/identityDocument/expiresOn',
  ],
  [
    'permit-valid',
    none,
    (d) => (d.host.residencePermit = { number: 'F1', expiresOn: '2026-11-23' }),
    '/host/residencePermit/expiresOn',
  ],
  [
    'permit-covers-stay',
    (d) => (d.host.residencePermit = { number: 'F1', expiresOn: '2027-03-05' }),
    (d) => (d.host.residencePermit = { number: 'F1', expiresOn: '2027-03-04' }),
    '/host/residencePermit/expiresOn',
  ],
  [
    'host-lives-there',
    (d) => (d.host.address.street = '7 BIS quai imaginaire'),
    (d) => (d.host.address.street = '8, quai Imaginaire'),
    '/dwelling/address/street',
  ],
  ['stay-order', (d) => (d.stay.until = d.stay.from), (d) => (d.stay.until = '2026-12-09'), '/stay/from'],
  ['stay-length', (d) => (d.stay.until = '2027-06-10'), (d) => (d.stay.until = '2027-06-11'), '/stay/until'],
  ['stay-start', (d) => (d.stay.from = '2026-10-25'), (d) => (d.stay.from = '2026-10-24'), '/stay/from'],
  ['surface', (d) => (d.dwelling.surface = 27), (d) => (d.dwelling.surface = 26.9), '/dwelling/surface'],
  [
    'within-lease',
    (d) => (d.dwelling.lease.until = '2027-03-05'),
    (d) => (d.dwelling.lease.until = '2027-03-04'),
    '/stay/until',
  ],
  [
    'lease-started',
    (d) => (d.dwelling.lease.from = '2026-12-10'),
    (d) => (d.dwelling.lease.from = '2026-12-11'),
    '/dwelling/lease/from',
  ],
  [
    'proof-name',
    (d) => (d.proof.holder = 'essono mba-fictif'),
    (d) => (d.proof.holder = 'Jean Autre'),
    '/proof/holder',
  ],
  [
    'proof-name-free',
    (d) => (d.dwelling.title = 'free'),
    (d) => {
      d.dwelling.title = 'free';
      d.proof.holder = 'Jean Autre';
    },
    '/proof/holder',
  ],
  [
    'not-own-guest',
    (d) => (d.guests[0].birth.date = '1984-11-29'),
    (d) =>
      Object.assign(d.guests[0], {
        familyName: 'Mba Fictif',
        givenNames: 'Parfait',
        birth: d.host.birth,
      }),
    '/guests/0/familyName',
  ],
  [
    'not-own-guest',
    none,
    (d) => (d.guests[0].identityDocument = { number: 'FICT75A2', country: 'FR', expiresOn: '2032-01-09' }),
    '/guests/0/familyName',
  ],
  [
    'guest-once',
    (d) => d.guests.push(exampleTravellers.greek),
    (d) => d.guests.push(structuredClone(d.guests[0])),
    '/guests/0/identityDocument/number',
  ],
  [
    'guest-passport-valid',
    (d) => (d.guests[0].identityDocument.expiresOn = '2027-03-05'),
    (d) => (d.guests[0].identityDocument.expiresOn = '2027-03-04'),
    '/guests/0/identityDocument/expiresOn',
  ],
  [
    'birth-past',
    (d) => (d.guests[0].birth.date = '2026'),
    (d) => (d.guests[0].birth.date = '2026-11-25'),
    '/guests/0/birth/date',
  ],
];

describe.each([['prise-en-charge', support] as const, ['hebergement', lodging] as const])(
  'the rules of %s',
  (id, cases) => {
    const rules = procedures.get(id)!.definition.rules;

    it('hold for the example', () => {
      expect(broken(id, none)).toEqual([]);
    });

    it('are each tried below, or with documents in force', () => {
      const tried = new Set([...cases.map(([rule]) => rule), 'overlapping-stays']);
      expect(rules.map((rule) => rule.id).filter((rule) => !tried.has(rule))).toEqual([]);
    });

    it.each(cases)('%s', (rule, holds, breaks, pointer) => {
      const ids = (change: Change) => broken(id, change).map((one) => one.rule);
      expect(ids(holds)).not.toContain(`rule.${rule}`);
      const found = broken(id, breaks).find((one) => one.rule === `rule.${rule}`);
      expect(found?.where).toBe(pointer);
      expect(found?.severity).toBe(rules.find((one) => one.id === rule)?.severity);
      expect(found?.label).not.toBe('');
      for (const language of ['fr', 'en'] as const) {
        const said =
          broken(id, breaks, [], language).find((one) => one.rule === `rule.${rule}`)?.message ?? '';
        expect(said.length).toBeGreaterThan(20);
        expect(said).not.toMatch(/[{}]|undefined|NaN|null/);
      }
    });
  },
);

describe('documents in force', () => {
  const enough: Change = (d) => (d.resources.income.amount = 2350.5);

  it('are added up where they overlap the stay, by a single day too', () => {
    const figures = { beneficiaries: 1, needed: 615 };
    expect(
      broken('prise-en-charge', enough, running('2026-01-01', '2027-01-04', figures)).map((f) => f.rule),
    ).not.toContain('rule.income-floor');
    const less: Change = (d) => (d.resources.income.amount = 2350);
    expect(
      broken('prise-en-charge', less, running('2026-01-01', '2027-01-03', figures)).map((f) => f.rule),
    ).not.toContain('rule.income-floor');
    const [found] = broken('prise-en-charge', less, running('2026-01-01', '2027-01-04', figures));
    expect(found).toMatchObject({ rule: 'rule.income-floor', severity: 'block' });
    expect(found?.message).toContain('1 autre(s) personne(s)');
  });

  it('fill the dwelling with the guests of other stays', () => {
    const stays = running('2027-03-05', '2027-05-01', { guests: 4 });
    expect(broken('hebergement', (d) => (d.dwelling.surface = 62), stays).map((f) => f.rule)).toEqual([
      'rule.surface',
      'rule.overlapping-stays',
    ]);
    expect(broken('hebergement', (d) => (d.dwelling.surface = 63), stays).map((f) => f.rule)).toEqual([
      'rule.overlapping-stays',
    ]);
    expect(
      broken(
        'hebergement',
        (d) => (d.dwelling.surface = 62),
        running('2027-03-06', '2027-05-01', { guests: 4 }),
      ),
    ).toEqual([]);
  });

  it('are found under one key, however the name or address is written', () => {
    const entry = (id: ExampleId, change: Change) => {
      const data = exampleRequest(id, today);
      change(data);
      return runningEntry(procedures.get(id)!, data, today);
    };
    expect(entry('prise-en-charge', none)).toEqual({
      key: 'elodie ngonda moussavou fictive lefevre 1979-03-01',
      figures: { beneficiaries: 1, needed: 615 },
    });
    expect(entry('prise-en-charge', (d) => (d.guarantor.familyName = 'MOUSSAVOU'))).toEqual(
      entry('prise-en-charge', none),
    );
    expect(entry('hebergement', (d) => (d.dwelling.address.street = '7 Bis Quai imaginaire'))).toEqual(
      entry('hebergement', none),
    );
  });
});

describe('a rule', () => {
  it.each(exampleIds)('gives the same findings for the same input (%s)', (id) => {
    const change: Change = (d) =>
      Object.assign(d.stay ?? d.journey, { from: '2020-01-01', departsOn: '2020-01-01' });
    expect(broken(id, change)).toEqual(broken(id, change));
    expect(broken(id, change).length).toBeGreaterThan(0);
  });

  it('that cannot be worked out is a fault of the definition, told without the data', () => {
    const { definition } = procedures.get('hebergement')!;
    const wrong = prepareProcedure({
      ...definition,
      rules: [{ ...definition.rules[0]!, require: 'days(data.guests[0].birth.date, today) > 0' }],
    });
    const check = () => checkRules(wrong, exampleRequest('hebergement', today), { today, language: 'fr' });
    expect(check).toThrow(ConsulError);
    expect(check).toThrow(/procedure hebergement: cannot work out `days/);
    expect(check).not.toThrow(/1957/);
  });

  it('is asked on a day that exists', () => {
    const check = () =>
      checkRules(procedures.get('hebergement')!, exampleRequest('hebergement', today), {
        today: '24/11/2026',
        language: 'fr',
      });
    expect(check).toThrow(RangeError);
  });
});
