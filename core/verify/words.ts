import messages from '../../templates/messages/verify.json' with { type: 'json' };
import { type Check, type CheckId, type SubIndication, subIndications } from './report.ts';

export type VerifyLanguage = 'fr' | 'en';
export type MessageKey = keyof typeof messages;
type Values = Readonly<Record<string, string | number>>;

/** Control characters and marks that reorder what stands around them. */
const unprintable = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;
const longestValue = 300;

/** A text out of a file that nobody vouches for, harmless on a terminal and on a page. */
export function printable(text: string): string {
  const short = text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
  return short.replace(unprintable, '\ufffd');
}

/** A message in the wanted language with its values filled in. */
export function say(language: VerifyLanguage, key: MessageKey, values: Values = {}): string {
  return messages[key][language].replace(/\{(\w+)\}/g, (_match, name: string) =>
    printable(String(values[name] ?? '')),
  );
}

/** A day and minute as people write it: `24/11/2026 20:29 UTC`, or `2026-11-24 20:29 UTC` in English. */
export function sayTime(language: VerifyLanguage, time: Date): string {
  const iso = time.toISOString();
  return `${writtenDay(language, iso)} ${iso.slice(11, 16)} UTC`;
}

/** Gives `YYYY-MM-DD`. `timeZone`: IANA name; one that this platform does not know counts as UTC. */
export type DayAt = (time: Date, timeZone: string) => string;

export const localDay: DayAt = (time, timeZone) => dayFormat(timeZone).format(time);

/** The day that it is at a place. */
export function sayDay(
  language: VerifyLanguage,
  time: Date,
  timeZone = 'UTC',
  dayAt: DayAt = localDay,
): string {
  return writtenDay(language, timeZone === 'UTC' ? time.toISOString() : dayAt(time, timeZone));
}

const dayFormats = new Map<string, Intl.DateTimeFormat>();

/** Writes `YYYY-MM-DD`. */
function dayFormat(timeZone: string): Intl.DateTimeFormat {
  let format = dayFormats.get(timeZone);
  if (!format) {
    const options = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
    try {
      format = new Intl.DateTimeFormat('en-CA', { ...options, timeZone });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      format = new Intl.DateTimeFormat('en-CA', { ...options, timeZone: 'UTC' });
    }
    dayFormats.set(timeZone, format);
  }
  return format;
}

function writtenDay(language: VerifyLanguage, iso: string): string {
  return language === 'fr' ? `${iso.slice(8, 10)}/${iso.slice(5, 7)}/${iso.slice(0, 4)}` : iso.slice(0, 10);
}

/** The checks of one verification in the order they were made. */
export class Checklist {
  readonly checks: Check[] = [];
  readonly language: VerifyLanguage;

  constructor(language: VerifyLanguage) {
    this.language = language;
  }

  passed(id: CheckId, key: MessageKey, values?: Values): void {
    this.checks.push({ id, outcome: 'passed', message: say(this.language, key, values) });
  }

  notChecked(id: CheckId, key: MessageKey, values?: Values): void {
    this.checks.push({ id, outcome: 'not-checked', message: say(this.language, key, values) });
  }

  refused(id: CheckId, subIndication: SubIndication, key: MessageKey, values?: Values): void {
    this.checks.push({
      id,
      outcome: subIndications[subIndication] === 'TOTAL-FAILED' ? 'failed' : 'indeterminate',
      subIndication,
      message: say(this.language, key, values),
    });
  }
}
