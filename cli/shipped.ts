import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the package: the first above this file that holds the templates, whether bundled or not. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'templates'))) folder = dirname(folder);
  return folder;
}

/** A file or folder that ships with the program. */
export const shipped = (...parts: string[]): string => join(packageFolder(), ...parts);
