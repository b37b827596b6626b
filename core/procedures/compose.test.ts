import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { type ExampleTraveller, exampleTravellers } from '../../fixtures/people.ts';
import { examplePost, exampleSignatory } from '../../fixtures/post.ts';
import { procedureTexts } from '../../fixtures/procedures.ts';
import { type ExampleData, type ExampleId, exampleIds, exampleRequest } from '../../fixtures/requests.ts';
import { nodeBackend } from '../crypto/node.ts';
import { type DocumentRecord, RecordSchema } from '../pdf/record.ts';
import { encodeCbor } from '../seal/cbor.ts';
import { claimsToCbor } from '../seal/claims.ts';
import { readMrz } from '../seal/mrz.ts';
import { drawSalts, recordDisclosures } from '../seal/record-disclosures.ts';
import { readVectors, vectorsFolder } from '../vectors.ts';
import { type ComposedClaims, composeDocument } from './compose.ts';
import { validateData } from './data.ts';
import { loadProcedures } from './load.ts';
import { prepareProcedure } from './procedure.ts';

const procedures = loadProcedures(procedureTexts());
const today = '2026-11-24';
const issuedAt = new Date('2026-11-24T22:59:30.500Z');
const isRecord = new Ajv2020({ strict: false }).compile(RecordSchema);

const numbers: Readonly<Record<ExampleId, string>> = {
  hebergement: 'AH-2026-000001',
  'prise-en-charge': 'PC-2026-000123',
  'laissez-passer': 'LP-2026-000042',
};

function composed(id: ExampleId, language: 'fr' | 'en' = 'fr', data = exampleRequest(id, today)) {
  return composeDocument(procedures.get(id)!, {
    data,
    number: numbers[id],
    language,
    post: examplePost,
    issuedAt,
    signatory: exampleSignatory,
  });
}

const rowsOf = (record: DocumentRecord) =>
  record.blocks.flatMap((block) => (block.kind === 'rows' ? block.rows : []));
const textOf = (record: DocumentRecord) => JSON.stringify(record.blocks);
const complete = (claims: ComposedClaims) => ({
  ...claims,
  document: {
    ...claims.document,
    recordDigest: new Uint8Array(16),
    privateDigest: new Uint8Array(16),
    statusIndex: 123_456,
  },
});

const ends: Readonly<Record<ExampleId, string>> = {
  hebergement: '2027-03-05T22:59:59.000Z',
  'prise-en-charge': '2027-10-31T22:59:59.000Z',
  'laissez-passer': '2026-11-30T22:59:59.000Z',
};

const privates: Readonly<Record<ExampleId, readonly string[]>> = {
  hebergement: ['hostBirth', 'hostDocument', 'address'],
  'prise-en-charge': [
    ...['guarantorBirth', 'guarantorDocument', 'guarantorAddress', 'guarantorProfession'],
    'guarantorIncome',
  ],
  'laissez-passer': [],
};

const words: Readonly<Record<ExampleId, readonly string[]>> = {
  hebergement: [
    'MBA FICTIF Parfait Essono',
    'Rose Nchama',
    '00FC24680',
    'Bordeaux',
    '1957',
    'AH-2026-000001',
  ],
  'prise-en-charge': [
    'MOUSSAVOU Élodie Ngonda',
    'NZIENGUI Jean-Aimé Ondo',
    '00FB67890',
    '750',
    'PC-2026-000123',
  ],
  'laissez-passer': [
    'Ndong Mba Fictif',
    'Marie Thérèse',
    'Franceville',
    'Libreville',
    'PAR600042',
    'LP-2026-000042',
  ],
};

describe.each(exampleIds)('the document of %s', (id) => {
  it.each(['fr', 'en'] as const)('is a record in %s that fits one page', (language) => {
    const { record } = composed(id, language);
    expect(isRecord(record), JSON.stringify(isRecord.errors)).toBe(true);
    expect(rowsOf(record).length).toBeGreaterThanOrEqual(9);
    expect(rowsOf(record).length).toBeLessThanOrEqual(18);
    expect(new Set(rowsOf(record).map(({ field }) => field)).size).toBe(rowsOf(record).length);
    expect(
      record.blocks
        .map(({ kind }) => kind)
        .filter((kind) => ['letterhead', 'title', 'closing', 'seal'].includes(kind)),
    ).toEqual(['letterhead', 'title', 'closing', 'seal']);
    expect(textOf(record)).not.toMatch(/undefined|\[object|NaN|[{]data/);
    expect(record).toMatchObject({
      version: 1,
      type: id,
      post: 'GA-PAR',
      language,
      issuedAt: '2026-11-24T22:59:30Z',
    });
  });

  it('shows every value that matters, in both languages', () => {
    for (const language of ['fr', 'en'] as const) {
      const text = textOf(composed(id, language).record);
      for (const word of words[id]) expect(text).toContain(word);
    }
  });

  it('is the same for the same input, and does not touch its input', () => {
    const data = exampleRequest(id, today);
    const before = structuredClone(data);
    expect(composed(id, 'fr', data)).toEqual(composed(id, 'fr', data));
    expect(data).toEqual(before);
    const reloaded = prepareProcedure(JSON.parse(JSON.stringify(procedures.get(id)!.definition)));
    const input = {
      data,
      number: numbers[id],
      language: 'en',
      post: examplePost,
      issuedAt,
      signatory: exampleSignatory,
    } as const;
    expect(composeDocument(reloaded, input)).toEqual(composeDocument(procedures.get(id)!, input));
  });

  it('has private fields that can be told one by one, and are not in the seal', () => {
    for (const language of ['fr', 'en'] as const) {
      const { record, claims, privateFields } = composed(id, language);
      const salts = drawSalts(privateFields, nodeBackend.random);
      const disclosures = recordDisclosures({ blocks: record.blocks, salts });
      expect(disclosures.map(({ field }) => field)).toEqual(privates[id]);
      const sealed = Buffer.from(encodeCbor(claimsToCbor(complete(claims)))).toString();
      for (const { value } of disclosures) expect(sealed).not.toContain(value);
    }
  });

  it('has claims that a seal takes, short enough for its code', () => {
    const { claims } = composed(id);
    const bytes = encodeCbor(claimsToCbor(complete(claims)));
    // COSE adds the signature and 21 bytes of frame; STANDARDS: below 320 bytes.
    expect(bytes.length + 64 + 21).toBeLessThan(320);
  });

  it('is valid by the post’s own days', () => {
    const { claims, validFrom, validUntil } = composed(id);
    expect([validFrom.toISOString(), validUntil.toISOString()]).toEqual([
      '2026-11-23T23:00:00.000Z',
      ends[id],
    ]);
    expect(claims).toMatchObject({
      issuer: 'GA',
      issuedAt: Math.floor(issuedAt.getTime() / 1000),
      notBefore: validFrom.getTime() / 1000,
      expires: validUntil.getTime() / 1000,
    });
  });
});

describe('the machine-readable zone of a travel document', () => {
  const zoneOf = (change: (person: ExampleData) => void, number = numbers['laissez-passer']): string => {
    const data = exampleRequest('laissez-passer', today);
    change(data.person);
    const { record } = composeDocument(procedures.get('laissez-passer')!, {
      ...{ data, number, language: 'fr', post: examplePost, issuedAt, signatory: exampleSignatory },
    });
    const block = record.blocks.at(-1);
    return block?.kind === 'travel-seal' ? block.zone : '';
  };

  it('has the holder, the number and the end of validity, with right check digits', () => {
    const zone = zoneOf(() => {});
    expect(zone).toBe('PUGABNDONG<MBA<FICTIF<<MARIE<THERESE\nPAR6000428GAB9104174F2611309<<<<<<<4');
    expect(readMrz(zone).checks).toEqual({
      number: true,
      dateOfBirth: true,
      dateOfExpiry: true,
      composite: true,
    });
  });

  it('has the Latin name, fillers for what is not known, and the codes of states', () => {
    const zone = zoneOf((person) => {
      Object.assign(person, exampleTravellers.arabic, { sex: 'X', nationality: 'DE' });
      person.birth.date = '1998';
    });
    expect(zone.slice(0, 36)).toBe('PUGABAL<MITHAL<<MOHAMED<ABDALLAH<<<<');
    expect(zone.slice(47, 65)).toMatch(/^D<<98<<<<\d<261130\d$/);
  });

  it('is refused for the hundred thousandth document of a year', () => {
    expect(() => zoneOf(() => {}, 'LP-2026-100000')).toThrow(
      expect.objectContaining({ code: 'SCHEMA_VIOLATION' }),
    );
  });
});

describe('claims of the holder', () => {
  it('say who the beneficiary is', () => {
    const { claims } = composed('prise-en-charge');
    expect(claims.identity).toEqual({
      familyName: 'Nziengui',
      givenName: 'Jean-Aimé Ondo',
      dateOfBirth: '20060719',
      sex: 'male',
      nationality: 'GA',
      issuingCountry: 'GA',
    });
    expect(claims.document).toEqual({
      type: 'prise-en-charge',
      number: 'PC-2026-000123',
      post: 'GA-PAR',
      travelDocument: '00FB67890',
      extra: new Map([
        [8, 'Élodie Ngonda Moussavou'],
        [9, '1'],
        [10, '750\u00a0€'],
      ]),
    });
  });

  it('put an incomplete date of birth apart', () => {
    const { claims } = composed('hebergement');
    expect(claims.identity?.dateOfBirth).toBeUndefined();
    expect(claims.document.incompleteBirthDate).toBe('1957');
  });
});

describe('persons of every script', () => {
  it.each(Object.entries(exampleTravellers))('%s', (_, traveller) => {
    const data = exampleRequest('prise-en-charge', today);
    data.beneficiaries = [traveller];
    const { record, claims } = composed('prise-en-charge', 'fr', data);
    const name = rowsOf(record).find(({ field }) => field === 'beneficiaries.0.name')?.value ?? '';
    if (traveller.givenNames) expect(name).toContain(traveller.givenNames.normalize('NFC'));
    expect(() => claimsToCbor(complete(claims))).not.toThrow();
    const { latinName } = traveller as ExampleTraveller;
    expect(claims.identity?.familyName).toBe(latinName?.familyName ?? traveller.familyName);
  });

  it('each get their rows, numbered where there are several', () => {
    const data = exampleRequest('prise-en-charge', today);
    data.beneficiaries = Object.values(exampleTravellers);
    const { record } = composed('prise-en-charge', 'en', data);
    expect(record.blocks).toContainEqual({ kind: 'heading', text: 'Beneficiary 3 of 6' });
    expect(rowsOf(record).map(({ field }) => field)).toContain('beneficiaries.5.passport');
    expect(composed('prise-en-charge', 'en', data).claims.document.extra?.get(9)).toBe('6');
  });

  const folder = vectorsFolder();
  it.skipIf(!folder)('of any name that the form takes, which is printed as it is (vectors: blns)', () => {
    const strings: string[] = readVectors('suites/blns/blns.json');
    let printed = 0;
    for (const text of strings) {
      const data = exampleRequest('prise-en-charge', today);
      data.beneficiaries[0].givenNames = text;
      if (validateData(procedures.get('prise-en-charge')!, data, { language: 'fr', today }).length > 0)
        continue;
      const { record, claims } = composed('prise-en-charge', 'fr', data);
      expect(rowsOf(record).find(({ field }) => field === 'beneficiaries.0.name')?.value).toBe(
        `NZIENGUI ${text.normalize('NFC')}`,
      );
      expect(isRecord(record)).toBe(true);
      expect(() => claimsToCbor(complete(claims)), text).not.toThrow();
      printed++;
    }
    expect(printed).toBeGreaterThan(20);
  });
});

describe('a private row', () => {
  it('is a private field only where it is printed', () => {
    const data = exampleRequest('prise-en-charge', today);
    data.resources.status = 'retired';
    delete data.resources.profession;
    const { privateFields } = composed('prise-en-charge', 'fr', data);
    expect(privateFields).not.toContain('guarantorProfession');
    expect(privateFields).toContain('guarantorIncome');
  });
});

describe('composing', () => {
  it('sets French typography', () => {
    const { record } = composed('prise-en-charge');
    expect(textOf(record)).toContain('du 4\u00a0janvier 2027 au 31\u00a0octobre 2027');
    expect(textOf(record)).toContain('N°\u00a0PC-2026-000123');
    expect(textOf(record)).not.toContain("'");
    expect(record.blocks.at(-2)).toMatchObject({ placeAndDate: 'Fait à Paris, le 24\u00a0novembre 2026' });
  });

  it('takes the day of the post for its date', () => {
    const data = exampleRequest('hebergement', today);
    const late = {
      data,
      number: 'N',
      language: 'en',
      post: examplePost,
      issuedAt: new Date('2026-11-24T23:00:00Z'),
      signatory: exampleSignatory,
    } as const;
    const { record } = composeDocument(procedures.get('hebergement')!, late);
    expect(record.blocks.at(-2)).toMatchObject({ placeAndDate: 'Done at Paris on 25\u00a0November 2026' });
  });

  it('cuts the validity to what the procedure allows', () => {
    const data = exampleRequest('hebergement', today);
    data.stay.until = '2029-01-01';
    expect(composed('hebergement', 'fr', data).validUntil.toISOString()).toBe('2027-06-10T21:59:59.000Z');
  });

  it('refuses a validity that ends before it begins', () => {
    const data = exampleRequest('hebergement', today);
    data.stay.until = '2026-11-01';
    expect(() => composed('hebergement', 'fr', data)).toThrow(
      /valid until 2026-11-01 but only from 2026-11-24/,
    );
  });

  it('names the part of a definition that data never checked cannot fill', () => {
    expect(() => composed('hebergement', 'fr', {})).toThrow(/procedure hebergement: cannot work out/);
    const data = exampleRequest('hebergement', today);
    delete data.host.birth.place;
    expect(() => composed('hebergement', 'fr', data)).toThrow(/cannot work out `\{data\.host\.birth/);
  });
});
