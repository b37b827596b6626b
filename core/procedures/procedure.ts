import { ConsulError } from '../errors.ts';
import type { Language } from '../post.ts';
import { dayNumber } from './calendar.ts';
import type { Definition } from './definition.ts';
import { compileExpression, type Expression } from './expression.ts';
import { type Scope, type Scopes, scopesOf, valueAt } from './scope.ts';
import { compileTemplate, type Render } from './template.ts';

/** Data of a request, once validateData found nothing. */
export type RequestData = Readonly<Record<string, unknown>>;

type Values = Readonly<Record<string, unknown>>;

/**
 * A procedure ready for use. Expressions and texts are compiled when they are first needed and kept.
 */
export interface Procedure {
  readonly id: string;
  readonly definition: Definition;
  readonly scopes: Scopes;
  expression(source: string): Expression;
  /** A text of the definition in one language; `scope` must be the same object at each call for the same text. */
  text(source: string, language: Language, scope: Scope): Render;
}

/** @param definition checked by loadProcedures, or a copy of what was. */
export function prepareProcedure(definition: Definition): Procedure {
  const scopes = scopesOf(definition);
  const expressions = new Map<string, Expression>();
  const texts = new WeakMap<Scope, Map<string, Render>>();
  return {
    id: definition.id,
    definition,
    scopes,
    expression(source) {
      let found = expressions.get(source);
      if (!found) {
        found = compileExpression(source);
        expressions.set(source, found);
      }
      return found;
    },
    text(source, language, scope) {
      let known = texts.get(scope);
      if (!known) {
        known = new Map();
        texts.set(scope, known);
      }
      const key = `${language} ${source}`;
      let found = known.get(key);
      if (!found) {
        found = compileTemplate(source, language, scope);
        known.set(key, found);
      }
      return found;
    },
  };
}

/**
 * Evaluates an expression of a definition.
 *
 * @throws ConsulError PROCEDURE_INVALID where it fails on data that its own form accepts: the definition is wrong
 */
export function evaluate(procedure: Procedure, source: string, scope: Values): unknown {
  return inDefinition(procedure, source, () => procedure.expression(source).evaluate(scope));
}

/** Runs a part of a definition and names it where it fails. */
export function inDefinition<T>(procedure: Procedure, source: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof ConsulError) throw cause;
    throw new ConsulError('PROCEDURE_INVALID', `procedure ${procedure.id}: cannot work out \`${source}\``, {
      cause,
    });
  }
}

/** The names that every expression of a request may read. @throws RangeError where `today` is not a day. */
export function requestValues(procedure: Procedure, data: RequestData, today: string): Values {
  if (dayNumber(today) === undefined) throw new RangeError(`"${today}" is not a day as YYYY-MM-DD`);
  return { data, today, tables: procedure.definition.tables ?? {} };
}

/** One turn of `each`: the names it adds, and the pointer of its item. */
export interface Turn {
  readonly values: Values;
  readonly pointer: string | undefined;
  readonly index: number | undefined;
}

/** The turns of something that is done once, or for each item of a list of the form. */
export function turns(values: Values, each: string | undefined): readonly Turn[] {
  if (each === undefined) return [{ values, pointer: undefined, index: undefined }];
  const path = each.split('.');
  const list = valueAt(values, path);
  if (!Array.isArray(list)) return [];
  return list.map((item: unknown, index) => ({
    values: { ...values, item, position: BigInt(index + 1), count: BigInt(list.length) },
    pointer: `/${path.slice(1).join('/')}/${index}`,
    index,
  }));
}
