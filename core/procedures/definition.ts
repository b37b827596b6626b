import { type Static, type TSchema, Type } from '@sinclair/typebox';
import icaoProfiles from '../../certs/icao-profiles.json' with { type: 'json' };

/**
 * The definition of a procedure (démarche): four YAML files in one folder. This is the only description of their
 * shape; the types of the program follow from it and ajv checks every file against it.
 */

const closed = { additionalProperties: false } as const;

/**
 * A member of a union names the sign by which it is known, so that a broken one is reported as what it was meant to
 * be (see shape.ts, which turns such unions into if/then/else).
 */
const knownBy = (sign: object) => ({ 'x-known-by': sign });
const having = (...required: string[]) => knownBy({ type: 'object', required });
const typed = (...types: string[]) =>
  knownBy({ type: 'object', properties: { type: { enum: types } }, required: ['type'] });

const Words = Type.Object(
  { fr: Type.String({ minLength: 1, maxLength: 1500 }), en: Type.String({ minLength: 1, maxLength: 1500 }) },
  { ...closed, ...knownBy({ type: 'object' }) },
);
/** A text in both languages of every post. */
export type Words = Static<typeof Words>;

const Expression = Type.String({
  minLength: 1,
  maxLength: 1000,
  description: 'a CEL expression',
});
const identifier = { pattern: '^[a-z][a-z0-9]*(-[a-z0-9]+)*$', maxLength: 60 } as const;
const Identifier = Type.String(identifier);
const FieldPath = Type.String({
  pattern: '^data(\\.[a-zA-Z0-9]+)+$',
  maxLength: 200,
  description: 'the path of a field, such as data.guests or data.guests.0',
});
const FieldName = Type.String({ pattern: '^[a-z][a-zA-Z0-9]*$', maxLength: 40 });
const Version = Type.Integer({ minimum: 1, maximum: 9999 });
const Duration = Type.String({
  pattern: '^P(\\d{1,3}[YMD])+$',
  description: 'an ISO 8601 duration in Y, M, D',
});

function oneOf<const T extends readonly string[]>(values: T) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });
}

function namesTo<T extends TSchema>(value: T, maxProperties: number) {
  return Type.Record(FieldName, value, { ...closed, maxProperties });
}

/** The path of a request, the same closed set for every procedure. */
export const requestStates = [
  'draft',
  'submitted',
  'incomplete',
  'in-instruction',
  'waiting-for-citizen',
  'waiting-for-authority',
  'waiting-for-appointment',
  'accepted',
  'refused',
  'issued',
  'handed-over',
  'closed',
  'withdrawn',
  'expired',
  'cancelled',
] as const;
export type RequestState = (typeof requestStates)[number];

/** Where a request rests for good. */
export const finalStates: readonly RequestState[] = ['closed', 'withdrawn', 'expired', 'cancelled'];

/** Who acts: the roles of agents, the citizen, and the system by its clock. */
export const actors = [
  'citizen',
  'reception',
  'instruction',
  'decision',
  'signature',
  'cashier',
  'registrar',
  'head-of-post',
  'administrator',
  'system',
] as const;
export type Actor = (typeof actors)[number];

/** What a move asks for before it may be taken. */
export const demands = [
  'complete',
  'pieces-accepted',
  'fee-settled',
  'reason',
  'four-eyes',
  /** Of a move to `issued`: two agents have signed the decision, each with a key of their own. */
  'two-signatures',
  'document',
] as const;
export type Demand = (typeof demands)[number];

const MoveSchema = Type.Object(
  {
    from: Type.Array(oneOf(requestStates), { minItems: 1, uniqueItems: true }),
    to: oneOf(requestStates),
    by: Type.Array(oneOf(actors), { minItems: 1, uniqueItems: true }),
    demands: Type.Optional(Type.Array(oneOf(demands), { uniqueItems: true })),
  },
  closed,
);
export type Move = Static<typeof MoveSchema>;

const WorkflowSchema = Type.Object(
  { initial: oneOf(requestStates), moves: Type.Array(MoveSchema, { minItems: 1, maxItems: 80 }) },
  { ...closed, ...knownBy({ type: 'object' }) },
);
export type Workflow = Static<typeof WorkflowSchema>;

/** What a piece may be: read by people and by our own bounded readers only. */
export const pieceTypes = ['application/pdf', 'image/jpeg', 'image/png'] as const;
export type PieceType = (typeof pieceTypes)[number];

const PieceSchema = Type.Object(
  {
    kind: Identifier,
    label: Words,
    help: Type.Optional(Words),
    /** A list of the form: one piece is asked for each of its items, seen by `when` as `item`. */
    each: Type.Optional(FieldPath),
    /** Asked for where this holds; always where it is absent. */
    when: Type.Optional(Expression),
    /** The date on which the piece was made, where the form asks for it. */
    issuedOn: Type.Optional(Expression),
    maxAge: Type.Optional(Duration),
    files: Type.Object(
      { min: Type.Integer({ minimum: 1, maximum: 20 }), max: Type.Integer({ minimum: 1, maximum: 20 }) },
      closed,
    ),
    types: Type.Array(oneOf(pieceTypes), { minItems: 1, uniqueItems: true }),
    /** Bytes, for each file. */
    maxBytes: Type.Integer({ minimum: 1024, maximum: 50_000_000 }),
    original: oneOf(['copy', 'seen', 'kept']),
    translation: Type.Optional(Type.Boolean()),
    /** An identity copy is erased sooner than other pieces. */
    identity: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type PieceDefinition = Static<typeof PieceSchema>;

const Amounts = Type.Record(
  Type.String({ pattern: '^[A-Z]{3}$' }),
  Type.Record(Identifier, Type.Number({ minimum: 0, maximum: 10_000_000, multipleOf: 0.01 }), closed),
  { ...closed, minProperties: 1 },
);

const FeeSchema = Type.Object(
  {
    /** In this order; the first whose `when` holds is taken, and the last has none. */
    categories: Type.Array(
      Type.Object({ id: Identifier, label: Words, when: Type.Optional(Expression) }, closed),
      { minItems: 1, maxItems: 20 },
    ),
    /** By currency of the post, then by category; in units of the currency. */
    amounts: Amounts,
  },
  closed,
);

const RetentionSchema = Type.Object(
  { drafts: Duration, closed: Duration, pieces: Duration, identity: Duration },
  closed,
);

/** Documents still in force for the same person or dwelling, which rules add up. */
const RunningSchema = Type.Object({ key: Expression, figures: namesTo(Expression, 10) }, closed);

export const ProcedureFile = Type.Object(
  {
    id: Identifier,
    version: Version,
    title: Words,
    summary: Words,
    applicants: Words,
    prefix: Type.String({ pattern: '^[A-Z]{2,4}$', description: 'the prefix of document numbers' }),
    sla: Type.Object({ workingDays: Type.Integer({ minimum: 0, maximum: 260 }) }, closed),
    fee: FeeSchema,
    retention: RetentionSchema,
    /** The name of a workflow of common.yaml, or a workflow. */
    workflow: Type.Union([Type.String({ ...identifier, ...knownBy({ type: 'string' }) }), WorkflowSchema]),
    /** Figures that a post changes: floors, rates. `default` serves keys that are not listed. */
    tables: Type.Optional(
      namesTo(
        Type.Record(Type.String({ pattern: '^([A-Z]{2,3}|[a-z][a-zA-Z0-9-]*)$' }), Type.Number(), {
          ...closed,
          minProperties: 1,
          maxProperties: 300,
        }),
        20,
      ),
    ),
    running: Type.Optional(RunningSchema),
    pieces: Type.Array(PieceSchema, { maxItems: 40 }),
  },
  closed,
);

const RuleSchema = Type.Object(
  {
    id: Identifier,
    severity: oneOf(['block', 'warn']),
    /** A list of the form: the rule is asked of each of its items, seen as `item`. */
    each: Type.Optional(FieldPath),
    when: Type.Optional(Expression),
    /** What must hold. */
    require: Expression,
    /** JSON pointers of the fields concerned; `*` stands for the item of `each`. */
    fields: Type.Array(Type.String({ pattern: '^(/[a-zA-Z0-9*]+)+$', maxLength: 200 }), {
      minItems: 1,
      maxItems: 8,
    }),
    /** Values worked out for the message, seen there as `v`. */
    values: Type.Optional(namesTo(Expression, 8)),
    message: Words,
  },
  closed,
);
export type RuleDefinition = Static<typeof RuleSchema>;

export const RulesFile = Type.Object({ rules: Type.Array(RuleSchema, { maxItems: 100 }) }, closed);

const RowSchema = Type.Object(
  {
    field: FieldName,
    label: Words,
    /** A text template, or one for each language. */
    value: Type.Union([
      Type.String({ minLength: 1, maxLength: 1500, ...knownBy({ type: 'string' }) }),
      Words,
    ]),
    when: Type.Optional(Expression),
    /** In the seal as a salted hash only: the holder chooses whom to show it to (private-rows.ts says where it may be). */
    private: Type.Optional(Type.Boolean()),
  },
  closed,
);

const when = Type.Optional(Expression);
const Texts = Type.Array(Words, { minItems: 1, maxItems: 12 });
const plainBlocks = [
  Type.Object({ letterhead: Texts }, { ...closed, ...having('letterhead') }),
  Type.Object({ title: Words, subtitle: Words }, { ...closed, ...having('title') }),
  Type.Object({ heading: Words, when }, { ...closed, ...having('heading') }),
  Type.Object({ paragraph: Words, when }, { ...closed, ...having('paragraph') }),
  Type.Object(
    { rows: Type.Array(RowSchema, { minItems: 1, maxItems: 60 }), when },
    { ...closed, ...having('rows') },
  ),
  Type.Object(
    { closing: Type.Object({ placeAndDate: Words, lines: Texts }, closed) },
    { ...closed, ...having('closing') },
  ),
  Type.Object({ seal: Texts }, { ...closed, ...having('seal') }),
  /** A machine-readable zone of size TD2 on the holder, and an ICAO visible digital seal of it (Doc 9303-8). */
  Type.Object(
    {
      travelSeal: Type.Object(
        {
          documentCode: oneOf(icaoProfiles['vds-signer'].documentTypes),
          /** The number in the zone: at most nine capital letters and digits. */
          number: Expression,
          caption: Texts,
        },
        closed,
      ),
    },
    { ...closed, ...having('travelSeal') },
  ),
] as const;
const BlockDefinition = Type.Union([
  ...plainBlocks,
  Type.Object(
    { each: FieldPath, blocks: Type.Array(Type.Union([...plainBlocks]), { minItems: 1, maxItems: 20 }) },
    { ...closed, ...having('each') },
  ),
]);
export type BlockDefinition = Static<typeof BlockDefinition>;
export type RowDefinition = Static<typeof RowSchema>;

/** Claims that follow from a person, by the names of core/seal/claims.ts. */
export const holderClaims = [
  'familyName',
  'givenName',
  'fullName',
  'dateOfBirth',
  'sex',
  'nationality',
  'secondName',
  'placeOfBirth',
  'travelDocument',
] as const;
export type HolderClaim = (typeof holderClaims)[number];

/** Which part of a person each claim is made of. */
export const madeOf: Readonly<Record<HolderClaim, string>> = {
  familyName: 'familyName',
  givenName: 'givenNames',
  fullName: 'familyName',
  dateOfBirth: 'birth.date',
  sex: 'sex',
  nationality: 'nationality',
  secondName: 'latinName',
  placeOfBirth: 'birth.place',
  travelDocument: 'identityDocument.number',
};

const Template = Type.String({ minLength: 1, maxLength: 300 });

export const DocumentFile = Type.Object(
  {
    template: Type.Object({ id: Identifier, version: Version }, closed),
    title: Words,
    footer: Words,
    /** First and last day of validity, `YYYY-MM-DD`. */
    validity: Type.Object({ from: Expression, until: Expression }, closed),
    /** Expressions of the whole document, seen by its texts and claims as `v`. */
    values: Type.Optional(namesTo(Expression, 40)),
    blocks: Type.Array(BlockDefinition, { minItems: 1, maxItems: 60 }),
    claims: Type.Object(
      {
        /** The person whom the document is about: a field of kind `person`. */
        holder: FieldPath,
        /** What the seal says of that person. */
        include: Type.Array(oneOf(holderClaims), { minItems: 1, uniqueItems: true }),
        /** Claims of this procedure, by label from 8 up. */
        extra: Type.Optional(
          Type.Record(
            Type.String({ pattern: '^([89]|[1-9]\\d)$' }),
            Type.Object({ label: Words, value: Template, when }, closed),
            { ...closed, maxProperties: 12 },
          ),
        ),
      },
      closed,
    ),
  },
  closed,
);
export type DocumentDefinition = Static<typeof DocumentFile>;

/** How text fields are checked and how long they may be. Each is a `format` of JSON Schema. */
export const textFormats = {
  line: 120,
  lines: 1000,
  name: 80,
  identifier: 30,
  date: 10,
  'partial-date': 10,
  country: 2,
  email: 254,
  phone: 20,
} as const;
export type TextFormat = keyof typeof textFormats;

const fieldWords = {
  'x-label': Words,
  'x-help': Type.Optional(Words),
  /** The field is asked for, and then required, only where this holds. */
  'x-asked-when': Type.Optional(Expression),
};

/** JSON Schema 2020-12, the part of it that a form can show and that bounds every value. */
export const FormFieldSchema = Type.Recursive(
  (Field) =>
    Type.Union([
      Type.Object(
        {
          type: Type.Literal('object'),
          properties: Type.Record(FieldName, Field, { ...closed, minProperties: 1, maxProperties: 60 }),
          required: Type.Optional(Type.Array(FieldName, { uniqueItems: true })),
          /** What the object is, for the value formats of texts. */
          'x-kind': Type.Optional(oneOf(['person', 'address', 'money'])),
          ...fieldWords,
        },
        { ...closed, ...typed('object') },
      ),
      Type.Object(
        {
          type: Type.Literal('array'),
          items: Field,
          minItems: Type.Integer({ minimum: 0, maximum: 50 }),
          maxItems: Type.Integer({ minimum: 1, maximum: 50 }),
          uniqueItems: Type.Optional(Type.Boolean()),
          ...fieldWords,
        },
        { ...closed, ...typed('array') },
      ),
      Type.Object(
        {
          type: Type.Literal('string'),
          enum: Type.Array(Type.String({ minLength: 1, maxLength: 40 }), {
            minItems: 1,
            maxItems: 300,
            uniqueItems: true,
          }),
          'x-options': Type.Record(Type.String({ maxLength: 40 }), Words),
          ...fieldWords,
        },
        { ...closed, ...having('enum') },
      ),
      Type.Object(
        {
          type: Type.Literal('string'),
          format: oneOf(Object.keys(textFormats) as readonly TextFormat[]),
          minLength: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
          maxLength: Type.Optional(Type.Integer({ minimum: 1, maximum: 4000 })),
          ...fieldWords,
        },
        { ...closed, ...typed('string') },
      ),
      Type.Object(
        {
          type: Type.Union([Type.Literal('number'), Type.Literal('integer')]),
          minimum: Type.Number(),
          maximum: Type.Number(),
          multipleOf: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
          ...fieldWords,
        },
        { ...closed, ...typed('number', 'integer') },
      ),
      Type.Object(
        { type: Type.Literal('boolean'), const: Type.Optional(Type.Literal(true)), ...fieldWords },
        { ...closed, ...typed('boolean') },
      ),
      Type.Object(
        {
          $ref: Type.String({ pattern: '^common#/[a-z][a-zA-Z0-9]*$' }),
          'x-label': Type.Optional(Words),
          'x-help': Type.Optional(Words),
          'x-asked-when': Type.Optional(Expression),
        },
        { ...closed, ...having('$ref') },
      ),
    ]),
  { $id: 'FormField' },
);
export type FormFieldSource = Static<typeof FormFieldSchema>;

export const FormFile = Type.Object(
  {
    $schema: Type.Literal('https://json-schema.org/draft/2020-12/schema'),
    type: Type.Literal('object'),
    /** The pages of the form; each property of the root stands on exactly one. */
    'x-pages': Type.Array(
      Type.Object(
        {
          id: Identifier,
          title: Words,
          help: Type.Optional(Words),
          fields: Type.Array(FieldName, { minItems: 1 }),
        },
        closed,
      ),
      { minItems: 1, maxItems: 20 },
    ),
    properties: Type.Record(FieldName, FormFieldSchema, { ...closed, minProperties: 1, maxProperties: 60 }),
    required: Type.Array(FieldName, { uniqueItems: true }),
  },
  closed,
);

/** What procedures share: fields (persons, addresses) and workflows. */
export const CommonFile = Type.Object(
  {
    fields: Type.Record(FieldName, FormFieldSchema, { ...closed, maxProperties: 60 }),
    workflows: Type.Record(Identifier, WorkflowSchema, { ...closed, maxProperties: 20 }),
  },
  closed,
);

export type CommonDefinition = Static<typeof CommonFile>;
export type FormPage = Static<typeof FormFile>['x-pages'][number];

/** A field once its references are put in place and its bounds are set. */
export type FormField = Resolved<FormFieldSource>;
type Resolved<T> = T extends { $ref: string }
  ? never
  : {
      [K in keyof T]: K extends 'properties'
        ? Record<string, FormField>
        : K extends 'items'
          ? FormField
          : T[K];
    };

/** A procedure whose four files were read, checked and put together: plain data, as JSON holds it. */
export interface Definition extends Omit<Static<typeof ProcedureFile>, 'workflow'> {
  readonly workflow: Workflow;
  readonly form: Form;
  readonly rules: readonly RuleDefinition[];
  readonly document: DocumentDefinition;
}

/** The form of a procedure, its references resolved: itself a JSON Schema 2020-12. */
export interface Form {
  readonly $schema: string;
  readonly type: 'object';
  readonly 'x-pages': readonly FormPage[];
  readonly properties: Record<string, FormField>;
  readonly required: readonly string[];
  readonly additionalProperties: false;
}
