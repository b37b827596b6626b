#!/usr/bin/env node
/** The `consul` command: loads the command that was named and runs it. */
interface CommandModule {
  main(argv: readonly string[]): Promise<void>;
}

/** What each command does, and how it is loaded: only the one that was named. */
const commands: Readonly<Record<string, readonly [what: string, load: () => Promise<CommandModule>]>> = {
  init: ['create a consular post: keys, certificates, database', () => import('./init.ts')],
  procedures: ['list, show and check the procedures', () => import('./procedures.ts')],
  request: ['submit, list, show, assign, ask, decide requests', () => import('./request.ts')],
  issue: ['issue the document of an accepted request, or of many', () => import('./issue.ts')],
  verify: ['verify documents, seals and scans, offline', () => import('./verify.ts')],
  trust: ['export and show the trust bundle', () => import('./trust.ts')],
  log: ['prove, verify and show the transparency log', () => import('./log.ts')],
  audit: ['verify the audit journal, the register and the log', () => import('./audit.ts')],
  timestamp: ['ask a time-stamp authority, check its answer', () => import('./timestamp.ts')],
  serve: ['serve the time-stamp authority', () => import('./serve.ts')],
  explain: ['explain an error code', () => import('./explain.ts')],
};

const optionsWithValue = new Set(['--home', '--lang', '--agent', '--passphrase-file', '--passphrase-fd']);

function usage(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;
  const lines = Object.entries(commands).map(([name, [what]]) => `  ${name.padEnd(width)}${what}`);
  return [
    'Usage: consul [options] <command> …',
    '',
    ...lines,
    '',
    'Run consul <command> --help for its arguments. Options: --home FOLDER, --json, --quiet, --lang fr|en, --debug',
    '',
  ].join('\n');
}

async function main(argv: readonly string[]): Promise<void> {
  let at = 0;
  while (at < argv.length && argv[at]?.startsWith('-'))
    at += optionsWithValue.has(argv[at] as string) ? 2 : 1;
  const name = argv[at];
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command) {
    const { main: run } = await command[1]();
    await run([...argv.slice(0, at), ...argv.slice(at + 1)]);
  } else if (name === undefined && (argv.includes('--version') || argv.includes('-V'))) {
    process.stdout.write(`${process.env.CONSUL_VERSION}\n`);
  } else if (name === undefined && (argv.includes('--help') || argv.includes('-h'))) {
    process.stdout.write(usage());
  } else {
    if (name !== undefined)
      process.stderr.write(`consul: there is no command ${JSON.stringify(name)} [USAGE]\n`);
    process.stderr.write(usage());
    process.exitCode = 2;
  }
}

await main(process.argv.slice(2));
