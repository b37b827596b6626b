import {
  type CommonDefinition,
  type Form,
  type FormField,
  type FormFieldSource,
  type FormPage,
  textFormats,
  type Words,
} from './definition.ts';
import type { Path, Problem, Source } from './source.ts';

export type ObjectField = Extract<FormField, { type: 'object' }>;

/** A field as it stands in a definition, and where, so that what is found later can be reported there. */
export type Origins = WeakMap<object, { source: Source; path: Path }>;

interface FormSource {
  readonly $schema: string;
  readonly 'x-pages': FormPage[];
  readonly properties: Record<string, FormFieldSource>;
  readonly required: readonly string[];
}

/**
 * Puts shared fields in the place of the references to them, and gives every value its bounds.
 *
 * @returns the form, the place of each field in the files, and what is wrong.
 */
export function resolveForm(
  source: Source,
  common: { source: Source; fields: CommonDefinition['fields'] },
): { form: Form; origins: Origins; problems: Problem[] } {
  const problems: Problem[] = [];
  const origins: Origins = new WeakMap();
  const root = source.value as FormSource;

  function properties(
    from: Record<string, FormFieldSource>,
    required: readonly string[],
    at: { source: Source; path: Path },
    seen: readonly string[],
  ): Record<string, FormField> {
    const out: Record<string, FormField> = {};
    for (const [name, field] of Object.entries(from)) {
      const place = { source: at.source, path: [...at.path, 'properties', name] };
      const resolved = resolve(field, place, seen);
      if (resolved) out[name] = resolved;
      if (field['x-asked-when'] !== undefined && required.includes(name)) {
        problems.push({
          ...place,
          reason: '"x-asked-when" makes the field required by itself: take it out of "required"',
        });
      }
    }
    for (const name of required) {
      if (!Object.hasOwn(from, name)) {
        problems.push({
          source: at.source,
          path: [...at.path, 'required'],
          reason: `no field "${name}" here`,
        });
      }
    }
    return out;
  }

  function resolve(
    field: FormFieldSource,
    at: { source: Source; path: Path },
    seen: readonly string[],
  ): FormField | undefined {
    if ('$ref' in field) {
      const name = field.$ref.slice('common#/'.length);
      const target = common.fields[name];
      if (!target || !Object.hasOwn(common.fields, name) || seen.includes(name)) {
        const reason =
          target && seen.includes(name) ? 'refers to itself' : `common.yaml has no field "${name}"`;
        problems.push({ source: at.source, path: [...at.path, '$ref'], reason });
        return undefined;
      }
      const { $ref: _, ...words } = field;
      const resolved = resolve(target, { source: common.source, path: ['fields', name] }, [...seen, name]);
      if (!resolved) return undefined;
      const named = { ...resolved, ...words } as FormField;
      origins.set(named, 'x-asked-when' in words ? at : (origins.get(resolved) ?? at));
      return named;
    }
    const resolved = bounded(field, at, seen);
    if (resolved) origins.set(resolved, at);
    return resolved;
  }

  function bounded(
    field: Exclude<FormFieldSource, { $ref: string }>,
    at: { source: Source; path: Path },
    seen: readonly string[],
  ): FormField | undefined {
    if (field.type === 'object') {
      const inside = properties(field.properties, field.required ?? [], at, seen);
      return { ...field, properties: inside, additionalProperties: false } as FormField;
    }
    if (field.type === 'array') {
      const items = resolve(field.items, { source: at.source, path: [...at.path, 'items'] }, seen);
      if (field.minItems > field.maxItems) {
        problems.push({ ...at, path: [...at.path, 'minItems'], reason: 'minItems is above maxItems' });
      }
      return items && { ...field, items };
    }
    if (field.type === 'string' && 'enum' in field) {
      const options = Object.keys(field['x-options']);
      for (const value of field.enum.filter((one) => !options.includes(one))) {
        problems.push({
          ...at,
          path: [...at.path, 'x-options'],
          reason: `the option "${value}" has no words`,
        });
      }
      for (const value of options.filter((one) => !field.enum.includes(one))) {
        problems.push({
          ...at,
          path: [...at.path, 'x-options', value],
          reason: `"${value}" is not in the enum`,
        });
      }
      return field;
    }
    if (field.type === 'string') {
      const { minLength = 1, maxLength = textFormats[field.format] } = field;
      return { ...field, minLength, maxLength };
    }
    if (field.type !== 'boolean' && field.minimum > field.maximum) {
      problems.push({ ...at, path: [...at.path, 'minimum'], reason: 'minimum is above maximum' });
    }
    return field;
  }

  const form: Form = {
    $schema: root.$schema,
    type: 'object',
    'x-pages': root['x-pages'],
    properties: properties(root.properties, root.required, { source, path: [] }, []),
    required: root.required,
    additionalProperties: false,
  };
  problems.push(...pageProblems(source, root));
  return { form, origins, problems };
}

function pageProblems(source: Source, root: FormSource): Problem[] {
  const problems: Problem[] = [];
  const placed = new Map<string, string>();
  root['x-pages'].forEach((page, i) => {
    page.fields.forEach((name, j) => {
      const path = ['x-pages', i, 'fields', j];
      const other = placed.get(name);
      if (!Object.hasOwn(root.properties, name))
        problems.push({ source, path, reason: `no field "${name}"` });
      if (other) problems.push({ source, path, reason: `"${name}" is already on the page "${other}"` });
      placed.set(name, page.id);
    });
  });
  for (const name of Object.keys(root.properties).filter((name) => !placed.has(name))) {
    problems.push({ source, path: ['properties', name], reason: `"${name}" is on no page` });
  }
  return problems;
}

/** The tokens of a JSON pointer (RFC 6901). */
export function tokensOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A JSON pointer from its tokens. */
export function pointerOf(tokens: readonly (string | number)[]): string {
  return tokens.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The field under a parent, where `token` is a property's name, or an index or `*` in a list. */
export function fieldUnder(parent: Form | FormField, token: string): FormField | undefined {
  if (parent.type === 'array') return /^(\*|\d+)$/.test(token) ? parent.items : undefined;
  if (parent.type !== 'object' || !Object.hasOwn(parent.properties, token)) return undefined;
  return parent.properties[token];
}

/**
 * What a form calls the field at a pointer, from the outside in: "Bénéficiaire 2 › Passeport › Date d'expiration".
 * Unknown parts are left out.
 */
export function labelOf(form: Form, pointer: string, language: keyof Words): string {
  const labels: string[] = [];
  let at: Form | FormField | undefined = form;
  for (const token of tokensOf(pointer)) {
    const inside: FormField | undefined = at && fieldUnder(at, token);
    if (at?.type === 'array' && inside) {
      labels[labels.length - 1] = `${inside['x-label'][language]} ${Number(token) + 1}`;
    } else if (inside) {
      labels.push(inside['x-label'][language]);
    }
    at = inside;
  }
  return labels.join(' › ');
}
