import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProducerSetup } from './producer.ts';
import { producerPool } from './worker-pool.ts';

const setup = { documents: 'none' } as ProducerSetup;
const code = (value: string) => expect.objectContaining({ code: value });
const job = (number: string) => ({ number, path: number, sha256: new Uint8Array(32) });

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consul-pool-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function script(body: string): Promise<string> {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.mjs`);
  await writeFile(file, `import { parentPort } from 'node:worker_threads';\n${body}`);
  return file;
}

test('answers come to who asked, errors with their code', async () => {
  const pool = producerPool(
    setup,
    await script(`parentPort.on('message', ({ id, argument }) => {
      if (argument.number === 'bad') parentPort.postMessage({ id, error: { message: 'no', code: 'DISK_FULL' } });
      else setTimeout(() => parentPort.postMessage({ id, value: argument.number }), Math.random() * 20);
    });`),
    2,
  );
  const names = Array.from({ length: 20 }, (_, i) => `N${i}`);
  expect(await Promise.all(names.map((name) => pool.stamped(job(name))))).toEqual(names);
  await expect(pool.stamped(job('bad'))).rejects.toEqual(code('DISK_FULL'));
  await pool.close();
});

test('a thread that ends refuses what it had, and nothing waits for it afterwards', async () => {
  const pool = producerPool(setup, await script(`parentPort.on('message', () => process.exit(1));`), 2);
  const both = await Promise.allSettled([pool.stamped(job('A')), pool.stamped(job('B'))]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(pool.stamped(job('C'))).rejects.toEqual(code('ISSUE_FAILED'));
  await pool.close();
});

test('a thread that fails at its start tells why', async () => {
  const pool = producerPool(setup, await script(`throw new Error('no such font');`), 1);
  await expect(pool.stamped(job('A'))).rejects.toThrow('no such font');
  await expect(pool.stamped(job('B'))).rejects.toThrow('no such font');
  await pool.close();
});
