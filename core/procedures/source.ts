import { LineCounter, parseDocument } from 'yaml';

export type Path = readonly (string | number)[];

/** A place in a definition that is wrong, and why. */
export interface Problem {
  readonly source: Source;
  readonly path: Path;
  readonly reason: string;
}

/** A YAML file of a definition: its value, and where each part of it stands. */
export interface Source {
  readonly file: string;
  readonly value: unknown;
  /** `line:column` (from 1) of the nearest part that exists at this path. */
  position(path: Path): string;
}

/** Aliases are refused: they could make a small file an enormous value. */
const bounds = { maxBytes: 400_000 };

/**
 * Reads one YAML 1.2 file.
 *
 * @returns the source, or the problems that keep it from being read.
 */
export function readSource(file: string, text: string): { source: Source; problems: Problem[] } {
  const lines = new LineCounter();
  const tooLarge = text.length > bounds.maxBytes;
  const document = parseDocument(tooLarge ? '' : text, {
    lineCounter: lines,
    version: '1.2',
    uniqueKeys: true,
  });
  const position = (path: Path): string => {
    for (let length = path.length; length >= 0; length--) {
      const found = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
      const range = (found as { range?: readonly number[] } | null | undefined)?.range;
      if (range) {
        const { line, col } = lines.linePos(range[0] ?? 0);
        return `${line}:${col}`;
      }
    }
    return '1:1';
  };
  const unread = (at: string, reason: string) => {
    const source = { file, value: undefined, position: () => at };
    return { source, problems: [{ source, path: [], reason }] };
  };
  if (tooLarge) return unread('1:1', `the file is larger than ${bounds.maxBytes} characters`);
  const error = document.errors[0];
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    return unread(`${line}:${col}`, `not YAML: ${error.message.split('\n')[0]?.replace(/ at line .*$/, '')}`);
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: 0 });
    return { source: { file, value, position }, problems: [] };
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    return unread('1:1', 'aliases (&, *) are not allowed in a definition');
  }
}
