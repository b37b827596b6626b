import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { parse, stringify } from 'smol-toml';
import { ConsulError } from '../errors.ts';
import { signatureLevels } from '../pdf/level.ts';
import { PostSchema } from '../post.ts';
import { writeDurably } from './durable-file.ts';

/** Where a private key is. */
const KeyPlaceSchema = Type.Union([
  /** In `keys/NAME.key.pem`, encrypted by the passphrase; so are keys that are not named. */
  Type.Object({ provider: Type.Literal('file') }, { additionalProperties: false }),
  Type.Object(
    {
      provider: Type.Literal('pkcs11'),
      /** Path of the PKCS#11 module that the maker of the token ships. */
      module: Type.String({ minLength: 1, maxLength: 300 }),
      /** Label of the token. */
      token: Type.String({ minLength: 1, maxLength: 32 }),
      /** Label of the key (CKA_LABEL); absent, with no `id`: the name of the key. */
      label: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
      /** Identifier of the key (CKA_ID), hexadecimal. */
      id: Type.Optional(Type.String({ pattern: '^([0-9a-f]{2}){1,64}$' })),
      /** File whose first line is the PIN, relative to the folder; absent: whoever opens the key is asked for it. */
      pinFile: Type.Optional(Type.String({ minLength: 1, maxLength: 300 })),
    },
    { additionalProperties: false },
  ),
]);

/** What post.toml holds: who the post is, and how this installation is set up. */
export const SettingsSchema = Type.Object(
  {
    /** Format of the folder; a higher one was written by a later consul. */
    format: Type.Integer({ minimum: 1 }),
    post: PostSchema,
    /** Who signs by default: printed in the closing block of documents. */
    signatory: Type.Object(
      {
        name: Type.String({ minLength: 1, maxLength: 80 }),
        quality: Type.String({ minLength: 1, maxLength: 120 }),
      },
      { additionalProperties: false },
    ),
    timestamp: Type.Object(
      {
        /** An RFC 3161 authority that the trust bundle knows; absent: the post's own. */
        url: Type.Optional(Type.String({ pattern: '^https?://', maxLength: 300 })),
      },
      { additionalProperties: false },
    ),
    /** How long signatures are made to last. */
    signature: Type.Optional(
      Type.Object(
        {
          /** PAdES baseline level (ETSI EN 319 142-1 §6); absent: B-LTA. */
          level: Type.Optional(Type.Union(signatureLevels.map((level) => Type.Literal(level)))),
          /** Days before the end of a time-stamp's certificate at which the document is renewed; absent: 365. */
          renewDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
        },
        { additionalProperties: false },
      ),
    ),
    limits: Type.Object(
      { pieceBytes: Type.Integer({ minimum: 1024, maximum: 1024 ** 3 }) },
      { additionalProperties: false },
    ),
    paths: Type.Object(
      {
        /** Second place of the newest checkpoint and journal head; best on another disk. */
        anchor: Type.String({ minLength: 1, maxLength: 300 }),
        /** File that holds the passphrase, where the post chose to keep one on this machine. */
        passphrase: Type.Optional(Type.String({ minLength: 1, maxLength: 300 })),
      },
      { additionalProperties: false },
    ),
    /** Where the signing keys are, key by key. */
    keys: Type.Optional(
      Type.Object(
        {
          'issuing-ca': Type.Optional(KeyPlaceSchema),
          'document-signer': Type.Optional(KeyPlaceSchema),
          'seal-signer': Type.Optional(KeyPlaceSchema),
          'vds-signer': Type.Optional(KeyPlaceSchema),
          tsa: Type.Optional(KeyPlaceSchema),
          log: Type.Optional(KeyPlaceSchema),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

export type Settings = Static<typeof SettingsSchema>;

export const settingsFormat = 1;

/** Where things lie in the folder of a post. */
export function postPaths(home: string) {
  const at = (...parts: string[]): string => join(home, ...parts);
  return {
    home,
    settings: at('post.toml'),
    database: at('consul.db'),
    keys: at('keys'),
    certificates: at('certs'),
    rootKey: at('offline', 'root.key.pem'),
    trust: at('trust', 'bundle.cose'),
    log: at('log'),
    /** What any web server may serve beside the log: status lists. */
    public: at('public'),
    documents: at('documents'),
    receipts: at('receipts'),
    pieces: at('pieces'),
    cache: at('cache'),
    work: at('work'),
    passphrase: at('passphrase'),
  };
}

export type PostPaths = ReturnType<typeof postPaths>;

/** The second place: what tells a restored old backup from the present state. */
export function anchorPaths(home: string, settings: Settings) {
  const folder = resolve(home, settings.paths.anchor);
  return { checkpoint: join(folder, 'checkpoint'), journal: join(folder, 'journal') };
}

/** `--home`, else CONSUL_HOME, else the XDG data folder. */
export function postHome(flag: string | undefined, environment: NodeJS.ProcessEnv): string {
  const chosen = flag ?? environment.CONSUL_HOME;
  if (chosen) return resolve(chosen);
  return join(environment.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'consul');
}

function checkSettings(data: unknown, file: string): Settings {
  const format = (data as { format?: unknown }).format;
  if (typeof format === 'number' && format > settingsFormat)
    throw new ConsulError(
      'POST_NEWER',
      `${file} has format ${format}; this consul knows format ${settingsFormat}`,
    );
  if (Value.Check(SettingsSchema, data)) return data;
  const details = [...Value.Errors(SettingsSchema, data)].map((error) => ({
    where: error.path || '/',
    message: error.message,
  }));
  throw new ConsulError('POST_INVALID', `${file} does not describe a post`, { details });
}

/** @throws ConsulError POST_MISSING, POST_INVALID, POST_NEWER */
export async function readSettings(home: string): Promise<Settings> {
  const file = postPaths(home).settings;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new ConsulError('POST_MISSING', `there is no post in ${home} (post.toml: ${code})`, { cause });
  }
  let data: unknown;
  try {
    data = parse(text);
  } catch (cause) {
    const at = (cause as { line?: number }).line;
    throw new ConsulError(
      'POST_INVALID',
      `${file} is not TOML${at === undefined ? '' : `, see line ${at}`}`,
      {
        cause,
      },
    );
  }
  return checkSettings(data, file);
}

/** Writes post.toml last: a folder without it is not a post. */
export async function writeSettings(home: string, settings: Settings): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const heading = '# The settings of this consular post; see docs/configuration.md.\n';
  const { post, signatory, ...rest } = checkSettings(settings, 'post.toml');
  await writeDurably(postPaths(home).settings, `${heading}${stringify({ ...rest, post, signatory })}\n`);
}
