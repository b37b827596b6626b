import { nodeBackend } from '../crypto/node.ts';
import type { Post } from '../post.ts';
import { foundingCertificates } from './ceremony.ts';
import { keySigner } from './file-signer.ts';
import { newKey } from './key-kind.ts';

/** For tests: what a post is founded with, its keys in memory. */
export async function createPostCredentials({ post, now }: { readonly post: Post; readonly now: Date }) {
  const keys = {
    root: newKey('P-256'),
    'issuing-ca': newKey('P-256'),
    'document-signer': newKey('P-256'),
    'seal-signer': newKey('P-256'),
    'vds-signer': newKey('P-256'),
    tsa: newKey('P-256'),
    log: newKey('ed25519'),
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
