import messages from '../templates/messages/cli.json' with { type: 'json' };

type Language = 'fr' | 'en';
export type MessageKey = keyof typeof messages;

/** What a command says, in the wanted language with its values filled in. */
export function say(
  language: Language,
  key: MessageKey,
  values: Readonly<Record<string, string | number>> = {},
): string {
  return messages[key][language].replace(/\{(\w+)\}/g, (_match, name: string) => String(values[name] ?? ''));
}

/** `label: value`, with the space that French sets before a colon. */
export const labelled = (language: Language, key: MessageKey, value: string): string =>
  `${say(language, key)}${language === 'fr' ? ' :' : ':'} ${value}`;

/** `2026-11-24 22:29:05` on the clocks of the post; UTC where no post is concerned. */
export function clockTime(time: string | Date, timeZone?: string): string {
  const written = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'medium',
    timeZone: timeZone ?? 'UTC',
  }).format(new Date(time));
  return timeZone === undefined ? `${written} UTC` : written;
}
