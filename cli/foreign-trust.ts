import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ConsulError } from '../core/errors.ts';
import type { TrustFile } from '../core/seal/foreign/trust-list.ts';
import { readInput } from './input-file.ts';

const maxBytes = 64 * 1024 * 1024;
/** What `readForeignTrust` reads. */
const listNames = /\.(?:pem|crt|cer|der|json)$/i;

function filesIn(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((name) => listNames.test(name))
      .sort()
      .map((name) => join(path, name));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConsulError('FILE_UNREADABLE', `cannot read ${path} (${code})`, { cause });
  }
}

/**
 * Trust lists of other systems, as they lie in files and folders.
 * @throws ConsulError FILE_UNREADABLE; USAGE for a folder without any
 */
export async function readForeignTrustFiles(paths: readonly string[]): Promise<readonly TrustFile[]> {
  const names = paths.flatMap((path) => {
    const found = filesIn(path);
    if (found.length === 0)
      throw new ConsulError('USAGE', `${path} holds no certificate or list (.pem, .crt, .cer, .der, .json)`);
    return found;
  });
  return Promise.all(names.map(async (name) => ({ name, bytes: await readInput(name, maxBytes) })));
}
