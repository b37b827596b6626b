import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../bytes.ts';
import { decodeLenientCbor } from './lenient-cbor.ts';
import { plainCbor } from './suites.ts';

const refused = expect.objectContaining({ code: 'CBOR_INVALID' });

describe('CBOR of other systems', () => {
  it.each<[string, string, unknown]>([
    ['a head that is longer than it needs to be', '190001', 1],
    ['text in pieces', '7f61616162ff', 'ab'],
    ['bytes in pieces', '5f41014102ff', Uint8Array.of(1, 2)],
    ['an array of no stated length', '9f01ff', [1]],
    ['a half, a single and a double', '83f93c00fa3f800000fb3ff0000000000000', [1, 1, 1]],
    ['a half below the normal ones', 'f90001', 2 ** -24],
    ['a negative half', 'f9c400', -4],
    ['a tagged date', 'c06a323032312d30312d3031', { tag: 0, value: '2021-01-01' }],
  ])('is read with %s', (_, hex, value) => {
    expect(decodeLenientCbor(fromHex(hex), 100)).toEqual(value);
  });

  it.each([
    ['bytes after the item', '0000'],
    ['a key that stands twice', 'a201000100'],
    ['a key that is an array', 'a18000'],
    ['text that is not UTF-8', '61ff'],
    ['a piece of another type', '7f4161ff'],
    ['a break alone', 'ff'],
    ['a length beyond its end', '5affffffff00'],
    ['a count beyond its end', '9b00ffffffffffffff'],
    ['17 levels', `${'81'.repeat(17)}00`],
  ])('is refused with %s', (_, hex) => {
    expect(() => decodeLenientCbor(fromHex(hex), 1000)).toThrow(refused);
  });

  it('is refused above its bound of bytes and of items', () => {
    expect(() => decodeLenientCbor(new Uint8Array(101), 100)).toThrow(refused);
    const many = Uint8Array.from([0x9f, ...new Uint8Array(10_001), 0xff]);
    expect(() => decodeLenientCbor(many, 20_000)).toThrow(refused);
  });

  it('keeps nothing of a Buffer, whose slices share its memory', () => {
    const given = Buffer.from('4101', 'hex');
    const read = decodeLenientCbor(given, 10);
    given.fill(0);
    expect(read).toEqual(Uint8Array.of(1));
  });

  it('gives back what another encoder wrote', () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.integer(),
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.uint8Array(),
        // cborg writes -0 as 0.
        fc.double({ noNaN: true }).filter((number) => !Object.is(number, -0)),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          tie('value'),
          { maxKeys: 4 },
        ),
      ),
    })).value;
    fc.assert(
      fc.property(value, (given) => {
        expect(plainCbor(decodeLenientCbor(encode(given), 1_000_000))).toEqual(given);
      }),
      { numRuns: 200 },
    );
  });

  it('of any bytes reads or is refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          decodeLenientCbor(bytes, 1000);
        } catch (error) {
          expect(error).toMatchObject({ code: 'CBOR_INVALID' });
        }
      }),
      { numRuns: 3000 },
    );
  });
});
