import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { webBackend } from '../crypto/web.ts';
import { vectorsFolder } from '../vectors.ts';
import exceptions from './suite-exceptions.json' with { type: 'json' };
import { type LimboCase, limboReach, runLimboCase, type SuiteOutcome } from './suites.ts';

const folder = vectorsFolder();
const now = new Date('2026-11-01T00:00:00Z');

describe.skipIf(!folder)('x509-limbo', () => {
  const load = (): readonly LimboCase[] =>
    limboReach(JSON.parse(readFileSync(`${folder}/suites/limbo/limbo-regen.json`, 'utf8')).testcases);

  test('each of the 138 cases has its expected result, the named exceptions aside', async () => {
    const outcomes: SuiteOutcome[] = [];
    for (const limbo of load()) outcomes.push(await runLimboCase(limbo, now, nodeBackend));
    expect(outcomes).toHaveLength(138);
    const wrong = outcomes.filter(({ mustPass, passed }) => mustPass !== passed);
    expect(wrong.map(({ name }) => name)).toEqual(Object.keys(exceptions.limbo));
    expect(wrong.filter(({ passed }) => passed)).toEqual([]);
    expect(wrong.length).toBeLessThanOrEqual(8);
  });

  test('no case takes longer than 250 ms of the processor', async () => {
    const slow: string[] = [];
    for (const limbo of load()) {
      let least = Number.POSITIVE_INFINITY;
      for (let attempt = 0; attempt < 3 && least > 250; attempt++) {
        const start = process.cpuUsage();
        await runLimboCase(limbo, now, nodeBackend);
        const { user, system } = process.cpuUsage(start);
        least = Math.min(least, (user + system) / 1000);
      }
      if (least > 250) slow.push(limbo.id);
    }
    expect(slow).toEqual([]);
  });

  test('WebCrypto gives the same results', async () => {
    const web = webBackend(globalThis.crypto);
    for (const limbo of load()) {
      const [a, b] = [await runLimboCase(limbo, now, nodeBackend), await runLimboCase(limbo, now, web)];
      expect([a.name, a.passed, a.why]).toEqual([b.name, b.passed, b.why]);
    }
  });
});
