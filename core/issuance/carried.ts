import { join } from 'node:path';
import type { TrustBundle, TrustContent } from '../pki/trust-bundle.ts';
import { anchorPaths } from '../store/post-folder.ts';
import { readIfThere } from '../store/read-file.ts';
import type { OpenPost } from './open-post.ts';

/**
 * The copies that a trust bundle carries for those who verify offline: of the post the newest status list and the newest
 * checkpoint, of others what it had.
 */
export async function carriedCopies(
  { paths, settings }: OpenPost,
  { statusLists = [], checkpoints = [] }: TrustBundle,
): Promise<Pick<TrustContent, 'statusLists' | 'checkpoints'>> {
  const post = settings.post.code;
  const [list, checkpoint] = await Promise.all([
    readIfThere(join(paths.public, 'status', post)),
    readIfThere(anchorPaths(paths.home, settings).checkpoint),
  ]);
  const ofOthers = <T extends { readonly post: string }>(copies: readonly T[]): T[] =>
    copies.filter((copy) => copy.post !== post);
  return {
    ...(list ? { statusLists: [...ofOthers(statusLists), { post, list }] } : {}),
    ...(checkpoint ? { checkpoints: [...ofOthers(checkpoints), { post, checkpoint }] } : {}),
  };
}
