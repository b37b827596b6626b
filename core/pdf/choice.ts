import type { FontFamily } from './compile.ts';
import { textsOf } from './layout.ts';
import type { DocumentRecord } from './record.ts';
import { recordText } from './record-text.ts';
import { type CompiledTemplate, covers, needsShaping } from './template.ts';

/**
 * The template that can set every character of a record: the prepared one where it covers them, else one compiled for
 * this record alone (other scripts, combining marks). The PDF and font libraries are loaded only for the second.
 *
 * @param fonts gives the families that may be used; asked only when they are needed
 * @throws ConsulError TEXT_UNPRINTABLE for a character that no family has
 */
export async function templateFor(
  record: DocumentRecord,
  prepared: CompiledTemplate,
  fonts: () => readonly FontFamily[],
): Promise<CompiledTemplate> {
  if (hasEveryCharacter(prepared, record)) return prepared;
  const texts = textsOf(record);
  if (covers(prepared, texts)) return prepared;
  const { compileTemplate } = await import('./compile.ts');
  return compileTemplate({ fonts: fonts(), repertoire: { regular: '', bold: '' }, texts });
}

/** The usual case without laying anything out: no text needs shaping, and both weights have all characters. */
function hasEveryCharacter({ characters }: CompiledTemplate, record: DocumentRecord): boolean {
  const text = `${recordText(record)}${record.footer}`;
  if (needsShaping(text)) return false;
  for (const character of text) {
    const point = character.codePointAt(0) as number;
    if (point !== 0x0a && !(characters.regular.has(point) && characters.bold.has(point))) return false;
  }
  return true;
}
