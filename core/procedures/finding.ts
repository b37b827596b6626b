import messages from '../../templates/messages/findings.json' with { type: 'json' };
import type { ErrorDetail } from '../errors.ts';
import type { Language } from '../post.ts';
import { typeset } from './typography.ts';

/** What is wrong with a request, in the words of the citizen's language. */
export interface Finding extends ErrorDetail {
  /** Stable: `data.required`, `piece.missing`, or `rule.` and the identifier of the rule. */
  readonly rule: string;
  /** `block`: not accepted as it is; `warn`: an agent decides. */
  readonly severity: 'block' | 'warn';
  /** JSON pointers of all fields concerned; `where` is the first. */
  readonly pointers: readonly string[];
}

export type MessageKey = keyof (typeof messages)['fr'];

/** A sentence of the catalogue; `{0}`, `{1}` take the arguments in order. */
export function sentence(
  key: MessageKey,
  language: Language,
  ...inserts: readonly (string | number)[]
): string {
  const text = typeset(messages[language][key], language);
  return text.replace(/\{(\d)\}/g, (_, index: string) => String(inserts[Number(index)] ?? ''));
}
