import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../bytes.ts';
import { vectorsFolder } from '../../vectors.ts';
import { decodeLenientCbor, isTagged, type LenientCbor } from './lenient-cbor.ts';

const folder = vectorsFolder();
const load = (file: string) => (folder ? JSON.parse(readFileSync(join(folder, 'cbor', file), 'utf8')) : []);
const refused = expect.objectContaining({ code: 'CBOR_INVALID' });

/** As JSON has it: maps as objects, tags left out, big numbers as texts of digits. */
function plain(value: LenientCbor): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (isTagged(value)) return plain(value.value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

describe('CBOR of other systems', () => {
  it.skipIf(!folder)('is read as RFC 8949 appendix A says', () => {
    const file = load('rfc8949-appendix-a.json');
    const vectors: { hex: string; decoded?: unknown }[] = file.vectors ?? file;
    let count = 0;
    for (const { hex, decoded } of vectors) {
      if (decoded === undefined || typeof decoded === 'bigint') continue;
      const read = plain(decodeLenientCbor(fromHex(hex), 1000));
      // Numbers beyond 53 bits: bigint here, rounded in the file.
      if (typeof decoded === 'number' && typeof read !== 'number') continue;
      expect(read, hex).toEqual(decoded);
      count += 1;
    }
    expect(count).toBeGreaterThan(10);
  });

  it.skipIf(!folder)('is refused where RFC 8949 appendix F says that it is not well-formed', () => {
    const file = load('rfc8949-appendix-f-not-well-formed.json');
    const vectors: { hex: string }[] = file.vectors ?? file;
    expect(vectors.length).toBeGreaterThan(20);
    for (const { hex } of vectors) expect(() => decodeLenientCbor(fromHex(hex), 1000), hex).toThrow(refused);
  });

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
        expect(plain(decodeLenientCbor(encode(given), 1_000_000))).toEqual(given);
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
