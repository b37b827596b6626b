import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { localDay as byFormat } from '../core/verify/words.ts';
import { localDay } from './local-day.ts';

describe('the day at a place', () => {
  it('is the one that Intl tells, in every zone, and leaves the zone of the process as it was', () => {
    const before = process.env.TZ;
    fc.assert(
      fc.property(
        fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
        fc.date({ min: new Date('1971-01-01'), max: new Date('2099-12-31'), noInvalidDate: true }),
        (zone, time) => {
          expect(localDay(time, zone)).toBe(byFormat(time, zone));
        },
      ),
      { numRuns: 500 },
    );
    expect(process.env.TZ).toBe(before);
  });

  it('counts as UTC where the platform does not know the zone', () => {
    const time = new Date('2026-11-24T23:59:59Z');
    for (const zone of ['Mars/Olympus', '', 'Not a zone']) expect(localDay(time, zone)).toBe('2026-11-24');
  });
});
