import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { decodeBase32, encodeBase32 } from './base32.ts';

const anyBytes = fc.uint8Array({ maxLength: 400 });

describe('base32', () => {
  it.each([
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ])('writes and reads the example %j of RFC 4648 §10 without padding', (text, base32) => {
    expect(encodeBase32(utf8(text))).toBe(base32);
    expect(decodeBase32(base32)).toEqual(utf8(text));
  });

  it('gives back any bytes', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(decodeBase32(encodeBase32(bytes))).toEqual(bytes);
      }),
    );
  });

  it('has one text for one value: whatever it reads it writes in the same way', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ABQXYZ234567'), maxLength: 24 });
    fc.assert(
      fc.property(text, (candidate) => {
        let bytes: Uint8Array;
        try {
          bytes = decodeBase32(candidate);
        } catch (error) {
          expect(error).toMatchObject({ code: 'SEAL_INVALID' });
          return;
        }
        expect(encodeBase32(bytes)).toBe(candidate);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['lower case', 'my'],
    ['padding', 'MY======'],
    ['a digit outside the alphabet', 'M1'],
    ['a space', 'MZXW 6YQ'],
    ['a letter that is no ASCII', 'MÝ'],
    ['a letter far above ASCII', 'M\u{1f600}'],
    ['one character', 'M'],
    ['a length of three', 'MZX'],
    ['a length of six', 'MZXW6Y'],
    ['bits after the last byte', 'MZ'],
  ])('refuses %s', (_, text) => {
    expect(() => decodeBase32(text)).toThrow(expect.objectContaining({ code: 'SEAL_INVALID' }));
  });
});
