import { auditPost } from '../core/issuance/audit.ts';
import { anchorPaths, postHome, postPaths, readSettings } from '../core/store/post-folder.ts';
import { openStore } from '../core/store/store.ts';
import { green, red } from './colour.ts';
import { type CommonOptions, exitStatus, messageLanguage, printJson } from './outcome.ts';
import { newCommand, run, withCommonOptions } from './program.ts';
import { say } from './words.ts';

async function verify(options: CommonOptions): Promise<void> {
  const home = postHome(options.home, process.env);
  const settings = await readSettings(home);
  const paths = postPaths(home);
  // What is broken is what is looked for: the database is opened even where its head is not the one kept outside.
  const store = await openStore(paths.database, { anchor: anchorPaths(home, settings).journal, audit: true });
  try {
    const report = await auditPost({ paths, settings, store, close: () => store.close() });
    if (options.json)
      printJson({
        intact: report.faults.length === 0,
        ...report,
        journal: { entries: report.journal.entries },
      });
    else {
      for (const { part, where, message } of report.faults)
        process.stdout.write(`${red('✘')} ${part} ${where}: ${message}\n`);
      const language = messageLanguage(options);
      const { documents, unfinished, logSize, journal } = report;
      const count = report.faults.length;
      const text = say(language, 'audit.counts', {
        mark: count === 0 ? green('✔') : red('✘'),
        verdict: count === 0 ? say(language, 'audit.intact') : say(language, 'audit.faults', { count }),
        entries: journal.entries,
        documents,
        unfinished,
        logSize,
      });
      process.stdout.write(`${text}\n`);
    }
    process.exitCode = report.faults.length === 0 ? exitStatus.passed : exitStatus.failed;
  } finally {
    await store.close();
  }
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = newCommand('consul audit', 'Proves that nothing was altered, removed or reordered');
  withCommonOptions(
    command.command('verify').description('Checks the journal, the register with its files, and the log'),
  ).action(verify);
  await run(command, argv);
}
