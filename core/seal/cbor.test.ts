import { decode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes, equalBytes, fromHex, toHex } from '../bytes.ts';
import { type CborKey, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';

const invalid = expect.objectContaining({ code: 'CBOR_INVALID' });

describe('deterministic CBOR', () => {
  it.each([
    ['an integer in more bytes than it needs', '1817'],
    ['a negative integer in more bytes than it needs', '3900ff'],
    ['a length in more bytes than it needs', '5801ff'],
    ['a count in more bytes than it needs', '980100'],
    ['keys out of order', 'a2020001 00'],
    ['text keys before integer keys', 'a2616100 0100'],
    ['longer text keys first', 'a262616100616200'],
    ['a key twice', 'a201000101'],
    ['a float that is an integer', 'f94000'],
    ['a float', 'fb3ff199999999999a'],
    ['minus zero', 'f98000'],
    ['not a number', 'f97e00'],
    ['infinity', 'f97c00'],
    ['undefined', 'f7'],
    ['a tag', 'c11a514b67b0'],
    ['a big number', 'c249010000000000000000'],
    ['an indefinite text', '7f6161ff'],
    ['an indefinite array', '9f00ff'],
    ['an indefinite map', 'bf0000ff'],
    ['text that is not UTF-8', '61ff'],
    ['text with an overlong encoding', '62c080'],
    ['text with a surrogate', '63eda080'],
    ['text not in NFC', '6365cc81'],
    ['a key that is a byte string', 'a1410000'],
    ['a key that is an array', 'a18000'],
    ['a key that is true', 'a1f500'],
    ['a key beyond the safe integers', 'a11b002000000000000000'],
    ['bytes after the item', '0000'],
    ['nothing', ''],
    ['a count that no bytes follow', '9affffffff'],
    ['a length that no bytes follow', '5b7fffffffffffffff00'],
  ])('refuses %s', (_, hex) => {
    expect(() => decodeCbor(fromHex(hex.replaceAll(' ', '')))).toThrow(invalid);
  });

  it('refuses to nest beyond 16 levels, at any depth', () => {
    const nested = (depth: number) => new Uint8Array(depth + 1).fill(0x81).fill(0x80, depth);
    expect(encodeCbor(decodeCbor(nested(16)))).toEqual(nested(16));
    for (const depth of [17, 100, 4000]) expect(() => decodeCbor(nested(depth))).toThrow(invalid);
    expect(() => decodeCbor(nested(1_000_000), 2_000_000)).toThrow(invalid);
  });

  it.each([
    ['the largest integer of one byte', '17', 23],
    ['two bytes', '18ff', 255],
    ['four bytes', '1affffffff', 2 ** 32 - 1],
    ['the least of eight bytes', '1b0000000100000000', 2 ** 32],
    ['the largest safe integer', '1b001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['one above it', '1b0020000000000000', 2n ** 53n],
    ['the largest', '1bffffffffffffffff', 2n ** 64n - 1n],
    ['minus one', '20', -1],
    ['the least safe integer', '3b001ffffffffffffe', Number.MIN_SAFE_INTEGER],
    ['one below it', '3b001fffffffffffff', -(2n ** 53n)],
    ['the least', '3bffffffffffffffff', -(2n ** 64n)],
    ['a byte order mark in a text', '64efbbbf61', '\ufeffa'],
  ])('reads and writes %s', (_, hex, value) => {
    expect(decodeCbor(fromHex(hex))).toEqual(value);
    expect(toHex(encodeCbor(value))).toBe(hex);
  });

  it('gives bytes that a change of what was read leaves as they are, of no other kind', () => {
    const bytes = Buffer.from('42aabb', 'hex');
    const value = decodeCbor(bytes) as Uint8Array;
    bytes.fill(0);
    expect(value).toEqual(Uint8Array.of(0xaa, 0xbb));
    expect(value.constructor).toBe(Uint8Array);
  });

  it('refuses more bytes than its bound', () => {
    expect(() => decodeCbor(encodeCbor(new Uint8Array(4096)))).toThrow(invalid);
    expect(decodeCbor(encodeCbor(new Uint8Array(4096)), 5000)).toHaveLength(4096);
  });

  it.each([
    ['a fraction', 1.5],
    ['minus zero', -0],
    ['not a number', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['an unsafe integer', 2 ** 53],
    ['more than 64 bits', 2n ** 64n],
    ['text not in NFC', 'e\u0301'],
    ['half a surrogate pair', '\ud800'],
    ['undefined', undefined],
    ['a date', new Date(0)],
    ['a plain object', { a: 1 }],
    ['a function', () => 0],
    ['a boolean key', new Map([[true, 0]])],
  ])('does not write %s', (_, value) => {
    expect(() => encodeCbor(value as CborValue)).toThrow(invalid);
    expect(() => encodeCbor([value as CborValue])).toThrow(invalid);
  });

  const text = fc
    .oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }))
    .map((value) => value.normalize('NFC'));
  const key: fc.Arbitrary<CborKey> = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -300, max: 300 }), text);
  const { value } = fc.letrec<{ value: CborValue; map: ReadonlyMap<CborKey, CborValue> }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.maxSafeInteger(),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
      text,
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 300 }),
      fc.array(tie('value'), { maxLength: 6 }),
      tie('map'),
    ),
    map: fc
      .uniqueArray(fc.tuple(key, tie('value')), { selector: ([name]) => name, maxLength: 8 })
      .map((entries) => new Map(entries)),
  }));

  it('gives back any value', () => {
    fc.assert(
      fc.property(value, (before) => {
        const bytes = encodeCbor(before);
        const after = decodeCbor(bytes, 1 << 20);
        expect(after).toEqual(before);
        expect(encodeCbor(after)).toEqual(bytes);
      }),
    );
  });

  it('orders keys by the bytes of their encoding (RFC 8949 §4.2.1)', () => {
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 12 }), (keys) => {
        const map = decodeCbor(encodeCbor(new Map(keys.map((name) => [name, 0]))), 1 << 20);
        const encoded = [...(map as ReadonlyMap<CborKey, CborValue>).keys()].map((name) => encodeCbor(name));
        expect(encoded).toEqual([...encoded].sort(compareBytes));
      }),
    );
  });

  it('agrees with cborg on every changed encoding that cborg reads and would write so', () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.integer({ min: 1, max: 255 }), (before, place, change) => {
        const bytes = encodeCbor(before);
        const at = place % bytes.length;
        bytes[at] = (bytes[at] as number) ^ change;
        let peer: CborValue;
        try {
          peer = decode(bytes, { strict: true, useMaps: true, rejectDuplicateMapKeys: true });
          if (!equalBytes(encodeCbor(peer), bytes)) return;
        } catch {
          return;
        }
        expect(decodeCbor(bytes, 1 << 20)).toEqual(peer);
      }),
      { numRuns: 1000 },
    );
  });

  it('reads of changed bytes only what it would write itself', () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.integer({ min: 1, max: 255 }), (before, place, change) => {
        const bytes = encodeCbor(before);
        const at = place % bytes.length;
        bytes[at] = (bytes[at] as number) ^ change;
        let after: CborValue;
        try {
          after = decodeCbor(bytes, 1 << 20);
        } catch (error) {
          expect(error).toMatchObject({ code: 'CBOR_INVALID' });
          return;
        }
        expect(encodeCbor(after)).toEqual(bytes);
      }),
      { numRuns: 1000 },
    );
  });
});
