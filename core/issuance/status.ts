import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { nodeBackend } from '../crypto/node.ts';
import { sealKid } from '../seal/seal.ts';
import { makeStatusList, statusEntries, statusListUri, statusType } from '../seal/status-list.ts';
import { writeDurably } from '../store/durable-file.ts';
import type { KeyRing } from '../store/keys.ts';
import { revokedEntries } from '../store/revocation.ts';
import { demandInForce, type OpenPost } from './open-post.ts';

/** A list is published daily; offline copies of it, as in trust bundles, speak for a quarter of a year. */
const timeToLive = 86_400;
const lifetime = 92 * 86_400;

export interface PublishedStatusList {
  readonly file: string;
  readonly uri: string;
  /** Entries: documents that have a number. */
  readonly size: number;
  readonly revoked: number;
  readonly bytes: Uint8Array;
}

/**
 * Makes the status list of a post from its register, signed as its seals are, and puts it in its public place.
 * @throws ConsulError PASSPHRASE_WRONG, KEY_INVALID, CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET_VALID, DISK_FULL
 */
export async function publishStatusList(
  { store, paths, settings }: OpenPost,
  ring: Pick<KeyRing, 'certified'>,
  now: Date,
): Promise<PublishedStatusList> {
  const signer = await ring.certified('seal-signer');
  demandInForce('seal-signer', signer, now);
  const { code, verifierHost: host } = settings.post;
  // The time was taken before the register is read: the list holds all that was done until then.
  const issuedAt = Math.floor(now.getTime() / 1000);
  const { size, revoked } = await revokedEntries(store.read);
  const uri = statusListUri({ host, code });
  const bytes = await makeStatusList(
    { subject: uri, issuedAt, expires: issuedAt + lifetime, timeToLive },
    statusEntries(
      1,
      size,
      revoked.map((index) => [index, statusType.invalid]),
    ),
    {
      signer,
      kid: await sealKid(signer.certificate, nodeBackend),
      deflate: (list) => deflateSync(list, { level: 9, memLevel: 9 }),
    },
  );
  const file = join(paths.public, 'status', code);
  await writeDurably(file, bytes);
  return { file, uri, size, revoked: revoked.length, bytes };
}
