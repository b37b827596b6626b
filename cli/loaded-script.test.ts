import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadScript } from './loaded-script.ts';

const folder = mkdtempSync(join(tmpdir(), 'consul-script-'));
const file = join(folder, 'answer.js');
const cache = `${file}.cache`;
const require = createRequire(file);
const answer = (): unknown => (loadScript(file, require).exports as { answer: () => unknown }).answer();
const write = (value: string): void =>
  writeFileSync(file, `exports.answer = () => require('node:path').basename(__filename) + ${value};`);

describe('a script that was compiled before', () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('does what it does without', () => {
    write('1');
    expect(answer()).toBe('answer.js1');
    const loaded = loadScript(file, require);
    loaded.keepCompiled();
    expect(answer()).toBe('answer.js1');
  });

  it('is compiled anew when it is another of the same length', () => {
    write('2');
    expect(answer()).toBe('answer.js2');
  });

  it('is compiled anew when what was kept is damaged in any place', () => {
    loadScript(file, require).keepCompiled();
    const kept = readFileSync(cache);
    for (let at = 0; at < kept.length; at += 7) {
      const damaged = Buffer.from(kept);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      writeFileSync(cache, damaged);
      expect(answer()).toBe('answer.js2');
    }
    writeFileSync(cache, kept.subarray(0, 40));
    expect(answer()).toBe('answer.js2');
    writeFileSync(cache, '');
    expect(answer()).toBe('answer.js2');
  });
});
