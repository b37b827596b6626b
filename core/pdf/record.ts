import { type Static, Type } from '@sinclair/typebox';
import { maximumPrivateFields } from '../seal/disclosure.ts';

const Text = Type.String({ maxLength: 4000 });

/** One labelled line of the document. `value` may hold several lines separated by "\n". */
export const RowSchema = Type.Object(
  { field: Type.String({ maxLength: 120 }), label: Text, value: Text },
  { additionalProperties: false },
);

/** What can stand on a page, in reading order. Every character that is printed is in one of these. */
export const BlockSchema = Type.Union([
  Type.Object({ kind: Type.Literal('letterhead'), lines: Type.Array(Text) }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('title'), text: Text, subtitle: Text }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('heading'), text: Text }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('paragraph'), text: Text }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('rows'), rows: Type.Array(RowSchema) }, { additionalProperties: false }),
  /** Place and date, then the quality and name of who signs. */
  Type.Object(
    { kind: Type.Literal('closing'), placeAndDate: Text, lines: Type.Array(Text) },
    { additionalProperties: false },
  ),
  /**
   * An ICAO visible digital seal as a second bar code with its caption, and the machine-readable zone that it repeats.
   * `zone` has two lines (TD2, Doc 9303-6 §4.2), `issued` is the day that the seal says (YYYY-MM-DD).
   */
  Type.Object(
    {
      kind: Type.Literal('travel-seal'),
      caption: Type.Array(Text),
      zone: Type.String({ pattern: '^[A-Z0-9<]{36}\n[A-Z0-9<]{36}$' }),
      issued: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\d$' }),
    },
    { additionalProperties: false },
  ),
  /** The QR code with its caption lines, and the language of each (BCP 47) where they are told. */
  Type.Object(
    {
      kind: Type.Literal('seal'),
      caption: Type.Array(Text),
      languages: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$' }))),
    },
    { additionalProperties: false },
  ),
]);

/**
 * The record of a document: all that is printed, and by which template. It is the input of the layout, it is attached
 * to the PDF as record.json, and the first 16 bytes of the SHA-256 of its RFC 8785 form are in the seal.
 */
export const RecordSchema = Type.Object(
  {
    version: Type.Literal(1),
    /** Identifier of the kind of document, for example `prise-en-charge`. */
    type: Type.String({ maxLength: 60 }),
    number: Type.String({ maxLength: 40 }),
    /** Code of the post. */
    post: Type.String({ maxLength: 10 }),
    template: Type.Object(
      { id: Type.String({ maxLength: 60 }), version: Type.Integer({ minimum: 1 }) },
      { additionalProperties: false },
    ),
    /** BCP 47 language of the text. */
    language: Type.String({ maxLength: 10 }),
    /** Title of the document for metadata. */
    title: Text,
    /** RFC 3339 date-time of issue. */
    issuedAt: Type.String({ maxLength: 30 }),
    blocks: Type.Array(BlockSchema, { maxItems: 200 }),
    /** Printed at the foot of each page, followed by " · page / pages". */
    footer: Text,
  },
  { additionalProperties: false },
);

const Label = Type.String({ minLength: 1, maxLength: 200 });
const Seconds = Type.Integer({ minimum: 0, maximum: 253_402_300_799 });

/**
 * The record as it is attached and hashed: what is printed, what the seal says besides the digests of this very record,
 * and the salts of its private fields. Names and units of claims are those of `SealClaims` (core/seal/claims.ts); claims
 * of the procedure have their label as a decimal name.
 */
export const SealedRecordSchema = Type.Composite(
  [
    RecordSchema,
    Type.Object({
      claims: Type.Object(
        {
          issuer: Label,
          issuedAt: Seconds,
          notBefore: Type.Optional(Seconds),
          expires: Type.Optional(Seconds),
          identity: Type.Optional(Type.Record(Type.String({ maxLength: 30 }), Label, { maxProperties: 20 })),
          document: Type.Record(
            Type.String({ maxLength: 30 }),
            Type.Union([Label, Type.Integer({ minimum: 0 })]),
            { maxProperties: 20 },
          ),
          extra: Type.Optional(
            Type.Record(Type.String({ pattern: '^[1-9][0-9]*$' }), Type.Union([Label, Type.Integer()]), {
              maxProperties: 40,
            }),
          ),
        },
        { additionalProperties: false },
      ),
      /** Of each row that is private, by its `field`: 16 bytes in hexadecimal (core/seal/disclosure.ts). */
      salts: Type.Optional(
        Type.Record(Type.String({ pattern: '^.{1,120}$' }), Type.String({ pattern: '^[0-9a-f]{32}$' }), {
          additionalProperties: false,
          minProperties: 1,
          maxProperties: maximumPrivateFields,
        }),
      ),
    }),
  ],
  { additionalProperties: false },
);

export type Row = Static<typeof RowSchema>;
export type Block = Static<typeof BlockSchema>;
export type DocumentRecord = Static<typeof RecordSchema>;
export type SealedRecord = Static<typeof SealedRecordSchema>;
