import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPdf } from './read/document.ts';
import * as small from './read/fixture.ts';
import { isArray, isDict, type PdfObject, PdfRef, PdfString } from './read/objects.ts';
import { textString } from './read/text-string.ts';
import { dateObject, serialize, textObject } from './serialize.ts';
import { pdfDate } from './syntax.ts';

/** An object in a form that tests compare. */
function plain(value: PdfObject): unknown {
  if (value instanceof PdfString) return { string: [...value.bytes] };
  if (value instanceof PdfRef) return { num: value.num, gen: value.gen };
  if (isArray(value)) return value.map(plain);
  if (isDict(value)) return { dict: [...value].map(([key, item]) => [key, plain(item)]) };
  return typeof value === 'string' ? { name: value } : value;
}

const objects = fc.letrec<{ object: PdfObject; dict: PdfObject; array: PdfObject }>((tie) => ({
  object: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<PdfObject>(null, true, false),
    fc.integer(),
    fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => Math.round(value * 1e4) / 1e4 + 0),
    fc
      .string({
        unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
        minLength: 1,
        maxLength: 12,
      })
      .map((name): PdfObject => name),
    fc.string({ maxLength: 12 }).map((text): PdfObject => textObject(text)),
    fc
      .tuple(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 0, max: 9 }))
      .map(([n, g]) => new PdfRef(n, g)),
    tie('array'),
    tie('dict'),
  ),
  array: fc.array(tie('object'), { maxLength: 4 }),
  dict: fc
    .dictionary(fc.stringMatching(/^[A-Za-z]{1,8}$/), tie('object'), { maxKeys: 4 })
    .map((entries): PdfObject => new Map(Object.entries(entries))),
}));

describe('an object written in PDF syntax', () => {
  it('is read as the same object', () => {
    fc.assert(
      fc.property(objects.object, (value) => {
        const file = readPdf(
          small.pdf({ 1: `<</Type /Catalog /Value ${serialize(value)}>>`, 2: small.pages, 3: '<<>>' }),
        );
        // An entry that is null is no entry.
        expect(plain(file.catalog().get('Value') ?? null)).toEqual(plain(value));
      }),
      { numRuns: 300 },
    );
  });

  it('has no exponent', () => {
    expect([1e21, 1e-7, -2.5e-9].map(serialize)).toEqual([
      '1000000000000000000000',
      '0.0000001',
      '-0.0000000025',
    ]);
  });

  it('is a text or a date as they are written elsewhere', () => {
    expect(textString(textObject('Ŋ é (a)'))).toBe('Ŋ é (a)');
    expect(textString(dateObject(new Date(0)))).toBe(pdfDate(new Date(0)).slice(1, -1));
  });
});
