import type { Language } from '../post.ts';
import { type FormatName, formatNames, formats } from './format.ts';
import { type Scope, type Shape, shapeAt } from './scope.ts';

/**
 * Text with places: `{path}` or `{path|format}`, for example `{data.period.from|date}`. A place only reads and writes;
 * whatever must be decided or worked out is an expression of the definition.
 */

/** One place of a text. */
export interface Place {
  readonly path: readonly string[];
  readonly format: FormatName | undefined;
}

export interface ParsedTemplate {
  /** One more than there are places. */
  readonly texts: readonly string[];
  readonly places: readonly Place[];
}

const placePattern = /\{([^{}]*)\}/g;
const insidePattern = /^([a-z][a-zA-Z0-9]*(?:\.[a-zA-Z0-9]+)*)(?:\|([a-z]+))?$/;

/** @returns what is wrong where the text is not a template. List items are written `.0`, `.1`. */
export function parseTemplate(text: string): ParsedTemplate | string {
  const texts: string[] = [];
  const places: Place[] = [];
  let end = 0;
  for (const match of text.matchAll(placePattern)) {
    const inside = insidePattern.exec(match[1] ?? '');
    if (!inside) return `"${match[0]}" is not a place such as {data.name} or {data.date|date}`;
    const [, path = '', format] = inside;
    if (format !== undefined && !(formatNames as readonly string[]).includes(format)) {
      return `no format "${format}"; there are ${formatNames.join(', ')}`;
    }
    texts.push(text.slice(end, match.index));
    places.push({ path: path.split('.'), format: format as FormatName | undefined });
    end = match.index + match[0].length;
  }
  texts.push(text.slice(end));
  if (/[{}]/.test(texts.join(''))) return 'a brace stands alone';
  return { texts, places };
}

export type Render = (scope: Readonly<Record<string, unknown>>) => string;

/**
 * Prepares a text for one language.
 *
 * @param scope the shapes of what it reads, for the words of choices
 * @returns a function that writes the text in NFC; it throws a RangeError where a value is absent
 */
export function compileTemplate(text: string, language: Language, scope: Scope): Render {
  const parsed = parseTemplate(text);
  if (typeof parsed === 'string') throw new RangeError(parsed);
  const table = formats(language);
  const [start = '', ...texts] = parsed.texts;
  if (parsed.places.length === 0) return () => start;
  const parts = parsed.places.map((place, i) => {
    const shape = shapeAt(scope, place.path);
    if (!shape) throw new RangeError(`"${place.path.join('.')}" is not known`);
    const write = table[place.format ?? 'plain'] as (value: unknown, shape: Shape) => string;
    return { ...place, shape, write, after: texts[i] ?? '' };
  });
  return (values) => {
    let out = start;
    for (const { path, shape, write, after } of parts) {
      let value: unknown = values;
      for (const key of path) value = (value as Record<string, unknown> | null | undefined)?.[key];
      if (value === undefined || value === null) throw new RangeError(`"${path.join('.')}" is absent`);
      out += write(value, shape).normalize('NFC') + after;
    }
    return out;
  };
}
