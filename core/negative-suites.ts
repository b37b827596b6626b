import { brokenCms } from './cms/broken.fixture.ts';
import { backends } from './crypto/suites.ts';
import { brokenCrls } from './pki/crl-broken.fixture.ts';
import { brokenOcsp } from './pki/ocsp-broken.fixture.ts';
import { brokenTokens } from './time/broken.fixture.ts';
import type { Suite } from './vectors.ts';

/**
 * The negative suite of our own, since none is public: CMS signatures, time-stamp tokens, OCSP answers and CRLs that are
 * broken in one way each, made anew in every run. For tests and the conformance command.
 */
export const negativeSuites: readonly Suite[] = backends.map(([name, backend]) => ({
  name: `Own negative suite, ${name}`,
  count: 485,
  cases: () => [
    ...brokenCms(backend),
    ...brokenTokens(backend),
    ...brokenOcsp(backend),
    ...brokenCrls(backend),
  ],
}));
