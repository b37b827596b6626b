import { Option } from 'commander';
import { answer, ask, assign, review, withdraw } from './acts.ts';
import { newCommand, run, withKeyOptions } from './program.ts';
import { add, piece } from './request-pieces.ts';
import { list, show } from './request-shown.ts';
import { withAgentKeyOptions } from './secrets.ts';
import { receipt, submit } from './submit.ts';

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

export async function main(argv: readonly string[]): Promise<void> {
  const command = newCommand('consul request', 'Requests (demandes) and what agents do with them');
  const sub = (name: string, description: string) =>
    withKeyOptions(command.command(name).description(description));
  sub('submit', 'Takes a request, checks it, and returns a signed, time-stamped receipt')
    .argument('<procedure>', 'identifier, see consul procedures list')
    .requiredOption('--data <file>', 'JSON data of the form; - for standard input')
    .option('--piece <name=file>', 'a piece (pièce justificative); may be repeated', collect)
    .addOption(new Option('--language <language>', 'language of the document').choices(['fr', 'en']))
    .option('--key <key>', 'idempotency key: a retry with the same key does not make a second request')
    .action(submit);
  sub('list', 'Lists requests, the newest first')
    .option('--state <state>', 'only in this state; may be repeated', collect)
    .option('--procedure <id>', 'only of this procedure')
    .option('--assigned <agent>', 'only those of this agent')
    .option('--limit <number>', 'at most so many', '100')
    .action(list);
  sub('show', 'Shows a request with its pieces and its timeline').argument('<reference>').action(show);
  sub('assign', 'Gives a request to an agent')
    .argument('<reference>')
    .option('--to <agent>', 'the agent (else who acts)')
    .action(assign);
  sub('ask', 'Asks the citizen for an answer or for pieces; the clock stops')
    .argument('<reference>')
    .requiredOption('--message <text>', 'what is asked, in words for the citizen')
    .option('--piece <name>', 'a piece that is asked for; may be repeated', collect)
    .action(ask);
  sub('answer', 'Takes the answer of the citizen')
    .argument('<reference>')
    .requiredOption('--message <text>', 'the answer')
    .action(answer);
  sub('add', 'Takes pieces that the citizen brings later')
    .argument('<reference>')
    .requiredOption('--piece <name=file>', 'a piece; may be repeated', collect)
    .action(add);
  sub('review', 'Accepts or refuses pieces by their numbers')
    .argument('<reference>')
    .option('--accept <number>', 'may be repeated', collect)
    .option('--refuse <number>', 'may be repeated', collect)
    .option('--reason <text>', 'why pieces are refused')
    .action(review);
  sub('piece', 'Writes a stored piece, decrypted, to a file')
    .argument('<reference>')
    .argument('<number>')
    .requiredOption('--out <file>', 'where to write it (mode 0600)')
    .action(piece);
  withAgentKeyOptions(sub('decide', 'Accepts or refuses a request; signs the decision with --key'))
    .argument('<reference>')
    .option('--accept', 'accept it: its document may be issued')
    .option('--refuse', 'refuse it, with a reason, a ground and the way to contest')
    .option('--reason <text>', 'why')
    .option('--ground <text>', 'the rule or text that a refusal stands on')
    .option('--contest <text>', 'where and until when a refusal can be contested')
    .option(
      '--key <file>',
      "sign the decision with the agent's own key: a file, or the URI of one in a token (consul pki issue agent)",
    )
    .action(async (reference, options) => (await import('./decide.ts')).decide(reference, options));
  sub('withdraw', 'Withdraws a request for the citizen')
    .argument('<reference>')
    .option('--reason <text>', 'why')
    .action(withdraw);
  sub('receipt', 'Gives the receipt of a request, issuing it where it is still missing')
    .argument('<reference>')
    .action(receipt);
  await run(command, argv);
}
