import { type ASTNode, Environment, type ParseResult } from '@marcbachmann/cel-js';
import { addDays, addMonths, ageOn, daysBetween } from './calendar.ts';
import { allNames, fullName, isLatin, plain, sameName } from './names.ts';

/**
 * Expressions of definitions are CEL (cel.dev). They see only what is handed to them: there is no clock, no
 * environment and no input or output in the language. Numbers of forms are doubles; an int may stand beside a double.
 */

/** Compiled once, evaluated often. */
export interface Expression {
  readonly source: string;
  /** @throws EvaluationError of the library, for a key that is absent or a day that is not one. */
  evaluate(scope: Readonly<Record<string, unknown>>): unknown;
}

const limits = {
  maxAstNodes: 300,
  maxDepth: 30,
  maxListElements: 50,
  maxMapEntries: 50,
  maxCallArguments: 8,
};

const arithmetic = {
  '+': (a: number, b: number) => a + b,
  '-': (a: number, b: number) => a - b,
  '*': (a: number, b: number) => a * b,
  '/': (a: number, b: number) => a / b,
};

/** A figure of a table; its `default` serves keys that are not listed. */
function figure(table: Readonly<Record<string, number>>, key: string): number {
  const found = Object.hasOwn(table, key) ? table[key] : table.default;
  if (found === undefined) throw new RangeError(`the table has neither "${key}" nor a default`);
  return found;
}

/** Everything that a definition may call besides the language itself. */
function withFunctions(environment: Environment): Environment {
  for (const [sign, work] of Object.entries(arithmetic)) {
    const mixed = (a: number | bigint, b: number | bigint) => work(Number(a), Number(b));
    environment.registerOperator(`int ${sign} double: double`, mixed);
    environment.registerOperator(`double ${sign} int: double`, mixed);
  }
  return environment
    .registerFunction('days(string, string): int', (a: string, b: string) => BigInt(daysBetween(a, b)))
    .registerFunction('addDays(string, int): string', (day: string, n: bigint) => addDays(day, Number(n)))
    .registerFunction('addMonths(string, int): string', (day: string, n: bigint) => addMonths(day, Number(n)))
    .registerFunction('age(string, string): int', (birth: string, day: string) => BigInt(ageOn(birth, day)))
    .registerFunction('earlier(string, string): string', (a: string, b: string) => (a < b ? a : b))
    .registerFunction('later(string, string): string', (a: string, b: string) => (a > b ? a : b))
    .registerFunction('figure(map<string, double>, string): double', figure)
    .registerFunction('sum(list<double>): double', (list: number[]) => list.reduce((a, b) => a + b, 0))
    .registerFunction('floor(double): double', Math.floor)
    .registerFunction('plain(string): string', plain)
    .registerFunction('sameName(string, string): bool', sameName)
    .registerFunction('fullName(dyn): string', fullName)
    .registerFunction('allNames(dyn): string', allNames)
    .registerFunction('latin(string): bool', isLatin);
}

const running = withFunctions(
  new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false, limits }),
);

/** An environment that knows types, for checking only. */
export function typedEnvironment(): Environment {
  return withFunctions(
    new Environment({ unlistedVariablesAreDyn: false, homogeneousAggregateLiterals: false, limits }),
  ).registerOperator('int == double: bool', (a: bigint, b: number) => Number(a) === b);
}

/** @throws ParseError of the library; definitions that were checked do not have any. */
export function compileExpression(source: string): Expression {
  let parsed: ParseResult | undefined;
  return {
    source,
    evaluate(scope) {
      parsed ??= running.parse(source);
      return parsed(scope);
    },
  };
}

/** A path that an expression or a text reads: `data.guests.*.birth`, and whether it only asks if it is there. */
export interface Reference {
  readonly path: readonly string[];
  readonly asked: boolean;
}

const macros = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/** Every path that an expression reads, with the names that macros bind resolved. */
export function referencesOf(ast: ASTNode): Reference[] {
  const found: Reference[] = [];

  function walk(node: ASTNode, bound: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
    switch (node.op) {
      case 'value':
        return undefined;
      case 'id':
        return bound.get(node.args) ?? [node.args];
      case '.':
      case '.?':
        return read(walk(node.args[0], bound), node.args[1]);
      case '[]':
      case '[?]': {
        walk(node.args[1], bound);
        const key = node.args[1].op === 'value' ? node.args[1].args : undefined;
        const named = typeof key === 'string' || typeof key === 'bigint';
        return read(walk(node.args[0], bound), named ? String(key) : '*');
      }
      case 'call': {
        const [name, args] = node.args;
        const [first] = args;
        if (name === 'has' && first?.op === '.') {
          const path = walk(first.args[0], bound);
          if (path) found.push({ path: [...path, first.args[1]], asked: true });
          return undefined;
        }
        for (const arg of args) walk(arg, bound);
        return undefined;
      }
      case 'rcall': {
        const [name, receiver, args] = node.args;
        const path = walk(receiver, bound);
        const [variable] = args;
        if (macros.has(name) && variable?.op === 'id') {
          const inside = new Map(bound).set(variable.args, path ? [...path, '*'] : ['*']);
          for (const arg of args.slice(1)) walk(arg, inside);
          return name === 'filter' ? path : undefined;
        }
        for (const arg of args) walk(arg, bound);
        return undefined;
      }
      case 'list':
        for (const item of node.args) walk(item, bound);
        return undefined;
      case 'map':
        for (const [key, value] of node.args) {
          walk(key, bound);
          walk(value, bound);
        }
        return undefined;
      case '!_':
      case '-_':
        walk(node.args, bound);
        return undefined;
      default:
        for (const arg of node.args) walk(arg, bound);
        return undefined;
    }
  }

  function read(base: readonly string[] | undefined, key: string): readonly string[] | undefined {
    if (!base) return undefined;
    const path = [...base, key];
    found.push({ path, asked: false });
    return path;
  }

  walk(ast, new Map());
  return found;
}
