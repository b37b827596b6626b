import type { Language } from '../post.ts';

/** French spaces (U+202F before ; ! ? and U+00A0 before : » and after «, N°), and the curved apostrophe in both. */
export function typeset(text: string, language: Language): string {
  const curved = text.replaceAll("'", '’');
  if (language !== 'fr') return curved;
  return curved
    .replace(/ ([;!?])/g, '\u202f$1')
    .replace(/ ([:»])/g, '\u00a0$1')
    .replace(/(«|[Nn]°) /g, '$1\u00a0')
    .replace(/(\d) (m²|euros?|mois|jours|ans)/g, '$1\u00a0$2');
}

/** Sets every text in two languages that a value holds, however deep, in NFC. */
export function typesetWords<T>(value: T): T {
  if (Array.isArray(value)) return value.map(typesetWords) as T;
  if (value === null || typeof value !== 'object') return value;
  const set = Object.entries(value).map(([key, inside]): [string, unknown] => {
    const isText = typeof inside === 'string' && (key === 'fr' || key === 'en');
    return [key, isText ? typeset(inside, key).normalize('NFC') : typesetWords(inside)];
  });
  return Object.fromEntries(set) as T;
}
