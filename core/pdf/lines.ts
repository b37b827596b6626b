import type { Atom, ShapedText } from './template.ts';

/** Atoms that stand on one line, in reading order, with their width in 1/1000 em without the spaces at its end. */
export interface Line {
  readonly atoms: readonly Atom[];
  readonly width: number;
  readonly rightToLeft: boolean;
}

/** Greedy filling. A line always holds at least one atom, so that a word wider than the line cannot stop it. */
export function breakLines(text: ShapedText, measure: number): Line[] {
  const { atoms, rightToLeft } = text;
  const lines: Line[] = [];
  let start = 0;
  while (start < atoms.length) {
    const end = lineEnd(atoms, start, measure);
    lines.push({ atoms: atoms.slice(start, end), width: inkWidth(atoms, start, end), rightToLeft });
    start = end;
  }
  return lines.length > 0 ? lines : [{ atoms: [], width: 0, rightToLeft }];
}

function lineEnd(atoms: readonly Atom[], start: number, measure: number): number {
  let width = 0;
  let end = -1;
  for (let i = start; i < atoms.length; i++) {
    const atom = atoms[i] as Atom;
    width += atom.width;
    if (width > measure && !atom.space) return end !== -1 ? end : Math.max(i, start + 1);
    if (atom.breakAfter) end = i + 1;
  }
  return atoms.length;
}

function inkWidth(atoms: readonly Atom[], start: number, end: number): number {
  let last = end;
  while (last > start && atoms[last - 1]?.space) last--;
  let width = 0;
  for (let i = start; i < last; i++) width += atoms[i]?.width ?? 0;
  return width;
}

/** Consecutive atoms of one level, and where the pen begins from the left end of the line, in 1/1000 em. */
export interface Run {
  /** In reading order. */
  readonly atoms: readonly Atom[];
  readonly level: number;
  /** The left end, or the right end where the level is odd: where its first glyph is. */
  readonly x: number;
}

/**
 * The runs of a line in reading order, each placed by rules L1 (spaces at the end take the level of the paragraph) and
 * L2 (reversal from the highest level down) of UAX #9.
 */
export function placeRuns(line: Line): Run[] {
  const runs: { atoms: Atom[]; level: number; width: number; x: number }[] = [];
  let trailing = line.atoms.length;
  while (trailing > 0 && line.atoms[trailing - 1]?.space) trailing--;
  for (const [i, atom] of line.atoms.entries()) {
    const level = i >= trailing ? Number(line.rightToLeft) : atom.level;
    const current = runs.at(-1);
    if (current?.level === level) {
      current.atoms.push(atom);
      current.width += atom.width;
    } else runs.push({ atoms: [atom], level, width: atom.width, x: 0 });
  }
  const visual = [...runs];
  for (let level = Math.max(0, ...runs.map((run) => run.level)); level > 0; level--)
    for (let from = 0; from < visual.length; ) {
      let to = from;
      while (to < visual.length && (visual[to]?.level ?? 0) >= level) to++;
      if (to > from) visual.splice(from, to - from, ...visual.slice(from, to).reverse());
      from = to + 1;
    }
  let x = 0;
  for (const run of visual) {
    run.x = (run.level & 1) === 1 ? x + run.width : x;
    x += run.width;
  }
  return runs;
}
