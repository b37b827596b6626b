import { ConsulError } from '../errors.ts';
import { checkCommon, checkProcedure, type ProcedureSources, procedureFiles } from './check.ts';
import type { Definition } from './definition.ts';
import { pointerOf } from './form.ts';
import { type Procedure, prepareProcedure } from './procedure.ts';
import { type Problem, readSource } from './source.ts';

/** The procedures of a post, by their identifiers. */
export type Procedures = ReadonlyMap<string, Procedure>;

const commonFile = 'common.yaml';

/**
 * Reads and checks every procedure among the files.
 *
 * @param files texts by path: `common.yaml`, and for each procedure `<id>/procedure.yaml`, `form.yaml`, `rules.yaml` and
 *   `document.yaml`
 * @throws ConsulError PROCEDURE_INVALID with every problem: `where` is file:line:column, `label` the JSON pointer in it
 */
export function loadProcedures(files: ReadonlyMap<string, string>): Procedures {
  return new Map([...readDefinitions(files)].map(([id, definition]) => [id, prepareProcedure(definition)]));
}

/** The same as plain data, for a copy that need not be checked again. */
export function readDefinitions(files: ReadonlyMap<string, string>): ReadonlyMap<string, Definition> {
  const problems: Problem[] = [];
  const source = (path: string) => {
    const text = files.get(path);
    if (text === undefined) {
      const missing = { file: path, value: undefined, position: () => '1:1' };
      problems.push({ source: missing, path: [], reason: 'the file is missing' });
      return undefined;
    }
    const read = readSource(path, text);
    problems.push(...read.problems);
    return read.problems.length > 0 ? undefined : read.source;
  };

  const definitions = new Map<string, Definition>();
  const commonSource = source(commonFile);
  const checked = commonSource && checkCommon(commonSource);
  problems.push(...(checked?.problems ?? []));
  const ids = new Set([...files.keys()].flatMap((path) => /^([^/]+)\/[^/]+\.yaml$/.exec(path)?.[1] ?? []));
  for (const id of [...ids].sort()) {
    const sources = procedureFiles.map((name) => [name, source(`${id}/${name}.yaml`)] as const);
    if (!commonSource || !checked?.common || sources.some(([, one]) => one === undefined)) continue;
    const result = checkProcedure(id, Object.fromEntries(sources) as ProcedureSources, {
      source: commonSource,
      definition: checked.common,
    });
    problems.push(...result.problems);
    if (result.definition) definitions.set(id, result.definition);
  }
  if (problems.length > 0) throw invalid(problems);
  return definitions;
}

function invalid(problems: readonly Problem[]): ConsulError {
  const details = new Map(
    problems.map(({ source, path, reason }) => {
      const where = `${source.file}:${source.position(path)}`;
      const label = pointerOf(path);
      return [`${where} ${label} ${reason}`, { where, label, message: reason }];
    }),
  );
  const [first = ''] = details.keys();
  const more = details.size > 1 ? ` (and ${details.size - 1} more)` : '';
  return new ConsulError('PROCEDURE_INVALID', `${first}${more}`, { details: [...details.values()] });
}
