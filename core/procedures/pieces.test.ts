import { fileTypeFromBuffer } from 'file-type';
import { describe, expect, it } from 'vitest';
import { examplePiece } from '../../fixtures/pieces.ts';
import { procedureTexts } from '../../fixtures/procedures.ts';
import {
  type ExampleData,
  type ExampleId,
  exampleIds,
  examplePieces,
  exampleRequest,
} from '../../fixtures/requests.ts';
import { finalStates, pieceTypes } from './definition.ts';
import { feeFor } from './fee.ts';
import { loadProcedures } from './load.ts';
import { askedPieces, missingPieces, readPieceName, type SuppliedPiece } from './pieces.ts';
import { moveDemands, movesFrom } from './workflow.ts';

const procedures = loadProcedures(procedureTexts());
const today = '2026-11-24';
const french = { language: 'fr', today } as const;

const supplied = (id: ExampleId): SuppliedPiece[] =>
  examplePieces[id].map((name) => ({ ...readPieceName(procedures.get(id)!, name), files: 1 }));

function asked(id: ExampleId, change: (data: ExampleData) => void): string[] {
  const data = exampleRequest(id, today);
  change(data);
  return askedPieces(procedures.get(id)!, data, french).map(({ name }) => name);
}

describe.each(exampleIds)('pieces of %s', (id) => {
  const procedure = procedures.get(id)!;
  const data = exampleRequest(id, today);

  it('are complete in the example', () => {
    expect(missingPieces(procedure, data, supplied(id), french)).toEqual([]);
  });

  it('are each named when they are missing', () => {
    for (const [i, name] of askedPieces(procedure, data, french).entries()) {
      const [found, ...others] = missingPieces(procedure, data, supplied(id).toSpliced(i, 1), french);
      expect(others).toEqual([]);
      expect(found).toMatchObject({
        rule: 'piece.missing',
        severity: 'block',
        where: name.name,
        label: name.label,
      });
    }
    expect(missingPieces(procedure, data, [], french)).toHaveLength(examplePieces[id].length);
  });

  it('name their kinds of file', () => {
    for (const piece of procedure.definition.pieces)
      expect(pieceTypes).toEqual(expect.arrayContaining(piece.types));
  });
});

describe('pieces by condition', () => {
  it('follow the situation of the guarantor and the beneficiary', () => {
    const id = 'prise-en-charge';
    expect(asked(id, (d) => (d.guarantor.nationality = 'FR'))).not.toContain('guarantor-permit');
    expect(asked(id, (d) => (d.resources.status = 'self-employed'))).toContain('business-register');
    expect(asked(id, (d) => (d.resources.status = 'self-employed'))).not.toContain('work-contract');
    expect(asked(id, (d) => (d.stay.purpose = 'medical'))).toContain('medical-appointment');
    expect(asked(id, (d) => (d.stay.purpose = 'visit'))).not.toContain('admission');
    expect(asked(id, (d) => (d.beneficiaries[0].relation = 'friend'))).not.toContain('relation-proof:1');
    expect(asked(id, (d) => (d.beneficiaries[0].birth.date = '2010'))).toContain('parental-consent:1');
    const two = asked(id, (d) => d.beneficiaries.push({ ...d.beneficiaries[0], relation: 'none' }));
    expect(two.filter((name) => name.includes(':'))).toEqual([
      'beneficiary-identity:1',
      'beneficiary-identity:2',
      'relation-proof:1',
    ]);
  });

  it('follow the title to the dwelling and the lease', () => {
    const id = 'hebergement';
    expect(asked(id, (d) => (d.dwelling.title = 'owner'))).toEqual([
      'host-identity',
      'guest-identity:1',
      'deed',
      'bill',
    ]);
    expect(asked(id, (d) => (d.dwelling.title = 'free'))).toContain('owner-declaration');
    expect(asked(id, (d) => (d.dwelling.lease.forbidsLodging = true))).toContain('landlord-agreement');
    expect(asked(id, (d) => (d.host.nationality = 'GA'))).toContain('host-permit');
    expect(asked(id, (d) => (d.guests[0].birth.date = '2015-05-05'))).toContain('parental-consent:1');
  });
});

describe('a piece handed in', () => {
  const procedure = procedures.get('hebergement')!;
  const with_ = (change: Partial<SuppliedPiece>, data = exampleRequest('hebergement', today)) =>
    missingPieces(
      procedure,
      data,
      supplied('hebergement').map((piece) => (piece.kind === 'bill' ? { ...piece, ...change } : piece)),
      french,
    );

  it('may not be older than its kind allows, on the day itself', () => {
    expect(with_({ issuedOn: '2026-08-24' })).toEqual([]);
    expect(with_({ issuedOn: '2026-08-23' })).toMatchObject([
      {
        rule: 'piece.old',
        where: 'bill',
        message:
          'Cette pièce date du 23\u00a0août 2026\u202f; elle doit être postérieure au 24\u00a0août 2026.',
      },
    ]);
    expect(with_({ issuedOn: '2026-11-25' })).toMatchObject([{ rule: 'piece.future' }]);
  });

  it('is as old as the form says where nobody has read it yet', () => {
    const data = exampleRequest('hebergement', today);
    data.proof.issuedOn = '2026-05-01';
    expect(with_({}, data)).toMatchObject([{ rule: 'piece.old' }]);
    expect(with_({ issuedOn: '2026-11-01' }, data)).toEqual([]);
  });

  it('has a number of files', () => {
    expect(with_({ files: 0 })).toMatchObject([{ rule: 'piece.missing' }]);
    expect(with_({ files: 3 })).toMatchObject([
      { rule: 'piece.many', message: 'Il faut au plus 2 fichier(s) pour cette pièce\u202f; 3 reçu(s).' },
    ]);
  });

  it('that is not asked for is only a warning', () => {
    const more = [...supplied('hebergement'), { kind: 'deed', files: 1 }];
    expect(missingPieces(procedure, exampleRequest('hebergement', today), more, french)).toMatchObject([
      { rule: 'piece.unasked', severity: 'warn', where: 'deed', label: 'Titre de propriété' },
    ]);
  });

  it('is named on a command line, by item where there are several', () => {
    expect(readPieceName(procedure, 'bill')).toEqual({ kind: 'bill', index: undefined });
    expect(readPieceName(procedure, 'guest-identity')).toEqual({ kind: 'guest-identity', index: 0 });
    expect(readPieceName(procedure, 'guest-identity:3')).toEqual({ kind: 'guest-identity', index: 2 });
    for (const name of ['bills', 'bill:1', 'guest-identity:0', 'guest-identity:x', '', ':1']) {
      expect(() => readPieceName(procedure, name), name).toThrow(/no piece .*there are host-identity/);
    }
  });
});

describe('made-up piece files', () => {
  it.each([
    ['pdf', 'application/pdf'],
    ['jpeg', 'image/jpeg'],
    ['png', 'image/png'],
  ] as const)('are valid %s', async (type, mime) => {
    const bytes = examplePiece('lease', type);
    expect((await fileTypeFromBuffer(bytes))?.mime).toBe(mime);
    expect(bytes.length).toBeLessThan(5000);
    expect(examplePiece('lease', type)).toEqual(bytes);
    expect(examplePiece('bill', type)).not.toEqual(bytes);
  });
});

describe('fees', () => {
  it('follow the tariff in the currency of the post', () => {
    const support = procedures.get('prise-en-charge')!;
    const data = exampleRequest('prise-en-charge', today);
    expect(feeFor(support, data, { currency: 'EUR', today })).toMatchObject({
      category: 'standard',
      amount: 15,
      currency: 'EUR',
    });
    expect(feeFor(support, data, { currency: 'XAF', today })).toMatchObject({ amount: 10_000 });
  });

  it('take the first category that holds', () => {
    const lodging = procedures.get('hebergement')!;
    const data = exampleRequest('hebergement', today);
    expect(feeFor(lodging, data, { currency: 'EUR', today })).toMatchObject({
      category: 'close-family',
      amount: 0,
    });
    data.guests[0].relation = 'friend';
    expect(feeFor(lodging, data, { currency: 'EUR', today })).toMatchObject({
      category: 'standard',
      amount: 20,
    });
  });

  it('say where a tariff is missing', () => {
    const fee = () =>
      feeFor(procedures.get('hebergement')!, exampleRequest('hebergement', today), {
        currency: 'JPY',
        today,
      });
    expect(fee).toThrow('hebergement/procedure.yaml /fee/amounts: no tariff in JPY');
  });
});

describe('the standard workflow', () => {
  const { definition } = procedures.get('prise-en-charge')!;

  it('leads from draft to closed, each move by its role', () => {
    const path = [
      ['draft', 'submitted', 'citizen'],
      ['submitted', 'in-instruction', 'instruction'],
      ['in-instruction', 'accepted', 'decision'],
      ['accepted', 'issued', 'signature'],
      ['issued', 'handed-over', 'reception'],
      ['handed-over', 'closed', 'system'],
    ] as const;
    for (const [from, to, by] of path)
      expect(moveDemands(definition, from, to, by), `${from} ${to}`).toBeDefined();
  });

  it('asks for a reason for every adverse move', () => {
    expect(moveDemands(definition, 'in-instruction', 'refused', 'decision')).toContain('reason');
    expect(moveDemands(definition, 'submitted', 'incomplete', 'reception')).toContain('reason');
    expect(moveDemands(definition, 'accepted', 'cancelled', 'head-of-post')).toContain('reason');
  });

  it('refuses what a role or a state may not do', () => {
    expect(moveDemands(definition, 'in-instruction', 'accepted', 'citizen')).toBeUndefined();
    expect(moveDemands(definition, 'draft', 'issued', 'signature')).toBeUndefined();
    for (const state of finalStates) expect(movesFrom(definition, state)).toEqual([]);
  });
});
