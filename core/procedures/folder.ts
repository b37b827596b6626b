import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsulError } from '../errors.ts';
import type { Definition } from './definition.ts';
import type { Procedures } from './load.ts';
import { type Procedure, prepareProcedure } from './procedure.ts';

const files = ['procedure.yaml', 'form.yaml', 'rules.yaml', 'document.yaml'];
const commonFile = 'common.yaml';

/** The identifiers of the procedures in a folder (`templates/procedures`), sorted. */
export async function procedureIds(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new ConsulError('FILE_UNREADABLE', `cannot read the folder of procedures ${folder}`, { cause });
  });
  return entries
    .filter((entry) => entry.isDirectory() && isId(entry.name))
    .map(({ name }) => name)
    .sort();
}

const isId = (name: string): boolean => /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length <= 60;

/** Reads and checks every procedure of a folder. @throws ConsulError PROCEDURE_INVALID, FILE_UNREADABLE */
export async function readProcedureFolder(folder: string): Promise<Procedures> {
  const ids = await procedureIds(folder);
  const texts = await Promise.all(ids.map((id) => textsOf(folder, id)));
  const { loadProcedures } = await import('./load.ts');
  return loadProcedures(new Map(texts.flatMap((one) => [...one])));
}

/**
 * Reads one procedure.
 *
 * @param options.checked a folder in which definitions that were found right are kept as JSON, by the SHA-256 of their
 *   texts and of the program's version: reading YAML and checking it is then done once, not at each start
 * @throws ConsulError PROCEDURE_UNKNOWN, PROCEDURE_INVALID, FILE_UNREADABLE
 */
export async function readProcedure(
  folder: string,
  id: string,
  options: { readonly checked?: { readonly folder: string; readonly version: string } } = {},
): Promise<Procedure> {
  const ids = await procedureIds(folder);
  if (!ids.includes(id)) {
    throw new ConsulError(
      'PROCEDURE_UNKNOWN',
      `no procedure "${id.slice(0, 60)}"; there are ${ids.join(', ')}`,
    );
  }
  const texts = await textsOf(folder, id);
  const { checked } = options;
  const kept = checked && join(checked.folder, `${id}-${digestOf(texts, checked.version)}.json`);
  const known = kept && (await readKept(kept));
  if (known) return prepareProcedure(known);
  const { readDefinitions } = await import('./load.ts');
  const definition = readDefinitions(texts).get(id);
  if (!definition) throw new ConsulError('PROCEDURE_UNKNOWN', `no procedure "${id}" in ${folder}`);
  if (kept) await keep(kept, definition);
  return prepareProcedure(definition);
}

async function textsOf(folder: string, id: string): Promise<Map<string, string>> {
  const paths = [commonFile, ...files.map((file) => `${id}/${file}`)];
  const texts = await Promise.all(paths.map((path) => readText(join(folder, path))));
  return new Map(paths.flatMap((path, i) => (texts[i] === undefined ? [] : [[path, texts[i]]])));
}

/** @returns undefined for a file that does not exist, which is then reported with the others that are missing */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ENOENT') return undefined;
    throw new ConsulError('FILE_UNREADABLE', `cannot read ${path}`, { cause });
  }
}

function digestOf(texts: ReadonlyMap<string, string>, version: string): string {
  const hash = createHash('sha256').update(version);
  for (const [path, text] of texts) hash.update(`\0${path}\0${text.length}\0${text}`);
  return hash.digest('hex').slice(0, 32);
}

async function readKept(path: string): Promise<Definition | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Definition;
  } catch (cause) {
    // Cut off by a power failure: made again from the texts.
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

/** A copy saves time only: where the folder cannot be written, the next start checks again. */
async function keep(path: string, definition: Definition): Promise<void> {
  const unfinished = `${path}.${process.pid}`;
  try {
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
    await writeFile(unfinished, JSON.stringify(definition), { mode: 0o600 });
    await rename(unfinished, path);
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (!['EACCES', 'EROFS', 'ENOSPC', 'EDQUOT', 'EPERM'].includes(code ?? '')) throw cause;
  }
}
