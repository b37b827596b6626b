import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, equalBytes, fromHex } from '../bytes.ts';
import { integer, sequence } from '../der/writer.ts';
import type { CurveName } from './backend.ts';
import { curves } from './curves.ts';
import { ecdsaSignatureFromDer, ecdsaSignatureToDer } from './ecdsa-signature.ts';

const names = Object.keys(curves) as CurveName[];
const orderOf = (name: CurveName): bigint => BigInt(`0x${Buffer.from(curves[name].order).toString('hex')}`);
const octets = (value: bigint, length: number): Uint8Array =>
  fromHex(value.toString(16).padStart(2 * length, '0'));

describe.each(names)('an ECDSA signature on %s', (curve) => {
  const order = orderOf(curve);
  const { fieldLength } = curves[curve];
  const scalar = fc.oneof(fc.bigInt({ min: 1n, max: order - 1n }), fc.bigInt({ min: 1n, max: 300n }));
  const both = fc.tuple(scalar, scalar);

  test('goes to DER and back', () => {
    fc.assert(
      fc.property(both, ([r, s]) => {
        const rs = concatBytes(octets(r, fieldLength), octets(s, fieldLength));
        const der = ecdsaSignatureToDer(rs);
        expect(equalBytes(der, sequence(integer(r), integer(s)))).toBe(true);
        expect(ecdsaSignatureFromDer(der, curve)).toEqual(rs);
      }),
    );
  });

  test('with a changed, missing or further byte is another signature or none', () => {
    fc.assert(
      fc.property(both, fc.nat(), fc.integer({ min: 1, max: 255 }), ([r, s], at, mask) => {
        const der = sequence(integer(r), integer(s));
        expect(ecdsaSignatureFromDer(der.subarray(0, at % der.length), curve)).toBeUndefined();
        expect(ecdsaSignatureFromDer(concatBytes(der, Uint8Array.of(at & 0xff)), curve)).toBeUndefined();
        const changed = der.slice();
        changed[at % der.length] = (changed[at % der.length] as number) ^ mask;
        const read = ecdsaSignatureFromDer(changed, curve);
        if (read) expect(equalBytes(ecdsaSignatureToDer(read), changed)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('is out of range with 0, n, or a negative number', () => {
    for (const bad of [0n, -1n, order, order + 1n, order - 2n * order]) {
      expect(ecdsaSignatureFromDer(sequence(integer(bad), integer(1)), curve)).toBeUndefined();
      expect(ecdsaSignatureFromDer(sequence(integer(1), integer(bad)), curve)).toBeUndefined();
    }
    expect(ecdsaSignatureFromDer(sequence(integer(order - 1n), integer(1)), curve)).toBeDefined();
  });
});
