/**
 * npm run conformance: every public suite of test vectors, the negative suite of our own and 5,000 files changed at
 * random, one line each. Ends with status 0 only where every case came out as its suite says, the exceptions that are
 * named in the code aside; 2 where the vectors are not there.
 */
import { spawnSync } from 'node:child_process';
import { negativeSuites } from '../core/negative-suites.ts';
import { publicSuites } from '../core/suites.ts';
import { runSuite, type Suite, vectorsFolder, vectorsPath } from '../core/vectors.ts';
import { differentialSuites } from '../core/verify/differential-suites.ts';

async function tell(suite: Suite): Promise<void> {
  const { name, right, total, falseAcceptances, exceptions, counted, faults } = await runSuite(suite);
  const more = suite.counted ? `, ${suite.counted} ${counted}` : '';
  console.log(
    `${name} ${right}/${total}, false acceptances ${falseAcceptances}, exceptions ${exceptions}${more}`,
  );
  for (const fault of faults) console.log(`  ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

async function main(): Promise<void> {
  if (!vectorsFolder()) {
    console.error(
      `the public test vectors are not there: ${vectorsPath()} does not exist; set CONSUL_VECTORS to their folder`,
    );
    process.exitCode = 2;
    return;
  }
  for (const suite of [...publicSuites, ...negativeSuites]) await tell(suite);
  for (const suite of differentialSuites(1)) {
    if (spawnSync(suite.judge, ['-v']).error) {
      console.log(`${suite.name}: not run, for ${suite.judge} is not installed`);
      process.exitCode = 1;
    } else await tell(suite);
  }
}

await main();
