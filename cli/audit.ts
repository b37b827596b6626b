import { auditPost } from '../core/issuance/audit.ts';
import { anchorPaths, postHome, postPaths, readSettings } from '../core/store/post-folder.ts';
import { openStore } from '../core/store/store.ts';
import { type CommonOptions, exitStatus, newCommand, printJson, run, withCommonOptions } from './program.ts';

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
        process.stdout.write(`✘ ${part} ${where}: ${message}\n`);
      process.stdout.write(
        `${report.faults.length === 0 ? '✔ intact' : `✘ ${report.faults.length} faults`}: ${report.journal.entries} journal entries, ${report.documents} documents (${report.unfinished} unfinished), ${report.logSize} log entries\n`,
      );
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
