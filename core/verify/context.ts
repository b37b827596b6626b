import type { SealClaims } from '../seal/claims.ts';
import type { TrustFile } from '../seal/foreign/trust-list.ts';
import type { Trust } from './trust.ts';
import type { DayAt, VerifyLanguage } from './words.ts';

/** How far another clock may be ahead of ours, in milliseconds. */
export const clockSkew = 5 * 60_000;

/** Everything that a verdict depends on, besides the bytes. */
export interface VerifyContext {
  readonly trust: Trust;
  readonly now: Date;
  readonly language: VerifyLanguage;
  /** The day that it is at a place, `YYYY-MM-DD`, where there is a quicker way than `localDay` of words.ts. */
  readonly dayAt?: DayAt;
  /** Whom to trust in other systems; read when a seal of one is met. */
  readonly foreignTrust?: readonly TrustFile[];
}

/** The post that the seal names, as the bundle knows it. */
export const postOf = (claims: SealClaims, { bundle }: Trust): Trust['bundle']['posts'][number] | undefined =>
  bundle.posts.find((post) => post.code === claims.document.post);
