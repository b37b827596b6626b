import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBER } from 'asn1js';
import fc from 'fast-check';
import { ContentInfo, SignedData } from 'pkijs';
import { afterAll, describe, expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import type { DigestName } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import { nul, oid, sequence } from '../der/writer.ts';
import { attribute, forge, tokenAnatomy } from './forge.ts';
import { prepareSignedData, withSignatureTimestamp } from './make.ts';
import { oids } from './oid.ts';
import { readSignedData } from './read.ts';
import { type KeyKind, p256, pem, testingCa } from './testing-ca.ts';
import { padesProfile, tokenProfile, verifySignedData } from './verify.ts';

const ca = testingCa();
const content = utf8('the bytes of a document');
const digestOf = (name: DigestName, data: Uint8Array) => nodeBackend.digest(name, data) as Uint8Array;
const input = { contentDigest: (name: DigestName) => digestOf(name, content) };
const verify = (der: Uint8Array) => verifySignedData(der, padesProfile, input, nodeBackend);

const folder = mkdtempSync(join(tmpdir(), 'consul-cms-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'root.pem'), pem('CERTIFICATE', ca.root));

/** What `openssl cms -verify` gives back; it throws where it refuses. */
function opensslVerify(der: Uint8Array, detached: Uint8Array): string {
  writeFileSync(join(folder, 'cms.der'), der);
  writeFileSync(join(folder, 'content'), detached);
  const args = ['cms', '-verify', '-binary', '-inform', 'DER', '-in', 'cms.der', '-content', 'content'];
  const trust = ['-CAfile', 'root.pem', '-purpose', 'any'];
  return execFileSync('openssl', [...args, ...trust], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
}

async function pkijsVerify(der: Uint8Array, detached: Uint8Array): Promise<boolean> {
  const contentInfo = new ContentInfo({ schema: fromBER(Uint8Array.from(der).buffer).result });
  const signedData = new SignedData({ schema: contentInfo.content });
  return signedData.verify({ signer: 0, data: Uint8Array.from(detached).buffer });
}

const kinds: readonly (readonly [string, KeyKind, DigestName])[] = [
  ['ECDSA P-256', p256, 'sha256'],
  ['ECDSA P-384', { name: 'ecdsa', curve: 'P-384', hash: 'sha384' }, 'sha384'],
  ['ECDSA P-521', { name: 'ecdsa', curve: 'P-521', hash: 'sha512' }, 'sha512'],
  ['RSA PKCS#1', { name: 'rsa-pkcs1', hash: 'sha256' }, 'sha256'],
  ['RSA-PSS', { name: 'rsa-pss', hash: 'sha256', saltLength: 32 }, 'sha256'],
  ['Ed25519', { name: 'ed25519' }, 'sha512'],
];

async function prepared(kind: KeyKind = p256, includeChain = true) {
  const signer = ca.issue({ kind });
  return prepareSignedData({ signer, contentType: oids.data, includeChain });
}

describe('prepareSignedData', () => {
  it.each(kinds)('makes with %s what the strict verifier accepts', async (_, kind, digest) => {
    const { der, signature } = await (await prepared(kind)).sign({
      messageDigest: digestOf(digest, content),
    });
    expect(await verify(der)).toMatchObject({ valid: true });
    expect(readSignedData(der).signer.signature).toEqual(signature);
  });

  // OpenSSL 3.0 does not know Ed25519 in CMS (RFC 8419).
  it.each(kinds.filter(([, { name }]) => name !== 'ed25519'))(
    'makes with %s what OpenSSL accepts, and only over that content',
    async (_, kind, digest) => {
      const signer = await prepared(kind);
      const { der } = await signer.sign({ messageDigest: digestOf(digest, content) });
      expect(opensslVerify(der, content)).toBe('the bytes of a document');
      expect(() => opensslVerify(der, utf8('other bytes'))).toThrow(/Verification failure/);
    },
  );

  it('puts into the skeleton what pkijs reads and verifies as its own', async () => {
    const signer = await prepared();
    const { der } = await signer.sign({ messageDigest: digestOf('sha256', content) });
    expect(await pkijsVerify(der, content)).toBe(true);
    const contentInfo = new ContentInfo({ schema: fromBER(Uint8Array.from(der).buffer).result });
    const again = new SignedData({ schema: contentInfo.content });
    const wrapped = new ContentInfo({ contentType: oids.signedData, content: again.toSchema(true) });
    expect(new Uint8Array(wrapped.toSchema().toBER())).toEqual(der);
  });

  it('makes a right signature for any digest and any further attribute', async () => {
    const signer = await prepared();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fc.boolean(), async (data, further) => {
        const extraAttributes = further
          ? [attribute(oids.commitmentType, sequence(oid('1.2.840.113549.1.9.16.6.1')))]
          : [];
        const { der } = await signer.sign({ messageDigest: digestOf('sha256', data), extraAttributes });
        const contentDigest = (name: DigestName) => digestOf(name, data);
        expect(await verifySignedData(der, padesProfile, { contentDigest }, nodeBackend)).toMatchObject({
          valid: true,
        });
      }),
      { numRuns: 50 },
    );
  });

  it('carries the chain only where it is asked for, sorted as DER asks', async () => {
    const messageDigest = digestOf('sha256', content);
    const alone = await (await prepared(p256, false)).sign({ messageDigest });
    const chained = await (await prepared()).sign({ messageDigest });
    expect(readSignedData(alone.der).certificates).toHaveLength(1);
    const { certificates } = readSignedData(chained.der);
    expect(certificates).toHaveLength(2);
    expect(certificates).toEqual(certificates.toSorted(Buffer.compare));
  });

  it('leaves all certificates out where it is asked to', async () => {
    const signer = ca.issue();
    const signedData = await prepareSignedData({
      signer,
      contentType: oids.data,
      includeChain: false,
      includeCertificate: false,
    });
    const { der } = await signedData.sign({ messageDigest: digestOf('sha256', content) });
    expect(readSignedData(der).certificates).toEqual([]);
    expect(await verify(der)).toMatchObject({ valid: false, reason: 'certificate-missing' });
    const known = { ...input, certificates: [signer.certificate] };
    expect(await verifySignedData(der, padesProfile, known, nodeBackend)).toMatchObject({ valid: true });
  });

  it('puts a content inside where one is given', async () => {
    const signedData = await prepareSignedData({
      signer: ca.issue(),
      contentType: oids.tstInfo,
      includeChain: true,
    });
    const { der } = await signedData.sign({ messageDigest: digestOf('sha256', content), content });
    expect(readSignedData(der).content).toEqual(content);
    expect(await verifySignedData(der, tokenProfile, {}, nodeBackend)).toMatchObject({ valid: true });
  });

  it('signs with a key that answers later', async () => {
    const signer = ca.issue();
    const later = { ...signer, sign: async (data: Uint8Array) => signer.sign(data) };
    const signedData = await prepareSignedData({
      signer: later,
      contentType: oids.data,
      includeChain: false,
    });
    const { der } = await signedData.sign({ messageDigest: digestOf('sha256', content) });
    expect(await verify(der)).toMatchObject({ valid: true });
  });

  it('refuses a digest of another length', async () => {
    const signer = await prepared();
    await expect(signer.sign({ messageDigest: new Uint8Array(48) })).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  });
});

describe('withSignatureTimestamp', () => {
  const token = forge(tokenAnatomy(ca.issue(), utf8('stands for TSTInfo')));

  it('adds the token without touching what is signed', async () => {
    const messageDigest = digestOf('sha256', content);
    const { der, signature, withTimestamp } = await (await prepared()).sign({ messageDigest });
    const stamped = withSignatureTimestamp(der, token);
    expect(withTimestamp(token)).toEqual(stamped);
    const { signer } = readSignedData(stamped);
    expect(signer.unsigned).toEqual({ signatureTimestamp: token, others: [] });
    expect(signer.signature).toEqual(signature);
    expect(await verify(stamped)).toMatchObject({ valid: true });
    expect(opensslVerify(stamped, content)).toBe('the bytes of a document');
    expect(await pkijsVerify(stamped, content)).toBe(true);
  });

  it('keeps other unsigned attributes, in order', () => {
    const earlier = attribute('1.2.3.4', nul);
    const anatomy = tokenAnatomy(ca.issue(), content);
    const stamped = withSignatureTimestamp(forge({ ...anatomy, unsigned: [earlier] }), token);
    expect(readSignedData(stamped).signer.unsigned).toEqual({
      signatureTimestamp: token,
      others: ['1.2.3.4'],
    });
  });

  it('refuses a second time-stamp, a token that is none and a signature that is broken', async () => {
    const { der } = await (await prepared()).sign({ messageDigest: digestOf('sha256', content) });
    const stamped = withSignatureTimestamp(der, token);
    expect(() => withSignatureTimestamp(stamped, token)).toThrow(/time-stamp already/);
    expect(() => withSignatureTimestamp(der, der)).toThrow(/is none/);
    expect(() => withSignatureTimestamp(der, token.subarray(1))).toThrow();
    expect(() => withSignatureTimestamp(der.subarray(0, -1), token)).toThrow(/cut short/);
  });
});
