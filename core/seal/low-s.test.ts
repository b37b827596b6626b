import { sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import { lowS } from './low-s.ts';
import { testSigner } from './seal.fixture.ts';

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const scalar = (value: bigint) =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * (31 - i))) & 0xffn));
const withS = (s: bigint) => Uint8Array.from([...scalar(5n), ...scalar(s)]);
const sOf = (signature: Uint8Array) => BigInt(`0x${toHex(signature.subarray(32))}`);

describe('low s', () => {
  it.each([1n, 2n, order >> 1n, (order >> 1n) - 1n])('leaves %s as it is', (s) => {
    expect(sOf(lowS(withS(s)))).toBe(s);
  });

  it.each([(order >> 1n) + 1n, order - 1n, order - 2n ** 32n, order - 2n ** 200n])('turns %s around', (s) => {
    expect(sOf(lowS(withS(s)))).toBe(order - s);
    expect(lowS(withS(s)).subarray(0, 32)).toEqual(scalar(5n));
  });

  it('turns a Buffer within the pool of Node.js around, and leaves it as it was', () => {
    const pool = Buffer.alloc(256);
    const given = pool.subarray(64, 128);
    given.set(withS(order - 1n));
    expect(sOf(lowS(given))).toBe(1n);
    expect(pool).toEqual(Buffer.concat([Buffer.alloc(64), withS(order - 1n), Buffer.alloc(128)]));
  });

  it('gives a signature that still verifies, whichever the signer gave', async () => {
    const { privateKey } = await testSigner();
    const data = Uint8Array.of(1, 2, 3);
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
    let turned = 0;
    for (let i = 0; i < 40; i++) {
      const made = new Uint8Array(sign('sha256', data, key));
      const low = lowS(made);
      expect(sOf(low)).toBeLessThanOrEqual(order >> 1n);
      expect(verify('sha256', data, key, low)).toBe(true);
      if (toHex(low) !== toHex(made)) turned++;
    }
    expect(turned).toBeGreaterThan(0);
    expect(turned).toBeLessThan(40);
  });
});
