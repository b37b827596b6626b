/** The commands: loads the one that was named and runs it. */
import { ConsulError } from '../core/errors.ts';
import { guardOutput, guardProcess, reportFailure } from './outcome.ts';

interface CommandModule {
  main(argv: readonly string[]): Promise<void>;
}

/** What each command does, and how it is loaded: only the one that was named. */
const commands: Readonly<Record<string, readonly [what: string, load: () => Promise<CommandModule>]>> = {
  init: ['create a consular post: keys, certificates, database', () => import('./init.ts')],
  procedures: ['list, show and check the procedures', () => import('./procedures.ts')],
  request: ['submit, list, show, assign, ask, decide requests', () => import('./request.ts')],
  issue: ['issue the document of an accepted request, or of many', () => import('./issue.ts')],
  sign: ['add the signature of one more person to a document', () => import('./sign.ts')],
  extend: ['make signatures last: raise their level, renew their time-stamps', () => import('./extend.ts')],
  revoke: ['end the force of a document, for good', () => import('./revoke.ts')],
  status: ['publish the status list: which documents are revoked', () => import('./status.ts')],
  verify: ['verify documents, seals and scans, offline', () => import('./verify.ts')],
  disclose: ['show chosen private fields of a document, and prove them', () => import('./disclose.ts')],
  trust: ['export, show, renew and update the trust bundle', () => import('./trust.ts')],
  pki: ['issue, rotate, revoke and publish certificates', () => import('./pki.ts')],
  log: ['prove, verify and show the transparency log', () => import('./log.ts')],
  audit: ['verify the audit journal, the register and the log', () => import('./audit.ts')],
  timestamp: ['ask a time-stamp authority, check its answer', () => import('./timestamp.ts')],
  publish: ['copy what is for the world into a folder for a web server', () => import('./publish.ts')],
  serve: ['serve time-stamps or OCSP answers over HTTP', () => import('./serve.ts')],
  explain: ['explain an error code', () => import('./explain.ts')],
};

const optionsWithValue = new Set([
  '--home',
  '--lang',
  '--agent',
  '--passphrase-file',
  '--passphrase-fd',
  '--pin-file',
  '--pin-fd',
]);
const optionsAlone = new Set(['--json', '--quiet', '--debug']);

function usage(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;
  const lines = Object.entries(commands).map(([name, [what]]) => `  ${name.padEnd(width)}${what}`);
  return [
    'Usage: consul [options] <command> …',
    '',
    ...lines,
    '',
    'Run consul <command> --help for its arguments.',
    'Options: --home FOLDER, --json, --quiet, --lang fr|en, --debug, --version',
    '',
  ].join('\n');
}

/** The common options that stand first, and what comes after them. */
function commonFirst(argv: readonly string[]): [common: readonly string[], rest: readonly string[]] {
  let at = 0;
  for (let word = argv[at]; word !== undefined; word = argv[at]) {
    if (optionsWithValue.has(word)) at += 2;
    else if (optionsAlone.has(word) || optionsWithValue.has(word.split('=', 1)[0] ?? '')) at++;
    else break;
  }
  return [argv.slice(0, at), argv.slice(at)];
}

/** Common options may stand before the command, before its sub-command and after both: they are moved behind both. */
function moved(common: readonly string[], argv: readonly string[]): readonly string[] {
  const operands = argv.indexOf('--');
  const end = operands === -1 ? argv.length : operands;
  return [...argv.slice(0, end), ...common, ...argv.slice(end)];
}

async function main(argv: readonly string[]): Promise<void> {
  const [before, [name, ...after]] = commonFirst(argv);
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command) {
    const [between, rest] = commonFirst(after);
    const { main: run } = await command[1]();
    await run(moved([...before, ...between], rest));
  } else if (name === '--version' || name === '-V') {
    process.stdout.write(`${process.env.CONSUL_VERSION}\n`);
  } else if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usage());
  } else if (name === undefined) {
    process.stderr.write(usage());
    process.exitCode = 2;
  } else {
    const unknown = `there is no ${name.startsWith('-') ? 'option' : 'command'} ${JSON.stringify(name)}`;
    const message = name.startsWith('-')
      ? unknown
      : `${unknown}; there are ${Object.keys(commands).join(', ')}`;
    reportFailure(new ConsulError('USAGE', message), process.argv.slice(2));
  }
}

guardProcess();
guardOutput();
await main(process.argv.slice(2));
