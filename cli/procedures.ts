import { procedureIds, readProcedure, readProcedureFolder } from '../core/procedures/folder.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { procedureFolder } from './post.ts';
import { newCommand, run, withCommonOptions } from './program.ts';
import { say } from './words.ts';

interface ProcedureOptions extends CommonOptions {
  folder?: string;
}

async function list(options: ProcedureOptions): Promise<void> {
  const language = messageLanguage(options);
  const procedures = await readProcedureFolder(options.folder ?? procedureFolder);
  const rows = [...procedures.values()].map(({ id, definition }) => ({
    id,
    version: definition.version,
    title: definition.title[language],
  }));
  if (options.json) printJson(rows);
  else
    for (const { id, version, title } of rows)
      process.stdout.write(
        `${id.padEnd(Math.max(...rows.map((row) => row.id.length)))}  v${version}  ${title}\n`,
      );
}

async function show(id: string, options: ProcedureOptions): Promise<void> {
  const { definition } = await readProcedure(options.folder ?? procedureFolder, id);
  const language = messageLanguage(options);
  if (options.json) {
    printJson(definition);
    return;
  }
  const width = Math.max(...definition.pieces.map(({ kind, each }) => kind.length + (each ? 2 : 0)));
  const lines = [
    definition.title[language],
    definition.summary[language],
    '',
    ...definition.pieces.map(
      ({ kind, label, when, each }) =>
        `  ${(each ? `${kind}:N` : kind).padEnd(width)}  ${label[language]}${when || each ? ' *' : ''}`,
    ),
    `  ${say(language, 'procedures.conditional')}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function check(options: ProcedureOptions): Promise<void> {
  const folder = options.folder ?? procedureFolder;
  const procedures = await readProcedureFolder(folder);
  const ids = await procedureIds(folder);
  if (options.json) printJson({ folder, procedures: [...procedures.keys()] });
  else
    process.stdout.write(
      `${say(messageLanguage(options), 'procedures.checked', { folder, count: ids.length })}\n`,
    );
}

export async function main(argv: readonly string[]): Promise<void> {
  const command = newCommand('consul procedures', 'The procedures (démarches) that this installation knows');
  const sub = (name: string, description: string) =>
    withCommonOptions(command.command(name).description(description)).option(
      '--folder <folder>',
      'other definitions',
    );
  sub('list', 'Lists them').action(list);
  sub('show', 'Shows one with its pieces').argument('<id>').action(show);
  sub('check', 'Checks every definition and says what is broken, with file, line and path').action(check);
  await run(command, argv);
}
