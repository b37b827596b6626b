import type { Font } from 'fontkit';

/** The parts of the decoded GPOS table (OpenType 1.9, "GPOS lookup type 2") that pair kerning uses. */
interface Coverage {
  readonly version: 1 | 2;
  readonly glyphs?: readonly number[];
  readonly rangeRecords?: readonly {
    readonly start: number;
    readonly end: number;
    readonly startCoverageIndex: number;
  }[];
}

interface ClassDefinition {
  readonly version: 1 | 2;
  readonly startGlyph?: number;
  readonly classValueArray?: readonly number[];
  readonly classRangeRecord?: readonly {
    readonly start: number;
    readonly end: number;
    readonly class: number;
  }[];
}

interface Value {
  readonly xAdvance?: number;
}

interface List<T> {
  get(index: number): T;
}

interface PairSubtable {
  readonly version: 1 | 2;
  readonly coverage: Coverage;
  readonly pairSets?: List<Iterable<{ readonly secondGlyph: number; readonly value1: Value }>>;
  readonly classDef1?: ClassDefinition;
  readonly classDef2?: ClassDefinition;
  readonly classRecords?: List<List<{ readonly value1: Value }>>;
}

interface Positioning {
  readonly featureList: readonly {
    readonly tag: string;
    readonly feature: { readonly lookupListIndexes: readonly number[] };
  }[];
  readonly lookupList: List<{ readonly lookupType: number; readonly subTables: readonly PairSubtable[] }>;
}

/**
 * The pair kerning of a font among some glyphs, in font units.
 *
 * @returns for each first glyph, the second glyphs that move and by how much
 */
export function pairKerning(font: Font, glyphs: readonly number[]): Map<number, Map<number, number>> {
  const kerning = new Map<number, Map<number, number>>();
  const positioning = (font as unknown as { readonly GPOS?: Positioning }).GPOS;
  const feature = positioning?.featureList.find(({ tag }) => tag === 'kern')?.feature;
  if (positioning === undefined || feature === undefined) return kerning;
  const subtables = feature.lookupListIndexes
    .map((index) => positioning.lookupList.get(index))
    .filter(({ lookupType }) => lookupType === 2)
    .map(({ subTables }) => [...subTables]);
  for (const first of glyphs) {
    const row = new Map<number, number>();
    for (const lookup of subtables) addPairs(row, lookup, first, glyphs);
    if (row.size > 0) kerning.set(first, row);
  }
  return kerning;
}

/** In one lookup the first subtable that knows the pair decides, also when its value is zero. */
function addPairs(
  row: Map<number, number>,
  lookup: readonly PairSubtable[],
  first: number,
  seconds: readonly number[],
): void {
  const decided = new Set<number>();
  for (const subtable of lookup) {
    const index = coverageIndex(subtable.coverage, first);
    if (index === -1) continue;
    if (subtable.pairSets !== undefined) {
      for (const { secondGlyph, value1 } of subtable.pairSets.get(index)) {
        if (decided.has(secondGlyph)) continue;
        decided.add(secondGlyph);
        if (value1.xAdvance) row.set(secondGlyph, value1.xAdvance);
      }
    } else if (subtable.classRecords && subtable.classDef1 && subtable.classDef2) {
      const record = subtable.classRecords.get(classOf(subtable.classDef1, first));
      for (const second of seconds) {
        if (decided.has(second)) continue;
        const adjustment = record.get(classOf(subtable.classDef2, second)).value1.xAdvance;
        if (adjustment) row.set(second, adjustment);
      }
      return;
    }
  }
}

function coverageIndex(coverage: Coverage, glyph: number): number {
  if (coverage.glyphs !== undefined) return coverage.glyphs.indexOf(glyph);
  const range = coverage.rangeRecords?.find(({ start, end }) => glyph >= start && glyph <= end);
  return range === undefined ? -1 : range.startCoverageIndex + glyph - range.start;
}

function classOf(definition: ClassDefinition, glyph: number): number {
  if (definition.classValueArray !== undefined)
    return definition.classValueArray[glyph - (definition.startGlyph ?? 0)] ?? 0;
  return definition.classRangeRecord?.find(({ start, end }) => glyph >= start && glyph <= end)?.class ?? 0;
}
