/** The eight data masks (ISO/IEC 18004 table 10): true where a module is inverted. */
const conditions: readonly ((row: number, column: number) => boolean)[] = [
  (i, j) => (i + j) % 2 === 0,
  (i) => i % 2 === 0,
  (_, j) => j % 3 === 0,
  (i, j) => (i + j) % 3 === 0,
  (i, j) => (Math.floor(i / 2) + Math.floor(j / 3)) % 2 === 0,
  (i, j) => ((i * j) % 2) + ((i * j) % 3) === 0,
  (i, j) => (((i * j) % 2) + ((i * j) % 3)) % 2 === 0,
  (i, j) => (((i + j) % 2) + ((i * j) % 3)) % 2 === 0,
];

/** Format information for level M with mask 0 to 7: BCH(15, 5), then XOR (ISO/IEC 18004 §7.9.1). */
const formats: readonly number[] = conditions.map((_, mask) => {
  // Level M is 00, so that the five data bits are the mask's number.
  let remainder = mask << 10;
  for (let bit = 14; bit >= 10; bit--) if (remainder & (1 << bit)) remainder ^= 0b10100110111 << (bit - 10);
  return ((mask << 10) | remainder) ^ 0b101010000010010;
});

/** Where bit 0 (least significant) to 14 of the format information stand, in both copies (figure 25). */
function formatCells(size: number): readonly (readonly [number, number])[] {
  return Array.from({ length: 15 }, (_, bit) => {
    const row = bit < 6 ? bit : bit < 8 ? bit + 1 : size - 15 + bit;
    const column = bit < 8 ? size - 1 - bit : bit < 9 ? 7 : 14 - bit;
    return [row * size + 8, 8 * size + column] as const;
  });
}

/** What each mask changes in symbols of one size: as modules, and packed by rows and by columns. */
interface MaskSet {
  readonly words: number;
  readonly masks: readonly {
    readonly modules: Uint8Array;
    readonly rows: Uint32Array;
    readonly columns: Uint32Array;
  }[];
}

const maskSets = new Map<number, MaskSet>();

/**
 * Inverts in place by a mask, and writes the format information of level M for it.
 *
 * @param modules row-major, the data not masked
 * @param reserved 1 where a module is not data; the same for every symbol of a size
 */
export function applyMask(modules: Uint8Array, reserved: Uint8Array, size: number, mask: number): void {
  const change = maskSet(reserved, size).masks[mask]?.modules as Uint8Array;
  for (let i = 0; i < modules.length; i++) modules[i] = (modules[i] as number) ^ (change[i] as number);
}

/**
 * The mask whose symbol has the lowest penalty, the first of equals (ISO/IEC 18004 §7.8.3).
 *
 * @param modules row-major, the data not masked, format information all light
 */
export function bestMask(modules: Uint8Array, reserved: Uint8Array, size: number): number {
  const set = maskSet(reserved, size);
  const rows = pack(modules, size, set.words, false);
  const columns = pack(modules, size, set.words, true);
  const candidate = new Uint32Array(rows.length);
  let best = 0;
  let lowest = Number.POSITIVE_INFINITY;
  set.masks.forEach((mask, number) => {
    for (let i = 0; i < rows.length; i++) candidate[i] = (rows[i] as number) ^ (mask.rows[i] as number);
    let points = linePenalty(candidate, size, set.words) + blockAndShadePenalty(candidate, size, set.words);
    for (let i = 0; i < rows.length; i++) candidate[i] = (columns[i] as number) ^ (mask.columns[i] as number);
    points += linePenalty(candidate, size, set.words);
    if (points < lowest) {
      lowest = points;
      best = number;
    }
  });
  return best;
}

/** The mask that a drawn symbol of level M names, when both copies of its format information agree. */
export function readMask(modules: Uint8Array, size: number): number | undefined {
  let first = 0;
  let second = 0;
  formatCells(size).forEach(([one, other], bit) => {
    first |= (modules[one] as number) << bit;
    second |= (modules[other] as number) << bit;
  });
  const mask = formats.indexOf(first);
  return first === second && mask >= 0 ? mask : undefined;
}

function maskSet(reserved: Uint8Array, size: number): MaskSet {
  const known = maskSets.get(size);
  if (known) return known;
  const words = Math.ceil(size / 32);
  const cells = formatCells(size);
  const masks = conditions.map((inverts, mask) => {
    const modules = reserved.map((isReserved, i) =>
      isReserved || !inverts(Math.floor(i / size), i % size) ? 0 : 1,
    );
    cells.forEach(([one, other], bit) => {
      const value = ((formats[mask] as number) >> bit) & 1;
      modules[one] = value;
      modules[other] = value;
    });
    return {
      modules,
      rows: pack(modules, size, words, false),
      columns: pack(modules, size, words, true),
    };
  });
  const made = { words, masks };
  maskSets.set(size, made);
  return made;
}

/** Lines of bits, each in whole words, the first module in the lowest bit. */
function pack(modules: Uint8Array, size: number, words: number, byColumns: boolean): Uint32Array {
  const packed = new Uint32Array(size * words);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      if (modules[row * size + column] === 0) continue;
      const line = byColumns ? column : row;
      const place = byColumns ? row : column;
      const at = line * words + (place >> 5);
      packed[at] = (packed[at] as number) | (1 << (place & 31));
    }
  }
  return packed;
}

/**
 * Runs of five and more, and finder-like patterns, along one direction. All lines of a word are looked at together: a
 * word holds the same module of 32 neighbouring lines, and the next line of words the next module of each.
 */
function linePenalty(lines: Uint32Array, size: number, words: number): number {
  let points = 0;
  for (let word = 0; word < words; word++) {
    const inside = word < words - 1 || size % 32 === 0 ? -1 : (1 << (size % 32)) - 1;
    const at = (line: number) => lines[line * words + word] as number;
    let before = 0;
    for (let line = 0; line + 4 < size; line++) {
      const a = at(line);
      const b = at(line + 1);
      const c = at(line + 2);
      const d = at(line + 3);
      const e = at(line + 4);
      // A run of n >= 5 gives n - 2 points: one for each five in a row in it, and two for its beginning.
      const five = ((a & b & c & d & e) | ~(a | b | c | d | e)) & inside;
      points += bitCount(five) + 2 * bitCount(five & ~before);
      before = five;
      if (line + 6 >= size) continue;
      const finder = a & ~b & c & d & e & ~at(line + 5) & at(line + 6) & inside;
      if (finder === 0) continue;
      // 1:1:3:1:1 with four light modules on a side that is inside the symbol.
      const lightBefore = line >= 4 ? ~(at(line - 1) | at(line - 2) | at(line - 3) | at(line - 4)) : 0;
      const lightAfter = line + 10 < size ? ~(at(line + 7) | at(line + 8) | at(line + 9) | at(line + 10)) : 0;
      points += 40 * (bitCount(finder & lightBefore) + bitCount(finder & lightAfter));
    }
  }
  return points;
}

/** Blocks of two by two in one shade, and how far dark modules are from half of all. */
function blockAndShadePenalty(rows: Uint32Array, size: number, words: number): number {
  let blocks = 0;
  let dark = 0;
  for (let row = 0; row < size; row++) {
    for (let word = 0; word < words; word++) {
      const at = row * words + word;
      const here = rows[at] as number;
      dark += bitCount(here);
      if (row + 1 === size) continue;
      const below = rows[at + words] as number;
      const last = word === words - 1;
      const right = (here >>> 1) | (last ? 0 : (rows[at + 1] as number) << 31);
      const belowRight = (below >>> 1) | (last ? 0 : (rows[at + words + 1] as number) << 31);
      const inside = last ? (1 << ((size - 1) % 32)) - 1 : -1;
      blocks += bitCount(
        ((here & below & right & belowRight) | ~(here | below | right | belowRight)) & inside,
      );
    }
  }
  const steps = Math.abs(Math.ceil((dark * 100) / (size * size) / 5) - 10);
  return 3 * blocks + 10 * steps;
}

function bitCount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return (((n + (n >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
