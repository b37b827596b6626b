import { generateKeyPairSync, verify, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { issueCertificate } from '../pki/authority.ts';
import { certifiedSigner, keySigner } from '../pki/file-signer.ts';
import { issueVdsSigner } from '../pki/vds-signer.ts';
import { decodeC40 } from './c40.ts';
import { readForeign } from './foreign/read.ts';
import { foreignReport } from './foreign/report.ts';
import { readForeignTrust } from './foreign/trust-list.ts';
import { verifyForeign } from './foreign/verify.ts';
import { makeTd2 } from './mrz.ts';
import { makeTravelSeal, prepareVdsSigner, type VdsSigner } from './travel-seal.ts';
import { readVds } from './vds.ts';

const now = new Date('2026-06-01T12:00:00Z');

describe('the visible digital seal of a laissez-passer', () => {
  const authorityKey = keySigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const content = {
    mrz: makeTd2({
      documentCode: 'PU',
      issuer: 'GAB',
      nationality: 'GAB',
      primary: 'Ndiaye',
      secondary: 'Aïssatou Fatou',
      number: 'LP0001234',
      dateOfBirth: '19900412',
      sex: 'F',
      dateOfExpiry: '20261230',
    }),
    issuingCountry: 'GAB',
    issued: '2026-06-01',
    signed: '2026-06-01',
  };
  let authority: Uint8Array;
  let certificate: Uint8Array;
  let signer: VdsSigner;
  let seal: Uint8Array;

  beforeAll(async () => {
    authority = await issueCertificate({
      profile: 'root',
      organisation: { country: 'GA', state: 'République gabonaise', post: 'Paris', postCode: 'GA-PAR' },
      subjectKey: authorityKey,
      issuer: { signer: authorityKey },
      serial: Uint8Array.of(1),
      now,
      repository: 'http://verifier.example',
    });
    certificate = await issueVdsSigner({
      subjectKey: keySigner(privateKey),
      issuer: { signer: authorityKey, certificate: authority },
      country: 'GA',
      name: 'PR',
      serial: Uint8Array.of(0x1a, 0x2b),
      now,
    });
    signer = prepareVdsSigner(certifiedSigner(privateKey, certificate, []));
    seal = await makeTravelSeal(content, signer);
  });

  it('has the header and the one feature of Doc 9303-8 appendix B', () => {
    const { header, features } = readVds(seal);
    expect(header).toEqual({
      version: 4,
      issuingCountry: 'GAB',
      signer: 'GAPR',
      certificateReference: '1A2B',
      issued: '2026-06-01',
      signed: '2026-06-01',
      definition: 0x5e,
      category: 3,
    });
    expect(toHex(seal.subarray(0, 2))).toBe('dc03');
    expect(features.map(({ tag }) => tag)).toEqual([2]);
    expect(decodeC40(features[0]?.value as Uint8Array).replaceAll(' ', '<')).toBe(content.mrz.join(''));
    expect(seal.length).toBeLessThanOrEqual(136);
  });

  it('is valid with the certificate of its signer, alone and beside its authority', async () => {
    const read = readForeign('', seal);
    for (const files of [[certificate], [certificate, authority]]) {
      const trust = await readForeignTrust(
        files.map((bytes, i) => ({ name: `${i}.der`, bytes })),
        nodeBackend,
      );
      const verdict = await verifyForeign(read, trust, { now }, nodeBackend);
      expect(verdict).toMatchObject({
        status: 'VALID',
        signature: 'valid',
        signer: { subject: 'CN=PR,C=GA' },
      });
      expect(foreignReport(read, verdict, 'en')).toMatchObject({
        kind: 'Emergency travel document',
        issuer: 'GAB',
        fields: expect.arrayContaining([{ label: 'Document number', value: 'LP0001234' }]),
      });
    }
  });

  it('is not valid once a document of a kind is sealed that its signer may not seal', async () => {
    const [first, second] = content.mrz;
    const other = await makeTravelSeal({ ...content, mrz: [`ID${first.slice(2)}`, second] }, signer);
    const trust = await readForeignTrust([{ name: 'signer.der', bytes: certificate }], nodeBackend);
    expect(await verifyForeign(readForeign('', other), trust, { now }, nodeBackend)).toMatchObject({
      status: 'INVALID',
      subIndication: 'INVALID_DOCUMENTTYPE',
      signature: 'valid',
    });
  });

  it('is not made with a line of another length, nor by a signer with another name', async () => {
    expect(() => makeTravelSeal({ ...content, mrz: ['PU', 'X'] }, signer)).toThrow(
      expect.objectContaining({ code: 'SCHEMA_VIOLATION' }),
    );
    expect(() => prepareVdsSigner(certifiedSigner(privateKey, authority, []))).toThrow(
      expect.objectContaining({ code: 'CERTIFICATE_INVALID' }),
    );
    const big = generateKeyPairSync('ed25519').privateKey;
    expect(() => prepareVdsSigner(certifiedSigner(big, certificate, []))).toThrow(
      expect.objectContaining({ code: 'KEY_INVALID' }),
    );
  });

  it('has a signature that OpenSSL verifies with the key of the certificate', () => {
    const { toBeSigned, signature } = readVds(seal);
    const publicKey = new X509Certificate(certificate).publicKey;
    expect(verify('sha256', toBeSigned, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
  });
});
