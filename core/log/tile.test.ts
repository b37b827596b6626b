import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedTiles, encodeEntry, readBundle, tilePath, widthAt } from './tile.ts';

describe('the path of a tile', () => {
  it.each([
    [{ level: 0, index: 1_234_067, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 1, index: 999, width: 255 }, 'tile/1/999.p/255'],
    [{ level: 2, index: 1000, width: 1 }, 'tile/2/x001/000.p/1'],
    [{ level: 'entries', index: 273, width: 112 }, 'tile/entries/273.p/112'],
  ] as const)('%j is %s', (place, path) => {
    expect(tilePath(place)).toBe(path);
  });
});

const countOf = (size: number, level: number | 'entries', full: boolean): number =>
  changedTiles(0, size).filter((place) => place.level === level && (place.width === 256) === full).length;

describe('the tiles of a size', () => {
  it('are those of the example in C2SP tlog-tiles', () => {
    expect(countOf(70_000, 0, true)).toBe(273);
    expect(countOf(70_000, 'entries', true)).toBe(273);
    expect(countOf(70_000, 1, true)).toBe(1);
    expect(changedTiles(0, 70_000).filter(({ width }) => width < 256)).toEqual([
      { level: 'entries', index: 273, width: 112 },
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    expect(changedTiles(0, 256)).toEqual([
      { level: 'entries', index: 0, width: 256 },
      { level: 0, index: 0, width: 256 },
      { level: 1, index: 0, width: 1 },
    ]);
    expect(changedTiles(0, 0)).toEqual([]);
  });

  it('change from one size to another exactly where the one has what the other has not', () => {
    const key = (place: object) => JSON.stringify(place);
    fc.assert(
      fc.property(fc.nat(200_000), fc.nat(3000), (from, more) => {
        const before = new Set(changedTiles(0, from).map(key));
        const after = changedTiles(0, from + more).map(key);
        expect(changedTiles(from, from + more).map(key)).toEqual(after.filter((place) => !before.has(place)));
      }),
      { numRuns: 30 },
    );
  });

  it('never hash a partial tile into the level above', () => {
    expect(widthAt(255, 1, 0)).toBe(0);
    expect(widthAt(256, 1, 0)).toBe(1);
    expect(widthAt(65_535, 2, 0)).toBe(0);
    expect(widthAt(65_536, 2, 0)).toBe(1);
  });
});

describe('an entry bundle', () => {
  const entry = fc.uint8Array({ maxLength: 300 });

  it('gives back what was put in', () =>
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 256 }), (entries) => {
        const bytes = new Uint8Array(Buffer.concat(entries.map(encodeEntry)));
        expect(readBundle(bytes, entries.length).map((e) => [...e])).toEqual(entries.map((e) => [...e]));
      }),
      { numRuns: 50 },
    ));

  it('has a big-endian length before each entry', () => {
    expect([...encodeEntry(new Uint8Array(258)).subarray(0, 2)]).toEqual([1, 2]);
    expect(() => encodeEntry(new Uint8Array(65_536))).toThrow(RangeError);
  });

  it('is refused when cut short, too long, or of another count', () => {
    const bytes = new Uint8Array(
      Buffer.concat([encodeEntry(new Uint8Array(32)), encodeEntry(new Uint8Array(5))]),
    );
    for (let end = 0; end < bytes.length; end++)
      expect(() => readBundle(bytes.subarray(0, end), 2)).toThrow('exactly 2 entries');
    expect(() => readBundle(new Uint8Array([...bytes, 0]), 2)).toThrow('exactly 2 entries');
    expect(() => readBundle(bytes, 1)).toThrow('exactly 1 entries');
    expect(() => readBundle(bytes, 3)).toThrow('exactly 3 entries');
  });
});
