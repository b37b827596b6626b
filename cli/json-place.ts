/** A literal of RFC 8259 from where it stands, as far as one character decides. */
const token = {
  space: /[\t\n\r ]*/y,
  number: /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
  word: /true|false|null/y,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 §7 wants them escaped in a string.
  string: /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y,
} as const;

/**
 * Where a text stops being JSON (RFC 8259): the offset of the first character that cannot follow what stands before it,
 * the length of the text where it ends too early, undefined where it is JSON. Engines word this differently, or not at
 * all. Nesting costs no stack.
 */
export function jsonErrorOffset(text: string): number | undefined {
  let at = 0;
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.test(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const open: ('[' | '{')[] = [];
  /** What may stand next: a value, a value or the end of an empty list, a key, a key or the end, or what ends a value. */
  let wanted: 'value' | 'first' | 'key' | 'first-key' | 'end' = 'value';
  for (;;) {
    skip(token.space);
    const character = text[at];
    const inside = open.at(-1);
    if (wanted === 'end') {
      if (inside === undefined) return at === text.length ? undefined : at;
      if (character === ',') wanted = inside === '[' ? 'value' : 'key';
      else if (character === (inside === '[' ? ']' : '}')) open.pop();
      else return at;
      at++;
    } else if (wanted === 'first-key' && character === '}') {
      open.pop();
      wanted = 'end';
      at++;
    } else if (wanted === 'key' || wanted === 'first-key') {
      if (!skip(token.string) || text[at] !== '"') return at;
      at++;
      skip(token.space);
      if (text[at] !== ':') return at;
      at++;
      wanted = 'value';
    } else if (wanted === 'first' && character === ']') {
      open.pop();
      wanted = 'end';
      at++;
    } else if (character === '[' || character === '{') {
      open.push(character);
      wanted = character === '[' ? 'first' : 'first-key';
      at++;
    } else {
      if (character === '"') {
        skip(token.string);
        if (text[at] !== '"') return at;
        at++;
      } else if (!skip(token.word) && !skip(token.number)) return at;
      wanted = 'end';
    }
  }
}

/** Line and column of an offset, as editors count them: from 1. */
export function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split(/\r\n|\n|\r/);
  return `line ${before.length}, column ${[...(before.at(-1) ?? '')].length + 1}`;
}
