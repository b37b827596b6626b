import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { examplePost } from '../../fixtures/post.ts';
import { addDays } from './calendar.ts';
import { dueDate, dueDay, isWorkingDay, workingDaysBetween } from './working-days.ts';

describe('working days', () => {
  it('leaves out weekend and holidays, and the day of the start', () => {
    // Wednesday 23 December 2026; Christmas is a holiday, 26 and 27 are the weekend.
    const start = new Date('2026-12-23T09:00:00Z');
    expect(dueDay(start, 1, examplePost)).toBe('2026-12-24');
    expect(dueDay(start, 2, examplePost)).toBe('2026-12-28');
    expect(dueDay(start, 5, examplePost)).toBe('2026-12-31');
    expect(dueDay(start, 6, examplePost)).toBe('2027-01-04');
  });

  it('takes the day of the start at the post, not in Greenwich', () => {
    const late = new Date('2026-11-23T23:30:00Z');
    expect(dueDay(late, 1, examplePost)).toBe('2026-11-25');
    expect(dueDay(late, 1, { ...examplePost, timeZone: 'America/New_York' })).toBe('2026-11-24');
  });

  it('is over at the end of the last day, across a change of the clocks', () => {
    expect(dueDate(new Date('2027-03-26T12:00:00Z'), 1, examplePost).toISOString()).toBe(
      '2027-03-29T22:00:00.000Z',
    );
    expect(dueDate(new Date('2026-11-24T12:00:00Z'), 1, examplePost).toISOString()).toBe(
      '2026-11-25T23:00:00.000Z',
    );
  });

  it('serves a post whose weekend is Friday and Saturday', () => {
    const calendar = { timeZone: 'Africa/Cairo', weekend: [5, 6], holidays: [] };
    expect(dueDay(new Date('2026-11-26T10:00:00Z'), 1, calendar)).toBe('2026-11-29');
  });

  it('refuses a calendar without any working day', () => {
    const calendar = { ...examplePost, weekend: [1, 2, 3, 4, 5, 6, 7] };
    expect(() => dueDay(new Date('2026-11-24T12:00:00Z'), 1, calendar)).toThrow(RangeError);
  });

  it('counts as many days as it added', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 700 }), (delay, later) => {
        const start = new Date(`${addDays('2026-06-01', later)}T12:00:00Z`);
        const due = dueDay(start, delay, examplePost);
        expect(workingDaysBetween(start, new Date(`${due}T12:00:00Z`), examplePost)).toBe(delay);
        if (delay > 0) expect(isWorkingDay(due, examplePost)).toBe(true);
      }),
    );
  });
});
