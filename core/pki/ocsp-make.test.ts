import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { contextTag, tag } from '../der/tags.ts';
import { element, explicit, integer, nul, octetString, sequence } from '../der/writer.ts';
import { parseCertificate } from './certificate.ts';
import { certifiedSigner } from './file-signer.ts';
import { certificate, extension, party, testTime } from './fixture.ts';
import { toPem } from './key-file.ts';
import { certId } from './ocsp.fixture.ts';
import { type OcspStatus, ocspOid, parseOcspResponse } from './ocsp.ts';
import { checkOcspAnswer } from './ocsp-answer.ts';
import { ocspResponder } from './ocsp-make.ts';
import { makeOcspRequest, parseOcspRequest } from './ocsp-request.ts';
import { hasOpenssl, opensslFolder } from './openssl.fixture.ts';

const { digest } = nodeBackend;
const authority = party('Authority');
const responder = party('Responder');
const issuerDer = certificate(authority, authority, { ca: true });
const issuer = parseCertificate(issuerDer);
const responderDer = certificate(authority, responder, {
  extendedKeyUsage: [ocspOid.signing],
  extensions: [extension(ocspOid.noCheck, nul)],
});
const signer = certifiedSigner(responder.privateKey, responderDer, []);
const revokedOn = new Date('2026-05-01T00:00:00Z');
const known = new Map<number, OcspStatus>([
  [1, { status: 'good' }],
  [2, { status: 'revoked', date: revokedOn, reason: 'keyCompromise' }],
  [3, { status: 'revoked', date: revokedOn, reason: 'unspecified' }],
]);
const leafDer = (serial: number) => certificate(authority, party(`Signer ${serial}`), { serial });
const leaves = [1, 2, 3, 4].map((serial) => parseCertificate(leafDer(serial)));

const respond = (clock: () => Date = () => testTime) =>
  ocspResponder({
    issuer,
    responder: signer,
    statusOf: (serial) => known.get(serial[0] as number) ?? { status: 'unknown' },
    clock: () => new Date(clock()),
    validity: 86_400,
    digest,
  });

async function asked(certificate: (typeof leaves)[number], hash: 'sha1' | 'sha256' = 'sha1') {
  const nonce = nodeBackend.random(16);
  const request = await makeOcspRequest({ certificates: [certificate], issuer, hash, nonce }, digest);
  const response = parseOcspResponse(await respond()(request));
  return checkOcspAnswer({ response, certificate, issuer, at: testTime, nonce }, nodeBackend);
}

describe('a responder', () => {
  test.each(['sha1', 'sha256'] as const)('answers what it knows, asked by %s', async (hash) => {
    const verdicts = await Promise.all(leaves.map((leaf) => asked(leaf, hash)));
    expect(verdicts).toEqual([1, 2, 3, 4].map((serial) => known.get(serial) ?? { status: 'unknown' }));
  });

  test('answers about many at once, in their order', async () => {
    const request = await makeOcspRequest({ certificates: leaves, issuer }, digest);
    const { responses } = parseOcspResponse(await respond()(request));
    expect(responses.map(({ status }) => status.status)).toEqual(['good', 'revoked', 'revoked', 'unknown']);
  });

  test('gives the same question the same bytes when the second is the same', async () => {
    const request = await makeOcspRequest({ certificates: leaves.slice(0, 1), issuer }, digest);
    expect(await makeOcspRequest({ certificates: leaves.slice(0, 1), issuer }, digest)).toEqual(request);
  });

  const status = async (request: Uint8Array): Promise<number> => (await respond()(request)).at(4) as number;
  const id = certId(authority, Uint8Array.of(1));
  const withExtension = (value: Uint8Array) =>
    sequence(sequence(sequence(sequence(id)), explicit(2, sequence(value))));

  test.each([
    ['no bytes', new Uint8Array()],
    ['a sequence of nothing', sequence()],
    ['no question', sequence(sequence(sequence()))],
    ['101 questions', sequence(sequence(sequence(...Array.from({ length: 101 }, () => sequence(id)))))],
    ['a version that is written out', sequence(sequence(explicit(0, integer(0)), sequence(sequence(id))))],
    ['a critical extension', withExtension(extension('1.2.3.4', nul, true))],
    ['an empty nonce', withExtension(extension(ocspOid.nonce, octetString()))],
    ['a nonce of 129 octets', withExtension(extension(ocspOid.nonce, octetString(new Uint8Array(129))))],
    ['64 KiB and more', new Uint8Array(65_537)],
    [
      'a critical extension of a question',
      sequence(sequence(sequence(sequence(id, explicit(0, sequence(extension('1.2.3', nul, true))))))),
    ],
    ['bytes after the end', Uint8Array.of(...sequence(sequence(sequence(sequence(id)))), 0)],
  ])('says malformedRequest to %s', async (_name, request) => {
    expect(await status(request)).toBe(1);
  });

  test('says unauthorized about another authority', async () => {
    const other = certId(party('Other'), Uint8Array.of(1));
    expect(await status(sequence(sequence(sequence(sequence(other)))))).toBe(6);
    expect(
      await status(sequence(sequence(sequence(sequence(certId(authority, Uint8Array.of(1), 'md5')))))),
    ).toBe(6);
  });

  test('answers anything at all', async () => {
    const answer = respond();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await answer(bytes)).toEqual(sequence(element(tag.enumerated, Uint8Array.of(1))));
      }),
    );
  });

  test('reads a signed request and ignores who signed', () => {
    const signed = sequence(
      sequence(explicit(1, element(contextTag(4, true), sequence())), sequence(sequence(id))),
      explicit(0, sequence()),
    );
    expect(parseOcspRequest(signed).certificates).toHaveLength(1);
  });
});

describe.skipIf(!hasOpenssl)('OpenSSL', () => {
  const files = () => ({
    'ca.pem': toPem('CERTIFICATE', issuerDer),
    'ca.key': authority.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    'responder.pem': toPem('CERTIFICATE', responderDer),
    'responder.key': responder.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    ...Object.fromEntries(
      [1, 2, 3, 4].map((serial) => [`${serial}.pem`, toPem('CERTIFICATE', leafDer(serial))]),
    ),
  });

  const numbered = (hash: string) => [1, 2, 3, 4].flatMap((n) => [`-${hash}`, '-cert', `${n}.pem`]);

  test.each(['sha1', 'sha256'])('asks by %s, and takes the answers', async (hash) => {
    const folder = opensslFolder();
    folder.write(files());
    const asking = folder.openssl('ocsp', '-issuer', 'ca.pem', ...numbered(hash), '-reqout', 'req.der');
    expect(asking.status, asking.said).toBe(0);
    folder.write({ 'resp.der': await respond(() => new Date())(folder.read('req.der')) });
    const answered = folder.openssl(...'ocsp -respin resp.der -reqin req.der -CAfile ca.pem'.split(' '));
    expect(answered.status, answered.said).toBe(0);
    const judging = 'ocsp -respin resp.der -no_nonce -CAfile ca.pem -issuer ca.pem'.split(' ');
    const { status, said } = folder.openssl(...judging, ...numbered(hash));
    expect(status, said).toBe(0);
    expect(said).toContain('Response verify OK');
    expect(said).toContain('1.pem: good');
    expect(said).toMatch(/2\.pem: revoked[\s\S]*Reason: keyCompromise/);
    expect(said).toContain('3.pem: revoked');
    expect(said).toContain('4.pem: unknown');
    expect(answered.said).not.toMatch(/nonce/i);
  });

  test('refuses an answer of ours that was altered', async () => {
    const folder = opensslFolder();
    folder.write(files());
    const request = await makeOcspRequest({ certificates: leaves.slice(1, 2), issuer }, digest);
    const der = await respond(() => new Date())(request);
    // CertStatus revoked, the only element [1] with such a length: good is what a thief would have it say.
    const at = der.indexOf(0xa1);
    folder.write({ 'resp.der': der, 'bad.der': der.with(at, 0xa2) });
    const judge = (file: string) =>
      folder.openssl(...`ocsp -respin ${file} -CAfile ca.pem -issuer ca.pem -cert 2.pem -no_nonce`.split(' '))
        .said;
    expect(judge('resp.der')).toContain('Response verify OK');
    expect(judge('bad.der')).not.toContain('Response verify OK');
  });

  test('gives an answer that is taken here', async () => {
    const folder = opensslFolder();
    folder.write({
      ...files(),
      'index.txt':
        'V\t400101000000Z\t\t01\tunknown\t/CN=Signer 1\nR\t400101000000Z\t260501000000Z,keyCompromise\t02\tunknown\t/CN=Signer 2\n',
    });
    for (const [n, expected] of [
      [1, { status: 'good' }],
      [2, { status: 'revoked', date: revokedOn, reason: 'keyCompromise' }],
      [4, { status: 'unknown' }],
    ] as const) {
      const argv = `ocsp -index index.txt -CA ca.pem -rsigner responder.pem -rkey responder.key -ndays 1 -respout resp.der -reqin req.der`;
      folder.openssl('ocsp', '-issuer', 'ca.pem', '-cert', `${n}.pem`, '-reqout', 'req.der');
      const run = folder.openssl(...argv.split(' '));
      expect(run.status, run.said).toBe(0);
      const response = parseOcspResponse(folder.read('resp.der'));
      const { nonce } = parseOcspRequest(folder.read('req.der'));
      const leaf = leaves[n - 1] as (typeof leaves)[number];
      expect(
        await checkOcspAnswer(
          { response, certificate: leaf, issuer, at: new Date(), ...(nonce ? { nonce } : {}) },
          nodeBackend,
        ),
      ).toEqual(expected);
    }
  });
});
