import type { FontFamily } from './compile.ts';
import { textsOf } from './layout.ts';
import type { DocumentRecord } from './record.ts';
import { type CompiledTemplate, covers } from './template.ts';

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
  const texts = textsOf(record);
  if (covers(prepared, texts)) return prepared;
  const { compileTemplate } = await import('./compile.ts');
  return compileTemplate({ fonts: fonts(), repertoire: { regular: '', bold: '' }, texts });
}
