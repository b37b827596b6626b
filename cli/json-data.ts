import { ConsulError } from '../core/errors.ts';
import { readInput } from './input-file.ts';
import { jsonErrorOffset, placeOf } from './json-place.ts';

/** Larger data are no request: pieces come as files. */
const maxData = 1024 * 1024;

/**
 * Reads JSON from a file, or from standard input where the name is `-`. A byte order mark is let pass.
 * @throws ConsulError FILE_UNREADABLE; JSON_MALFORMED with line and column, without repeating what stands there
 */
export async function readJson(file: string): Promise<unknown> {
  const text = decoded(await readInput(file, maxData), file);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const place = placeOf(text, jsonErrorOffset(text) ?? text.length);
    throw new ConsulError('JSON_MALFORMED', `${file} is not JSON at ${place}`, { cause });
  }
}

function decoded(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const lenient = new TextDecoder('utf-8').decode(bytes);
    const place = placeOf(lenient, lenient.indexOf('\ufffd'));
    throw new ConsulError('JSON_MALFORMED', `${file} is not UTF-8 text at ${place}`, { cause });
  }
}
