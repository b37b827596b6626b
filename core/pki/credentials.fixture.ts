import { nodeBackend } from '../crypto/node.ts';
import type { Post } from '../post.ts';
import { foundingCertificates, newKey, newLogKey } from './ceremony.ts';
import { keySigner } from './file-signer.ts';

/** For tests: what a post is founded with, its keys in memory. */
export async function createPostCredentials({ post, now }: { readonly post: Post; readonly now: Date }) {
  const keys = {
    root: newKey(),
    'issuing-ca': newKey(),
    'document-signer': newKey(),
    'seal-signer': newKey(),
    tsa: newKey(),
    log: newLogKey(),
  };
  const { log: _log, ...certified } = keys;
  const signers = Object.fromEntries(Object.entries(certified).map(([name, key]) => [name, keySigner(key)]));
  const certificates = await foundingCertificates({
    post,
    now,
    random: nodeBackend.random,
    signers: signers as Parameters<typeof foundingCertificates>[0]['signers'],
  });
  return { keys, certificates };
}
