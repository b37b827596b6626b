import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { webBackend } from '../crypto/web.ts';
import { implicit, nul, oid, sequence, time } from '../der/writer.ts';
import {
  binding,
  ca,
  content,
  digest,
  input,
  keyIdentified,
  other,
  readSid,
  right,
  rightDer,
  serialOf,
  signer,
  type,
  withAttributes,
} from './broken.fixture.ts';
import {
  type Anatomy,
  attribute,
  ecdsaSha256Identifier,
  essCertIdV2,
  forge,
  issuerSerial,
  sha256Identifier,
  signingCertificateAttribute,
  sorted,
  tokenAnatomy,
} from './forge.ts';
import { oids } from './oid.ts';
import { readSignedData } from './read.ts';
import { p256 } from './testing-ca.ts';
import { padesProfile, type SignedDataProfile, tokenProfile, verifySignedData } from './verify.ts';

const verify = (der: Uint8Array, profile: SignedDataProfile = padesProfile) =>
  verifySignedData(der, profile, input, nodeBackend);

describe('verifySignedData', () => {
  it('says in a browser what it says on Node', async () => {
    const web = webBackend(globalThis.crypto);
    expect(await verifySignedData(forge(right), padesProfile, input, web)).toMatchObject({ valid: true });
  });

  it('accepts a signature in the profile and gives its certificate', async () => {
    const result = await verify(forge(right));
    if (!result.valid) throw new Error(result.message);
    expect(result.certificate.bytes).toEqual(signer.certificate);
    expect(result.algorithm).toEqual(p256);
    expect(result.certificates).toEqual([]);
  });

  const accepted: readonly (readonly [string, Partial<Anatomy>])[] = [
    ['NULL parameters of the hash', { digestAlgorithm: sequence(oid(oids.sha256), nul) }],
    ['a signer named by key identifier', keyIdentified],
    [
      'certificates in path order',
      { certificates: [signer.certificate, ca.intermediate, other.certificate] },
    ],
    ['certificates in the reverse order', { certificates: [ca.intermediate, signer.certificate] }],
    [
      'issuer and serial number in signing-certificate-v2',
      withAttributes(
        type,
        digest,
        signingCertificateAttribute(
          essCertIdV2(
            signer.certificate,
            issuerSerial(readSid(signer.certificate).issuer, serialOf(signer.certificate)),
          ),
        ),
      ),
    ],
    [
      'algorithm protection that names the algorithms used',
      withAttributes(
        type,
        digest,
        binding,
        attribute(
          oids.algorithmProtection,
          sequence(sha256Identifier, implicit(0xa1, ecdsaSha256Identifier)),
        ),
      ),
    ],
    ['an unknown unsigned attribute', { unsigned: [attribute('1.2.3.4', nul)] }],
    [
      'a commitment type',
      withAttributes(
        type,
        digest,
        binding,
        attribute(oids.commitmentType, sequence(oid('1.2.840.113549.1.9.16.6.1'))),
      ),
    ],
  ];
  it.each(accepted)('accepts %s', async (_, change) => {
    expect(await verify(forge({ ...right, ...change }))).toMatchObject({ valid: true });
  });

  it('limits the certificates of the path to those that signing-certificate-v2 names', async () => {
    const named = signingCertificateAttribute(essCertIdV2(signer.certificate), essCertIdV2(ca.intermediate));
    const parts = {
      ...right,
      ...withAttributes(type, digest, named),
      certificates: [signer.certificate, ca.intermediate, other.certificate],
    };
    const result = await verify(forge(parts));
    expect(result.valid && result.certificates).toEqual([ca.intermediate]);
  });

  it('takes the certificate from elsewhere where it is not embedded', async () => {
    const der = forge({ ...right, certificates: undefined });
    const known = { ...input, certificates: [other.certificate, signer.certificate] };
    expect(await verifySignedData(der, padesProfile, known, nodeBackend)).toMatchObject({ valid: true });
  });

  it('reports unsigned attributes and gives the token of a signature time-stamp', () => {
    const token = sequence(oid(oids.signedData));
    const unsigned = sorted([attribute(oids.signatureTimestamp, token), attribute('1.2.3.4', nul)]);
    const { signer: read } = readSignedData(forge({ ...right, unsigned }));
    expect(read.unsigned).toEqual({ signatureTimestamp: token, others: ['1.2.3.4'] });
  });

  it('accepts a content inside where the profile asks for one', async () => {
    expect(await verify(forge(tokenAnatomy(signer, content)), tokenProfile)).toMatchObject({ valid: true });
  });

  it('gives the attribute signing-time only where the profile allows it', async () => {
    const signingTime = attribute(oids.signingTime, time(new Date('2026-11-24T10:00:00Z')));
    const token = tokenAnatomy(signer, content);
    const der = forge({ ...token, attributes: sorted([...(token.attributes ?? []), signingTime]) });
    const result = await verify(der, tokenProfile);
    expect(result.valid && result.signed.signer.signed.signingTime).toEqual(new Date('2026-11-24T10:00:00Z'));
  });
});

describe('verifySignedData refuses', () => {
  it('a signature with any one bit flipped', async () => {
    for (let i = 0; i < rightDer.length; i++) {
      const flipped = rightDer.slice();
      flipped[i] = (flipped[i] as number) ^ (1 << (i % 8));
      expect(await verify(flipped), `byte ${i}`).toMatchObject({ valid: false });
    }
  });

  it('a signature cut at any byte', async () => {
    for (let i = 0; i < rightDer.length; i++)
      expect(await verify(rightDer.subarray(0, i)), `cut at ${i}`).toMatchObject({ valid: false });
  });

  it('any bytes, with a verdict and not an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await verify(bytes)).toMatchObject({ valid: false });
      }),
    );
  });

  it('any splice of foreign bytes into a signature, with a verdict and not an error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(rightDer.length),
        fc.nat(20),
        fc.uint8Array({ minLength: 1, maxLength: 20 }),
        async (at, cut, foreign) => {
          const spliced = concatBytes(rightDer.subarray(0, at), foreign, rightDer.subarray(at + cut));
          const same = Buffer.compare(spliced, rightDer) === 0;
          expect((await verify(spliced)).valid).toBe(same);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('readSignedData', () => {
  it('throws a coded error whose first detail names the reason', () => {
    const twice = forge({ ...right, moreSigners: (signerInfo) => [signerInfo] });
    expect(() => readSignedData(twice)).toThrow(
      expect.objectContaining({
        code: 'CMS_INVALID',
        details: [expect.objectContaining({ where: 'signer-count' })],
      }),
    );
    expect(() => readSignedData(rightDer.subarray(1))).toThrow(
      expect.objectContaining({ code: 'DER_INVALID' }),
    );
  });

  it('reads a Buffer as it reads a plain array, and leaves it as it is', async () => {
    const buffer = Buffer.from(rightDer);
    expect(await verify(buffer)).toMatchObject({ valid: true });
    expect(new Uint8Array(buffer)).toEqual(rightDer);
  });
});
