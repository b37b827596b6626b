import { concatBytes, toHex } from '../bytes.ts';
import { digestNameOfLength } from '../cms/algorithm.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import { encodeRequest, type TimestampRequest } from './request.ts';
import { type Failure, readResponse, type TimestampResponse } from './response.ts';
import type { TimestampSource } from './source.ts';
import { type CheckedToken, checkToken } from './token.ts';

export interface RemoteTimestampsOptions {
  /** Address of the authority, http or https (RFC 3161 §3.4). */
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  readonly random: (length: number) => Uint8Array;
  readonly backend: CryptoBackend;
  /** The policy to ask for; without it any policy of the authority is taken. */
  readonly policy?: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Throws for a token whose certificate is not trusted at its time; absent where who asks judges that later. */
  readonly acceptable?: (token: CheckedToken) => void;
}

const queryType = 'application/timestamp-query';
const replyType = 'application/timestamp-reply';

/** 128 bits: a nonce that no other request has. */
const nonceLength = 16;

/** What the authority may overcome by itself. */
const passing: ReadonlySet<Failure> = new Set(['timeNotAvailable', 'systemFailure']);
const passingStatus = (status: number): boolean => status === 408 || status === 429 || status >= 500;

const unreachable = (url: string, why: string, cause?: unknown): ConsulError =>
  new ConsulError('TSA_UNREACHABLE', `the timestamp authority ${url} cannot be reached: ${why}`, { cause });

const invalid = (url: string, why: string, cause?: unknown): ConsulError =>
  new ConsulError('TSA_INVALID', `the timestamp authority ${url} gave a wrong answer: ${why}`, { cause });

async function boundedBody(
  response: Response,
  { url, maxBytes }: RemoteTimestampsOptions,
): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) throw invalid(url, 'it is empty');
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw unreachable(url, 'the answer broke off', cause);
    });
    if (done) return concatBytes(...parts);
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw invalid(url, `it is longer than ${maxBytes} bytes`);
    }
    parts.push(value);
  }
}

async function exchange(request: Uint8Array, options: RemoteTimestampsOptions): Promise<Uint8Array> {
  const { url, fetch, timeoutMs } = options;
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': queryType, accept: replyType },
      body: Uint8Array.from(request),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (cause) {
    throw unreachable(url, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (response.status !== 200) {
    await response.body?.cancel();
    if (passingStatus(response.status)) throw unreachable(url, `HTTP status ${response.status}`);
    throw invalid(url, `HTTP status ${response.status}; redirections are not followed`);
  }
  const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== replyType) {
    await response.body?.cancel();
    throw invalid(url, `content type ${type ?? 'missing'} where ${replyType} must stand`);
  }
  return boundedBody(response, options);
}

function grantedToken(der: Uint8Array, url: string): Uint8Array {
  let response: TimestampResponse;
  try {
    response = readResponse(der);
  } catch (cause) {
    throw invalid(url, cause instanceof Error ? cause.message : 'it is malformed', cause);
  }
  if ('token' in response) return response.token;
  const why = [response.status, ...response.failures, ...response.text].join(', ');
  if (response.status === 'waiting' || response.failures.some((failure) => passing.has(failure)))
    throw unreachable(url, why);
  throw invalid(url, why);
}

/**
 * A time-stamp authority at an address (RFC 3161 §3.4). Every token is checked before it is given: signature, usage of
 * the certificate, imprint, nonce and policy, and by `acceptable` the trust in it.
 */
export function remoteTimestamps(options: RemoteTimestampsOptions): TimestampSource {
  const { url, random, backend, policy, acceptable } = options;
  return {
    async stamp(digest) {
      const algorithm = digestNameOfLength(digest.length);
      if (!algorithm) throw new RangeError(`a digest of ${digest.length} bytes`);
      const imprint = { algorithm, digest };
      const nonce = BigInt(`0x${toHex(random(nonceLength))}`);
      const asked = policy === undefined ? {} : { policy };
      const request: TimestampRequest = { imprint, nonce, certReq: true, ...asked };
      const token = grantedToken(await exchange(encodeRequest(request), options), url);
      const check = await checkToken(token, { imprint, nonce, ...asked }, backend);
      if (!check.valid) throw invalid(url, check.message);
      acceptable?.(check);
      return token;
    },
  };
}
