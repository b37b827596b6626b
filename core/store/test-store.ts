import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';
import type { PieceRow, RequestRow } from './schema.ts';
import { openStore, type Store } from './store.ts';

// For tests only: stores that go away with the test, and processes of their own that work on them.

export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

export const someTime = '2026-11-24T10:00:00.000Z';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'consul-store-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function temporaryStore(): Promise<Store> {
  const store = await openStore(join(await temporaryFolder(), 'consul.db'), { create: true });
  onTestFinished(() => store.close());
  return store;
}

export function someRequest(reference: string, change: Partial<RequestRow> = {}): RequestRow {
  return {
    reference,
    procedure: 'prise-en-charge',
    procedureVersion: 1,
    language: 'fr',
    state: 'submitted',
    data: '{}',
    holder: 'Awa Ndong',
    question: null,
    submittedAt: someTime,
    dueAt: '2026-12-02T00:00:00.000Z',
    remainingDays: null,
    assignedTo: null,
    decision: null,
    decisionReason: null,
    decisionGround: null,
    decisionContest: null,
    decidedAt: null,
    decidedBy: null,
    closedAt: null,
    idempotencyKey: null,
    version: 1,
    ...change,
  };
}

export function somePiece(reference: string, ordinal: number, change: Partial<PieceRow> = {}): PieceRow {
  return {
    reference,
    ordinal,
    kind: 'identity',
    item: null,
    state: 'received',
    sha256: new Uint8Array(32).fill(ordinal),
    mediaType: 'application/pdf',
    size: 1000,
    name: 'identity.pdf',
    reason: null,
    at: someTime,
    ...change,
  };
}

/**
 * Bundles a program that imports from this folder, so that plain Node can run it in a process of its own.
 * @returns starts one more process with these arguments
 */
export async function childProgram(
  source: string,
): Promise<(args: readonly string[], shell?: string) => ChildProcess> {
  const folder = await temporaryFolder();
  const program = join(folder, 'child.cjs');
  await build({
    stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['better-sqlite3', 'pkcs11js'],
    // Where it lies, only NODE_PATH finds packages, which `import()` does not ask.
    supported: { 'dynamic-import': false },
    outfile: program,
    logLevel: 'error',
  });
  const env = { ...process.env, NODE_PATH: resolve(import.meta.dirname, '../../node_modules') };
  return (args, shell) => {
    const command = [process.execPath, program, ...args];
    return shell === undefined
      ? spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
      : spawn('sh', ['-c', `${shell}; exec "$@"`, 'sh', ...command], {
          env,
          stdio: ['ignore', 'pipe', 'pipe'],
        });
  };
}

/** Waits for the end of a process. */
export async function ended(
  child: ChildProcess,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>((done) => child.on('close', done));
  return { code, stdout, stderr };
}
