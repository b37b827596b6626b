import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { sealUrl } from '../seal/carrier.ts';
import { encodeCbor } from '../seal/cbor.ts';
import { claim169Text } from '../seal/claim169-text.ts';
import { prepareCose, signCose } from '../seal/cose.ts';
import { lowS } from '../seal/low-s.ts';
import { claimsFromRecord, claimsToRecord } from '../seal/record-claims.ts';
import { makeSeal, prepareSealSigner, readSeal, sealKid } from '../seal/seal.ts';
import {
  type Cast,
  ceremonyCast,
  claimsOf,
  contextOf,
  flipped,
  host,
  later,
  latinRecord,
  makeDocument,
  otherPost,
  seconds,
  shapedCast,
  times,
  trustOf,
  withKey,
} from './fixture.ts';
import type { Report } from './report.ts';
import { verifySeal } from './seal.ts';
import type { Trust } from './trust.ts';

let cast: Cast;
let trust: Trust;
let cose: Uint8Array;

beforeAll(async () => {
  cast = await ceremonyCast();
  trust = await trustOf(cast);
  cose = (await makeDocument(cast)).cose;
});

const verify = (source: string | Uint8Array, at: Trust = trust, now: Date = times.now): Promise<Report> =>
  verifySeal(source, contextOf(at, now));

function verdict(report: Report): readonly string[] {
  const refusals = report.checks.flatMap(({ id, outcome, subIndication }) =>
    outcome === 'passed' || outcome === 'not-checked' ? [] : [`${id} ${subIndication}`],
  );
  return [report.indication, ...refusals];
}

const passed = ['TOTAL-PASSED'];

describe('a seal alone', () => {
  it('passes by each carrier, and says what is to be compared with the paper', async () => {
    const url = sealUrl(cose, host);
    for (const source of [url, url.toLowerCase(), ` ${url}\n`, claim169Text(cose), cose]) {
      const report = await verify(source);
      expect(verdict(report)).toEqual(passed);
      expect(report.checks.map(({ id }) => id)).toEqual([
        'trust-bundle',
        'seal',
        'seal-signature',
        'seal-signer',
        'status',
        'validity',
      ]);
      expect(report).toMatchObject({ subject: 'seal', compareWithPaper: true });
      expect(report.fields).toEqual(
        expect.arrayContaining([
          { label: 'Number', value: 'PC-2026-000123' },
          { label: 'Family name', value: 'NDONG MBA' },
          { label: 'Born on', value: '2006-02-02' },
        ]),
      );
      expect(report.summary).toContain('prise-en-charge PC-2026-000123');
    }
  });

  it('passes from a URL whose host is not known: only the fragment counts', async () => {
    expect(verdict(await verify(sealUrl(cose, 'somewhere.example/path')))).toEqual(passed);
  });

  it('passes with the high s of its signature', async () => {
    const low = readSeal(cose).signature;
    const high = cose.slice();
    high.set(highS(low), cose.length - 32);
    expect(high).not.toEqual(cose);
    expect(verdict(await verify(high))).toEqual(passed);
  });

  it('is not taken for one where it is a code of another system', async () => {
    for (const code of [
      'HC1:6BFOXN%TS3DH0YOJ58S S-W5HDC *M0II5XHC9B5G2+$N IOP-IA%NFQGRJPC%OQHIZC4.OI1RM8ZA.A5:S9MKN4NN3F85QNCY0O%0VZ001HOC9JU0D0HT0HB2PL',
      'DC04FR000001125E125C0026FR247500010MME/SPECIMEN/NATACHA',
      'https://example.org/',
      'https://example.org/#section',
      'MATMSG:TO:x@example.org;',
      '',
      ' ',
    ]) {
      const report = await verify(code);
      expect(verdict(report), code).toEqual(['INDETERMINATE', 'seal SIGNED_DATA_NOT_FOUND']);
      expect(report.document).toBeUndefined();
      expect(report.fields).toEqual([]);
      expect(report.compareWithPaper).toBe(false);
    }
  });

  it('is refused when it is damaged', async () => {
    const url = sealUrl(cose, host);
    for (const text of [url.slice(0, -3), `${url}A`, url.replace('#2KC', '#2KD'), `${url}#`])
      expect((await verify(text)).indication, text).not.toBe('TOTAL-PASSED');
    for (const bytes of [cose.subarray(0, -1), concatBytes(cose, Uint8Array.of(0)), new Uint8Array()])
      expect(verdict(await verify(bytes))).toEqual(['TOTAL-FAILED', 'seal FORMAT_FAILURE']);
  });

  it('is refused with any changed byte', async () => {
    for (let at = 0; at < cose.length; at++)
      for (const mask of [1, 0x80]) {
        const report = await verify(flipped(cose, at, mask));
        expect(report.indication, `byte ${at}`).not.toBe('TOTAL-PASSED');
        expect(report.document).toBeUndefined();
      }
  });

  it('is refused with a wrong signature, from an unknown key, and from one that is no seal key', async () => {
    expect(verdict(await verify(flipped(cose, cose.length - 1, 1)))).toEqual([
      'TOTAL-FAILED',
      'seal-signature SIG_CRYPTO_FAILURE',
    ]);
    for (const signer of [(await ceremonyCast()).seal, cast.document, cast.tsa]) {
      const made = (await makeDocument(cast, { sealSigner: signer })).cose;
      const report = await verify(made);
      expect(verdict(report)).toEqual(['INDETERMINATE', 'seal-signer NO_SIGNING_CERTIFICATE_FOUND']);
      expect(report.document).toBeUndefined();
    }
  });

  it('is refused with the key identifier of another signer', async () => {
    const forger = (await ceremonyCast()).seal;
    const kid = await sealKid(cast.seal.certificate, nodeBackend);
    const { payload } = readSeal(cose);
    const forged = await signCose(payload, prepareCose(-7, kid), async (data) =>
      lowS(await forger.sign(data)),
    );
    expect(verdict(await verify(forged))).toEqual(['TOTAL-FAILED', 'seal-signature SIG_CRYPTO_FAILURE']);
  });

  it('is refused when something else was signed with its key', async () => {
    const kid = await sealKid(cast.seal.certificate, nodeBackend);
    const sign = (data: Uint8Array) => cast.seal.sign(data);
    for (const payload of [new Map(), new Map([[1, 'GA']]), [1, 2], 'text']) {
      const other = await signCose(encodeCbor(payload as never), prepareCose(-7, kid), sign);
      expect(verdict(await verify(other))).toEqual(['TOTAL-FAILED', 'seal FORMAT_FAILURE']);
    }
    const other = await signCose(readSeal(cose).payload, prepareCose(-35, kid), sign);
    expect(verdict(await verify(other))).toEqual(['TOTAL-FAILED', 'seal FORMAT_FAILURE']);
  });

  it('is refused for a post that is not that of its key', async () => {
    const at = await trustOf(cast, withKey('seal', { post: otherPost }));
    expect(verdict(await verify(cose, at))).toEqual(['TOTAL-FAILED', 'seal-signer SIG_CRYPTO_FAILURE']);
  });

  it('is refused under a certificate out of its time or usage', async () => {
    for (const shape of [
      { notAfter: later(times.issue, -1) },
      { notBefore: later(times.issue, 1) },
      { keyUsage: ['keyAgreement'] as const },
    ]) {
      const odd = shapedCast({ seal: shape });
      const made = (await makeDocument(odd)).cose;
      expect(verdict(await verify(made, await trustOf(odd)))).toEqual([
        'INDETERMINATE',
        'seal-signer CHAIN_CONSTRAINTS_FAILURE',
      ]);
    }
  });

  it('is refused by a retired key after its last signing, and by a compromised key', async () => {
    const at = (change: object) => trustOf(cast, withKey('seal', change));
    const issued = seconds(times.issue);
    expect(verdict(await verify(cose, await at({ state: 'retired', lastSigning: issued })))).toEqual(passed);
    expect(verdict(await verify(cose, await at({ state: 'retired', lastSigning: issued - 1 })))).toEqual([
      'TOTAL-FAILED',
      'seal-signer REVOKED',
    ]);
    expect(
      verdict(await verify(cose, await at({ state: 'compromised', compromisedSince: 1_000_000 }))),
    ).toEqual(['INDETERMINATE', 'seal-signer REVOKED_NO_POE']);
  });

  it('is refused before and after the document is in force, and when it is of the future', async () => {
    const sealed = async (change: object): Promise<Uint8Array> => {
      const claims = await claimsFromRecord(
        { ...latinRecord, claims: { ...claimsToRecord(claimsOf(latinRecord)), ...change } },
        new Uint8Array(16),
        nodeBackend,
      );
      return makeSeal(claims, await prepareSealSigner(cast.seal, nodeBackend));
    };
    const now = seconds(times.now);
    for (const [change, sub] of [
      [{ expires: now }, 'EXPIRED'],
      [{ notBefore: now + 1 }, 'NOT_YET_VALID'],
      [{ issuedAt: now + 301, notBefore: 0 }, 'NOT_YET_VALID'],
    ] as const)
      expect(verdict(await verify(await sealed(change)))).toEqual(['TOTAL-FAILED', `validity ${sub}`]);
    for (const change of [{ expires: now + 1 }, { notBefore: now }, { issuedAt: now + 300 }])
      expect(verdict(await verify(await sealed(change)))).toEqual(passed);
  });

  it('shows a date of birth that is not whole, and a second name', async () => {
    const claims = claimsOf(latinRecord);
    const { dateOfBirth: _, ...identity } = claims.identity ?? {};
    const made = await makeDocument(cast, {
      claims: () => ({
        ...claims,
        identity: { ...identity, secondName: 'ماري تيريز', secondLanguage: 'ar' },
        document: { ...claims.document, incompleteBirthDate: '1961' },
      }),
    });
    const { fields } = await verify(made.cose);
    expect(fields).toContainEqual({ label: 'Born on', value: '1961' });
    expect(fields).toContainEqual({ label: 'Name (other script)', value: 'ماري تيريز' });
  });
});

describe('whatever it is given', () => {
  const isReport = (report: Report): void => {
    expect(['INDETERMINATE', 'TOTAL-FAILED']).toContain(report.indication);
    expect(report.document).toBeUndefined();
    expect(JSON.stringify(report)).not.toMatch(/\bat .*\.ts:\d+|node_modules|file:\/\//);
  };

  it('gives a report and throws nothing', () =>
    fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 200 }),
          fc.uint8Array({ maxLength: 200 }),
          fc.string({ maxLength: 80 }).map((text) => `HTTPS://${host}/#2KC${text}`),
          fc.base64String({ maxLength: 200 }),
          fc
            .uint8Array({ maxLength: 200 })
            .map((bytes) => sealUrl(concatBytes(cose.subarray(0, 40), bytes), host)),
          fc
            .uint8Array({ maxLength: 200 })
            .map((bytes) => claim169Text(concatBytes(Uint8Array.of(0xd2), bytes))),
          fc.uint8Array({ maxLength: 200 }).map((bytes) => concatBytes(cose.subarray(0, 20), bytes)),
        ),
        async (source) => isReport(await verify(source)),
      ),
      { numRuns: 400 },
    ));

  it('gives a report for texts of any length', async () => {
    isReport(await verify('A'.repeat(100_000)));
    isReport(await verify(`HTTPS://X/#2KC${'A'.repeat(4700)}`));
    isReport(await verify(utf8('x'.repeat(10_000))));
  });
});

/** (r, n - s) of r||s; FIPS 186-5 order of P-256. */
function highS(signature: Uint8Array): Uint8Array {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
  return Uint8Array.from(Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex'));
}
