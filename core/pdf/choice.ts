import type { FontFamily } from './compile.ts';
import { textsOf } from './layout.ts';
import type { DocumentRecord } from './record.ts';
import { recordText } from './record-text.ts';
import { type CompiledTemplate, covers, needsShaping } from './template.ts';

/**
 * The template that can set every character of a record: the prepared one where it covers them, else one compiled for
 * this record alone (other scripts, combining marks, a machine-readable zone). The PDF and font libraries are loaded
 * only for the second.
 *
 * @param fonts gives the families that may be used; asked only when they are needed
 * @throws ConsulError TEXT_UNPRINTABLE for a character that no family has
 */
export async function templateFor(
  record: DocumentRecord,
  prepared: CompiledTemplate,
  fonts: () => readonly FontFamily[],
): Promise<CompiledTemplate> {
  const machine = record.blocks.some(({ kind }) => kind === 'travel-seal');
  if (!machine && hasEveryCharacter(prepared, record)) return prepared;
  const texts = textsOf(record);
  if (covers(prepared, texts)) return prepared;
  const { compileTemplate } = await import('./compile.ts');
  return compileTemplate({ fonts: fonts(), repertoire: {}, texts });
}

const usualTexts = new WeakMap<CompiledTemplate, RegExp>();

/** A text of characters that both weights have, none of which needs shaping. */
function usualText(template: CompiledTemplate): RegExp {
  let pattern = usualTexts.get(template);
  if (!pattern) {
    const { regular, bold } = template.characters;
    const points = [...regular.keys()].filter(
      (point) => bold.has(point) && !needsShaping(String.fromCodePoint(point)),
    );
    pattern = new RegExp(`^[\\n${points.map((point) => `\\u{${point.toString(16)}}`).join('')}]*$`, 'u');
    usualTexts.set(template, pattern);
  }
  return pattern;
}

/** The usual case without laying anything out. */
const hasEveryCharacter = (template: CompiledTemplate, record: DocumentRecord): boolean => {
  const pattern = usualText(template);
  return pattern.test(recordText(record)) && pattern.test(record.footer);
};
