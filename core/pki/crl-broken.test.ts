import { describe, expect, test } from 'vitest';
import { generalizedTime } from '../der/writer.ts';
import { day, entry, flag, made, said, scope } from './crl-broken.fixture.ts';
import { extension } from './fixture.ts';

describe('a broken CRL', () => {
  test('is beside one that is right', async () => {
    expect(await said(made())).toBe('ok');
    expect(await said(made(entry()))).toBe('ok');
    expect(await said(made(scope(flag(1))))).toBe('ok');
    const keeping = extension('2.5.29.60', generalizedTime(day('2020-01-01T00:00:00Z')));
    expect(await said(made({ extensions: [keeping] }))).toBe('ok');
  });

  test('never proves anything when any bit of it is another', { timeout: 30_000 }, async () => {
    const der = made(entry());
    for (let bit = 0; bit < 8 * der.length; bit += 3) {
      const flipped = der.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(await said(flipped)).not.toBe('ok');
    }
  });
});
