import { ConsulError, type ErrorCode, errorCodes } from '../core/errors.ts';
import { type CommonOptions, printJson } from './outcome.ts';
import { newCommand, run, withCommonOptions } from './program.ts';

const isCode = (name: string): name is ErrorCode => Object.hasOwn(errorCodes, name);

function explain(name: string | undefined, options: CommonOptions): void {
  if (name === undefined) {
    if (options.json) printJson(errorCodes);
    else
      for (const [code, advice] of Object.entries(errorCodes)) process.stdout.write(`${code}: ${advice}\n`);
    return;
  }
  const code = name.toUpperCase();
  if (!isCode(code))
    throw new ConsulError('USAGE', `there is no error code ${name}; without a code all are listed`);
  if (options.json) printJson({ code, advice: errorCodes[code] });
  else process.stdout.write(`${code}: ${errorCodes[code]}\n`);
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = withCommonOptions(newCommand('consul explain', 'Explains an error code, or lists all'))
    .argument('[code]', 'for example REQUEST_WRONG_STATE')
    .action(explain);
  await run(command, argv);
}
