import type { Language } from '../post.ts';
import type { RuleDefinition } from './definition.ts';
import type { Finding } from './finding.ts';
import { labelOf } from './form.ts';
import {
  evaluate,
  inDefinition,
  type Procedure,
  type RequestData,
  requestValues,
  turns,
} from './procedure.ts';
import { insideEach, type Scope, withValues } from './scope.ts';

/** A document in force for the same key, as it was issued. Days are `YYYY-MM-DD`. */
export interface RunningDocument {
  readonly number: string;
  readonly from: string;
  readonly until: string;
  readonly figures: Readonly<Record<string, number>>;
}

export interface RuleFacts {
  /** Day at the post, `YYYY-MM-DD`. */
  readonly today: string;
  readonly language: Language;
  /** Documents in force under the key that runningEntry gives for this request; none by default. */
  readonly running?: readonly RunningDocument[];
}

const messageScopes = new WeakMap<RuleDefinition, Scope>();

/** What the messages of a rule may read: kept, so that each is compiled once. */
function messageScope(procedure: Procedure, rule: RuleDefinition): Scope {
  let scope = messageScopes.get(rule);
  if (!scope) {
    scope = withValues(insideEach(procedure.scopes.rules, rule.each), rule.values);
    messageScopes.set(rule, scope);
  }
  return scope;
}

/**
 * Asks every rule of coherence.
 *
 * @param data without findings of validateData
 * @returns each rule that does not hold, once for each item of its `each`, in the order of the definition
 * @throws ConsulError PROCEDURE_INVALID where a rule cannot be worked out
 */
export function checkRules(procedure: Procedure, data: RequestData, facts: RuleFacts): Finding[] {
  const values = {
    ...requestValues(procedure, data, facts.today),
    running: runningValues(facts.running ?? []),
  };
  const findings: Finding[] = [];
  for (const rule of procedure.definition.rules) {
    for (const turn of turns(values, rule.each)) {
      if (rule.when !== undefined && evaluate(procedure, rule.when, turn.values) !== true) continue;
      if (evaluate(procedure, rule.require, turn.values) === true) continue;
      findings.push(broken(procedure, rule, turn, facts.language));
    }
  }
  return findings;
}

const runningValues = (documents: readonly RunningDocument[]) =>
  documents.map(({ number, from, until, figures }) => ({ ...figures, number, from, until }));

function broken(
  procedure: Procedure,
  rule: RuleDefinition,
  turn: { values: Readonly<Record<string, unknown>>; index: number | undefined },
  language: Language,
): Finding {
  const v: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(rule.values ?? {}))
    v[name] = evaluate(procedure, text, turn.values);
  const text = rule.message[language];
  const message = inDefinition(procedure, text, () =>
    procedure.text(text, language, messageScope(procedure, rule))({ ...turn.values, v }),
  );
  const pointers = rule.fields.map((pointer) =>
    turn.index === undefined ? pointer : pointer.replace('*', String(turn.index)),
  );
  const [where = ''] = pointers;
  const label = labelOf(procedure.definition.form, where, language);
  return { rule: `rule.${rule.id}`, severity: rule.severity, where, label, pointers, message };
}

/**
 * What is kept of a request whose document is issued, to be added up for the next one: the key of the person or
 * dwelling (fold it with a keyed digest before it is stored apart from the request), and the figures.
 *
 * @returns undefined where the procedure adds nothing up
 */
export function runningEntry(
  procedure: Procedure,
  data: RequestData,
  today: string,
): { readonly key: string; readonly figures: Readonly<Record<string, number>> } | undefined {
  const { running } = procedure.definition;
  if (!running) return undefined;
  const values = requestValues(procedure, data, today);
  const figures = Object.entries(running.figures).map(([name, text]): [string, number] => [
    name,
    Number(evaluate(procedure, text, values)),
  ]);
  return { key: String(evaluate(procedure, running.key, values)), figures: Object.fromEntries(figures) };
}
