import { describe, expect, it } from 'vitest';
import type { TrustBundle } from './trust-bundle.ts';
import { demandNewerTrust } from './trust-update.ts';

const now = new Date('2026-03-02T12:00:00Z');
const seconds = now.getTime() / 1000;

const bundle = (sequence: number, content: string): { bytes: Uint8Array; bundle: TrustBundle } => ({
  bytes: new TextEncoder().encode(content),
  bundle: {
    kind: 'consul-trust',
    version: 1,
    sequence,
    issued: seconds - 60,
    nextUpdate: seconds + 86_400,
    graceDays: 7,
    root: new Uint8Array(),
    authorities: [],
    rootFingerprint: '00'.repeat(32),
    posts: [],
    keys: [],
    logs: [],
  },
});

describe('a trust bundle in the place of another', () => {
  const present = bundle(7, 'seventh');
  const update = (next: typeof present) => () => demandNewerTrust({ present, next, rootNamed: false, now });

  it('may be newer, or the same', () => {
    expect(update(bundle(8, 'eighth'))).not.toThrow();
    expect(update(bundle(7, 'seventh'))).not.toThrow();
  });

  it('is never older, nor another of the same number and the same second', () => {
    const rollback = expect.objectContaining({ code: 'TRUST_ROLLBACK' });
    expect(update(bundle(6, 'sixth'))).toThrow(rollback);
    expect(update(bundle(7, 'another seventh'))).toThrow(rollback);
  });
});
