import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FontFamily } from '../pdf/compile.ts';

/** The families that documents are set in, in the order of preference. */
const families = [
  { name: 'NotoSans', scale: 1, machine: 'OCRB.ttf' },
  { name: 'NotoNaskhArabic', scale: 1.2 },
] as const;

/** Reads the shipped fonts from templates/fonts. */
export const readFonts = (folder: string): FontFamily[] =>
  families.map(({ name, scale, ...more }) => ({
    regular: readFileSync(join(folder, `${name}-Regular.ttf`)),
    bold: readFileSync(join(folder, `${name}-Bold.ttf`)),
    scale,
    ...('machine' in more ? { machine: readFileSync(join(folder, more.machine)) } : {}),
  }));
