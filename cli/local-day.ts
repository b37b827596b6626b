import type { DayAt } from '../core/verify/words.ts';

const padded = (value: number, length: number): string => String(value).padStart(length, '0');

/**
 * The day that it is at a place, by the clock of the process set to its zone for a moment: the first format of `Intl`
 * takes three times as long, a fifth of the verification of a seal.
 */
export const localDay: DayAt = (time, timeZone) => {
  const before = process.env.TZ;
  process.env.TZ = timeZone;
  try {
    return `${padded(time.getFullYear(), 4)}-${padded(time.getMonth() + 1, 2)}-${padded(time.getDate(), 2)}`;
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
};
