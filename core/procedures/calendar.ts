/**
 * Days of the Gregorian calendar as `YYYY-MM-DD`, and their place in time at a post. The IANA zone of a post is read
 * through Intl; what is asked again and again is remembered within bounds.
 */

const dayPattern = /^(\d{4})-(\d\d)-(\d\d)$/;
const millisecondsOfDay = 86_400_000;

/** Days since 1970-01-01. @returns undefined for text that is not a day of the calendar. */
export function dayNumber(day: string): number | undefined {
  const parts = dayPattern.exec(day);
  if (!parts) return undefined;
  const time = new Date(0);
  time.setUTCFullYear(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]));
  const exists = time.getUTCMonth() === Number(parts[2]) - 1 && time.getUTCDate() === Number(parts[3]);
  return exists ? time.getTime() / millisecondsOfDay : undefined;
}

function known(day: string): number {
  const number = dayNumber(day);
  if (number === undefined) throw new RangeError(`"${day}" is not a day as YYYY-MM-DD`);
  return number;
}

const dayOf = (number: number): string => new Date(number * millisecondsOfDay).toISOString().slice(0, 10);

/** @throws RangeError where a text is not a day, as all functions of this file. */
export function daysBetween(from: string, until: string): number {
  return known(until) - known(from);
}

export function addDays(day: string, days: number): string {
  return dayOf(known(day) + days);
}

/** The same day of a later month, or the last day of that month where it has no such day. */
export function addMonths(day: string, months: number): string {
  known(day);
  const year = Number(day.slice(0, 4));
  const month = Number(day.slice(5, 7)) - 1 + months;
  const date = new Date(0);
  date.setUTCFullYear(year, month, 1);
  const last = new Date(date);
  last.setUTCMonth(last.getUTCMonth() + 1, 0);
  date.setUTCDate(Math.min(Number(day.slice(8, 10)), last.getUTCDate()));
  return date.toISOString().slice(0, 10);
}

/** Completed years. Where only the year or month of birth is known, the latest day of it counts. */
export function ageOn(birth: string, day: string): number {
  known(day);
  const latest = birth.length === 4 ? `${birth}-12-31` : birth.length === 7 ? lastOfMonth(birth) : birth;
  known(latest);
  const years = Number(day.slice(0, 4)) - Number(latest.slice(0, 4));
  return day.slice(5) < latest.slice(5) ? years - 1 : years;
}

const lastOfMonth = (month: string): string => addDays(addMonths(`${month}-01`, 1), -1);

/** ISO weekday, 1 = Monday. */
export function weekday(day: string): number {
  return ((((known(day) + 3) % 7) + 7) % 7) + 1;
}

/** An ISO 8601 duration in whole years, months and days (`P1Y6M`), added to a day. */
export function addDuration(day: string, duration: string, sign: 1 | -1 = 1): string {
  let months = 0;
  let days = 0;
  for (const [, count, unit] of duration.matchAll(/(\d+)([YMD])/g)) {
    if (unit === 'D') days += Number(count);
    else months += Number(count) * (unit === 'Y' ? 12 : 1);
  }
  return addDays(addMonths(day, sign * months), sign * days);
}

class Remembered<T> {
  readonly #values = new Map<string, T>();
  get(key: string, make: () => T): T {
    const found = this.#values.get(key);
    if (found !== undefined) return found;
    const made = make();
    if (this.#values.size >= 2000) this.#values.clear();
    this.#values.set(key, made);
    return made;
  }
}

const zones = new Remembered<Intl.DateTimeFormat>();
const offsets = new Remembered<number>();
const starts = new Remembered<number>();

const quarter = 900_000;

/** Milliseconds that the clocks of a zone are ahead of UTC. They change on a quarter of an hour only. */
function offsetAt(time: number, timeZone: string): number {
  const instant = Math.floor(time / quarter) * quarter;
  return offsets.get(`${timeZone} ${instant}`, () => {
    const zone = zones.get(
      timeZone,
      () =>
        new Intl.DateTimeFormat('en-US', {
          timeZone,
          calendar: 'gregory',
          numberingSystem: 'latn',
          hourCycle: 'h23',
          year: 'numeric',
          month: '2-digit',
          day: '2-digit',
          hour: '2-digit',
          minute: '2-digit',
          second: '2-digit',
        }),
    );
    const [month, day, year, hour, minute, second] = zone.format(instant).split(/\D+/).map(Number);
    const local = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
    return local - instant;
  });
}

/** The day on the calendar of a zone. @throws RangeError for an unknown zone, as of the next function. */
export function localDay(instant: Date, timeZone: string): string {
  const time = instant.getTime();
  return new Date(time + offsetAt(time, timeZone)).toISOString().slice(0, 10);
}

/** The first instant of a day in a zone, also where the clocks skip or repeat midnight. */
export function startOfDay(day: string, timeZone: string): Date {
  const start = starts.get(`${timeZone} ${day}`, () => {
    const utc = known(day) * millisecondsOfDay;
    const before = offsetAt(utc - millisecondsOfDay, timeZone);
    const after = offsetAt(utc + millisecondsOfDay, timeZone);
    const real = [utc - before, utc - after].filter((time) => time + offsetAt(time, timeZone) === utc);
    return real.length > 0 ? Math.min(...real) : utc - before;
  });
  return new Date(start);
}
