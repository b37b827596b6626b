import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ConsulError } from '../core/errors.ts';
import { readInput } from './input-file.ts';
import type { CommonOptions } from './outcome.ts';

export const maxBundle = 16 * 1024 * 1024;

/** Where the trust bundle is: --trust, else CONSUL_TRUST, else the post's own. Needs nothing else of a post. */
export const trustFileOf = (options: CommonOptions & { trust?: string }): string =>
  options.trust ?? (process.env.CONSUL_TRUST || join(homeOf(options), 'trust', 'bundle.cose'));

/** @throws ConsulError TRUST_MISSING, FILE_UNREADABLE */
export async function readTrustFile(options: CommonOptions & { trust?: string }): Promise<Uint8Array> {
  const file = trustFileOf(options);
  if (!existsSync(file)) throw new ConsulError('TRUST_MISSING', `there is no trust bundle at ${file}`);
  return readInput(file, maxBundle);
}

const homeOf = (options: CommonOptions): string =>
  options.home ??
  (process.env.CONSUL_HOME ||
    join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'consul'));
