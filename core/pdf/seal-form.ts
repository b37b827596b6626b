/** The names under which a page draws its bar codes. */
export const sealResources = { seal: 'ConsulSeal', 'travel-seal': 'ConsulTravelSeal' } as const;

/** A QR symbol: `modules[row * size + column]` is 1 for dark, row 0 at the top; no quiet zone. */
export interface QrSymbol {
  readonly size: number;
  readonly version: number;
  readonly modules: Uint8Array;
}

/**
 * The QR as operators in a space of one unit a module with the quiet zone of four (ISO/IEC 18004 §6.3.8) around it: one
 * rectangle for each row of dark modules that touch, on whole units. They are one path and one fill, which covers shared
 * edges exactly, so no renderer shows a seam between rows.
 */
export function sealOperators({ size, modules }: QrSymbol): string {
  let out = '0 g\n';
  for (let row = 0; row < size; row++) {
    const y = size + 3 - row;
    for (let column = 0; column < size; column++) {
      if (modules[row * size + column] !== 1) continue;
      const start = column;
      while (column + 1 < size && modules[row * size + column + 1] === 1) column++;
      out += `${start + 4} ${y} ${column - start + 1} 1 re\n`;
    }
  }
  return `${out}f\n`;
}
