import { beforeAll, describe, expect, it } from 'vitest';
import { testingCa } from '../cms/testing-ca.ts';
import { ConsulError } from '../errors.ts';
import { addDocumentTimestamp } from '../pdf/extend.ts';
import { changes } from '../pdf/read/changes.ts';
import { readPdf } from '../pdf/read/document.ts';
import { readSignatures } from '../pdf/read/signature.ts';
import { archived, stampsOf } from './archive.fixture.ts';
import { type Attack, type AttackClass, attacks } from './attacks.fixture.ts';
import { verifyPdf } from './document.ts';
import { type Cast, ceremonyCast, contextOf, makeDocument, trustOf } from './fixture.ts';
import type { Trust } from './trust.ts';

const attacker = testingCa().issue();
let cast: Cast;
let trust: Trust;

beforeAll(async () => {
  cast = await ceremonyCast();
  trust = await trustOf(cast);
});

const levels = ['B-T', 'B-LTA'] as const;
type Level = (typeof levels)[number];

/** A document of a post at this level, with what the attacker prepared in it. */
async function signedDocument(level: Level, prepare?: Attack['prepare']): Promise<Uint8Array> {
  const { file } = await makeDocument(cast, prepare ? { page: prepare } : {});
  return level === 'B-T' ? file : archived(file, cast);
}

let unprepared: Readonly<Record<Level, Uint8Array>>;
beforeAll(async () => {
  unprepared = { 'B-T': await signedDocument('B-T'), 'B-LTA': await signedDocument('B-LTA') };
});

/** What a revision after the signature may bring without being told; whose a further signature is, is for the verdict. */
const allowed: ReadonlySet<string> = new Set(['dss', 'timestamp']);

/** All that reading a file shows to be wrong with it, its digests left out. */
function shown(bytes: Uint8Array): readonly string[] {
  try {
    const file = readPdf(bytes);
    const signatures = readSignatures(file);
    return [
      ...file.findings.map(({ id }) => id),
      ...signatures.flatMap(({ problems }) => problems.map(({ id }) => id)),
      ...changes(file).flatMap(({ kinds }) => kinds.filter((kind) => !allowed.has(kind))),
      ...(signatures.some(({ coversFile }) => coversFile) ? [] : ['not covered']),
    ];
  } catch (error) {
    if (error instanceof ConsulError) return [error.code];
    throw error;
  }
}

/** With a right document timestamp over all of it, where it is sound enough to be continued. */
async function timeStamped(attacked: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    return await addDocumentTimestamp(attacked, stampsOf(cast.tsa));
  } catch (error) {
    if (error instanceof ConsulError) return undefined;
    throw error;
  }
}

const verdictOn = async (file: Uint8Array): Promise<string> => {
  const none = async () => ({ codes: [], readers: [] });
  return (await verifyPdf(file, contextOf(trust), none)).indication;
};

describe('a document that nobody attacked', () => {
  it('shows nothing wrong at either level', () => {
    for (const level of levels) expect(shown(unprepared[level])).toEqual([]);
  });

  it('passes at either', async () => {
    for (const level of levels) expect(await verdictOn(unprepared[level])).toBe('TOTAL-PASSED');
  });
});

describe('the published attacks', () => {
  it('are all there, each with several variants', () => {
    const counts = new Map<AttackClass, number>();
    for (const { kind } of attacks) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    expect(counts.size).toBe(8);
    for (const [kind, count] of counts) expect(count, kind).toBeGreaterThanOrEqual(2);
  });

  const cases = levels.flatMap((level) => attacks.map((one) => ({ level, ...one })));
  it.each(cases)('$kind, $level: $name', async ({ level, prepare, attack }) => {
    const signed = prepare ? await signedDocument(level, prepare) : unprepared[level];
    const attacked = await attack(signed, attacker);
    expect(Buffer.compare(attacked, signed)).not.toBe(0);
    expect(shown(attacked)).not.toEqual(shown(signed));
    expect(await verdictOn(attacked)).not.toBe('TOTAL-PASSED');
    const stamped = await timeStamped(attacked);
    if (stamped) expect(await verdictOn(stamped)).not.toBe('TOTAL-PASSED');
  });
});
