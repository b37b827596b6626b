import { concatBytes } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import type { LogFiles } from './reader.ts';

export interface HttpLogOptions {
  /** Prefix of the log: `checkpoint` and `tile/` are below it. */
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  /** For each file. */
  readonly timeoutMs: number;
}

/** A bundle of 256 entries of the greatest length is smaller by far than this. */
const maxBytes = 17 * 1024 * 1024;

const unreadable = (url: string, why: string, cause?: unknown): ConsulError =>
  new ConsulError('FILE_UNREADABLE', `cannot read ${url} (${why})`, { cause });

async function boundedBody(response: Response, url: string): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  while (reader) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw unreadable(url, 'the answer broke off', cause);
    });
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw unreadable(url, `more than ${maxBytes} bytes`);
    }
    parts.push(value);
  }
  return concatBytes(...parts);
}

/**
 * The files of a log on a web server (C2SP tlog-tiles). Redirections are not followed.
 * @throws ConsulError FILE_UNREADABLE, by the function that is given, for every answer but 200 and 404
 */
export function httpLogFiles({ url, fetch, timeoutMs }: HttpLogOptions): LogFiles {
  const prefix = url.endsWith('/') ? url : `${url}/`;
  return async (path) => {
    const address = `${prefix}${path}`;
    let response: Response;
    try {
      response = await fetch(address, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
    } catch (cause) {
      throw unreadable(address, cause instanceof Error ? cause.message : String(cause), cause);
    }
    if (response.status === 200) return boundedBody(response, address);
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw unreadable(address, `HTTP status ${response.status}`);
  };
}
