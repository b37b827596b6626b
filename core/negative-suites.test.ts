import { describe, expect, test } from 'vitest';
import { negativeSuites } from './negative-suites.ts';
import { runSuite } from './vectors.ts';

describe('the negative suite', () => {
  test.each(negativeSuites)('$name: each is refused, and for its reason', async (suite) => {
    const { faults, falseAcceptances } = await runSuite(suite);
    expect(faults).toEqual([]);
    expect(falseAcceptances).toBe(0);
  });

  test('has more than 300 cases, each of another name', async () => {
    for (const { count, cases } of negativeSuites) {
      const names = new Set<string>();
      for await (const { name } of cases()) names.add(name);
      expect(names.size).toBe(count);
      expect(count).toBeGreaterThan(300);
    }
  });
});
