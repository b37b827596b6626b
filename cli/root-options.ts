import type { Command } from 'commander';
import type { CommonOptions } from './outcome.ts';
import { withKeyOptions } from './program.ts';

/** Options of the acts that need the key of the root. */
export interface RootOptions extends CommonOptions {
  rootKey?: string;
  rootPassphraseFile?: string;
  witness?: string[];
  place?: string;
}

export const withRootOptions = (command: Command): Command =>
  withKeyOptions(command)
    .option(
      '--root-key <file>',
      'the private key of the root, brought from its safe place: a file, or the URI of one in a token',
    )
    .option('--root-passphrase-file <file>', "its passphrase, where it is another than the post's")
    .option('--witness <name...>', 'who was there, for the record')
    .option('--place <text>', 'where it was done, for the record');
