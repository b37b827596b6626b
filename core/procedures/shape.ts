import type { TSchema } from '@sinclair/typebox';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Path, Problem, Source } from './source.ts';

type Json = { [key: string]: Json } | Json[] | string | number | boolean | null;

/**
 * Turns each union whose members say by which sign they are known into if/then/else, so that ajv reports what is
 * wrong with the member that was meant, not that none of seven fits.
 */
function withChosenMembers(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withChosenMembers);
  if (schema === null || typeof schema !== 'object') return schema;
  const out: Record<string, Json> = {};
  for (const [key, value] of Object.entries(schema)) out[key] = withChosenMembers(value);
  const members = out.anyOf as Record<string, Json>[] | undefined;
  if (!members?.every((member) => member['x-known-by'] !== undefined)) return out;
  const { anyOf: _, ...rest } = out;
  let chosen: Record<string, Json> = { not: {} };
  for (const member of members.toReversed()) {
    // biome-ignore lint/suspicious/noThenProperty: `then` is the keyword of JSON Schema; nothing awaits this object.
    chosen = { if: member['x-known-by'] as Json, then: member, else: chosen };
  }
  return { ...rest, ...chosen };
}

const compiled = new WeakMap<TSchema, ValidateFunction>();

function validator(schema: TSchema): ValidateFunction {
  const known = compiled.get(schema);
  if (known) return known;
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: false,
    // These schemas are code: checking them against the meta-schema, and optimizing for many calls, only costs time.
    meta: false,
    validateSchema: false,
    code: { optimize: false },
  });
  const validate = ajv.compile(withChosenMembers(JSON.parse(JSON.stringify(schema)) as Json) as object);
  compiled.set(schema, validate);
  return validate;
}

function reasonOf(error: ErrorObject): string {
  const params = error.params as Record<string, unknown>;
  const about = (error.parentSchema as { description?: string } | undefined)?.description;
  switch (error.keyword) {
    case 'required':
      return `"${params.missingProperty}" is missing`;
    case 'additionalProperties':
      return `"${params.additionalProperty}" is not known here`;
    case 'enum':
      return `must be one of ${(params.allowedValues as string[]).join(', ')}`;
    case 'const':
      return `must be ${JSON.stringify(params.allowedValue)}`;
    case 'not':
      return 'is of none of the kinds that may stand here';
    case 'pattern':
      return about ? `must be ${about}` : `must match ${params.pattern}`;
    default:
      return `${error.message}${about ? ` (${about})` : ''}`;
  }
}

function pathOf(error: ErrorObject, value: unknown): Path {
  const path: (string | number)[] = [];
  let at = value;
  for (const token of error.instancePath.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(at) ? Number(key) : key);
    at = (at as Record<string, unknown> | undefined)?.[key];
  }
  const extra = (error.params as { additionalProperty?: string }).additionalProperty;
  return extra === undefined ? path : [...path, extra];
}

/** Checks one file of a definition against its schema. @returns every violation, with its place. */
export function shapeProblems(source: Source, schema: TSchema): Problem[] {
  const validate = validator(schema);
  if (validate(source.value)) return [];
  return (validate.errors ?? [])
    .filter((error) => error.keyword !== 'if' && error.keyword !== 'propertyNames')
    .map((error) => ({ source, path: pathOf(error, source.value), reason: reasonOf(error) }));
}
