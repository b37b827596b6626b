import { beforeAll, expect, it } from 'vitest';
import { shipped } from '../cli/shipped.ts';
import { ensureBuilt, run } from '../cli/testing.ts';

beforeAll(ensureBuilt);

it('says where the vectors were looked for, and ends with status 2', async () => {
  const conformance = shipped('dist', 'suites', 'conformance.mjs');
  const { status, stdout, stderr } = await run(process.execPath, [conformance], {
    env: { CONSUL_VECTORS: '/nowhere/vectors' },
  });
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain('/nowhere/vectors does not exist; set CONSUL_VECTORS');
});
