import type { Post } from '../post.ts';
import { addDays, localDay, startOfDay, weekday } from './calendar.ts';

/** What of a post decides which days are worked. */
export type WorkingCalendar = Pick<Post, 'timeZone' | 'weekend' | 'holidays'>;

/** More days than this without one that is worked: the calendar of the post is wrong. */
const longestClosure = 366;

export function isWorkingDay(day: string, calendar: WorkingCalendar): boolean {
  return !calendar.weekend.includes(weekday(day)) && !calendar.holidays.includes(day);
}

/**
 * The last day of a delay. The day on which it starts does not count, wherever in that day it started.
 *
 * @param start the instant at which the delay starts
 * @returns the day on the post's calendar, `YYYY-MM-DD`; always a working day unless the delay is 0
 * @throws RangeError where the post never works
 */
export function dueDay(start: Date, workingDays: number, calendar: WorkingCalendar): string {
  let day = localDay(start, calendar.timeZone);
  for (let left = workingDays; left > 0; left--) day = nextWorkingDay(day, calendar);
  return day;
}

function nextWorkingDay(day: string, calendar: WorkingCalendar): string {
  for (let i = 1; i <= longestClosure; i++) {
    const next = addDays(day, i);
    if (isWorkingDay(next, calendar)) return next;
  }
  throw new RangeError(`no working day within ${longestClosure} days after ${day}`);
}

/** The instant at which the last day of a delay is over at the post (the following local midnight). */
export function dueDate(start: Date, workingDays: number, calendar: WorkingCalendar): Date {
  return startOfDay(addDays(dueDay(start, workingDays, calendar), 1), calendar.timeZone);
}

/** Working days after the day of `from` up to and with the day of `until`; 0 where `until` is not later. */
export function workingDaysBetween(from: Date, until: Date, calendar: WorkingCalendar): number {
  const last = localDay(until, calendar.timeZone);
  let count = 0;
  for (let day = addDays(localDay(from, calendar.timeZone), 1); day <= last; day = addDays(day, 1)) {
    if (isWorkingDay(day, calendar)) count++;
  }
  return count;
}
