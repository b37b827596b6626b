import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import pc from 'picocolors';
import { ConsulError } from '../core/errors.ts';
import { createPost, type PostPassphrase, refuseExisting } from '../core/issuance/create-post.ts';
import type { Post } from '../core/post.ts';
import { postHome, postPaths, type Settings, settingsFormat } from '../core/store/post-folder.ts';
import { namedPassphrase } from './passphrase.ts';
import { type CommonOptions, newCommand, printJson, run, withKeyOptions } from './program.ts';

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
  tsaUrl?: string;
}

/** Every question of `init`: the option that answers it, the words, and what stands there when nobody answers. */
const questions: readonly {
  option: Exclude<keyof InitOptions, 'json' | 'quiet' | 'debug' | 'yes' | 'lang'>;
  flag: string;
  ask: string;
  fallback: string;
}[] = [
  { option: 'country', flag: '--country <code>', ask: 'State that issues, ISO 3166 alpha-2', fallback: 'GA' },
  {
    option: 'state',
    flag: '--state <text>',
    ask: 'Name of the state (French)',
    fallback: 'République gabonaise',
  },
  {
    option: 'stateEn',
    flag: '--state-en <text>',
    ask: 'Name of the state (English)',
    fallback: 'Gabonese Republic',
  },
  {
    option: 'hostCountry',
    flag: '--host-country <code>',
    ask: 'Country of the post, ISO 3166 alpha-2',
    fallback: 'FR',
  },
  { option: 'city', flag: '--city <name>', ask: 'City of the post', fallback: 'Paris' },
  { option: 'code', flag: '--code <XX-YYY>', ask: 'Code of the post', fallback: 'GA-PAR' },
  {
    option: 'name',
    flag: '--name <text>',
    ask: 'Name of the post (French)',
    fallback: 'Consulat général du Gabon à Paris',
  },
  {
    option: 'nameEn',
    flag: '--name-en <text>',
    ask: 'Name of the post (English)',
    fallback: 'Consulate General of Gabon in Paris',
  },
  {
    option: 'languages',
    flag: '--languages <list>',
    ask: 'Languages, the working one first',
    fallback: 'fr,en',
  },
  { option: 'timeZone', flag: '--time-zone <name>', ask: 'Time zone', fallback: 'Europe/Paris' },
  { option: 'currency', flag: '--currency <code>', ask: 'Currency of fees, ISO 4217', fallback: 'EUR' },
  {
    option: 'verifierHost',
    flag: '--verifier-host <host>',
    ask: 'Host of the public verifier (in every QR code)',
    fallback: 'verif.consulat.example',
  },
  {
    option: 'signatoryName',
    flag: '--signatory-name <name>',
    ask: 'Who signs documents',
    fallback: 'Le Consul général',
  },
  {
    option: 'signatoryQuality',
    flag: '--signatory-quality <text>',
    ask: 'Quality of who signs',
    fallback: 'Officier consulaire',
  },
];

async function answers(options: InitOptions): Promise<Record<string, string>> {
  const known: Record<string, string> = {};
  const terminal = !options.yes && process.stdin.isTTY && process.stderr.isTTY;
  const inquirer = terminal ? (await import('inquirer')).default : undefined;
  for (const { option, ask, fallback } of questions) {
    const given = options[option];
    if (given !== undefined) known[option] = given;
    else if (inquirer)
      known[option] = String(
        (await inquirer.prompt([{ type: 'input', name: 'answer', message: ask, default: fallback }])).answer,
      );
    else if (options.yes) known[option] = fallback;
    else
      throw new ConsulError(
        'USAGE',
        `init needs ${questionFlag(option)}: run on a terminal, or give it, or --yes`,
      );
  }
  return known;
}

const questionFlag = (option: string): string =>
  questions.find((question) => question.option === option)?.flag ?? option;

function postFrom(known: Record<string, string>): Post {
  const text = (name: string): string => known[name] ?? '';
  return {
    code: text('code'),
    country: text('country'),
    hostCountry: text('hostCountry'),
    city: text('city'),
    state: { fr: text('state'), en: text('stateEn') },
    name: { fr: text('name'), en: text('nameEn') },
    languages: text('languages').split(/[\s,]+/) as Post['languages'],
    timeZone: text('timeZone'),
    currency: text('currency'),
    verifierHost: text('verifierHost'),
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
  if (named) return { bytes: named, origin: 'chosen' };
  if (options.yes) {
    const keep = randomPassphrase();
    return { bytes: new TextEncoder().encode(keep), origin: 'random', keep };
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new ConsulError('PASSPHRASE_MISSING', 'init needs a passphrase for the keys of the post');
  const { default: inquirer } = await import('inquirer');
  const { first, second } = await inquirer.prompt([
    {
      type: 'password',
      name: 'first',
      message: 'Passphrase for the keys of the post',
      mask: '*',
      validate: (value: string) => value.length >= 12 || 'at least 12 characters',
    },
    { type: 'password', name: 'second', message: 'The same again', mask: '*' },
  ]);
  if (first !== second) throw new ConsulError('USAGE', 'the two passphrases differ: run init again');
  return { bytes: new TextEncoder().encode(first.normalize('NFC')), origin: 'chosen' };
}

async function init(options: InitOptions): Promise<void> {
  const home = postHome(options.home, process.env);
  await refuseExisting(home);
  const known = await answers(options);
  const post = postFrom(known);
  const passphrase = await passphraseFor(options);
  const now = new Date();
  now.setUTCMilliseconds(0);

  const settings: Settings = {
    format: settingsFormat,
    post,
    signatory: { name: known.signatoryName ?? '', quality: known.signatoryQuality ?? '' },
    timestamp: options.tsaUrl ? { url: options.tsaUrl } : {},
    limits: { pieceBytes: 10 * 1024 * 1024 },
    paths: { anchor: 'anchor', ...(passphrase.keep ? { passphrase: 'passphrase' } : {}) },
  };

  await createPost({
    home,
    settings,
    passphrase,
    now,
    ...(options.rootKey ? { rootKey: resolve(options.rootKey) } : {}),
  });
  announce(home, post, passphrase, options);
}

function announce(home: string, post: Post, passphrase: PostPassphrase, options: InitOptions): void {
  const paths = postPaths(home);
  const rootKey = options.rootKey ? resolve(options.rootKey) : paths.rootKey;
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
  const lines = [
    `${pc.green('✔')} ${post.name.fr} (${post.code}): ${home}`,
    `  trust bundle:   ${paths.trust}`,
    ...(passphrase.keep ? [`  passphrase:     ${paths.passphrase} (mode 0600)`] : []),
    `  root key:       ${rootKey}`,
    pc.yellow('  Move the root key to a safe place away from this machine now: it is needed only to renew'),
    pc.yellow('  the issuing authority and the trust bundle, and who holds it can impersonate the state.'),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = withKeyOptions(
    newCommand('consul init', 'Creates a consular post: keys, certificates, database'),
  )
    .option('--yes', 'ask nothing: take the defaults, make a passphrase and leave it in a file')
    .option('--root-key <file>', 'where to put the private key of the root (best on a removable medium)')
    .option('--tsa-url <url>', "an RFC 3161 timestamp authority in place of the post's own");
  for (const { flag, ask, fallback } of questions) command.option(flag, `${ask} (${fallback})`);
  command.action(init);
  await run(command, argv);
}
