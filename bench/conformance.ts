/**
 * npm run conformance: every public suite of test vectors and the negative suite of our own, one line each. Ends with
 * status 0 only where every case came out as its suite says, the exceptions that are named in the code aside; 2 where
 * the vectors are not there.
 */
import { negativeSuites } from '../core/negative-suites.ts';
import { publicSuites } from '../core/suites.ts';
import { runSuite, type SuiteResult, vectorsFolder, vectorsPath } from '../core/vectors.ts';

function tell({ name, right, total, falseAcceptances, exceptions, faults }: SuiteResult): void {
  console.log(`${name} ${right}/${total}, false acceptances ${falseAcceptances}, exceptions ${exceptions}`);
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
  for (const suite of [...publicSuites, ...negativeSuites]) tell(await runSuite(suite));
}

await main();
