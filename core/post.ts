import { type Static, Type } from '@sinclair/typebox';

const Localized = Type.Object(
  { fr: Type.String({ minLength: 1, maxLength: 200 }), en: Type.String({ minLength: 1, maxLength: 200 }) },
  { additionalProperties: false },
);

/** A text in the languages that every post has. */
export type Localized = Static<typeof Localized>;

/** Who issues: the identity of a consular post, kept in post.toml and shown on every document. */
export const PostSchema = Type.Object(
  {
    /** Country and post, for example `GA-PAR`: the prefix of references and the name in seals. */
    code: Type.String({ pattern: '^[A-Z]{2}-[A-Z]{3}$' }),
    /** ISO 3166-1 alpha-2 of the state that issues. */
    country: Type.String({ pattern: '^[A-Z]{2}$' }),
    /** ISO 3166-1 alpha-2 of the state where the post stands. */
    hostCountry: Type.String({ pattern: '^[A-Z]{2}$' }),
    city: Type.String({ minLength: 1, maxLength: 60 }),
    /** The state as its letterhead names it, for example "République gabonaise". */
    state: Localized,
    name: Localized,
    /** BCP 47; the first is the working language. */
    languages: Type.Array(Type.Union([Type.Literal('fr'), Type.Literal('en')]), { minItems: 1 }),
    timeZone: Type.String({ minLength: 1, maxLength: 60 }),
    currency: Type.String({ pattern: '^[A-Z]{3}$' }),
    /** Host (and path) of the public verifier that a telephone opens from the QR code. */
    verifierHost: Type.String({ pattern: '^[a-z0-9.-]+(/[a-z0-9._-]+)*$', maxLength: 60 }),
    /** ISO weekday numbers that are not worked, 1 = Monday. */
    weekend: Type.Array(Type.Integer({ minimum: 1, maximum: 7 })),
    /** Days not worked, `YYYY-MM-DD`. */
    holidays: Type.Array(Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\d$' })),
  },
  { additionalProperties: false },
);

export type Post = Static<typeof PostSchema>;
export type Language = Post['languages'][number];
