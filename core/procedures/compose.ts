import { ConsulError } from '../errors.ts';
import type { Block, DocumentRecord, Row } from '../pdf/record.ts';
import type { Language, Post } from '../post.ts';
import type { SealClaims, SealDocument, SealIdentity } from '../seal/claims.ts';
import { addDays, dayNumber, localDay, startOfDay } from './calendar.ts';
import type { DocumentDefinition, HolderClaim, Words } from './definition.ts';
import { compileExpression } from './expression.ts';
import { fullName, written } from './names.ts';
import { privateRows } from './private-rows.ts';
import { inDefinition, type Procedure, type RequestData, requestValues, turns } from './procedure.ts';
import { insideEach, type Scope, valueAt, withValues } from './scope.ts';
import { travelZone, type ZoneHolder } from './travel-zone.ts';

/** The claims of a seal but for what issuing adds: digests of the record and the index in the status list. */
export type ComposedClaims = Omit<SealClaims, 'document'> & {
  readonly document: Omit<SealDocument, 'recordDigest' | 'privateDigest' | 'statusIndex'>;
};

export interface DocumentInput {
  /** Without findings of validateData and without blocking rules. */
  readonly data: RequestData;
  readonly number: string;
  readonly language: Language;
  readonly post: Post;
  readonly issuedAt: Date;
  readonly signatory: { readonly name: string; readonly quality: string };
}

export interface ComposedDocument {
  readonly record: DocumentRecord;
  readonly claims: ComposedClaims;
  /** The rows of the record that are private, by their `field`. */
  readonly privateFields: readonly string[];
  /** First instant of the first day of validity at the post. */
  readonly validFrom: Date;
  /** Last second of the last day of validity at the post. */
  readonly validUntil: Date;
}

type Values = Readonly<Record<string, unknown>>;
type Part<T> = (values: Values) => T;

interface Composer {
  readonly texts: { readonly title: Part<string>; readonly footer: Part<string> };
  readonly validity: { readonly from: Part<unknown>; readonly until: Part<unknown> };
  readonly values: readonly (readonly [string, Part<unknown>])[];
  readonly blocks: readonly Part<readonly Block[]>[];
  readonly privateFields: ReadonlySet<string>;
  readonly claims: Part<{ identity: HolderIdentity; document: HolderDocument }>;
}

const composers = new WeakMap<Procedure, Map<Language, Composer>>();

/** Compiled at the first document of a procedure in a language, then kept. */
function composerOf(procedure: Procedure, language: Language): Composer {
  let known = composers.get(procedure);
  if (!known) {
    known = new Map();
    composers.set(procedure, known);
  }
  let composer = known.get(language);
  if (!composer) {
    composer = compile(procedure, language);
    known.set(language, composer);
  }
  return composer;
}

/**
 * Composes the document of a request: the record that the page shows, and the claims of its seal. The same input gives
 * the same output.
 *
 * @throws ConsulError RULE_VIOLATED where the validity would end before it begins; PROCEDURE_INVALID where a part of the
 *   definition cannot be worked out on these data
 */
export function composeDocument(procedure: Procedure, input: DocumentInput): ComposedDocument {
  const { data, number, language, post, issuedAt, signatory } = input;
  const { definition } = procedure;
  const composer = composerOf(procedure, language);
  const request = requestValues(procedure, data, localDay(issuedAt, post.timeZone));
  const from = day(procedure, composer.validity.from(request));
  const until = day(procedure, composer.validity.until(request));
  if (until < from) {
    throw new ConsulError(
      'RULE_VIOLATED',
      `the document ${number} would be valid until ${until} but only from ${from}`,
    );
  }
  const named: Record<string, unknown> = {
    ...request,
    number,
    from,
    until,
    signatory,
    post: {
      code: post.code,
      country: post.country,
      hostCountry: post.hostCountry,
      city: post.city,
      state: post.state[language],
      name: post.name[language],
      currency: post.currency,
      verifier: post.verifierHost,
    },
  };
  const v: Record<string, unknown> = {};
  for (const [name, work] of composer.values) v[name] = work(named);
  named.v = v;

  const blocks: Block[] = [];
  for (const make of composer.blocks) blocks.push(...make(named));
  const validFrom = startOfDay(from, post.timeZone);
  const validUntil = new Date(startOfDay(addDays(until, 1), post.timeZone).getTime() - 1000);
  const { identity, document } = composer.claims(named);
  const seconds = (time: Date) => Math.floor(time.getTime() / 1000);
  return {
    record: {
      version: 1,
      type: definition.id,
      number,
      post: post.code,
      template: definition.document.template,
      language,
      title: composer.texts.title(named),
      issuedAt: `${issuedAt.toISOString().slice(0, 19)}Z`,
      blocks,
      footer: composer.texts.footer(named),
    },
    claims: {
      issuer: post.country,
      issuedAt: seconds(issuedAt),
      notBefore: seconds(validFrom),
      expires: seconds(validUntil),
      identity: { ...identity, issuingCountry: post.country },
      document: { type: definition.id, number, post: post.code, ...document },
    },
    privateFields: blocks.flatMap((block) =>
      block.kind === 'rows'
        ? block.rows.map(({ field }) => field).filter((field) => composer.privateFields.has(field))
        : [],
    ),
    validFrom,
    validUntil,
  };
}

function day(procedure: Procedure, value: unknown): string {
  if (typeof value === 'string' && dayNumber(value) !== undefined) return value;
  throw new ConsulError('PROCEDURE_INVALID', `procedure ${procedure.id}: /validity does not give a day`);
}

function compile(procedure: Procedure, language: Language): Composer {
  const { document } = procedure.definition;
  const scope = withValues(procedure.scopes.document, document.values);
  const expression = (source: string): Part<unknown> => {
    const compiled = compileExpression(source);
    return (values) => inDefinition(procedure, source, () => compiled.evaluate(values));
  };
  const text = (source: string, inside: Scope): Part<string> => {
    const render = procedure.text(source, language, inside);
    return (values) => inDefinition(procedure, source, () => render(values));
  };
  const tools: Tools = { procedure, language, expression, text };
  return {
    texts: { title: text(document.title[language], scope), footer: text(document.footer[language], scope) },
    validity: { from: expression(document.validity.from), until: expression(document.validity.until) },
    values: Object.entries(document.values ?? {}).map(([name, source]) => [name, expression(source)]),
    blocks: document.blocks.map((block) => {
      if (!('each' in block)) return blockPart(tools, block, scope, undefined);
      const parts = block.blocks.map((one) =>
        blockPart(tools, one, insideEach(scope, block.each), block.each),
      );
      return (values) =>
        turns(values, block.each).flatMap((turn) => parts.flatMap((part) => part(turn.values)));
    }),
    privateFields: new Set(privateRows(document).map(({ row }) => row.field)),
    claims: claimsPart(tools, document, scope),
  };
}

interface Tools {
  readonly procedure: Procedure;
  readonly language: Language;
  expression(source: string): Part<unknown>;
  text(source: string, scope: Scope): Part<string>;
}

type PlainBlock = Exclude<DocumentDefinition['blocks'][number], { each: string }>;

const always = () => true;

function condition(tools: Tools, source: string | undefined): Part<boolean> {
  if (source === undefined) return always;
  const holds = tools.expression(source);
  return (values) => holds(values) === true;
}

function blockPart(
  tools: Tools,
  block: PlainBlock,
  scope: Scope,
  each: string | undefined,
): Part<readonly Block[]> {
  const holds = condition(tools, 'when' in block ? block.when : undefined);
  const make = blockMaker(tools, block, scope, each);
  return (values) => (holds(values) ? [make(values)] : []);
}

function blockMaker(tools: Tools, block: PlainBlock, scope: Scope, each: string | undefined): Part<Block> {
  const one = (words: Words) => tools.text(words[tools.language], scope);
  const several = (list: readonly Words[]): Part<string[]> => {
    const parts = list.map(one);
    return (values) => parts.map((part) => part(values)).filter((line) => line !== '');
  };
  if ('letterhead' in block) {
    const lines = several(block.letterhead);
    return (values) => ({ kind: 'letterhead', lines: lines(values) });
  }
  if ('title' in block) {
    const [title, subtitle] = [one(block.title), one(block.subtitle)];
    return (values) => ({ kind: 'title', text: title(values), subtitle: subtitle(values) });
  }
  if ('heading' in block) {
    const text = one(block.heading);
    return (values) => ({ kind: 'heading', text: text(values) });
  }
  if ('paragraph' in block) {
    const text = one(block.paragraph);
    return (values) => ({ kind: 'paragraph', text: text(values) });
  }
  if ('closing' in block) {
    const [placeAndDate, lines] = [one(block.closing.placeAndDate), several(block.closing.lines)];
    return (values) => ({ kind: 'closing', placeAndDate: placeAndDate(values), lines: lines(values) });
  }
  if ('seal' in block) {
    const caption = several(block.seal);
    return (values) => ({ kind: 'seal', caption: caption(values) });
  }
  if ('travelSeal' in block) {
    const { documentCode, number, caption } = block.travelSeal;
    const [texts, numberOf] = [several(caption), tools.expression(number)];
    const holder = tools.procedure.definition.document.claims.holder.split('.');
    return (values) => {
      const { post, today, until } = values as unknown as TravelValues;
      const zone = travelZone(valueAt(values, holder) as Holder, {
        code: documentCode,
        state: post.country,
        number: String(numberOf(values)),
        expires: until,
      });
      return { kind: 'travel-seal', caption: texts(values), zone: zone.join('\n'), issued: today };
    };
  }
  const rows = block.rows.map((row) => rowPart(tools, row, scope, each));
  return (values) => {
    const shown: Row[] = [];
    for (const part of rows) {
      const row = part(values);
      if (row) shown.push(row);
    }
    return { kind: 'rows', rows: shown };
  };
}

/** What a document with a machine-readable zone knows of itself. */
interface TravelValues {
  readonly post: { readonly country: string };
  readonly today: string;
  readonly until: string;
}

type RowDefinition = Extract<PlainBlock, { rows: unknown }>['rows'][number];

function rowPart(
  tools: Tools,
  row: RowDefinition,
  scope: Scope,
  each: string | undefined,
): Part<Row | undefined> {
  const holds = condition(tools, row.when);
  const label = tools.text(row.label[tools.language], scope);
  const value = tools.text(typeof row.value === 'string' ? row.value : row.value[tools.language], scope);
  const list = each?.split('.').slice(1).join('.');
  return (values) => {
    if (!holds(values)) return undefined;
    const field = list === undefined ? row.field : `${list}.${Number(values.position) - 1}.${row.field}`;
    return { field, label: label(values), value: value(values) };
  };
}

interface Holder extends ZoneHolder {
  readonly birth: { readonly date: string; readonly place: string };
  readonly identityDocument?: { readonly number: string };
}

const sexes: Readonly<Record<string, NonNullable<SealIdentity['sex']>>> = {
  M: 'male',
  F: 'female',
  X: 'other',
};

type Writable<T> = { -readonly [K in keyof T]?: T[K] };
type HolderIdentity = Writable<SealIdentity>;
type HolderDocument = Writable<
  Pick<SealDocument, 'placeOfBirth' | 'travelDocument' | 'incompleteBirthDate' | 'extra'>
>;

/** What each claim takes from a person. Latin letters go first where there is a transliteration. */
const fromHolder: Readonly<
  Record<HolderClaim, (person: Holder, identity: HolderIdentity, document: HolderDocument) => void>
> = {
  familyName: (person, identity) => {
    identity.familyName = (person.latinName ?? person).familyName;
  },
  givenName: (person, identity) => {
    const { givenNames } = person.latinName ?? person;
    if (givenNames !== undefined) identity.givenName = givenNames;
  },
  fullName: (person, identity) => {
    identity.fullName = fullName(person);
  },
  dateOfBirth: ({ birth }, identity, document) => {
    if (birth.date.length === 10) identity.dateOfBirth = birth.date.replaceAll('-', '');
    else document.incompleteBirthDate = birth.date;
  },
  sex: ({ sex }, identity) => {
    const known = sexes[sex];
    if (known) identity.sex = known;
  },
  nationality: ({ nationality }, identity) => {
    identity.nationality = nationality;
  },
  secondName: (person, identity) => {
    if (!person.latinName) return;
    identity.secondName = written(person);
    identity.secondLanguage = person.latinName.language;
  },
  placeOfBirth: ({ birth }, _, document) => {
    document.placeOfBirth = birth.place;
  },
  travelDocument: ({ identityDocument }, _, document) => {
    if (identityDocument) document.travelDocument = identityDocument.number;
  },
};

function claimsPart(tools: Tools, document: DocumentDefinition, scope: Scope): Composer['claims'] {
  const { holder, include, extra } = document.claims;
  const path = holder.split('.');
  const extras = Object.entries(extra ?? {}).map(
    ([label, claim]) =>
      [Number(label), condition(tools, claim.when), tools.text(claim.value, scope)] as const,
  );
  return (values) => {
    const person = valueAt(values, path) as Holder;
    const identity: HolderIdentity = {};
    const claims: HolderDocument = {};
    for (const claim of include) fromHolder[claim](person, identity, claims);
    const shown = new Map<number, string>();
    for (const [label, holds, text] of extras) if (holds(values)) shown.set(label, text(values));
    if (shown.size > 0) claims.extra = shown;
    return { identity, document: claims };
  };
}
