import { Command, CommanderError, Option } from 'commander';
import { exitStatus, reportFailure } from './outcome.ts';

/** The options that every command takes. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--home <folder>', "the post's folder (else CONSUL_HOME, else the XDG data folder)")
    .option('--json', 'print one JSON document on standard output')
    .option('--quiet', 'print only what was asked for')
    .addOption(new Option('--lang <language>', 'language of messages').choices(['fr', 'en']))
    .option('--debug', 'show the stack trace of an error');
}

export function withKeyOptions(command: Command): Command {
  return withCommonOptions(command)
    .option('--agent <name>', 'who acts (else CONSUL_AGENT, else the login name)')
    .option('--passphrase-file <file>', "file whose first line is the passphrase of the post's keys")
    .option('--passphrase-fd <number>', 'open file descriptor to read the passphrase from')
    .option('--pin-file <file>', 'file whose first line is the PIN of the token that holds the keys')
    .option('--pin-fd <number>', 'open file descriptor to read the PIN from');
}

/** Errors of the parser are told by `run` like any other; sub-commands inherit this. */
export function newCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ helpWidth: Math.min(process.stdout.columns ?? 100, 120) });
}

/** Help was printed: asked for, or because no sub-command was named. */
const helpCodes = new Set(['commander.helpDisplayed', 'commander.help', 'commander.version']);

/** Runs a command on the arguments after its name; every failure ends here. */
export async function run(command: Command, argv: readonly string[]): Promise<void> {
  try {
    await command.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && helpCodes.has(error.code))
      process.exitCode = error.exitCode === 0 ? exitStatus.passed : exitStatus.usage;
    else reportFailure(error, argv);
  }
}
