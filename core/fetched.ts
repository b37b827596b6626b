import { concatBytes } from './bytes.ts';
import { ConsulError } from './errors.ts';

export interface FetchOptions {
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
  /** Nothing longer is held. */
  readonly maxBytes: number;
}

const unreadable = (url: string, why: string, cause?: unknown): ConsulError =>
  new ConsulError('FILE_UNREADABLE', `cannot read ${url} (${why})`, { cause });

async function boundedBody(response: Response, url: string, maxBytes: number): Promise<Uint8Array> {
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
 * What a web server has under an address; undefined where it has nothing. Redirections are not followed.
 * @throws ConsulError FILE_UNREADABLE for every answer but 200 and 404
 */
export async function fetched(
  url: string,
  { fetch, timeoutMs, maxBytes }: FetchOptions,
): Promise<Uint8Array | undefined> {
  let response: Response;
  try {
    response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
  } catch (cause) {
    throw unreadable(url, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (response.status === 200) return boundedBody(response, url, maxBytes);
  await response.body?.cancel();
  if (response.status === 404) return undefined;
  throw unreadable(url, `HTTP status ${response.status}`);
}
