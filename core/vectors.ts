import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** Where the public test vectors lie, or undefined where this machine has none. For tests only. */
export function vectorsFolder(): string | undefined {
  const folder = resolve(process.env.CONSUL_VECTORS ?? '../shared/vectors');
  return existsSync(folder) ? folder : undefined;
}
