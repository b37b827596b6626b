import type { Environment } from '@marcbachmann/cel-js';
import { referencesOf, typedEnvironment } from './expression.ts';
import { formatFits } from './format.ts';
import { type Scope, type Shape, shapeAt } from './scope.ts';
import { parseTemplate } from './template.ts';

/** Checks, when a definition is loaded, that expressions and texts read only what will be there. */

/** The types of CEL that an expression of a definition may have. */
export type ResultType = 'bool' | 'string' | 'double' | 'int' | 'list' | 'object';

export interface Checked {
  readonly problems: readonly string[];
  readonly shape: Shape | undefined;
  /** Optional paths that the expression asks for with `has`. */
  readonly guards: ReadonlySet<string>;
}

const environments = new WeakMap<Scope, Environment>();

function environmentOf(scope: Scope): Environment {
  const known = environments.get(scope);
  if (known) return known;
  const environment = typedEnvironment();
  const names = new Map<Shape, string>();
  const typeName = (shape: Shape): string => {
    switch (shape.type) {
      case 'string':
        return 'string';
      case 'boolean':
        return 'bool';
      case 'int':
        return 'int';
      case 'number':
        return 'double';
      case 'table':
        return 'map<string, double>';
      case 'list':
        return `list<${typeName(shape.item)}>`;
      case 'object': {
        const seen = names.get(shape);
        if (seen) return seen;
        const fields = Object.entries(shape.fields).map(([key, { shape }]) => [key, typeName(shape)]);
        const name = `Fields${names.size}`;
        names.set(shape, name);
        environment.registerType(name, { fields: Object.fromEntries(fields) });
        return name;
      }
    }
  };
  for (const [name, shape] of Object.entries(scope)) environment.registerVariable(name, typeName(shape));
  environments.set(scope, environment);
  return environment;
}

function typeOf(
  shape: Shape | undefined,
  type: string | undefined,
): { type: ResultType | undefined; shape: Shape | undefined } {
  switch (type) {
    case 'bool':
      return { type, shape: shape ?? { type: 'boolean' } };
    case 'string':
      return { type, shape: shape ?? { type: 'string' } };
    case 'double':
      return { type, shape: shape ?? { type: 'number' } };
    case 'int':
      return { type, shape: shape ?? { type: 'int' } };
    default:
      if (type?.startsWith('list')) {
        const item = typeOf(undefined, /^list<(.*)>$/.exec(type)?.[1]).shape;
        return { type: 'list', shape: shape ?? (item && { type: 'list', item, min: 0 }) };
      }
      return { type: shape?.type === 'object' ? 'object' : undefined, shape };
  }
}

/** Where an optional part of a path begins, or undefined where the whole path is always there. */
function optionalPrefixes(scope: Scope, path: readonly string[]): { prefixes: string[]; unknown?: string } {
  const prefixes: string[] = [];
  let shape = scope[path[0] ?? ''];
  for (let i = 1; i < path.length; i++) {
    const key = path[i] ?? '';
    if (shape?.type === 'object') {
      const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
      if (!field) return { prefixes, unknown: path.slice(0, i + 1).join('.') };
      if (field.optional) prefixes.push(path.slice(0, i + 1).join('.'));
      shape = field.shape;
    } else if (shape?.type === 'list') {
      if (key !== '*' && !(Number(key) < shape.min)) prefixes.push(path.slice(0, i + 1).join('.'));
      shape = shape.item;
    } else {
      return { prefixes };
    }
  }
  return { prefixes };
}

/**
 * @param guards optional paths that are known to be there, from the `when` around this expression
 * @returns what is wrong with it, in words, and what it results in
 */
export function checkExpression(
  text: string,
  scope: Scope,
  wanted: readonly ResultType[],
  guards: ReadonlySet<string> = new Set(),
): Checked {
  const own = new Set(guards);
  const failed = (...problems: string[]): Checked => ({ problems, shape: undefined, guards: own });
  let parsed: ReturnType<Environment['parse']>;
  try {
    parsed = environmentOf(scope).parse(text);
  } catch (cause) {
    return failed(`not CEL: ${summary(cause)}`);
  }
  const { type, valid, error } = parsed.check();
  if (!valid) return failed(summary(error));
  if (/\.matches\s*\(/.test(text)) return failed('"matches" is not allowed: a pattern belongs to the form');
  const references = referencesOf(parsed.ast);
  const problems = new Set<string>();
  for (const { path, asked } of references) if (asked) own.add(path.join('.'));
  for (const { path, asked } of references) {
    const { prefixes, unknown } = optionalPrefixes(scope, path);
    if (unknown) problems.add(`no field "${unknown}"`);
    const last = path.join('.');
    for (const prefix of prefixes) {
      if (!own.has(prefix) && !(asked && prefix === last))
        problems.add(`"${prefix}" may be absent: ask has(${prefix})`);
    }
  }
  const { ast } = parsed;
  const path =
    ast.op === 'id' ? [ast.args] : ast.op === '.' || ast.op === '[]' ? references.at(-1)?.path : undefined;
  const result = typeOf(path ? shapeAt(scope, path) : undefined, type);
  if (!result.type || !wanted.includes(result.type)) {
    problems.add(`results in ${result.type ?? type}, wanted ${wanted.join(' or ')}`);
  }
  return { problems: [...problems], shape: result.shape, guards: own };
}

/** @returns what is wrong with a text, in words. */
export function checkTemplate(text: string, scope: Scope, guards: ReadonlySet<string> = new Set()): string[] {
  const parsed = parseTemplate(text);
  if (typeof parsed === 'string') return [parsed];
  const problems: string[] = [];
  for (const { path, format } of parsed.places) {
    const name = path.join('.');
    const shape = shapeAt(scope, path);
    if (!shape) {
      problems.push(`no field "${name}"`);
      continue;
    }
    for (const prefix of optionalPrefixes(scope, path).prefixes) {
      if (!guards.has(prefix)) problems.push(`"${name}" may be absent: give a "when" with has(${prefix})`);
    }
    const bare = shape.type === 'int' ? ({ type: 'number' } as const) : shape;
    if (!formatFits(format, bare)) {
      problems.push(format ? `"${name}" cannot be written as ${format}` : `"${name}" needs a format`);
    }
  }
  return problems;
}

/** A message of the library without its drawing of the source. */
function summary(error: unknown): string {
  const { message, node } = error as { message: string; node?: { pos?: number } };
  const first = message.split('\n')[0] ?? message;
  return node?.pos === undefined ? first : `${first} (at character ${node.pos + 1})`;
}
