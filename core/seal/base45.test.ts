import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { decodeBase45, encodeBase45 } from './base45.ts';

describe('base45', () => {
  it.each([
    ['AB', 'BB8'],
    ['Hello!!', '%69 VD92EX0'],
    ['base-45', 'UJCLQE7W581'],
    ['ietf!', 'QED8WEX0'],
  ])('writes and reads the example %j of RFC 9285 §4', (text, base45) => {
    expect(encodeBase45(utf8(text))).toBe(base45);
    expect(decodeBase45(base45)).toEqual(utf8(text));
  });

  it('gives back any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(decodeBase45(encodeBase45(bytes))).toEqual(bytes);
      }),
    );
  });

  it('has one text for one value: whatever it reads it writes in the same way', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0AGWZ $%*+-./:'), maxLength: 12 });
    fc.assert(
      fc.property(text, (candidate) => {
        let bytes: Uint8Array;
        try {
          bytes = decodeBase45(candidate);
        } catch (error) {
          expect(error).toMatchObject({ code: 'SEAL_INVALID' });
          return;
        }
        expect(encodeBase45(bytes)).toBe(candidate);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['three characters above 65535 (RFC 9285 §6)', 'GGW'],
    ['three of the highest', ':::'],
    ['two characters above 255', '::'],
    ['two characters just above 255', 'V5'],
    ['a lone character', 'A'],
    ['lower case', 'bb8'],
    ['a character outside ASCII', 'BBÄ'],
    ['a newline', 'BB8\n'],
  ])('refuses %s', (_, text) => {
    expect(() => decodeBase45(text)).toThrow(expect.objectContaining({ code: 'SEAL_INVALID' }));
  });

  it('reads the highest values', () => {
    expect(decodeBase45('FGW')).toEqual(Uint8Array.of(0xff, 0xff));
    expect(decodeBase45('U5')).toEqual(Uint8Array.of(0xff));
  });
});
