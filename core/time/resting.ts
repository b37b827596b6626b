import { ConsulError } from '../errors.ts';
import type { TimestampSource } from './source.ts';

export interface Rest {
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed: () => number;
  /** A failure that came sooner costs little: the authority is asked again. */
  readonly patienceMs: number;
  /** How long an authority that kept us waiting is left alone. */
  readonly restMs: number;
}

/**
 * An authority that lets us wait in vain is not asked again for a while: of a batch one document waits for it and not
 * each, and the others are left without their time-stamps at once.
 */
export function restingTimestamps(
  source: TimestampSource,
  { elapsed, patienceMs, restMs }: Rest,
): TimestampSource {
  let failed: { readonly error: ConsulError; readonly until: number } | undefined;
  return {
    async stamp(digest) {
      const began = elapsed();
      if (failed && began < failed.until) throw failed.error;
      try {
        return await source.stamp(digest);
      } catch (error) {
        const ended = elapsed();
        if (error instanceof ConsulError && error.code === 'TSA_UNREACHABLE' && ended - began >= patienceMs)
          failed = { error, until: ended + restMs };
        throw error;
      }
    },
  };
}
