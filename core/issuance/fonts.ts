import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FontFamily } from '../pdf/compile.ts';

/** The shipped families in the order of preference. */
export function fontFamilies(folder: string): readonly FontFamily[] {
  const file = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, `${name}.ttf`)));
  return [
    { regular: file('NotoSans-Regular'), bold: file('NotoSans-Bold') },
    { regular: file('NotoNaskhArabic-Regular'), bold: file('NotoNaskhArabic-Bold') },
  ];
}
