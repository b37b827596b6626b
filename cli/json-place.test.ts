import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonErrorOffset, placeOf } from './json-place.ts';

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('where a text stops being JSON', () => {
  it('is nowhere in what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(3), (value, indent) => {
        expect(jsonErrorOffset(JSON.stringify(value, undefined, indent))).toBeUndefined();
      }),
    );
  });

  it('is somewhere exactly where JSON.parse refuses', () => {
    const pieces = fc.constantFrom(
      ...'{}[],:"\\ \n',
      '1',
      '-',
      '0',
      'e',
      '.',
      'true',
      'nul',
      '"a"',
      '\\u12',
      '\t',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (words) => {
        const text = words.join('');
        expect([text, jsonErrorOffset(text) === undefined]).toEqual([text, isJson(text)]);
      }),
      { numRuns: 3000 },
    );
  });

  it('is the character that was exchanged, or the beginning of its word or escape', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, seed) => {
        const sound = JSON.stringify(value);
        const at = seed % sound.length;
        const found = jsonErrorOffset(`${sound.slice(0, at)}\u0000${sound.slice(at + 1)}`) ?? Number.NaN;
        expect(found).toBeLessThanOrEqual(at);
        expect(sound.slice(found, at)).toMatch(/^([a-z]{0,4}|-|\.|[eE][+-]?|\\u?[0-9a-f]{0,3})$/);
      }),
    );
  });

  it('costs no stack and is told by line and column', () => {
    expect(jsonErrorOffset('['.repeat(200_000))).toBe(200_000);
    expect(placeOf('{"é":\r\n "𝄞" x', 13)).toBe('line 2, column 6');
  });
});
