import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { vectorsFolder } from '../vectors.ts';
import type { CertificateProfile } from './conformance.ts';
import exceptions from './suite-exceptions.json' with { type: 'json' };
import { type PkitsCase, type PkitsData, pkitsReach, runPkitsCase, type SuiteOutcome } from './suites.ts';

const folder = vectorsFolder();
const time = new Date('2026-11-01T00:00:00Z');

describe.skipIf(!folder)('NIST PKITS', () => {
  const read = (file: string) => JSON.parse(readFileSync(`${folder}/suites/pkits/${file}`, 'utf8'));

  async function run(profile: CertificateProfile): Promise<readonly SuiteOutcome[]> {
    const data: PkitsData = read('pkits-data.json');
    const outcomes: SuiteOutcome[] = [];
    for (const pkits of pkitsReach(read('cases.json') as PkitsCase[], data))
      outcomes.push(await runPkitsCase(pkits, data, { time, profile }, nodeBackend));
    return outcomes;
  }

  test('the profile of RFC 5280 refuses each of the 132 settings that must fail', async () => {
    const outcomes = await run('rfc5280');
    expect(outcomes).toHaveLength(242);
    const mustFail = outcomes.filter(({ mustPass }) => !mustPass);
    expect(mustFail).toHaveLength(132);
    expect(mustFail.filter(({ passed }) => passed)).toEqual([]);
    // What else it refuses is only the policy constraints that RFC 3280, the text of the suite, let stand uncritical.
    const refused = outcomes.filter(
      ({ mustPass, passed, name }) => mustPass && !passed && !(name in exceptions.pkits),
    );
    expect(
      refused.filter(({ why }) => !why.includes('the policy constraints extension is not critical')),
    ).toEqual([]);
  });

  test('the profile of RFC 3280 gives each setting its expected result, the named exceptions aside', async () => {
    const outcomes = await run('rfc3280');
    const wrong = outcomes.filter(({ mustPass, passed }) => mustPass !== passed);
    expect(new Set(wrong.map(({ name }) => name))).toEqual(new Set(Object.keys(exceptions.pkits)));
    expect(wrong.filter(({ mustPass }) => mustPass).length).toBeLessThanOrEqual(10);
  });
});
