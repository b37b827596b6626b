import { describe, expect, test } from 'vitest';
import { publicSuites } from './suites.ts';
import { runSuite, vectorsFolder } from './vectors.ts';

describe.skipIf(!vectorsFolder())('the public suite', () => {
  test.each(publicSuites)('$name comes out as it says, the named exceptions aside', async (suite) => {
    const { faults, falseAcceptances } = await runSuite(suite);
    expect(faults).toEqual([]);
    expect(falseAcceptances).toBe(0);
  });
});
