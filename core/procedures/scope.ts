import type { Definition, Form, FormField, Words } from './definition.ts';

/** What a name in an expression or a text stands for. */
export type Shape =
  | { readonly type: 'string'; readonly options?: Readonly<Record<string, Words>> }
  | { readonly type: 'number' | 'int' | 'boolean' | 'table' }
  | { readonly type: 'list'; readonly item: Shape; readonly min: number }
  | {
      readonly type: 'object';
      readonly kind?: 'person' | 'address' | 'money' | undefined;
      readonly fields: Readonly<Record<string, { readonly shape: Shape; readonly optional: boolean }>>;
    };

/** The names that may be read at one place of a definition. */
export type Scope = Readonly<Record<string, Shape>>;

export const aString: Shape = { type: 'string' };
export const aNumber: Shape = { type: 'number' };

/** An object all of whose fields are always there. */
export function objectOf(fields: Readonly<Record<string, Shape>>): Shape {
  return {
    type: 'object',
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, shape]) => [name, { shape, optional: false }]),
    ),
  };
}

export function shapeOf(field: Form | FormField): Shape {
  switch (field.type) {
    case 'object':
      return {
        type: 'object',
        kind: 'x-kind' in field ? field['x-kind'] : undefined,
        fields: Object.fromEntries(
          Object.entries(field.properties).map(([name, inside]) => [
            name,
            { shape: shapeOf(inside), optional: !(field.required ?? []).includes(name) },
          ]),
        ),
      };
    case 'array':
      return { type: 'list', item: shapeOf(field.items), min: field.minItems };
    case 'string':
      return 'enum' in field ? { type: 'string', options: field['x-options'] } : aString;
    case 'integer':
    case 'number':
      return aNumber;
    case 'boolean':
      return { type: 'boolean' };
  }
}

/** The shape at the end of a path, or undefined where the path leads nowhere. List items are numbers or `*`. */
export function shapeAt(scope: Scope, path: readonly string[]): Shape | undefined {
  let shape = Object.hasOwn(scope, path[0] ?? '') ? scope[path[0] ?? ''] : undefined;
  for (const key of path.slice(1)) {
    if (shape?.type === 'object') {
      shape = Object.hasOwn(shape.fields, key) ? shape.fields[key]?.shape : undefined;
    } else {
      shape = shape?.type === 'list' && /^(\d+|\*)$/.test(key) ? shape.item : undefined;
    }
  }
  return shape;
}

/** The value at the end of a path, or undefined where a part of it is absent. */
export function valueAt(values: unknown, path: readonly string[]): unknown {
  let value = values;
  for (const key of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** What the post and the act of issuing give to the texts of a document. */
const issuing: Scope = {
  number: aString,
  post: objectOf({
    code: aString,
    country: aString,
    hostCountry: aString,
    city: aString,
    state: aString,
    name: aString,
    currency: aString,
    verifier: aString,
  }),
  signatory: objectOf({ name: aString, quality: aString }),
  from: aString,
  until: aString,
};

/** The scopes of one procedure. */
export interface Scopes {
  /** Data, today, tables. */
  readonly request: Scope;
  /** The same and the documents in force. */
  readonly rules: Scope;
  /** The same as `request` and what issuing knows. */
  readonly document: Scope;
}

type ScopeSource = Pick<Definition, 'form' | 'tables' | 'running'>;

export function scopesOf(definition: ScopeSource): Scopes {
  const each = (names: object | undefined, shape: Shape) =>
    Object.fromEntries(Object.keys(names ?? {}).map((name) => [name, shape]));
  const request: Scope = {
    data: shapeOf(definition.form),
    today: aString,
    tables: objectOf(each(definition.tables, { type: 'table' })),
  };
  const figures = each(definition.running?.figures, aNumber);
  const entry = objectOf({ number: aString, from: aString, until: aString, ...figures });
  return {
    request,
    rules: { ...request, running: { type: 'list', item: entry, min: 0 } },
    document: { ...request, ...issuing },
  };
}

const inside = new WeakMap<Scope, Map<string, Scope>>();

/** A scope inside `each`: with `item`, its `position` from 1 and the `count` of items. The same for the same list. */
export function insideEach(scope: Scope, each: string | undefined): Scope {
  if (each === undefined) return scope;
  const known = inside.get(scope) ?? new Map<string, Scope>();
  inside.set(scope, known);
  let found = known.get(each);
  if (!found) {
    const list = shapeAt(scope, each.split('.'));
    const item = list?.type === 'list' ? list.item : objectOf({});
    found = { ...scope, item, position: { type: 'int' }, count: { type: 'int' } };
    known.set(each, found);
  }
  return found;
}

/** A scope with the named values of a definition as `v`, whatever they are worked out from. */
export function withValues(scope: Scope, values: object | undefined, shape: Shape = aString): Scope {
  return {
    ...scope,
    v: objectOf(Object.fromEntries(Object.keys(values ?? {}).map((name) => [name, shape]))),
  };
}
