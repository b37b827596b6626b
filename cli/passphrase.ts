import { readFileSync } from 'node:fs';
import { ConsulError } from '../core/errors.ts';
import { type CommonOptions, messageLanguage } from './outcome.ts';
import { say } from './words.ts';

function firstLine(source: string | number, shown: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(source, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new ConsulError('FILE_UNREADABLE', `cannot read the passphrase from ${shown} (${code})`, { cause });
  }
  const line = text.split(/\r?\n/, 1)[0] ?? '';
  if (line === '')
    throw new ConsulError('PASSPHRASE_MISSING', `${shown} holds no passphrase in its first line`);
  return new TextEncoder().encode(line.normalize('NFC'));
}

/** The passphrase from a descriptor or a file named by option or environment; undefined when none is named. */
export function namedPassphrase(options: CommonOptions): Uint8Array | undefined {
  if (options.passphraseFd !== undefined) {
    const descriptor = Number(options.passphraseFd);
    if (!Number.isInteger(descriptor) || descriptor < 0)
      throw new ConsulError('USAGE', `--passphrase-fd takes the number of an open file descriptor`);
    return firstLine(descriptor, `file descriptor ${descriptor}`);
  }
  const file = options.passphraseFile ?? process.env.CONSUL_PASSPHRASE_FILE;
  return file ? firstLine(file, file) : undefined;
}

/** The passphrase of a post: named, else from the file that post.toml names, else asked for on a terminal. */
export async function postPassphrase(
  options: CommonOptions,
  keptIn: string | undefined,
): Promise<Uint8Array> {
  const named = namedPassphrase(options) ?? (keptIn ? firstLine(keptIn, keptIn) : undefined);
  if (named) return named;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new ConsulError(
      'PASSPHRASE_MISSING',
      'the keys of the post are encrypted and no passphrase was given',
    );
  const { default: inquirer } = await import('inquirer');
  const { answer } = await inquirer.prompt([
    {
      type: 'password',
      name: 'answer',
      message: say(messageLanguage(options), 'passphrase.ask'),
      mask: '*',
    },
  ]);
  return new TextEncoder().encode(String(answer).normalize('NFC'));
}
