import { beforeAll, describe, expect, it } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { type AlgorithmPolicy, algorithmPolicy } from '../pki/algorithm-policy.ts';
import { openTrustBundle } from '../pki/trust-bundle.ts';
import { verifyPdf } from './document.ts';
import { type Cast, ceremonyCast, contextOf, later, makeDocument, times, trustBytes } from './fixture.ts';
import { verifySeal } from './seal.ts';
import { prepareTrust } from './trust.ts';

let cast: Cast;
let made: Awaited<ReturnType<typeof makeDocument>>;
beforeAll(async () => {
  cast = await ceremonyCast();
  made = await makeDocument(cast);
});

/** The day before and the day after the end of an algorithm, which is a week after the document was made. */
const inTime = (): Date => later(times.issue, 6);
const tooLate = (): Date => later(times.issue, 8);
const end = (): string => later(times.issue, 7).toISOString().slice(0, 10);

const policies: Readonly<Record<string, () => AlgorithmPolicy>> = {
  'the curve': () => ({
    ...algorithmPolicy,
    curves: { ...algorithmPolicy.curves, 'P-256': { until: end() } },
  }),
  'the digest': () => ({
    ...algorithmPolicy,
    digests: { ...algorithmPolicy.digests, sha256: { until: end() } },
  }),
};

const trustUnder = async (policy: AlgorithmPolicy) =>
  prepareTrust(await openTrustBundle(await trustBytes(cast), nodeBackend), nodeBackend, [], policy);

const codes = async () => ({ codes: [], readers: [] });

describe.each(Object.keys(policies))('when %s ends to be acceptable', (name) => {
  it('a document passes before, and after that only by proof that it is older', async () => {
    const trust = await trustUnder(policies[name]!());
    const at = async (now: Date) => verifyPdf(made.file, contextOf(trust, now), codes);
    expect((await at(inTime())).indication).toBe('TOTAL-PASSED');
    const late = await at(tooLate());
    expect([late.indication, late.subIndication]).toEqual(['INDETERMINATE', 'CRYPTO_CONSTRAINTS_FAILURE']);
    expect(late.checks.find(({ id }) => id === 'algorithms')?.outcome).toBe('indeterminate');
    // The same trust, asked about the past again: what was remembered is not what was refused.
    expect((await at(inTime())).indication).toBe('TOTAL-PASSED');
  });

  it('a seal on paper is inconclusive from then on', async () => {
    const trust = await trustUnder(policies[name]!());
    const { checks } = await verifySeal(made.cose, contextOf(trust, tooLate()));
    expect(checks.find(({ id }) => id === 'algorithms')?.subIndication).toBe('CRYPTO_CONSTRAINTS_FAILURE');
    const early = await verifySeal(made.cose, contextOf(trust, inTime()));
    expect(early.checks.some(({ id }) => id === 'algorithms')).toBe(false);
  });

  it('a path that was remembered is not held beyond it', async () => {
    const trust = await trustUnder(policies[name]!());
    const signer = trust.known('document', cast.document.certificate);
    expect((await signer?.pathAt(inTime()))?.ok).toBe(true);
    expect(await signer?.pathAt(tooLate())).toMatchObject({ ok: false, reason: 'algorithm' });
  });
});
