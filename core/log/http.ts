import { type FetchOptions, fetched } from '../fetched.ts';
import type { LogFiles } from './reader.ts';

export interface HttpLogOptions extends Omit<FetchOptions, 'maxBytes'> {
  /** Prefix of the log: `checkpoint` and `tile/` are below it. */
  readonly url: string;
}

/** A bundle of 256 entries of the greatest length is smaller by far than this. */
const maxBytes = 17 * 1024 * 1024;

/**
 * The files of a log on a web server (C2SP tlog-tiles).
 * @throws ConsulError FILE_UNREADABLE, by the function that is given, for every answer but 200 and 404
 */
export function httpLogFiles({ url, fetch, timeoutMs }: HttpLogOptions): LogFiles {
  const prefix = url.endsWith('/') ? url : `${url}/`;
  return (path) => fetched(`${prefix}${path}`, { fetch, timeoutMs, maxBytes });
}
