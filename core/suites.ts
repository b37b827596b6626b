import { cmsSuites } from './cms/suites.ts';
import { cryptoSuites } from './crypto/suites.ts';
import { logSuites } from './log/suites.ts';
import { pkiSuites } from './pki/suites.ts';
import { foreignSuites } from './seal/foreign/suites.ts';
import { sealSuites } from './seal/suites.ts';
import type { Suite } from './vectors.ts';

/** Every public suite of test vectors that something here answers to. For tests and the conformance command. */
export const publicSuites: readonly Suite[] = [
  ...pkiSuites,
  ...cryptoSuites,
  ...cmsSuites,
  ...logSuites,
  ...sealSuites,
  ...foreignSuites,
];
