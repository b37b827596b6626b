import type { Static } from '@sinclair/typebox';
import {
  type CommonDefinition,
  CommonFile,
  type Definition,
  type DocumentDefinition,
  DocumentFile,
  type Form,
  type FormField,
  FormFile,
  madeOf,
  ProcedureFile,
  type RowDefinition,
  type RuleDefinition,
  RulesFile,
  type Words,
} from './definition.ts';
import { fieldUnder, type ObjectField, type Origins, resolveForm, tokensOf } from './form.ts';
import { privateRowProblems } from './private-rows.ts';
import { checkExpression, checkTemplate, type ResultType } from './reading.ts';
import {
  aNumber,
  aString,
  insideEach,
  type Scope,
  type Scopes,
  type Shape,
  scopesOf,
  shapeAt,
  shapeOf,
} from './scope.ts';
import { shapeProblems } from './shape.ts';
import type { Path, Problem, Source } from './source.ts';
import { typesetWords } from './typography.ts';
import { workflowProblems } from './workflow.ts';

/** The files of a procedure's folder. */
export const procedureFiles = ['procedure', 'form', 'rules', 'document'] as const;
export type ProcedureSources = Readonly<Record<(typeof procedureFiles)[number], Source>>;

/** Checks the file that procedures share. */
export function checkCommon(source: Source): { common: CommonDefinition | undefined; problems: Problem[] } {
  const problems = shapeProblems(source, CommonFile);
  if (problems.length > 0) return { common: undefined, problems };
  const common = source.value as CommonDefinition;
  for (const [name, workflow] of Object.entries(common.workflows)) {
    for (const { move, reason } of workflowProblems(workflow)) {
      problems.push({
        source,
        path: ['workflows', name, 'moves', ...(move === undefined ? [] : [move])],
        reason,
      });
    }
  }
  return { common, problems };
}

/**
 * Checks a procedure and puts it together. First the shape of each file; then, where that holds, everything that one
 * part says of another: fields, lists, expressions, texts, tables, states, words.
 *
 * @returns the definition, absent where the shape is broken, and every problem.
 */
export function checkProcedure(
  id: string,
  sources: ProcedureSources,
  common: { source: Source; definition: CommonDefinition },
): { definition: Definition | undefined; problems: Problem[] } {
  const shape = [
    ...shapeProblems(sources.procedure, ProcedureFile),
    ...shapeProblems(sources.form, FormFile),
    ...shapeProblems(sources.rules, RulesFile),
    ...shapeProblems(sources.document, DocumentFile),
  ];
  if (shape.length > 0) return { definition: undefined, problems: shape };

  const procedure = sources.procedure.value as Static<typeof ProcedureFile>;
  const { form, origins, problems } = resolveForm(sources.form, {
    source: common.source,
    fields: common.definition.fields,
  });
  const report = (source: Source, path: Path, ...reasons: readonly string[]) => {
    for (const reason of reasons) problems.push({ source, path, reason });
  };

  const named = typeof procedure.workflow === 'string' ? procedure.workflow : undefined;
  const workflow =
    typeof procedure.workflow === 'string'
      ? common.definition.workflows[procedure.workflow]
      : procedure.workflow;
  if (!workflow) report(sources.procedure, ['workflow'], `common.yaml has no workflow "${named}"`);
  else if (named === undefined) {
    for (const { move, reason } of workflowProblems(workflow)) {
      report(sources.procedure, ['workflow', 'moves', ...(move === undefined ? [] : [move])], reason);
    }
  }
  if (procedure.id !== id) report(sources.procedure, ['id'], `must be "${id}", the name of its folder`);

  const definition: Definition = {
    ...procedure,
    workflow: workflow ?? { initial: 'draft', moves: [] },
    form,
    rules: (sources.rules.value as Static<typeof RulesFile>).rules,
    document: sources.document.value as DocumentDefinition,
  };
  const scopes = scopesOf(definition);
  const check: Check = {
    sources,
    scopes,
    report,
    expression(source, path, text, scope, wanted, guards) {
      const checked = checkExpression(text, scope, wanted, guards);
      report(source, path, ...checked.problems);
      return checked.guards;
    },
    template(source, path, text, scope, guards) {
      report(source, path, ...checkTemplate(text, scope, guards));
    },
  };
  checkForm(check, form, origins);
  checkTerms(check, definition);
  definition.rules.forEach((rule, i) => {
    checkRule(check, definition, rule, i);
  });
  checkDocument(check, definition);
  return { definition: typesetWords(definition), problems };
}

type Guards = ReadonlySet<string>;

interface Check {
  readonly sources: ProcedureSources;
  readonly scopes: Scopes;
  report(source: Source, path: Path, ...reasons: readonly string[]): void;
  expression(
    source: Source,
    path: Path,
    text: string,
    scope: Scope,
    wanted: readonly ResultType[],
    guards?: Guards,
  ): Guards;
  template(source: Source, path: Path, text: string, scope: Scope, guards?: Guards): void;
}

/** What a field of a kind must hold, so that texts and seals can be made of it. */
const kinds: Readonly<Record<'person' | 'address' | 'money', readonly string[]>> = {
  person: ['familyName', 'sex', 'birth', 'nationality'],
  address: ['street', 'city', 'country'],
  money: ['amount', 'currency'],
};

/** The condition of a field sees the group in which the field stands as `self`. */
function checkForm(check: Check, form: Form, origins: Origins): void {
  const walk = (group: Form | ObjectField) => {
    for (const field of Object.values(group.properties)) {
      const { source, path } = origins.get(field) ?? { source: check.sources.form, path: [] };
      const condition = field['x-asked-when'];
      if (condition !== undefined) {
        const scope = { ...check.scopes.request, self: shapeOf(group) };
        check.expression(source, [...path, 'x-asked-when'], condition, scope, ['bool']);
      }
      const inside = field.type === 'array' ? field.items : field;
      if (inside.type !== 'object') continue;
      const kind = inside['x-kind'];
      for (const name of kind ? kinds[kind] : []) {
        if ((inside.required ?? []).includes(name)) continue;
        check.report(source, path, `a ${kind} must have and require "${name}"`);
      }
      walk(inside);
    }
  };
  walk(form);
}

/** Fee, documents in force, pieces. */
function checkTerms(check: Check, definition: Definition): void {
  const source = check.sources.procedure;
  const { request } = check.scopes;
  const { categories, amounts } = definition.fee;
  categories.forEach(({ when }, i) => {
    const last = i === categories.length - 1;
    const path = ['fee', 'categories', i, 'when'];
    if (when !== undefined) check.expression(source, path, when, request, ['bool']);
    if (last !== (when === undefined)) {
      check.report(
        source,
        path,
        last
          ? 'the last category serves all others: it has no "when"'
          : 'only the last category may lack "when"',
      );
    }
  });
  const ids = categories.map(({ id }) => id);
  check.report(
    source,
    ['fee', 'categories'],
    ...repeated(ids).map((id) => `the category "${id}" stands twice`),
  );
  for (const [currency, table] of Object.entries(amounts)) {
    check.report(
      source,
      ['fee', 'amounts', currency],
      ...ids.filter((id) => table[id] === undefined).map((id) => `no amount for "${id}"`),
    );
    for (const id of Object.keys(table).filter((id) => !ids.includes(id))) {
      check.report(source, ['fee', 'amounts', currency, id], `no category "${id}"`);
    }
  }
  if (definition.running) {
    check.expression(source, ['running', 'key'], definition.running.key, request, ['string']);
    for (const [name, text] of Object.entries(definition.running.figures)) {
      check.expression(source, ['running', 'figures', name], text, request, ['double', 'int']);
    }
  }
  const { pieces } = definition;
  check.report(
    source,
    ['pieces'],
    ...repeated(pieces.map(({ kind }) => kind)).map((kind) => `the piece "${kind}" stands twice`),
  );
  pieces.forEach((piece, i) => {
    const path = ['pieces', i];
    checkEach(check, source, path, piece.each);
    const scope = insideEach(request, piece.each);
    const guards =
      piece.when === undefined
        ? undefined
        : check.expression(source, [...path, 'when'], piece.when, scope, ['bool']);
    if (piece.issuedOn !== undefined)
      check.expression(source, [...path, 'issuedOn'], piece.issuedOn, scope, ['string'], guards);
    if (piece.files.min > piece.files.max) check.report(source, [...path, 'files'], 'min is above max');
  });
}

function checkEach(check: Check, source: Source, path: Path, each: string | undefined): void {
  if (each === undefined) return;
  if (shapeAt(check.scopes.request, each.split('.'))?.type !== 'list') {
    check.report(source, [...path, 'each'], `"${each}" is not a list of the form`);
  }
}

function checkRule(check: Check, definition: Definition, rule: RuleDefinition, index: number): void {
  const source = check.sources.rules;
  const path = ['rules', index];
  if (definition.rules.findIndex(({ id }) => id === rule.id) < index) {
    check.report(source, [...path, 'id'], `the rule "${rule.id}" stands twice`);
  }
  checkEach(check, source, path, rule.each);
  const scope = insideEach(check.scopes.rules, rule.each);
  const guards =
    rule.when === undefined
      ? new Set<string>()
      : check.expression(source, [...path, 'when'], rule.when, scope, ['bool']);
  check.expression(source, [...path, 'require'], rule.require, scope, ['bool'], guards);
  const values: Record<string, Shape> = {};
  for (const [name, text] of Object.entries(rule.values ?? {})) {
    values[name] = checkValue(check, source, [...path, 'values', name], text, scope, guards);
  }
  const told: Scope = { ...scope, v: withFields(values) };
  for (const language of ['fr', 'en'] as const) {
    check.template(source, [...path, 'message', language], rule.message[language], told, guards);
  }
  rule.fields.forEach((pointer, i) => {
    if (!pointerLeads(definition.form, pointer, rule.each)) {
      check.report(source, [...path, 'fields', i], `the form has no field "${pointer}"`);
    }
  });
}

/** A value named by a definition: a text or a number, which a text can then write. */
function checkValue(
  check: Check,
  source: Source,
  path: Path,
  text: string,
  scope: Scope,
  guards?: Guards,
): Shape {
  const { problems, shape } = checkExpression(text, scope, ['string', 'double', 'int'], guards);
  check.report(source, path, ...problems);
  return shape?.type === 'number' || shape?.type === 'int' ? aNumber : aString;
}

function withFields(fields: Readonly<Record<string, Shape>>): Shape {
  return {
    type: 'object',
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, shape]) => [name, { shape, optional: false }]),
    ),
  };
}

function pointerLeads(form: Form, pointer: string, each: string | undefined): boolean {
  const list = each === undefined ? undefined : `/${each.split('.').slice(1).join('/')}`;
  let at: Form | FormField | undefined = form;
  let passed = '';
  for (const token of tokensOf(pointer)) {
    if (token === '*' && passed !== list) return false;
    at = at && fieldUnder(at, token);
    passed += `/${token}`;
  }
  return at !== undefined;
}

function checkDocument(check: Check, definition: Definition): void {
  const source = check.sources.document;
  const { document } = definition;
  for (const end of ['from', 'until'] as const) {
    check.expression(source, ['validity', end], document.validity[end], check.scopes.request, ['string']);
  }
  const values: Record<string, Shape> = {};
  for (const [name, text] of Object.entries(document.values ?? {})) {
    values[name] = checkValue(check, source, ['values', name], text, check.scopes.document);
  }
  const scope: Scope = { ...check.scopes.document, v: withFields(values) };
  const words = (text: Words, path: Path, inside: Scope, guards?: Guards) => {
    for (const language of ['fr', 'en'] as const)
      check.template(source, [...path, language], text[language], inside, guards);
  };
  words(document.title, ['title'], scope);
  words(document.footer, ['footer'], scope);
  document.blocks.forEach((block, i) => {
    if (!('each' in block)) {
      checkBlock(check, block, ['blocks', i], scope, words);
      return;
    }
    checkEach(check, source, ['blocks', i], block.each);
    const inside = insideEach(scope, block.each);
    block.blocks.forEach((one, j) => {
      if ('travelSeal' in one)
        check.report(source, ['blocks', i, 'blocks', j], 'a "travelSeal" cannot be repeated');
      checkBlock(check, one, ['blocks', i, 'blocks', j], inside, words);
    });
  });
  const kindsOfBlock = document.blocks.map((block) => Object.keys(block)[0]);
  for (const kind of ['title', 'closing', 'seal']) {
    if (kindsOfBlock.filter((one) => one === kind).length !== 1)
      check.report(source, ['blocks'], `there must be one "${kind}"`);
  }
  if (kindsOfBlock.indexOf('travelSeal') >= 0 && kindsOfBlock.indexOf('travelSeal') < kindsOfBlock.length - 1)
    check.report(source, ['blocks'], 'a "travelSeal" stands last, and there is one at most');
  checkClaims(check, document, scope);
  for (const { path, reason } of privateRowProblems(document)) check.report(source, path, reason);
}

type PlainBlock = Exclude<DocumentDefinition['blocks'][number], { each: string }>;

function checkBlock(
  check: Check,
  block: PlainBlock,
  path: Path,
  scope: Scope,
  words: (text: Words, path: Path, inside: Scope, guards?: Guards) => void,
): void {
  const source = check.sources.document;
  const guards =
    'when' in block && block.when !== undefined
      ? check.expression(source, [...path, 'when'], block.when, scope, ['bool'])
      : undefined;
  const list = (texts: readonly Words[], at: Path) => {
    texts.forEach((text, i) => {
      words(text, [...at, i], scope);
    });
  };
  if ('letterhead' in block) list(block.letterhead, [...path, 'letterhead']);
  else if ('title' in block) {
    words(block.title, [...path, 'title'], scope);
    words(block.subtitle, [...path, 'subtitle'], scope);
  } else if ('heading' in block) words(block.heading, [...path, 'heading'], scope, guards);
  else if ('paragraph' in block) words(block.paragraph, [...path, 'paragraph'], scope, guards);
  else if ('closing' in block) {
    words(block.closing.placeAndDate, [...path, 'closing', 'placeAndDate'], scope);
    list(block.closing.lines, [...path, 'closing', 'lines']);
  } else if ('seal' in block) list(block.seal, [...path, 'seal']);
  else if ('travelSeal' in block) {
    check.expression(source, [...path, 'travelSeal', 'number'], block.travelSeal.number, scope, ['string']);
    list(block.travelSeal.caption, [...path, 'travelSeal', 'caption']);
  } else {
    check.report(
      source,
      [...path, 'rows'],
      ...repeated(block.rows.map(({ field }) => field)).map((field) => `the row "${field}" stands twice`),
    );
    block.rows.forEach((row, i) => {
      checkRow(check, row, [...path, 'rows', i], scope, guards, words);
    });
  }
}

function checkRow(
  check: Check,
  row: RowDefinition,
  path: Path,
  scope: Scope,
  around: Guards | undefined,
  words: (text: Words, path: Path, inside: Scope, guards?: Guards) => void,
): void {
  const source = check.sources.document;
  const guards =
    row.when === undefined
      ? around
      : check.expression(source, [...path, 'when'], row.when, scope, ['bool'], around);
  words(row.label, [...path, 'label'], scope, guards);
  if (typeof row.value === 'string') check.template(source, [...path, 'value'], row.value, scope, guards);
  else words(row.value, [...path, 'value'], scope, guards);
}

function checkClaims(check: Check, document: DocumentDefinition, scope: Scope): void {
  const source = check.sources.document;
  const { holder, include, extra } = document.claims;
  const person = shapeAt(scope, holder.split('.'));
  if (person?.type !== 'object' || person.kind !== 'person') {
    check.report(source, ['claims', 'holder'], `"${holder}" is not a person of the form`);
  } else {
    include.forEach((claim, i) => {
      const part = madeOf[claim];
      if (!shapeAt({ holder: person }, ['holder', ...part.split('.')])) {
        check.report(source, ['claims', 'include', i], `the person at "${holder}" has no "${part}"`);
      }
    });
    if (document.blocks.some((block) => 'travelSeal' in block))
      for (const part of ['sex', 'birth.date', 'nationality'])
        if (!shapeAt({ holder: person }, ['holder', ...part.split('.')]))
          check.report(
            source,
            ['claims', 'holder'],
            `a machine-readable zone needs "${part}" of "${holder}"`,
          );
    check.report(source, ['claims', 'holder'], ...checkTemplate(`{${holder}|name}`, scope));
  }
  for (const [label, claim] of Object.entries(extra ?? {})) {
    const path = ['claims', 'extra', label];
    const guards =
      claim.when === undefined
        ? undefined
        : check.expression(source, [...path, 'when'], claim.when, scope, ['bool']);
    check.template(source, [...path, 'value'], claim.value, scope, guards);
    for (const language of ['fr', 'en'] as const)
      check.template(source, [...path, 'label', language], claim.label[language], {});
  }
}

function repeated(names: readonly string[]): string[] {
  return names.filter((name, i) => names.indexOf(name) < i);
}
