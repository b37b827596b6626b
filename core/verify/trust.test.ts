import { beforeAll, describe, expect, it } from 'vitest';
import messages from '../../templates/messages/verify.json' with { type: 'json' };
import type { CryptoBackend } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import { openTrustBundle } from '../pki/trust-bundle.ts';
import { sealKid } from '../seal/seal.ts';
import { verifyPdf } from './document.ts';
import {
  type Cast,
  ceremonyCast,
  contextOf,
  later,
  latinRecord,
  makeDocument,
  seconds,
  times,
  trustBytes,
  trustOf,
} from './fixture.ts';
import { keyState, prepareTrust } from './trust.ts';
import { type MessageKey, printable, say, sayDay, sayTime } from './words.ts';

let cast: Cast;

beforeAll(async () => {
  cast = await ceremonyCast();
});

/** A backend that counts what it is asked. */
function counting(): { backend: CryptoBackend; counts: { imports: number; checks: number } } {
  const counts = { imports: 0, checks: 0 };
  return {
    counts,
    backend: {
      ...nodeBackend,
      importPublicKey: async (algorithm, spki) => {
        counts.imports++;
        const key = await nodeBackend.importPublicKey(algorithm, spki);
        return {
          verify: (signature, data) => {
            counts.checks++;
            return key.verify(signature, data);
          },
        };
      },
    },
  };
}

describe('a prepared trust', () => {
  it('parses each key once, and checks each certificate once, however many documents follow', async () => {
    const { backend, counts } = counting();
    const trust = prepareTrust(await openTrustBundle(await trustBytes(cast), backend), backend);
    const documents = await Promise.all(
      [1, 2, 3].map((n) => makeDocument(cast, { record: { ...latinRecord, number: `PC-2026-00000${n}` } })),
    );
    const verify = async (at: number): Promise<void> => {
      const report = await verifyPdf(documents[at]!.file, contextOf(trust), async () => ({
        codes: [],
        readers: [],
      }));
      expect(report.indication).toBe('TOTAL-PASSED');
    };
    await verify(0);
    const before = { ...counts };
    await verify(1);
    await verify(2);
    // Signature, time-stamp, seal and checkpoint of each.
    expect(counts).toEqual({ imports: before.imports, checks: before.checks + 2 * 4 });
    // The bundle; four signatures; three leaves and the issuing authority under the root.
    expect(before.checks).toBe(1 + 4 + 4);
  });

  it('knows a certificate only for the use it is listed for', async () => {
    const trust = await trustOf(cast);
    expect(trust.known('document', cast.document.certificate)?.entry.use).toBe('document');
    expect(trust.known('seal', cast.document.certificate)).toBeUndefined();
    expect(trust.known('document', cast.seal.certificate)).toBeUndefined();
    expect(trust.known('document', cast.authorities[0]!)).toBeUndefined();
    expect(trust.known('document', new Uint8Array())).toBeUndefined();
    expect(await trust.sealKey(await sealKid(cast.document.certificate, nodeBackend))).toBeUndefined();
    expect((await trust.sealKey(await sealKid(cast.seal.certificate, nodeBackend)))?.entry.use).toBe('seal');
    expect(await trust.logKeys('GA-LYS')).toEqual([]);
  });

  it('holds a certificate only byte for byte', async () => {
    const trust = await trustOf(cast);
    const { certificate } = cast.document;
    expect(trust.holds(certificate)).toBe(true);
    expect(trust.holds(cast.root.certificate)).toBe(true);
    expect(trust.holds(certificate.subarray(1))).toBe(false);
    for (let at = 0; at < certificate.length; at += 7) {
      const copy = certificate.slice();
      copy[at]! ^= 0x80;
      expect(trust.holds(copy)).toBe(false);
    }
  });

  it('compares a path that held with every later time', async () => {
    const trust = await trustOf(cast);
    const known = trust.known('document', cast.document.certificate)!;
    const { notBefore, notAfter } = known.certificate;
    const holds = async (time: Date): Promise<boolean> => (await known.pathAt(time)).ok;
    expect(await holds(later(notBefore, -1))).toBe(false);
    expect(await holds(times.issue)).toBe(true);
    expect(await holds(notBefore)).toBe(true);
    expect(await holds(notAfter)).toBe(true);
    expect(await holds(new Date(notAfter.getTime() + 999))).toBe(true);
    expect(await holds(new Date(notAfter.getTime() + 1000))).toBe(false);
    expect(await holds(new Date(notBefore.getTime() - 1000))).toBe(false);
    expect(await holds(new Date(Number.NaN))).toBe(false);
  });
});

describe('the state of a key', () => {
  const entry = { certificate: new Uint8Array(1), use: 'seal', post: 'GA-PAR' } as const;
  const at = times.issue;

  it('is in force, retired or compromised', () => {
    expect(keyState({ ...entry, state: 'active' }, at, undefined)).toBe('active');
    const retired = { ...entry, state: 'retired' } as const;
    expect(keyState({ ...retired, lastSigning: seconds(at) }, at, undefined)).toBe('active');
    expect(keyState({ ...retired, lastSigning: seconds(at) - 1 }, at, 0)).toBe('retired');
    expect(keyState(retired, at, 0)).toBe('retired');
    const compromised = { ...entry, state: 'compromised', compromisedSince: 10 } as const;
    expect(keyState(compromised, at, 9)).toBe('active');
    expect(keyState(compromised, at, 10)).toBe('compromised');
    expect(keyState(compromised, at, undefined)).toBe('compromised');
    expect(keyState({ ...entry, state: 'compromised' }, at, 0)).toBe('compromised');
  });
});

describe('the words of a verdict', () => {
  const keys = Object.keys(messages) as MessageKey[];
  const placeholders = (text: string): readonly string[] => (text.match(/\{\w+\}/g) ?? []).toSorted();

  it('are there in French and English, with the same values', () => {
    for (const key of keys) {
      const { fr, en, ...others } = messages[key];
      expect(others).toEqual({});
      expect(fr.trim() && en.trim(), key).not.toBe('');
      expect(placeholders(fr), key).toEqual(placeholders(en));
    }
  });

  it('say what they are given and nothing that is not there', () => {
    expect(say('en', 'coverage.many', { count: 2 })).toContain('2 signatures');
    expect(say('fr', 'signer.passed', { name: 'A', time: 'B' })).toBe(
      'Signé par « A », reconnu par la liste de confiance et valable le B.',
    );
    expect(say('fr', 'signer.passed')).not.toContain('{');
    expect(sayDay('fr', times.issue)).toBe('03/03/2026');
    expect(sayTime('en', times.issue)).toBe('2026-03-03 10:15 UTC');
  });

  it('let nothing out of a file act on the terminal or reorder the line', () => {
    for (const evil of ['\u001b[2J', '\r✔ GENUINE', '\n', '\u202e', '\u2066', '\u0000', '\u009b1m', '\ud800'])
      expect(say('en', 'signer.unknown', { name: `X${evil}` })).not.toContain(evil);
    expect(printable('Ñandú محمد ‌')).toBe('Ñandú محمد ‌');
    expect(printable('x'.repeat(10_000)).length).toBeLessThan(400);
  });

  it('fill every place of every message of a document', async () => {
    const trust = await trustOf(cast);
    for (const language of ['fr', 'en'] as const) {
      const { file } = await makeDocument(cast);
      const report = await verifyPdf(file, { ...contextOf(trust), language }, async () => ({
        codes: [],
        readers: [],
      }));
      for (const text of [report.summary, ...report.checks.map(({ message }) => message)]) {
        expect(text).not.toMatch(/[{}]|undefined|NaN| {2}| ,/);
        expect(text).not.toMatch(/\.ts\b|node_modules|^\s+at /m);
      }
    }
  });
});
