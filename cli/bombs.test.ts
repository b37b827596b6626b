// What the built verifier spends on files that are made to exhaust it.
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bombs } from '../core/pdf/read/bombs.fixture.ts';
import { ceremonyCast, trustBytes } from '../core/verify/fixture.ts';
import { ensureBuilt, program, run } from './testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'consul-bombs-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * Told by the process itself when it ends: mebibytes that it held at most, and milliseconds of the processor. The peak
 * of getrusage is at first that of the process that started it.
 */
const meter = `process.on('exit', () => {
  const { readFileSync, writeFileSync } = require('node:fs');
  const { user, system } = process.cpuUsage();
  const peak = /VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1];
  const spent = { mebibytes: peak / 1024, milliseconds: (user + system) / 1000 };
  writeFileSync(process.env.METER_FILE, JSON.stringify(spent));
});`;

beforeAll(async () => {
  await ensureBuilt();
  writeFileSync(path('meter.cjs'), meter);
  writeFileSync(path('trust.cose'), await trustBytes(await ceremonyCast()));
});

interface Spent {
  readonly status: number | null;
  readonly mebibytes: number;
  readonly milliseconds: number;
  readonly said: string;
}

async function verify(): Promise<Spent> {
  const argv = [
    '--require',
    path('meter.cjs'),
    program,
    'verify',
    path('bomb.pdf'),
    '--trust',
    path('trust.cose'),
  ];
  const { status, stdout, stderr } = await run(process.execPath, [...argv, '--at', '2026-04-01T00:00:00Z'], {
    env: { METER_FILE: path('meter.json') },
  });
  return { status, said: `${stdout}${stderr}`, ...JSON.parse(readFileSync(path('meter.json'), 'utf8')) };
}

describe('consul verify', () => {
  it.each(bombs)('refuses $name in 2 seconds and 256 MiB', async ({ file }) => {
    writeFileSync(path('bomb.pdf'), file());
    const { status, said, mebibytes, milliseconds } = await verify();
    expect([1, 3], said).toContain(status);
    expect(milliseconds).toBeLessThan(2000);
    expect(mebibytes).toBeLessThan(256);
  });

  it.each([
    ['as large as it may be', 63],
    ['larger than it may be', 65],
    ['much larger than it may be', 4000],
  ])('refuses a file that is %s in 2 seconds and 256 MiB', async (_, size) => {
    writeFileSync(path('bomb.pdf'), '%PDF-1.7\n');
    truncateSync(path('bomb.pdf'), size * 2 ** 20);
    const { status, mebibytes, milliseconds } = await verify();
    expect(status).not.toBe(0);
    expect(milliseconds).toBeLessThan(2000);
    expect(mebibytes).toBeLessThan(256);
  });
});
