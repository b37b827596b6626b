import { deflateSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { sealKid } from '../seal/seal.ts';
import { makeStatusList, statusEntries, statusListUri, statusType } from '../seal/status-list.ts';
import {
  type Cast,
  ceremonyCast,
  contextOf,
  host,
  later,
  makeDocument,
  post,
  seconds,
  times,
  trustContent,
} from './fixture.ts';
import type { Report } from './report.ts';
import { verifySeal } from './seal.ts';
import { prepareTrust } from './trust.ts';

let cast: Cast;
let cose: Uint8Array;
/** Of the documents of the fixture. */
const statusIndex = 7;

beforeAll(async () => {
  cast = await ceremonyCast();
  cose = (await makeDocument(cast)).cose;
});

interface ListShape {
  readonly revoked?: readonly number[];
  readonly issued?: Date;
  readonly expires?: Date;
  readonly subject?: string;
  readonly signer?: Cast['seal'];
}

async function listBytes({
  revoked = [],
  issued = later(times.issue, 1),
  expires,
  subject,
  signer,
}: ListShape = {}) {
  const by = signer ?? cast.seal;
  return makeStatusList(
    {
      subject: subject ?? statusListUri({ host, code: post.code }),
      issuedAt: seconds(issued),
      ...(expires ? { expires: seconds(expires) } : {}),
      timeToLive: 86_400,
    },
    statusEntries(
      1,
      1000,
      revoked.map((index) => [index, statusType.invalid]),
    ),
    { signer: by, kid: await sealKid(by.certificate, nodeBackend), deflate: (bytes) => deflateSync(bytes) },
  );
}

async function reportWith(lists: readonly Uint8Array[], now: Date = later(times.issue, 1)): Promise<Report> {
  const bundle = { ...(await trustContent(cast)), rootFingerprint: '' };
  return verifySeal(cose, contextOf(prepareTrust(bundle, nodeBackend, lists), now));
}

const statusOf = ({ checks }: Report): string | undefined => {
  const check = checks.find(({ id }) => id === 'status');
  return check && [check.outcome, check.subIndication].filter(Boolean).join(' ');
};

describe('the status of a document', () => {
  it('is not known without a list, and that is said', async () => {
    const report = await reportWith([]);
    expect([report.indication, statusOf(report)]).toEqual(['TOTAL-PASSED', 'not-checked']);
    expect(report.checks.find(({ id }) => id === 'status')?.message).toMatch(/not checked|non vérifiée/);
  });

  it('is good where the list does not revoke it, and revoked where it does', async () => {
    expect(statusOf(await reportWith([await listBytes()]))).toBe('passed');
    const report = await reportWith([await listBytes({ revoked: [statusIndex] })]);
    expect([report.indication, report.subIndication]).toEqual(['TOTAL-FAILED', 'REVOKED']);
  });

  it('follows the newest list, whatever order they come in', async () => {
    const old = await listBytes();
    const fresh = await listBytes({ revoked: [statusIndex], issued: later(times.issue, 2) });
    for (const lists of [
      [old, fresh],
      [fresh, old],
    ])
      expect((await reportWith(lists, later(times.issue, 2))).subIndication).toBe('REVOKED');
  });

  it('stays revoked by a list that has expired, and is open by one that does not revoke it', async () => {
    const expires = later(times.issue, 2);
    const now = later(times.issue, 3);
    const revoking = await listBytes({ revoked: [statusIndex], expires });
    expect((await reportWith([revoking], now)).subIndication).toBe('REVOKED');
    expect((await reportWith([await listBytes({ expires })], now)).subIndication).toBe('TRY_LATER');
  });

  it('is not told by a list of another key, another post, or with a changed byte', async () => {
    const stranger = await listBytes({ revoked: [statusIndex], signer: cast.document });
    expect((await reportWith([stranger])).subIndication).toBe('TRY_LATER');
    const elsewhere = await listBytes({ revoked: [statusIndex], subject: 'https://other.example/status/X' });
    expect(statusOf(await reportWith([elsewhere]))).toBe('not-checked');
    const bytes = await listBytes();
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    expect((await reportWith([bytes])).subIndication).toBe('TRY_LATER');
  });
});
