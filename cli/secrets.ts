import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { ConsulError, type ErrorCode } from '../core/errors.ts';
import { passphraseKeys } from '../core/pki/key-file.ts';
import type { KeySecrets } from '../core/store/keys.ts';
import type { PostPaths, Settings } from '../core/store/post-folder.ts';
import { type CommonOptions, messageLanguage } from './outcome.ts';
import { say } from './words.ts';

/** A secret of a kind: where it may be named, and what is said where it is not there. */
interface Kind {
  readonly what: string;
  readonly missing: ErrorCode;
  readonly fd: 'passphraseFd' | 'pinFd' | 'keyPassphraseFd';
  readonly file: 'passphraseFile' | 'pinFile' | 'keyPassphraseFile';
  readonly environment: () => string | undefined;
}

const passphrases: Kind = {
  what: 'passphrase',
  missing: 'PASSPHRASE_MISSING',
  fd: 'passphraseFd',
  file: 'passphraseFile',
  environment: () => process.env.CONSUL_PASSPHRASE_FILE,
};
/** Of the own key of an agent. */
const agentPassphrases: Kind = {
  what: 'passphrase',
  missing: 'PASSPHRASE_MISSING',
  fd: 'keyPassphraseFd',
  file: 'keyPassphraseFile',
  environment: () => undefined,
};
const pins: Kind = {
  what: 'PIN',
  missing: 'PIN_MISSING',
  fd: 'pinFd',
  file: 'pinFile',
  environment: () => process.env.CONSUL_PIN_FILE,
};

function firstLine({ what, missing }: Kind, source: string | number, shown: string): string {
  let text: string;
  try {
    text = readFileSync(source, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new ConsulError('FILE_UNREADABLE', `cannot read the ${what} from ${shown} (${code})`, { cause });
  }
  const line = text.split(/\r?\n/, 1)[0] ?? '';
  if (line === '') throw new ConsulError(missing, `${shown} holds no ${what} in its first line`);
  return line.normalize('NFC');
}

/** From a descriptor or a file named by option or environment; undefined when none is named. */
function named(kind: Kind, options: AgentKeyOptions): string | undefined {
  const fd = options[kind.fd];
  if (fd !== undefined) {
    const descriptor = Number(fd);
    if (!Number.isInteger(descriptor) || descriptor < 0)
      throw new ConsulError(
        'USAGE',
        `the ${kind.what} takes the number of an open file descriptor, not ${fd}`,
      );
    return firstLine(kind, descriptor, `file descriptor ${descriptor}`);
  }
  const file = options[kind.file] ?? kind.environment();
  return file ? firstLine(kind, file, file) : undefined;
}

async function asked({ missing }: Kind, question: string, why: string): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new ConsulError(missing, why);
  const { default: inquirer } = await import('inquirer');
  const { answer } = await inquirer.prompt([
    { type: 'password', name: 'answer', message: question, mask: '*' },
  ]);
  return String(answer).normalize('NFC');
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The passphrase that was named by option or environment, where one was. */
export function namedPassphrase(options: CommonOptions): Uint8Array | undefined {
  const text = named(passphrases, options);
  return text === undefined ? undefined : bytes(text);
}

/** Of a passphrase that a person chooses. */
export const fewestCharacters = 12;

export interface AgentKeyOptions extends CommonOptions {
  keyPassphraseFile?: string;
  keyPassphraseFd?: string;
}

export const withAgentKeyOptions = (command: Command): Command =>
  command
    .option('--key-passphrase-file <file>', "file whose first line is the passphrase of the agent's own key")
    .option('--key-passphrase-fd <number>', 'open file descriptor to read it from');

/** What opens an agent's own key: its passphrase, or the PIN of the token that it is in. */
export const agentSecrets = (options: AgentKeyOptions): KeySecrets => ({
  fileKey: async (derivation) => {
    const question = say(messageLanguage(options), 'agent.askPassphrase');
    const why = 'the key of the agent is encrypted and no passphrase was given';
    const text = named(agentPassphrases, options) ?? (await asked(agentPassphrases, question, why));
    return passphraseKeys(bytes(text))(derivation);
  },
  pin: (token) => tokenPin(token, options),
});

/** A passphrase for an agent's own key that is made: asked twice. @throws ConsulError USAGE for one that is too short */
export async function newAgentPassphrase(options: AgentKeyOptions): Promise<Uint8Array> {
  const language = messageLanguage(options);
  const why = 'the key of the agent needs a passphrase of its own (--key-passphrase-file)';
  let chosen = named(agentPassphrases, options);
  if (chosen === undefined) {
    chosen = await asked(agentPassphrases, say(language, 'agent.askPassphrase'), why);
    if ((await asked(agentPassphrases, say(language, 'init.askAgain'), why)) !== chosen)
      throw new ConsulError('USAGE', 'the two passphrases differ: run the command again');
  }
  if ([...chosen].length < fewestCharacters)
    throw new ConsulError('USAGE', `a passphrase has at least ${fewestCharacters} characters`);
  return bytes(chosen);
}

/** The PIN of a token: named, else asked for on a terminal. */
export async function tokenPin(token: string, options: CommonOptions): Promise<string> {
  return (
    named(pins, options) ??
    asked(
      pins,
      say(messageLanguage(options), 'pin.ask', { token }),
      `the token ${token} needs its PIN and none was given`,
    )
  );
}

/**
 * What opens the keys of a post: named, else from the files that post.toml names, else asked for on a terminal; each
 * when the first key needs it, one question at a time.
 */
export function keySecrets(
  { paths, settings }: { readonly paths: PostPaths; readonly settings: Settings },
  options: CommonOptions,
): KeySecrets {
  let before: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(ask: () => Promise<T>): Promise<T> => {
    const answer = before.then(ask, ask);
    before = answer;
    return answer;
  };
  const keptIn = settings.paths.passphrase && join(paths.home, settings.paths.passphrase);
  const passphrase = async (): Promise<Uint8Array> =>
    bytes(
      named(passphrases, options) ??
        (keptIn ? firstLine(passphrases, keptIn, keptIn) : undefined) ??
        (await asked(
          passphrases,
          say(messageLanguage(options), 'passphrase.ask'),
          'the keys of the post are encrypted and no passphrase was given',
        )),
    );
  let opened: Promise<KeySecrets['fileKey']> | undefined;
  const known = new Map<string, Promise<string>>();
  return {
    fileKey: async (derivation) => {
      opened ??= inTurn(passphrase).then(passphraseKeys);
      return (await opened)(derivation);
    },
    pin: (token) => {
      const pin = known.get(token) ?? inTurn(() => tokenPin(token, options));
      known.set(token, pin);
      return pin;
    },
  };
}
