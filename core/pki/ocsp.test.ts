import { describe, expect, test } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { webBackend } from '../crypto/web.ts';
import { element, octetString, sequence } from '../der/writer.ts';
import { parseCrl } from './crl.ts';
import { certificate, crl, extension, testTime } from './fixture.ts';
import { certId, ocspResponse, responderByKey, responderByName, single, statuses } from './ocsp.fixture.ts';
import { ocspOid, parseOcspResponse } from './ocsp.ts';
import { checkOcspAnswer } from './ocsp-answer.ts';
import {
  about,
  answer,
  at,
  authority,
  broken,
  delegate,
  issuer,
  leaf,
  made,
  malformed,
  responder,
  signer,
  stranger,
  verdict,
} from './ocsp-broken.fixture.ts';
import { type PathInput, validatePath } from './path.ts';

describe('an OCSP response', () => {
  test.each(['sha1', 'sha256'])('by a delegate is good, the issuer named by %s', async (hash) => {
    expect(
      await verdict(answer({ responses: [about({ certId: certId(authority, leaf.serial, hash) })] })),
    ).toBe('good');
  });

  test('may name its responder by key or by name', async () => {
    expect(await verdict(answer({ responder: responderByName(responder) }))).toBe('good');
    expect(await verdict(answer({ responder: responderByKey(responder) }))).toBe('good');
  });

  test('may be by the authority itself, without certificates', async () => {
    expect(await verdict(ocspResponse({ signer: authority, responses: [about()] }))).toBe('good');
  });

  test('tells when and why a certificate was revoked', async () => {
    const date = new Date('2026-05-01T00:00:00Z');
    const response = parseOcspResponse(answer({ responses: [about({ status: statuses.revoked(date, 1) })] }));
    expect(await checkOcspAnswer({ response, certificate: leaf, issuer, at: testTime }, nodeBackend)).toEqual(
      {
        status: 'revoked',
        date,
        reason: 'keyCompromise',
      },
    );
  });

  test('that revokes for good counts however old it is; a hold does not', async () => {
    const old = { thisUpdate: at('2026-05-01T00:00:00Z'), nextUpdate: at('2026-05-02T00:00:00Z') };
    const producedAt = at('2026-05-01T00:00:00Z');
    const revoked = (reason: number) =>
      answer({ producedAt, responses: [about({ ...old, status: statuses.revoked(testTime, reason) })] });
    expect(await verdict(revoked(4))).toBe('revoked');
    expect(await verdict(revoked(6))).toBe('stale');
    expect(await verdict(answer({ producedAt, responses: [about(old)] }))).toBe('stale');
  });

  test('about several certificates is read for the one in question, the worst of two answers counting', async () => {
    const other = single({ certId: certId(authority, Uint8Array.of(7)), status: statuses.unknown });
    expect(await verdict(answer({ responses: [other, about()] }))).toBe('good');
    const revoked = about({ status: statuses.revoked(testTime) });
    expect(await verdict(answer({ responses: [about(), other, revoked] }))).toBe('revoked');
  });

  test('answers for an expired certificate only with an archive cutoff that reaches back', async () => {
    const expired = made(certificate(authority, signer, { notAfter: new Date('2026-03-01T00:00:00Z') }));
    const cutoff = (text?: string) =>
      answer({
        responses: [
          single({
            certId: certId(authority, expired.serial),
            ...(text ? { extensions: [extension(ocspOid.archiveCutoff, at(text))] } : {}),
          }),
        ],
      });
    expect(await verdict(cutoff(), { certificate: expired })).toBe('retention');
    expect(await verdict(cutoff('2026-03-01T00:00:01Z'), { certificate: expired })).toBe('retention');
    expect(await verdict(cutoff('2026-03-01T00:00:00Z'), { certificate: expired })).toBe('good');
  });

  test('without a next update serves for an hour', async () => {
    const open = answer({ responses: [about({ nextUpdate: null })] });
    expect(await verdict(open, { at: new Date('2026-06-01T01:00:00Z') })).toBe('good');
    expect(await verdict(open, { at: new Date('2026-06-01T01:00:01Z') })).toBe('stale');
  });

  test('carries the nonce of its request', async () => {
    const nonce = Uint8Array.of(1, 2, 3);
    const with3 = answer({ extensions: [extension(ocspOid.nonce, octetString(nonce))] });
    expect(await verdict(with3, { nonce })).toBe('good');
    expect(await verdict(with3)).toBe('good');
    expect(await verdict(with3, { nonce: Uint8Array.of(1, 2, 4) })).toBe('nonce');
    expect(await verdict(answer(), { nonce })).toBe('nonce');
  });

  test('is judged alike by WebCrypto', async () => {
    const web = webBackend(globalThis.crypto);
    const input = { certificate: leaf, issuer, at: testTime };
    for (const der of [answer(), answer({ signer: stranger, responder: responderByKey(responder) })]) {
      const response = parseOcspResponse(der);
      expect(await checkOcspAnswer({ ...input, response }, web)).toEqual(
        await checkOcspAnswer({ ...input, response }, nodeBackend),
      );
    }
  });
});

describe('a broken OCSP response', () => {
  test('is refused where it is cut short at any byte', async () => {
    const der = answer();
    for (let length = 0; length < der.length; length++)
      expect(await verdict(der.subarray(0, length))).toBe(malformed);
  });

  test('never proves more when any bit of it is another', { timeout: 30_000 }, async () => {
    const der = answer();
    for (let bit = 0; bit < 8 * der.length; bit += 7) {
      const flipped = der.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(['good', 'revoked', 'unknown']).not.toContain(await verdict(flipped));
    }
  });

  test.each(broken)('proves nothing in a path: %s', async (_name, _reason, der) => {
    let response: ReturnType<typeof parseOcspResponse>;
    try {
      response = parseOcspResponse(der);
    } catch {
      return;
    }
    const input = { leaf, intermediates: [], anchors: [issuer], time: testTime };
    const result = await validatePath({ ...input, revocation: { crls: [], ocsp: [response] } }, nodeBackend);
    expect(result).toMatchObject({ ok: false, reason: 'revocation-unknown' });
  });
});

describe('OCSP beside CRLs in a path', () => {
  const revokedOn = new Date('2026-05-01T00:00:00Z');
  const usual: PathInput = { leaf, intermediates: [], anchors: [issuer], time: testTime };
  const silent = parseCrl(crl(authority));
  const listing = parseCrl(
    crl(authority, { revoked: [{ serial: leaf.serial, date: revokedOn, reason: 1 }] }),
  );
  const good = parseOcspResponse(answer());
  const revoking = parseOcspResponse(
    answer({ responses: [about({ status: statuses.revoked(revokedOn, 4) })] }),
  );
  const forged = parseOcspResponse(
    ocspResponse({ signer: stranger, responder: responderByKey(authority), responses: [about()] }),
  );

  async function reasonOf(
    revocation: PathInput['revocation'],
    change: Partial<PathInput> = {},
  ): Promise<string> {
    const result = await validatePath(
      { ...usual, ...change, ...(revocation ? { revocation } : {}) },
      nodeBackend,
    );
    return result.ok ? 'ok' : result.reason;
  }

  test('either is enough to be good', async () => {
    expect(await reasonOf({ crls: [], ocsp: [good] })).toBe('ok');
    expect(await reasonOf({ crls: [silent], ocsp: [] })).toBe('ok');
    expect(await reasonOf({ crls: [], ocsp: [] })).toBe('revocation-unknown');
  });

  test('a revocation by either counts, whatever the other says', async () => {
    expect(await reasonOf({ crls: [listing], ocsp: [good] })).toBe('revoked');
    expect(await reasonOf({ crls: [silent], ocsp: [revoking] })).toBe('revoked');
    expect(await reasonOf({ crls: [silent], ocsp: [good, revoking] })).toBe('revoked');
    expect(await reasonOf({ crls: [silent], ocsp: [revoking, good] })).toBe('revoked');
  });

  test('a forged answer neither clears nor condemns', async () => {
    expect(await reasonOf({ crls: [listing], ocsp: [forged] })).toBe('revoked');
    expect(await reasonOf({ crls: [silent], ocsp: [forged] })).toBe('ok');
    const condemning = ocspResponse({
      signer: stranger,
      responder: responderByKey(authority),
      responses: [about({ status: statuses.revoked(revokedOn, 1) })],
    });
    expect(await reasonOf({ crls: [silent], ocsp: [parseOcspResponse(condemning)] })).toBe('ok');
  });

  test('a revocation does not reach back before its date', async () => {
    const change = { time: new Date('2026-04-30T23:59:59Z') };
    expect(await reasonOf({ crls: [], ocsp: [revoking], freshAt: testTime }, change)).toBe('ok');
    expect(await reasonOf({ crls: [], ocsp: [revoking], freshAt: testTime }, { time: revokedOn })).toBe(
      'revoked',
    );
  });

  test('an old CRL that revokes for good still revokes; its silence says nothing', async () => {
    const old = {
      thisUpdate: new Date('2026-05-02T00:00:00Z'),
      nextUpdate: new Date('2026-05-03T00:00:00Z'),
    };
    const revoked = [{ serial: leaf.serial, date: revokedOn, reason: 1 }];
    expect(await reasonOf({ crls: [parseCrl(crl(authority, { ...old, revoked }))] })).toBe('revoked');
    const hold = [{ serial: leaf.serial, date: revokedOn, reason: 6 }];
    expect(await reasonOf({ crls: [parseCrl(crl(authority, { ...old, revoked: hold }))] })).toBe(
      'revocation-unknown',
    );
    expect(await reasonOf({ crls: [parseCrl(crl(authority, old))] })).toBe('revocation-unknown');
  });

  test('a CRL made after the certificate expired must say that it kept it', async () => {
    const expired = made(certificate(authority, signer, { notAfter: new Date('2026-03-01T00:00:00Z') }));
    const change = { leaf: expired, time: new Date('2026-02-01T00:00:00Z') };
    const keeping = (text: string) =>
      parseCrl(crl(authority, { extensions: [extension('2.5.29.60', at(text))] }));
    expect(await reasonOf({ crls: [silent], freshAt: testTime }, change)).toBe('revocation-unknown');
    expect(await reasonOf({ crls: [keeping('2026-04-01T00:00:00Z')], freshAt: testTime }, change)).toBe(
      'revocation-unknown',
    );
    expect(await reasonOf({ crls: [keeping('2026-01-01T00:00:00Z')], freshAt: testTime }, change)).toBe('ok');
  });

  test('a delegate without nocheck is good by a CRL, and revoked by one even with nocheck', async () => {
    const checked = delegate({ extensions: [], serial: 77 });
    const ocsp = [parseOcspResponse(answer({ certificates: [checked] }))];
    // The list that proves the delegate is silent about the leaf too: another scope leaves that to OCSP.
    expect(await reasonOf({ crls: [], ocsp })).toBe('revocation-unknown');
    expect(await reasonOf({ crls: [silent], ocsp })).toBe('ok');
    const clears = parseOcspResponse(answer({ certificates: [delegate({ serial: 78 })] }));
    const onlyKeyCompromise = extension('2.5.29.28', sequence(element(0x83, Uint8Array.of(6, 0x40))), true);
    const partial = parseCrl(
      crl(authority, {
        revoked: [{ serial: 78, date: revokedOn, reason: 1 }],
        extensions: [onlyKeyCompromise],
      }),
    );
    expect(await reasonOf({ crls: [partial], ocsp: [clears] })).toBe('revocation-unknown');
    expect(await reasonOf({ crls: [], ocsp: [clears] })).toBe('ok');
  });
});
