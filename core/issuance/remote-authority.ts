import { equalBytes } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { isAcceptable } from '../pki/algorithm-policy.ts';
import { openTrustBundle } from '../pki/trust-bundle.ts';
import type { PostPaths } from '../store/post-folder.ts';
import { readPresent } from '../store/read-file.ts';
import { remoteTimestamps } from '../time/client.ts';
import { restingTimestamps } from '../time/resting.ts';
import type { TimestampSource } from '../time/source.ts';
import { usedInToken } from '../time/token.ts';

/** A time-stamp authority at an address, as plain data that a worker thread can be given. */
export interface RemoteAuthority {
  readonly url: string;
  /** Certificates (DER) of the authorities that the trust bundle knows: no verifier accepts another. */
  readonly known: readonly Uint8Array[];
}

/** @throws ConsulError TRUST_INVALID, FILE_UNREADABLE */
export async function knownAuthorities({ trust }: PostPaths): Promise<readonly Uint8Array[]> {
  const { keys } = await openTrustBundle(await readPresent(trust), nodeBackend);
  return keys
    .filter(({ use, state }) => use === 'timestamp' && state === 'active')
    .map(({ certificate }) => certificate);
}

/** Time-stamps of an authority at an address; those that no verifier would accept are refused. */
export function remoteAuthority({ url, known }: RemoteAuthority): TimestampSource {
  const source = remoteTimestamps({
    url,
    fetch: globalThis.fetch,
    random: nodeBackend.random,
    backend: nodeBackend,
    timeoutMs: 10_000,
    maxBytes: 64 * 1024,
    acceptable: (token) => {
      const { certificate, info } = token;
      const { notBefore, notAfter } = certificate;
      if (!known.some((each) => equalBytes(each, certificate.bytes)))
        throw new ConsulError('TSA_INVALID', `the trust bundle does not know the timestamp authority ${url}`);
      if (info.genTime < notBefore || info.genTime > notAfter)
        throw new ConsulError(
          'TSA_INVALID',
          `the certificate of the timestamp authority ${url} is not in force`,
        );
      if (!usedInToken(token).every((algorithm) => isAcceptable(algorithm, info.genTime)))
        throw new ConsulError(
          'TSA_INVALID',
          `the timestamp authority ${url} signs with an algorithm that is not accepted any more`,
        );
    },
  });
  return restingTimestamps(source, {
    elapsed: () => performance.now(),
    patienceMs: 1000,
    restMs: 5 * 60_000,
  });
}
