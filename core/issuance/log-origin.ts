import type { Post } from '../post.ts';

/** Origin of the post's transparency log, a schema-less URL (C2SP tlog-checkpoint). */
export const logOrigin = (post: Post): string => `${post.verifierHost}/log/${post.code.toLowerCase()}`;
