import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { type TSchema, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { Option } from 'commander';
import { ConsulError } from '../core/errors.ts';
import { createPost, type PostPassphrase, refuseExisting } from '../core/issuance/create-post.ts';
import { tokenLabel } from '../core/issuance/token-rotation.ts';
import { type CertifiedKeyKind, certifiedKeyKinds } from '../core/pki/key-kind.ts';
import type { TokenPlace } from '../core/pki/pkcs11.ts';
import { type Post, PostSchema } from '../core/post.ts';
import {
  postHome,
  postPaths,
  type Settings,
  SettingsSchema,
  settingsFormat,
} from '../core/store/post-folder.ts';
import { green, yellow } from './colour.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { newCommand, run, withKeyOptions } from './program.ts';
import { fewestCharacters, namedPassphrase } from './secrets.ts';
import { tokensNamed } from './token-keys.ts';
import { type MessageKey, say } from './words.ts';

const fields = PostSchema.properties;

interface InitOptions extends CommonOptions {
  yes?: boolean;
  code?: string;
  country?: string;
  hostCountry?: string;
  city?: string;
  state?: string;
  stateEn?: string;
  name?: string;
  nameEn?: string;
  languages?: string;
  timeZone?: string;
  currency?: string;
  verifierHost?: string;
  signatoryName?: string;
  signatoryQuality?: string;
  rootKey?: string;
  keyKind?: CertifiedKeyKind;
  tsaUrl?: string;
  keys?: readonly string[];
}

type Question = Extract<MessageKey, `init.ask.${string}`> extends `init.ask.${infer Option}` ? Option : never;

/** Every question of `init`: the option that answers it, and what stands there when nobody answers. */
const questions: readonly { option: Question; flag: string; fallback: string; form: TSchema }[] = [
  { option: 'country', flag: '--country <code>', fallback: 'GA', form: fields.country },
  {
    option: 'state',
    flag: '--state <text>',
    fallback: 'République gabonaise',
    form: fields.state.properties.fr,
  },
  {
    option: 'stateEn',
    flag: '--state-en <text>',
    fallback: 'Gabonese Republic',
    form: fields.state.properties.en,
  },
  { option: 'hostCountry', flag: '--host-country <code>', fallback: 'FR', form: fields.hostCountry },
  { option: 'city', flag: '--city <name>', fallback: 'Paris', form: fields.city },
  { option: 'code', flag: '--code <XX-YYY>', fallback: 'GA-PAR', form: fields.code },
  {
    option: 'name',
    flag: '--name <text>',
    fallback: 'Consulat général du Gabon à Paris',
    form: fields.name.properties.fr,
  },
  {
    option: 'nameEn',
    flag: '--name-en <text>',
    fallback: 'Consulate General of Gabon in Paris',
    form: fields.name.properties.en,
  },
  {
    option: 'languages',
    flag: '--languages <list>',
    fallback: 'fr,en',
    form: Type.String({ pattern: '^(fr|en)(,(fr|en))*$' }),
  },
  { option: 'timeZone', flag: '--time-zone <name>', fallback: 'Europe/Paris', form: fields.timeZone },
  { option: 'currency', flag: '--currency <code>', fallback: 'EUR', form: fields.currency },
  {
    option: 'verifierHost',
    flag: '--verifier-host <host>',
    fallback: 'verif.consulat.example',
    form: fields.verifierHost,
  },
  {
    option: 'signatoryName',
    flag: '--signatory-name <name>',
    fallback: 'Le Consul général',
    form: SettingsSchema.properties.signatory.properties.name,
  },
  {
    option: 'signatoryQuality',
    flag: '--signatory-quality <text>',
    fallback: 'Officier consulaire',
    form: SettingsSchema.properties.signatory.properties.quality,
  },
];

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const isAnswer = ({ option, form }: (typeof questions)[number], text: string): boolean =>
  text.trim() !== '' && Value.Check(form, text) && (option !== 'timeZone' || isTimeZone(text));

async function answers(options: InitOptions): Promise<Record<Question, string>> {
  const language = messageLanguage(options);
  const known: Partial<Record<Question, string>> = {};
  // What was given is checked before anything is asked.
  for (const question of questions) {
    const given = options[question.option] ?? (options.yes ? question.fallback : undefined);
    if (given === undefined) continue;
    if (!isAnswer(question, given))
      throw new ConsulError('USAGE', `${question.flag} cannot be ${JSON.stringify(given)}`);
    known[question.option] = given;
  }
  const open = questions.filter(({ option }) => known[option] === undefined);
  const [first] = open;
  if (first && !(process.stdin.isTTY && process.stderr.isTTY))
    throw new ConsulError('USAGE', `init needs ${first.flag}: give it, or run on a terminal, or with --yes`);
  if (first) {
    const { default: inquirer } = await import('inquirer');
    const given = await inquirer.prompt(
      open.map((question) => ({
        type: 'input' as const,
        name: question.option,
        message: say(language, `init.ask.${question.option}`),
        default: question.fallback,
        validate: (text: string) => isAnswer(question, text) || say(language, 'init.notSo'),
      })),
    );
    Object.assign(known, given);
  }
  return known as Record<Question, string>;
}

function postFrom(known: Record<Question, string>): Post {
  const { code, country, hostCountry, city, state, stateEn, name, nameEn, timeZone, currency, verifierHost } =
    known;
  return {
    code,
    country,
    hostCountry,
    city,
    state: { fr: state, en: stateEn },
    name: { fr: name, en: nameEn },
    languages: known.languages.split(',') as Post['languages'],
    timeZone,
    currency,
    verifierHost,
    weekend: [6, 7],
    holidays: [],
  };
}

/** A passphrase of 128 random bits, in groups that can be copied by hand. */
function randomPassphrase(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  const letters = Array.from(randomBytes(120))
    .filter((byte) => byte < 248)
    .slice(0, 28)
    .map((byte) => alphabet[byte % 31]);
  return letters.join('').replace(/(.{7})(?=.)/g, '$1-');
}

async function passphraseFor(options: InitOptions): Promise<PostPassphrase> {
  const named = namedPassphrase(options);
  if (named) {
    if ([...new TextDecoder().decode(named)].length < fewestCharacters)
      throw new ConsulError('USAGE', `a passphrase has at least ${fewestCharacters} characters`);
    return { bytes: named, origin: 'chosen' };
  }
  if (options.yes) {
    const keep = randomPassphrase();
    return { bytes: new TextEncoder().encode(keep), origin: 'random', keep };
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new ConsulError('PASSPHRASE_MISSING', 'init needs a passphrase for the keys of the post');
  const language = messageLanguage(options);
  const { default: inquirer } = await import('inquirer');
  const { first, second } = await inquirer.prompt([
    {
      type: 'password',
      name: 'first',
      message: say(language, 'init.askPassphrase'),
      mask: '*',
      validate: (text: string) =>
        [...text].length >= fewestCharacters || say(language, 'init.tooShort', { count: fewestCharacters }),
    },
    { type: 'password', name: 'second', message: say(language, 'init.askAgain'), mask: '*' },
  ]);
  if (first !== second) throw new ConsulError('USAGE', 'the two passphrases differ: run init again');
  return { bytes: new TextEncoder().encode(first.normalize('NFC')), origin: 'chosen' };
}

async function init(options: InitOptions): Promise<void> {
  const home = postHome(options.home, process.env);
  await refuseExisting(home);
  const known = await answers(options);
  const post = postFrom(known);
  const tokens = await tokensNamed(options.keys ?? [], options);
  const passphrase = await passphraseFor(options);
  const now = new Date();
  now.setUTCMilliseconds(0);

  const settings: Settings = {
    format: settingsFormat,
    post,
    signatory: { name: known.signatoryName, quality: known.signatoryQuality },
    timestamp: options.tsaUrl ? { url: options.tsaUrl } : {},
    limits: { pieceBytes: 10 * 1024 * 1024 },
    paths: { anchor: 'anchor', ...(passphrase.keep ? { passphrase: 'passphrase' } : {}) },
  };

  await createPost({
    home,
    settings,
    passphrase,
    now,
    tokens,
    ...(options.keyKind ? { keyKind: options.keyKind } : {}),
    ...(options.rootKey ? { rootKey: resolve(options.rootKey) } : {}),
  });
  const rootKey = tokens.root && rootUri(tokens.root, tokenLabel(post.code, 'root', now));
  announce(home, post, passphrase, rootKey === undefined ? options : { ...options, rootKey });
}

/** As `--root-key` takes it. */
const rootUri = ({ token, module }: TokenPlace, label: string): string =>
  `pkcs11:token=${encodeURIComponent(token)};object=${encodeURIComponent(label)}?module-path=${module}`;

function announce(home: string, post: Post, passphrase: PostPassphrase, options: InitOptions): void {
  const paths = postPaths(home);
  const inToken = options.rootKey?.startsWith('pkcs11:');
  const rootKey = options.rootKey && !inToken ? resolve(options.rootKey) : (options.rootKey ?? paths.rootKey);
  if (options.json) {
    printJson({
      home,
      post: post.code,
      rootKey,
      trust: paths.trust,
      ...(passphrase.keep ? { passphraseFile: paths.passphrase } : {}),
    });
    return;
  }
  const language = messageLanguage(options);
  const rows: (readonly [MessageKey, string])[] = [
    ['init.trust', paths.trust],
    ...(passphrase.keep ? [['init.passphrase', `${paths.passphrase} (mode 0600)`] as const] : []),
    ['init.rootKey', rootKey],
  ];
  const labels = rows.map(([key]) => say(language, key));
  const width = Math.max(...labels.map((label) => label.length));
  const lines = [
    `${green('✔')} ${post.name[language]} (${post.code}): ${home}`,
    ...rows.map(([, value], at) => `  ${(labels[at] ?? '').padEnd(width)}  ${value}`),
    yellow(`  ${say(language, 'init.moveRoot.1')}`),
    yellow(`  ${say(language, 'init.moveRoot.2')}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = withKeyOptions(
    newCommand('consul init', 'Creates a consular post: keys, certificates, database'),
  )
    .option('--yes', 'ask nothing: take the defaults, make a passphrase and leave it in a file')
    .option('--root-key <file>', 'where to put the private key of the root (best on a removable medium)')
    .addOption(
      new Option('--key-kind <kind>', 'of the certified keys; seals are signed with P-256 always')
        .choices(certifiedKeyKinds)
        .default('P-256'),
    )
    .option('--tsa-url <url>', "an RFC 3161 timestamp authority in place of the post's own")
    .option(
      '--keys <place...>',
      'make the signing keys in a PKCS#11 token, by its URI (RFC 7512); NAME=URI for one of them',
    );
  for (const { option, flag, fallback } of questions)
    command.option(flag, `${say('en', `init.ask.${option}`)} (${fallback})`);
  command.action(init);
  await run(command, argv);
}
