import { describe, expect, test } from 'vitest';
import { examplePost } from '../../fixtures/post.ts';
import { toHex } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { parseCertificate } from './certificate.ts';
import { createPostCredentials } from './credentials.fixture.ts';
import { certifiedSigner } from './file-signer.ts';
import { parseOcspResponse } from './ocsp.ts';
import { archiveResponder } from './ocsp-archive.ts';
import { ocspResponder } from './ocsp-make.ts';
import { makeOcspRequest } from './ocsp-request.ts';

const made = new Date('2026-11-24T12:00:00Z');
const { digest } = nodeBackend;

async function archive() {
  const { keys, certificates } = await createPostCredentials({ post: examplePost, now: made });
  const issuer = parseCertificate(certificates['issuing-ca']);
  const [known, other] = [certificates.tsa, certificates['seal-signer']].map((der) => parseCertificate(der!));
  const respond = ocspResponder({
    issuer,
    responder: certifiedSigner(keys['issuing-ca'], certificates['issuing-ca'], []),
    statusOf: () => ({ status: 'good' }),
    clock: () => new Date(made),
    validity: 86_400,
    digest,
  });
  const ask = (certificate: typeof known, change: object = {}) =>
    makeOcspRequest({ certificates: [certificate!], issuer, ...change }, digest);
  const answer = await respond(await ask(known));
  const at = (time: string) =>
    archiveResponder(
      {
        authorities: [parseCertificate(certificates.root), issuer],
        find: async (authority, serial, hash) =>
          authority === issuer && hash === 'sha1' && toHex(serial) === toHex(known!.serial)
            ? answer
            : undefined,
      },
      digest,
      () => new Date(time),
    );
  return { known, other, issuer, ask, answer, at };
}

describe('a responder without a key', () => {
  test('gives the answer that was signed before, with a nonce or without', async () => {
    const { known, ask, answer, at } = await archive();
    const respond = at('2026-11-24T13:00:00Z');
    for (const change of [{}, { nonce: new Uint8Array(16) }])
      expect(await respond(await ask(known, change))).toEqual({
        body: answer,
        holds: { from: made, until: new Date('2026-11-25T12:00:00Z') },
      });
    expect(parseOcspResponse(answer).responses).toHaveLength(1);
  });

  test.each<[string, string, (a: Awaited<ReturnType<typeof archive>>) => Promise<Uint8Array>, string]>([
    ['what is no request', 'malformed', async () => new Uint8Array([0x30]), '2026-11-24T13:00:00Z'],
    [
      'a certificate without an answer',
      'unauthorized',
      ({ ask, other }) => ask(other),
      '2026-11-24T13:00:00Z',
    ],
    [
      'a digest without an answer',
      'unauthorized',
      ({ ask, known }) => ask(known, { hash: 'sha256' }),
      '2026-11-24T13:00:00Z',
    ],
    [
      'another authority',
      'unauthorized',
      ({ ask, known }) => ask(known, { issuer: known }),
      '2026-11-24T13:00:00Z',
    ],
    [
      'two certificates',
      'unauthorized',
      ({ ask, known, other }) => ask(known, { certificates: [known, other] }),
      '2026-11-24T13:00:00Z',
    ],
    ['an answer that has run out', 'later', ({ ask, known }) => ask(known), '2026-11-25T12:00:00Z'],
  ])('refuses %s: %s', async (_, expected, question, time) => {
    const all = await archive();
    const { body, holds } = await all.at(time)(await question(all));
    const code = { malformed: '01', later: '03', unauthorized: '06' }[expected];
    expect([toHex(body), holds]).toEqual([`30030a01${code}`, undefined]);
  });
});
