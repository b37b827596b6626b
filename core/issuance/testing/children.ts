import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

// For tests only: programs of this folder as processes of their own.

export const root = resolve(import.meta.dirname, '../../..');
export const fonts = join(root, 'templates', 'fonts');

export interface ChildProgram {
  readonly file: string;
  start(plan: unknown, options?: { readonly shell?: string }): ChildProcess;
  remove(): Promise<void>;
}

/** Bundles a program so that plain Node runs it; under node_modules, where it finds what is not bundled. */
export async function childProgram(entry: string): Promise<ChildProgram> {
  const cache = join(root, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'consul-child-'));
  const file = join(folder, 'child.js');
  await build({
    entryPoints: { child: entry },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Native, or large and seldom needed.
    external: [
      'better-sqlite3',
      'pdf-lib',
      'fontkit',
      'pkijs',
      'asn1js',
      '@peculiar/x509',
      'reflect-metadata',
      'age-encryption',
      'pkcs11js',
      '*.node',
    ],
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    logLevel: 'error',
  });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  return {
    file,
    start(plan, { shell } = {}) {
      const command = [file, JSON.stringify(plan)];
      const stdio = ['ignore', 'pipe', 'pipe'] as const;
      return shell === undefined
        ? spawn(process.execPath, command, { stdio: [...stdio] })
        : spawn('sh', ['-c', `${shell}; exec "$@"`, 'sh', process.execPath, ...command], {
            stdio: [...stdio],
          });
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly lines: readonly unknown[];
  readonly stderr: string;
}

/** Waits for the end of a process. @param heard is called for each line, parsed, when it comes */
export async function ended(child: ChildProcess, heard: (said: unknown) => void = () => {}): Promise<Ended> {
  const lines: unknown[] = [];
  let stderr = '';
  let open = '';
  child.stdout?.on('data', (chunk) => {
    const parts = (open + chunk).split('\n');
    open = parts.pop() ?? '';
    for (const part of parts) {
      const said: unknown = JSON.parse(part);
      lines.push(said);
      heard(said);
    }
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((done) =>
    child.on('close', (...end: [number | null, string | null]) => done(end)),
  );
  return { code, signal, lines, stderr };
}
