import { describe, expect, test } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { webBackend } from '../crypto/web.ts';
import { contextTag, tag } from '../der/tags.ts';
import {
  element,
  explicit,
  generalizedTime,
  integer,
  nul,
  octetString,
  oid,
  sequence,
  time,
} from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { parseCrl } from './crl.ts';
import {
  type CertificateShape,
  certificate,
  commonName,
  crl,
  extension,
  party,
  renamed,
  testTime,
} from './fixture.ts';
import {
  certId,
  ocspResponse,
  type ResponseShape,
  responderByKey,
  responderByName,
  type SingleShape,
  single,
  statuses,
} from './ocsp.fixture.ts';
import { ocspOid, parseOcspResponse } from './ocsp.ts';
import { checkOcspAnswer } from './ocsp-answer.ts';
import { type PathInput, validatePath } from './path.ts';

const authority = party('Authority');
const signer = party('Signer');
const responder = party('Responder');
const stranger = party('Stranger');

const made = (der: Uint8Array): Certificate => parseCertificate(der);
const issuer = made(
  certificate(authority, authority, { ca: true, keyUsage: ['keyCertSign', 'cRLSign', 'digitalSignature'] }),
);
const leafShape = { serial: 0x80 };
const leafDer = certificate(authority, signer, leafShape);
const leaf = made(leafDer);
const noCheck = extension(ocspOid.noCheck, nul);
const delegate = (shape: CertificateShape = {}, by = authority, of = responder): Uint8Array =>
  certificate(by, of, { extendedKeyUsage: [ocspOid.signing], extensions: [noCheck], ...shape });
const delegateDer = delegate();

const id = certId(authority, leaf.serial);
const about = (shape: Partial<SingleShape> = {}): Uint8Array => single({ certId: id, ...shape });

/** A response by the delegate that says good, but for what is changed. */
const answer = (change: Partial<ResponseShape> = {}): Uint8Array =>
  ocspResponse({ signer: responder, responses: [about()], certificates: [delegateDer], ...change });

const at = (text: string): Uint8Array => generalizedTime(new Date(text));

/** What an answer proves, or the code of the error that its bytes are. */
async function verdict(
  der: Uint8Array,
  change: Partial<Parameters<typeof checkOcspAnswer>[0]> = {},
): Promise<string> {
  try {
    const response = parseOcspResponse(der);
    const input = { response, certificate: leaf, issuer, at: testTime, ...change };
    const result = await checkOcspAnswer(input, nodeBackend);
    return result.status === 'unusable' ? result.reason : result.status;
  } catch (error) {
    if (error instanceof ConsulError) return error.code;
    throw error;
  }
}

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

const critical = extension('1.2.3.4', nul, true);
const rsa = party('Old responder', 'rsa-2048');
const other = party('Other authority');
const namesake = renamed('Authority', stranger);
const malformed = 'CERTIFICATE_INVALID';
const plainId = (...members: Uint8Array[]): Uint8Array => sequence(...members);
const sha1Oid = sequence(oid('1.3.14.3.2.26'), nul);
const some20 = octetString(new Uint8Array(20));

/** The negative suite: each with the reason it must be refused for. */
const broken: readonly (readonly [string, string, Uint8Array])[] = [
  ['by an unrelated key', 'responder-unknown', ocspResponse({ signer: stranger, responses: [about()] })],
  [
    'by an unrelated key with its own certificate',
    'responder-not-issued-here',
    answer({ signer: stranger, certificates: [delegate({}, stranger, stranger)] }),
  ],
  [
    'by an unrelated key in the name of the delegate',
    'bad-signature',
    answer({ signer: stranger, responder: responderByKey(responder) }),
  ],
  [
    'by an unrelated key in the name of the authority',
    'bad-signature',
    ocspResponse({ signer: stranger, responder: responderByKey(authority), responses: [about()] }),
  ],
  [
    'by a namesake of the authority',
    'responder-not-issued-here',
    ocspResponse({
      signer: namesake,
      responder: responderByName(authority),
      responses: [about()],
      certificates: [
        certificate(namesake, namesake, {
          ca: true,
          keyUsage: ['keyCertSign', 'digitalSignature'],
          extendedKeyUsage: [ocspOid.signing],
        }),
      ],
    }),
  ],
  [
    'by a delegate of a namesake of the authority',
    'responder-not-issued-here',
    answer({ certificates: [delegate({}, namesake)] }),
  ],
  [
    'by a delegate of another authority',
    'responder-not-issued-here',
    answer({ certificates: [delegate({}, other)] }),
  ],
  [
    'by the certificate in question itself',
    'responder-not-for-ocsp',
    answer({ signer, certificates: [leafDer] }),
  ],
  [
    'by a delegate for any purpose',
    'responder-not-for-ocsp',
    answer({ certificates: [delegate({ extendedKeyUsage: ['2.5.29.37.0'] })] }),
  ],
  [
    'by a delegate without a purpose',
    'responder-not-for-ocsp',
    answer({ certificates: [certificate(authority, responder, { extensions: [noCheck] })] }),
  ],
  [
    'by a delegate for time-stamps',
    'responder-not-for-ocsp',
    answer({ certificates: [delegate({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.8'] })] }),
  ],
  [
    'by a delegate whose key may not sign',
    'responder-not-for-ocsp',
    answer({ certificates: [delegate({ keyUsage: ['keyEncipherment'] })] }),
  ],
  [
    'by a delegate without nocheck, no CRL at hand',
    'responder-unchecked',
    answer({ certificates: [delegate({ extensions: [] })] }),
  ],
  [
    'by a delegate that has expired',
    'responder-invalid',
    answer({ certificates: [delegate({ notAfter: new Date('2026-06-01T11:59:59Z') })] }),
  ],
  [
    'by a delegate of tomorrow',
    'responder-invalid',
    answer({ certificates: [delegate({ notBefore: new Date('2026-06-01T12:00:01Z') })] }),
  ],
  [
    'by a delegate with a critical extension that is not understood',
    'responder-invalid',
    answer({ certificates: [delegate({ extensions: [noCheck, critical] })] }),
  ],
  [
    'by a delegate whose nocheck is critical',
    'responder-invalid',
    answer({ certificates: [delegate({ extensions: [extension(ocspOid.noCheck, nul, true)] })] }),
  ],
  [
    'by a delegate whose certificate was altered',
    'responder-not-issued-here',
    answer({ certificates: [delegateDer.with(delegateDer.length - 5, (delegateDer.at(-5) as number) ^ 1)] }),
  ],
  [
    'by a delegate whose certificate is not there',
    'responder-unknown',
    ocspResponse({ signer: responder, responses: [about()] }),
  ],
  [
    'by a delegate with RSA 2048, past its day',
    'algorithm',
    answer({
      signer: rsa,
      algorithm: sequence(oid('1.2.840.113549.1.1.11'), nul),
      certificates: [delegate({}, authority, rsa)],
    }),
  ],
  [
    'named after another than its signer',
    'responder-unknown',
    answer({ responder: responderByName(stranger) }),
  ],
  ['named by the key of another', 'responder-unknown', answer({ responder: responderByKey(stranger) })],
  ['signed over other data', 'bad-signature', answer({ signed: sequence() })],
  ['signed with SHA-1', 'algorithm', answer({ algorithm: sequence(oid('1.2.840.10045.4.1')) })],
  [
    'signed as RSA by an EC key',
    'algorithm',
    answer({ algorithm: sequence(oid('1.2.840.113549.1.1.11'), nul) }),
  ],
  [
    'signed as SHA-384 over SHA-256',
    'bad-signature',
    answer({ algorithm: sequence(oid('1.2.840.10045.4.3.3')) }),
  ],
  [
    'signed with parameters where none belong',
    'algorithm',
    answer({ algorithm: sequence(oid('1.2.840.10045.4.3.2'), nul) }),
  ],
  [
    'about another serial number',
    'other-certificate',
    answer({ responses: [about({ certId: certId(authority, Uint8Array.of(0x81)) })] }),
  ],
  [
    'about the serial number of another authority',
    'other-certificate',
    answer({ responses: [about({ certId: certId(other, leaf.serial) })] }),
  ],
  [
    'about the key of a namesake',
    'other-certificate',
    answer({ responses: [about({ certId: certId(namesake, leaf.serial) })] }),
  ],
  [
    'about the name of another with the same key',
    'other-certificate',
    answer({ responses: [about({ certId: certId(renamed('Elsewhere', authority), leaf.serial) })] }),
  ],
  [
    'whose issuer is named by MD5',
    'other-certificate',
    answer({ responses: [about({ certId: certId(authority, leaf.serial, 'md5') })] }),
  ],
  ['of yesterday', 'stale', answer({ responses: [about({ nextUpdate: at('2026-06-01T11:59:59Z') })] })],
  [
    'of tomorrow',
    'of-the-future',
    answer({ responses: [about({ thisUpdate: at('2026-06-01T12:00:01Z') })] }),
  ],
  ['produced tomorrow', 'of-the-future', answer({ producedAt: at('2026-06-01T12:00:01Z') })],
  ['about a time after it was produced', 'of-the-future', answer({ producedAt: at('2026-05-31T23:59:59Z') })],
  ['with a critical extension', 'critical-extension', answer({ extensions: [critical] })],
  [
    'with a critical extension for the certificate',
    'critical-extension',
    answer({ responses: [about({ extensions: [critical] })] }),
  ],
  [
    'with a critical extension of an entry: another issuer',
    'critical-extension',
    answer({ responses: [about({ extensions: [extension('2.5.29.29', sequence(), true)] })] }),
  ],
  ['that says unknown', 'unknown', answer({ responses: [about({ status: statuses.unknown })] })],
  ['in no bytes', malformed, new Uint8Array()],
  ['with bytes after its end', malformed, Uint8Array.of(...answer(), 0)],
  ['that says try later', malformed, sequence(element(tag.enumerated, Uint8Array.of(3)))],
  ['that says unauthorized', malformed, sequence(element(tag.enumerated, Uint8Array.of(6)))],
  ['with an answer and an error', malformed, answer({ status: element(tag.enumerated, Uint8Array.of(2)) })],
  [
    'with a status that is not defined',
    malformed,
    answer({ status: element(tag.enumerated, Uint8Array.of(4)) }),
  ],
  ['that is successful and empty', malformed, sequence(element(tag.enumerated, Uint8Array.of(0)))],
  ['of another type', malformed, answer({ type: '1.3.6.1.5.5.7.48.1.99' })],
  ['of a version written out', malformed, answer({ version: explicit(0, integer(0)) })],
  ['of version 2', malformed, answer({ version: explicit(0, integer(1)) })],
  ['about nothing', malformed, answer({ responses: [] })],
  ['with an empty list of certificates', malformed, answer({ certificates: [] })],
  ['with a certificate twice', malformed, answer({ certificates: [delegateDer, delegateDer] })],
  ['with a broken certificate', malformed, answer({ certificates: [delegateDer, sequence()] })],
  [
    'with 17 certificates',
    malformed,
    answer({ certificates: Array.from({ length: 17 }, (_, serial) => delegate({ serial: serial + 1 })) }),
  ],
  ['with an unknown field', malformed, answer({ more: [explicit(3, nul)] })],
  ['with an empty list of extensions', malformed, answer({ extensions: [] })],
  [
    'with an extension twice',
    malformed,
    answer({ extensions: [extension('1.2.3', nul), extension('1.2.3', nul)] }),
  ],
  ['with an empty nonce', malformed, answer({ extensions: [extension(ocspOid.nonce, octetString())] })],
  [
    'with a nonce of 129 octets',
    malformed,
    answer({ extensions: [extension(ocspOid.nonce, octetString(new Uint8Array(129)))] }),
  ],
  [
    'with a nonce that is no string',
    malformed,
    answer({ extensions: [extension(ocspOid.nonce, integer(5))] }),
  ],
  ['from a responder without a name', malformed, answer({ responder: explicit(1, commonName('')) })],
  [
    'from a responder named by half a key digest',
    malformed,
    answer({ responder: explicit(2, octetString(new Uint8Array(10))) }),
  ],
  ['from a responder named in neither way', malformed, answer({ responder: explicit(3, some20) })],
  [
    'with a status of no kind',
    malformed,
    answer({ responses: [about({ status: element(contextTag(3, false)) })] }),
  ],
  [
    'with good and something in it',
    malformed,
    answer({ responses: [about({ status: element(contextTag(0, false), Uint8Array.of(0)) })] }),
  ],
  [
    'with revoked and no date',
    malformed,
    answer({ responses: [about({ status: element(contextTag(1, true)) })] }),
  ],
  [
    'with a reason that is not defined',
    malformed,
    answer({ responses: [about({ status: statuses.revoked(testTime, 7) })] }),
  ],
  ['with a date as UTCTime', malformed, answer({ responses: [about({ thisUpdate: time(testTime) })] })],
  [
    'with an update before itself',
    malformed,
    answer({ responses: [about({ nextUpdate: at('2026-05-31T23:59:59Z') })] }),
  ],
  [
    'with an issuer named by half a digest',
    malformed,
    answer({
      responses: [
        about({ certId: plainId(sha1Oid, octetString(new Uint8Array(10)), some20, integer(0x80)) }),
      ],
    }),
  ],
  [
    'with a serial number of 21 octets',
    malformed,
    answer({
      responses: [about({ certId: plainId(sha1Oid, some20, some20, integer(new Uint8Array(21).fill(1))) })],
    }),
  ],
  [
    'with a CertID of five fields',
    malformed,
    answer({ responses: [about({ certId: plainId(sha1Oid, some20, some20, integer(5), nul) })] }),
  ],
  [
    'with an archive cutoff that is no date',
    malformed,
    answer({ responses: [about({ extensions: [extension(ocspOid.archiveCutoff, nul)] })] }),
  ],
];

describe('a broken OCSP response', () => {
  test(`is made in more than 60 ways`, () => {
    expect(broken.length).toBeGreaterThan(60);
    expect(new Set(broken.map(([name]) => name)).size).toBe(broken.length);
  });

  test.each(broken)('is refused: %s (%s)', async (_name, reason, der) => {
    expect(await verdict(der)).toBe(reason);
  });

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
