// For tests only: OpenSSL as the judge of what is made here, in a folder that goes away with the test.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

export interface OpensslFolder {
  path(name: string): string;
  /** Writes files by name. */
  write(files: Readonly<Record<string, Uint8Array | string>>): void;
  read(name: string): Uint8Array;
  /** Runs openssl in the folder. @returns exit status and all it said */
  openssl(...argv: readonly string[]): { readonly status: number | null; readonly said: string };
}

export function opensslFolder(): OpensslFolder {
  const folder = mkdtempSync(join(tmpdir(), 'consul-openssl-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return {
    path: (name) => join(folder, name),
    write: (files) => {
      for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    },
    read: (name) => new Uint8Array(readFileSync(join(folder, name))),
    openssl: (...argv) => {
      const { status, stdout, stderr } = spawnSync('openssl', argv, { cwd: folder, encoding: 'utf8' });
      return { status, said: `${stdout}${stderr}` };
    },
  };
}
