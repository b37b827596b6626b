import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { proceduresFolder } from '../../fixtures/procedures.ts';
import { procedureIds, readProcedure, readProcedureFolder } from './folder.ts';

let home = '';
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'consul-procedures-'));
  cpSync(proceduresFolder, join(home, 'procedures'), { recursive: true });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const folder = () => join(home, 'procedures');
const checked = () => ({ folder: join(home, 'checked'), version: '1' });
const kept = () => readdirSync(checked().folder);

describe('procedures in a folder', () => {
  it('are read all or one', async () => {
    expect(await procedureIds(folder())).toEqual(['hebergement', 'laissez-passer', 'prise-en-charge']);
    expect([...(await readProcedureFolder(folder())).keys()]).toEqual([
      'hebergement',
      'laissez-passer',
      'prise-en-charge',
    ]);
    expect((await readProcedure(folder(), 'hebergement')).id).toBe('hebergement');
  });

  it('are told apart from what is not there', async () => {
    await expect(readProcedure(folder(), 'passeport')).rejects.toMatchObject({
      code: 'PROCEDURE_UNKNOWN',
      message: 'no procedure "passeport"; there are hebergement, laissez-passer, prise-en-charge',
    });
    await expect(readProcedure(folder(), '../procedures/hebergement')).rejects.toMatchObject({
      code: 'PROCEDURE_UNKNOWN',
    });
    await expect(readProcedureFolder(join(home, 'nowhere'))).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
  });

  it('are checked once for each version of their texts', async () => {
    const first = await readProcedure(folder(), 'hebergement', { checked: checked() });
    expect(kept()).toHaveLength(1);
    const again = await readProcedure(folder(), 'hebergement', { checked: checked() });
    expect(again.definition).toEqual(first.definition);

    const file = join(folder(), 'hebergement/procedure.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('standard: 20 }', 'standard: 18 }'));
    const changed = await readProcedure(folder(), 'hebergement', { checked: checked() });
    expect(changed.definition.fee.amounts.EUR).toEqual({ 'close-family': 0, standard: 18 });
    expect(kept()).toHaveLength(2);

    writeFileSync(file, text.replace('prefix: AH', 'prefix: ah'));
    await expect(readProcedure(folder(), 'hebergement', { checked: checked() })).rejects.toMatchObject({
      code: 'PROCEDURE_INVALID',
    });
    expect(kept()).toHaveLength(2);
    writeFileSync(file, text);
  });

  it('are checked again where the kept copy was cut off', async () => {
    await readProcedure(folder(), 'prise-en-charge', { checked: checked() });
    const copy = join(checked().folder, kept().find((name) => name.startsWith('prise')) ?? '');
    writeFileSync(copy, readFileSync(copy, 'utf8').slice(0, 500));
    const { definition } = await readProcedure(folder(), 'prise-en-charge', { checked: checked() });
    expect(definition.prefix).toBe('PC');
    expect(JSON.parse(readFileSync(copy, 'utf8')).prefix).toBe('PC');
  });

  it('name every file that is missing', async () => {
    const path = join(home, 'half');
    cpSync(join(folder(), 'hebergement'), join(path, 'hebergement'), { recursive: true });
    rmSync(join(path, 'hebergement/rules.yaml'));
    await expect(readProcedureFolder(path)).rejects.toMatchObject({
      details: [{ where: 'common.yaml:1:1' }, { where: 'hebergement/rules.yaml:1:1' }],
    });
  });
});
