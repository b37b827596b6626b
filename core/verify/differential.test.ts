import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { runSuite } from '../vectors.ts';
import { differentialSuites } from './differential-suites.ts';

const isMissing = (program: string): boolean => spawnSync(program, ['-v']).error !== undefined;

/** A tenth of the 5,000 that the conformance command makes. */
describe.each(differentialSuites(0.1))('$name', (suite) => {
  test.skipIf(isMissing(suite.judge))('nothing is accepted here that the judge refuses', async () => {
    const { faults, falseAcceptances } = await runSuite(suite);
    expect(faults).toEqual([]);
    expect(falseAcceptances).toBe(0);
  });
});
