import { describe, expect, it } from 'vitest';
import { ConsulError, type ErrorCode } from '../errors.ts';
import { restingTimestamps } from './resting.ts';

const token = Uint8Array.of(1);

/** An authority that takes so long and then answers, or fails. */
function authority(answers: readonly (readonly [milliseconds: number, failure?: ErrorCode])[]) {
  let now = 0;
  let asked = 0;
  const source = restingTimestamps(
    {
      stamp: async () => {
        const [milliseconds, failure] = answers[asked++] ?? [0];
        now += milliseconds;
        if (failure) throw new ConsulError(failure, 'away');
        return token;
      },
    },
    { elapsed: () => now, patienceMs: 1000, restMs: 60_000 },
  );
  return {
    stamp: () => source.stamp(token).catch((error: ConsulError) => error.code),
    asked: () => asked,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

describe('an authority that keeps us waiting', () => {
  it('is left alone for a while, and then asked again', async () => {
    const { stamp, asked, pass } = authority([[10_000, 'TSA_UNREACHABLE']]);
    for (let document = 0; document < 50; document++) expect(await stamp()).toBe('TSA_UNREACHABLE');
    expect(asked()).toBe(1);
    pass(60_000);
    expect(await stamp()).toEqual(token);
    expect(asked()).toBe(2);
  });

  it('is asked each time where it refuses at once', async () => {
    const { stamp, asked } = authority([
      [1, 'TSA_UNREACHABLE'],
      [1, 'TSA_UNREACHABLE'],
    ]);
    expect([await stamp(), await stamp(), await stamp()]).toEqual([
      'TSA_UNREACHABLE',
      'TSA_UNREACHABLE',
      token,
    ]);
    expect(asked()).toBe(3);
  });

  it('is not excused for a wrong answer', async () => {
    const { stamp } = authority([[10_000, 'TSA_INVALID']]);
    expect([await stamp(), await stamp()]).toEqual(['TSA_INVALID', token]);
  });
});
