import { fstatSync } from 'node:fs';

/**
 * Whether standard output is a terminal, without opening its stream: that takes as long as verifying a seal.
 * https://no-color.org and https://force-color.org: set and not empty.
 */
function isColoured({ NO_COLOR, FORCE_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return true;
  try {
    return TERM !== 'dumb' && fstatSync(1).isCharacterDevice();
  } catch {
    return false;
  }
}

const coloured = isColoured(process.env);

const painter =
  (code: number) =>
  (text: string): string =>
    coloured ? `\u001b[${code}m${text}\u001b[39m` : text;

/** ECMA-48 §8.3.117. */
export const red = painter(31);
export const green = painter(32);
export const yellow = painter(33);
