import { constants, deflateSync, inflateRawSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget, defaultBounds } from './bounds.ts';
import { cpuMilliseconds } from './fixture.ts';
import { inflate } from './inflate.ts';

const read = (data: Uint8Array, limit = 1 << 24): Uint8Array =>
  inflate(data, new Budget(defaultBounds), limit);

const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 300 })), { maxLength: 20 })
  .map((parts) => Buffer.concat(parts.flatMap(([part, times]) => Array(times).fill(Buffer.from(part)))));

describe('inflate', () => {
  it('gives back what zlib compressed, at every level and strategy', () => {
    fc.assert(
      fc.property(
        repetitive,
        fc.integer({ min: 0, max: 9 }),
        fc.constantFrom(
          constants.Z_DEFAULT_STRATEGY,
          constants.Z_FIXED,
          constants.Z_HUFFMAN_ONLY,
          constants.Z_RLE,
        ),
        (bytes, level, strategy) => {
          expect(Buffer.compare(read(deflateSync(bytes, { level, strategy })), bytes)).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('reads a megabyte of many blocks', () => {
    const bytes = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * i * 31 + (i >> 7)) & 0xff);
    expect(Buffer.compare(read(deflateSync(bytes)), bytes)).toBe(0);
  });

  it('refuses compressed data that is cut short anywhere', () => {
    const data = deflateSync(Buffer.from('abcabcabcabc the same again and again and again 0123456789'));
    for (let length = 0; length < data.length; length++)
      expect(() => read(data.subarray(0, length))).toThrow(/PDF|cut short|less than/);
  });

  it('refuses bytes after the end', () => {
    const data = deflateSync(Buffer.from('text'));
    expect(() => read(Buffer.concat([data, Buffer.from([0])]))).toThrow('bytes after the compressed data');
  });

  it('never accepts what zlib refuses, and gives the same bytes where both accept', () => {
    const original = deflateSync(
      Buffer.from('Attestation de prise en charge, attestation de prise en charge. '.repeat(9)),
    );
    fc.assert(
      fc.property(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const data = Uint8Array.from(original);
        data[at] = (data[at] as number) ^ change;
        let ours: Uint8Array | undefined;
        try {
          ours = read(data);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ConsulError' });
        }
        if (ours) expect(Buffer.compare(inflateSync(data), ours)).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('stops at its limit and not at the end of a bomb', () => {
    const bomb = deflateSync(new Uint8Array(32 << 20));
    const used = cpuMilliseconds(() => {
      expect(() => read(bomb, 1 << 20)).toThrow(expect.objectContaining({ code: 'PDF_TOO_COMPLEX' }));
    });
    expect(used).toBeLessThan(500);
  });

  it('refuses megabytes of empty blocks that each ask for full tables', () => {
    const [one, last] = [emptyBlock(0), emptyBlock(1)];
    expect(inflateRawSync(toBytes(last))).toHaveLength(0);
    // Eight blocks end where a byte ends.
    const eight = toBytes(Array(8).fill(one).flat());
    const flood = new Uint8Array(2 + eight.length * 20_000);
    flood.set([0x78, 0x9c]);
    for (let at = 2; at < flood.length; at += eight.length) flood.set(eight, at);
    const used = cpuMilliseconds(() => {
      expect(() => read(flood)).toThrow(expect.objectContaining({ code: 'PDF_TOO_COMPLEX' }));
    });
    expect(used).toBeLessThan(2000);
  });
});

/** A DEFLATE block with nothing but its end, whose code has lengths of up to fifteen bits (RFC 1951 §3.2.7). */
function emptyBlock(final: 0 | 1): readonly number[] {
  const bits: number[] = [];
  const put = (value: number, count: number): void => {
    for (let i = 0; i < count; i++) bits.push((value >> i) & 1);
  };
  put(final, 1);
  put(2, 2);
  put(0, 5); // 257 literals and lengths
  put(0, 5); // one distance
  put(15, 4); // nineteen code lengths: four bits for each of 0 to 15, none for the repetitions
  for (const symbol of [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])
    put(symbol > 15 ? 0 : 4, 3);
  const lengths = [...Array(241).fill(0), ...Array.from({ length: 15 }, (_, i) => i + 1), 15, 0];
  for (const length of lengths) for (let i = 3; i >= 0; i--) bits.push((length >> i) & 1);
  put(0x7fff, 15);
  return bits;
}

function toBytes(bits: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [i, bit] of bits.entries()) bytes[i >> 3] = (bytes[i >> 3] as number) | (bit << (i & 7));
  return bytes;
}
