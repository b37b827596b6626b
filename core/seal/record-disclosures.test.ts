import { describe, expect, it } from 'vitest';
import type { SealedRecord } from '../pdf/record.ts';
import { drawSalts, recordDisclosures } from './record-disclosures.ts';

const row = (field: string, label: string, value = 'x') => ({ field, label, value });
const blocks: SealedRecord['blocks'] = [
  { kind: 'title', text: 'Attestation', subtitle: 'N° 1' },
  { kind: 'rows', rows: [row('first', 'Avant tout titre')] },
  { kind: 'heading', text: 'Garant' },
  { kind: 'rows', rows: [row('address', 'Domicile', '12 rue X\n75015 Paris'), row('name', 'Nom')] },
  { kind: 'heading', text: 'Engagement' },
  { kind: 'paragraph', text: 'Il s’engage.' },
  { kind: 'rows', rows: [row('income', 'Revenu', '2 950 €'), row('long', 'Longue', 'x'.repeat(1001))] },
  { kind: 'rows', rows: [row('twice', 'A'), row('twice', 'B'), row('other', 'Revenu')] },
];
const salt = '0123456789abcdef'.repeat(2);
const salted = (...fields: string[]) => ({
  blocks,
  salts: Object.fromEntries(fields.map((field) => [field, salt])),
});

describe('the private fields of a record', () => {
  it('are what is printed, under heading and label, in the order of the page', () => {
    const told = recordDisclosures(salted('income', 'first', 'address'));
    expect(told.map(({ field, label, value }) => [field, label, value])).toEqual([
      ['first', 'Avant tout titre', 'x'],
      ['address', 'Garant › Domicile', '12 rue X\n75015 Paris'],
      ['income', 'Engagement › Revenu', '2 950 €'],
    ]);
    expect(told[0]?.salt).toEqual(Uint8Array.from(Buffer.from(salt, 'hex')));
    expect(recordDisclosures({ blocks })).toEqual([]);
  });

  it('must each be one row, with a label that no other has, and short enough to be told', () => {
    for (const fields of [
      ['nowhere'],
      ['twice'],
      ['income', 'other'],
      ['long'],
      ['constructor'],
      ['__proto__x'],
    ])
      expect(() => recordDisclosures(salted(...fields)), fields.join()).toThrow(
        expect.objectContaining({ code: 'SCHEMA_VIOLATION' }),
      );
    expect(() => recordDisclosures(salted('long'))).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('xxx') }),
    );
  });

  it('have salts of 16 bytes, each drawn anew', () => {
    let drawn = 0;
    const random = (length: number) => new Uint8Array(length).fill(++drawn);
    expect(drawSalts(['a', 'b'], random)).toEqual({ a: '01'.repeat(16), b: '02'.repeat(16) });
  });
});
