import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oids } from '../cms/oid.ts';
import { type Leaf, sha256, testingCa } from '../cms/testing-ca.ts';
import type { DigestName } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import { boolean, element, integer, nul, octetString, oid, sequence } from '../der/writer.ts';
import { timestampAuthority } from './authority.ts';
import { encodeRequest, readRequest } from './request.ts';
import { readResponse } from './response.ts';
import { checkToken, readToken } from './token.ts';

const ca = testingCa();
const policy = '1.3.6.1.4.1.99999.1';
const now = new Date('2026-11-24T10:20:30.405Z');
const data = new TextEncoder().encode('what is stamped');
const tsaLeaf: Leaf = { commonName: 'TSA', extendedKeyUsage: [oids.timeStamping] };
const signer = ca.issue(tsaLeaf);

let lastSerial = 0;
const authority = timestampAuthority({
  signer,
  policy,
  clock: () => now,
  serial: () => {
    lastSerial += 1;
    return Uint8Array.of(lastSerial >> 8, lastSerial);
  },
  accuracy: 1,
});

const imprint = { algorithm: 'sha256', digest: sha256(data) } as const;

async function granted(request: Uint8Array): Promise<Uint8Array> {
  const response = readResponse(await authority.respond(request));
  if (!('token' in response)) throw new Error(response.text.join());
  return response.token;
}

describe('timestampAuthority', () => {
  it('stamps with its policy, its clock to the millisecond, its accuracy and a serial number', async () => {
    const check = await checkToken(await authority.stamp(imprint.digest), { imprint, policy }, nodeBackend);
    if (!check.valid) throw new Error(check.message);
    expect(check.info).toMatchObject({ policy, genTime: now, accuracy: 1000, ordering: false });
    expect(check.info.nonce).toBeUndefined();
    expect(check.info.tsa).toBeUndefined();
    expect(check.certificates).toEqual([ca.intermediate]);
  });

  it('gives every token another serial number', async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => authority.stamp(imprint.digest)));
    const serials = tokens.map((token) => Buffer.from(readToken(token).info.serial).toString('hex'));
    expect(new Set(serials).size).toBe(20);
  });

  it('grants any right request, with its nonce and its digest', async () => {
    const algorithms: readonly DigestName[] = ['sha256', 'sha384', 'sha512'];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...algorithms),
        fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 160n }), { nil: undefined }),
        fc.boolean(),
        fc.boolean(),
        async (algorithm, nonce, certReq, withPolicy) => {
          const request = {
            imprint: { algorithm, digest: nodeBackend.digest(algorithm, data) as Uint8Array },
            certReq,
            ...(nonce === undefined ? {} : { nonce }),
            ...(withPolicy ? { policy } : {}),
          };
          const der = encodeRequest(request);
          expect(readRequest(der)).toEqual(request);
          const token = await granted(der);
          const known = certReq ? {} : { certificates: [signer.certificate] };
          const check = await checkToken(token, { ...request, ...known }, nodeBackend);
          expect(check).toMatchObject({ valid: true, info: { nonce, policy } });
          expect(readToken(token).signed.certificates).toHaveLength(certReq ? 2 : 0);
        },
      ),
      { numRuns: 60 },
    );
  });

  const sha256Identifier = sequence(oid(oids.sha256));
  const message = (algorithm: Uint8Array, length = 32) =>
    sequence(algorithm, octetString(new Uint8Array(length)));
  const right = message(sha256Identifier);
  const wrong: readonly (readonly [string, string, Uint8Array])[] = [
    ['badDataFormat', 'nothing', new Uint8Array()],
    ['badDataFormat', 'bytes that are not DER', new TextEncoder().encode('GET / HTTP/1.1')],
    ['badDataFormat', 'bytes after the end', Uint8Array.of(...sequence(integer(1), right), 0)],
    ['badDataFormat', 'no imprint', sequence(integer(1))],
    ['badDataFormat', 'a digest that is too short', sequence(integer(1), message(sha256Identifier, 20))],
    ['badDataFormat', 'a digest that is too long', sequence(integer(1), message(sha256Identifier, 64))],
    ['badDataFormat', 'members out of order', sequence(integer(1), right, integer(5), oid(policy))],
    ['badDataFormat', 'the default of certReq', sequence(integer(1), right, boolean(false))],
    ['badDataFormat', 'a nonce of a thousand bits', sequence(integer(1), right, integer(2n ** 1000n))],
    ['badDataFormat', 'more than any request holds', sequence(integer(1), right, integer(2n ** 10000n))],
    ['badRequest', 'version 2', sequence(integer(2), right)],
    ['badRequest', 'version 0', sequence(integer(0), right)],
    ['badAlg', 'SHA-1', sequence(integer(1), message(sequence(oid('1.3.14.3.2.26')), 20))],
    ['badAlg', 'SHA-224', sequence(integer(1), message(sequence(oid('2.16.840.1.101.3.4.2.4')), 28))],
    [
      'badAlg',
      'parameters of the hash',
      sequence(integer(1), message(sequence(oid(oids.sha256), integer(1)))),
    ],
    ['unacceptedPolicy', 'another policy', sequence(integer(1), right, oid('1.2.3'))],
    [
      'unacceptedExtension',
      'an extension',
      sequence(integer(1), right, element(0xa0, sequence(oid('1.2.3'), octetString(nul)))),
    ],
  ];
  it.each(wrong)('answers with %s: %s', async (failure, _, request) => {
    expect(readResponse(await authority.respond(request))).toMatchObject({
      status: 'rejection',
      failures: [failure],
    });
  });

  it('answers any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        expect(readResponse(await authority.respond(bytes)).status).toBe('rejection');
      }),
    );
  });

  it('refuses a digest of no accepted hash', async () => {
    await expect(authority.stamp(new Uint8Array(20))).rejects.toThrow(/20 bytes/);
  });

  it.each([
    ['CERTIFICATE_EXPIRED', { notAfter: new Date('2026-11-24T10:20:29Z') }],
    ['CERTIFICATE_NOT_YET_VALID', { notBefore: new Date('2026-11-24T10:20:31Z') }],
  ])('gives no token outside the validity of its certificate: %s', async (code, validity) => {
    const outside = timestampAuthority({
      signer: ca.issue({ ...tsaLeaf, ...validity }),
      policy,
      clock: () => now,
      serial: () => Uint8Array.of(1),
      accuracy: 1,
    });
    await expect(outside.stamp(imprint.digest)).rejects.toMatchObject({ code });
    const response = readResponse(await outside.respond(encodeRequest({ imprint, certReq: true })));
    expect(response).toMatchObject({ status: 'rejection', failures: ['systemFailure'] });
  });

  const unfit: readonly (readonly [string, Leaf])[] = [
    ['no extended key usage', {}],
    ['an extended key usage that is not critical', { ...tsaLeaf, extendedKeyUsageCritical: false }],
    ['another purpose too', { extendedKeyUsage: [oids.timeStamping, '1.3.6.1.5.5.7.3.3'] }],
    ['a key usage beyond signatures', { ...tsaLeaf, keyUsage: 0xa0 }],
    ['the certificate of a CA', { ...tsaLeaf, ca: true, keyUsage: 0x80 }],
  ];
  it.each(unfit)('is not made with %s', (_, leaf) => {
    const options = { policy, clock: () => now, serial: () => Uint8Array.of(1), accuracy: 1 };
    expect(() => timestampAuthority({ ...options, signer: ca.issue(leaf) })).toThrow(
      expect.objectContaining({ code: 'CERTIFICATE_INVALID' }),
    );
  });
});
