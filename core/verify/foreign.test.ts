import { beforeAll, describe, expect, it } from 'vitest';
import { latin1, utf8 } from '../bytes.ts';
import { certificate, party } from '../pki/fixture.ts';
import { sealUrl } from '../seal/carrier.ts';
import { claim169Text } from '../seal/claim169-text.ts';
import {
  documentTypes,
  healthText,
  idbText,
  sealCertificate,
  tokenText,
  twoDDocText,
  vdsBytes,
} from '../seal/foreign/fixture.ts';
import type { TrustFile } from '../seal/foreign/trust-list.ts';
import { barcodePng, drawnPixels, readPng, sideBySide, zxingProgram } from '../seal/picture.fixture.ts';
import { type Picture, readCodes } from '../seal/picture.ts';
import { sealMatrix } from '../seal/qr.ts';
import { verifyCode } from './code.ts';
import type { VerifyContext } from './context.ts';
import { ceremonyCast, contextOf, host, type Made, makeDocument, times, trustOf } from './fixture.ts';
import { verifyCodes } from './picture.ts';
import type { Report } from './report.ts';

const authority = party('authority');
const signer = party('signer');
const year = 365 * 86_400_000;
const validity = { notBefore: new Date(+times.now - year), notAfter: new Date(+times.now + year) };
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** A list that has the signer under the names that seals of each system use. */
const listed = (der: Uint8Array, more: object = {}): readonly TrustFile[] => [
  {
    name: 'list.json',
    bytes: utf8(
      JSON.stringify([
        { certificate: base64(der), kid: base64(kid), vds: 'UTTS 5B', '2d-doc': 'FR00 0001', ...more },
      ]),
    ),
  },
];
const kid = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const right = certificate(authority, signer, validity);

let context: VerifyContext;
let ours: Made;

beforeAll(async () => {
  const cast = await ceremonyCast();
  context = contextOf(await trustOf(cast));
  ours = await makeDocument(cast);
});

const verify = (
  content: string | Uint8Array,
  foreignTrust?: readonly TrustFile[],
  now = times.now,
): Promise<Report> =>
  verifyCode(typeof content === 'string' ? { text: content } : { text: '', bytes: content }, {
    ...context,
    now,
    ...(foreignTrust ? { foreignTrust } : {}),
  });

const verdict = ({ indication, subIndication, checks }: Report) => [
  indication,
  subIndication,
  checks.find(({ outcome }) => outcome === 'failed' || outcome === 'indeterminate')?.id,
];
const passed = ['TOTAL-PASSED', undefined, undefined];

describe('a seal of another system', () => {
  it('passes by a list that was handed in, and is never taken for one of a post', async () => {
    const report = await verify(twoDDocText(signer.privateKey), listed(right));
    expect(verdict(report)).toEqual(passed);
    expect(report).toMatchObject({
      subject: 'foreign-seal',
      compareWithPaper: true,
      foreign: { system: '2d-doc', issuer: 'FR', kind: 'Payslip', status: 'VALID', signature: 'valid' },
      signer: 'CN=signer',
    });
    expect(report.summary).toMatch(
      /^GENUINE THIRD-PARTY SEAL by your trust lists: 2D-Doc seal, France \(FR\), Payslip; signer CN=signer\. No post of ours issued it/,
    );
    expect(report.document).toBeUndefined();
    expect(report.checks.map(({ id }) => id)).toEqual(['seal', 'seal-signature', 'seal-signer']);
  });

  it('is inconclusive without a list, and shows what it says', async () => {
    const report = await verify(twoDDocText(signer.privateKey));
    expect(verdict(report)).toEqual(['INDETERMINATE', 'NO_SIGNING_CERTIFICATE_FOUND', 'seal-signer']);
    expect(report.summary).toMatch(/^INCONCLUSIVE, do not accept as it is: 2D-Doc seal, France \(FR\)/);
    expect(report.fields.map(({ value }) => value)).toContain('M/EXEMPLE/HENRY');
    expect(report.compareWithPaper).toBe(false);
  });

  it('is refused once it was tampered with, and shows nothing of it', async () => {
    const report = await verify(twoDDocText(signer.privateKey).replace('HENRY', 'HARRY'), listed(right));
    expect(verdict(report)).toEqual(['TOTAL-FAILED', 'SIG_CRYPTO_FAILURE', 'seal-signature']);
    expect(report.summary).toMatch(/^REFUSED: 2D-Doc seal, .*the signature is wrong/);
    expect(report.fields).toEqual([]);
  });

  it('has a sub-indication of EN 319 102-1 for every reason', async () => {
    const { privateKey } = signer;
    const old = certificate(authority, signer, { ...validity, notAfter: new Date(+times.now - 1000) });
    const early = certificate(authority, signer, { ...validity, notBefore: new Date(+times.now + 1000) });
    const other = sealCertificate(party('C=UT'), signer, validity);
    const limited = sealCertificate(authority, signer, {
      ...validity,
      extensions: [documentTypes('ID')],
    });
    const vds = vdsBytes(privateKey);
    const cases: readonly (readonly [string | Uint8Array, readonly TrustFile[], ...string[]])[] = [
      [vds, listed(old), 'INDETERMINATE', 'OUT_OF_BOUNDS_NO_POE', 'seal-signer'],
      [vds, listed(early), 'INDETERMINATE', 'OUT_OF_BOUNDS_NO_POE', 'seal-signer'],
      [vds, listed(right, { revoked: true }), 'INDETERMINATE', 'REVOKED_NO_POE', 'seal-signer'],
      [vds, listed(limited), 'INDETERMINATE', 'CHAIN_CONSTRAINTS_FAILURE', 'seal-signer'],
      [vds.subarray(0, -1), listed(right), 'TOTAL-FAILED', 'FORMAT_FAILURE', 'seal'],
      [
        idbText({ key: privateKey, certificate: other }),
        listed(right),
        'INDETERMINATE',
        'NO_CERTIFICATE_CHAIN_FOUND',
        'seal-signer',
      ],
      [idbText(), listed(right), 'INDETERMINATE', 'SIGNED_DATA_NOT_FOUND', 'seal-signature'],
      [
        tokenText(new Map([[169, new Map([[4, 'Exemple']])]]), privateKey, { kid, algorithm: -65535 }),
        listed(right),
        'INDETERMINATE',
        'CRYPTO_CONSTRAINTS_FAILURE',
        'seal-signature',
      ],
      [
        tokenText(
          new Map<number, unknown>([
            [4, 1],
            [169, new Map([[4, 'Exemple']])],
          ]),
          privateKey,
          { kid },
        ),
        listed(right),
        'TOTAL-FAILED',
        'EXPIRED',
        'validity',
      ],
      [
        tokenText(
          new Map<number, unknown>([
            [5, 4e9],
            [169, new Map([[4, 'Exemple']])],
          ]),
          privateKey,
          { kid },
        ),
        listed(right),
        'TOTAL-FAILED',
        'NOT_YET_VALID',
        'validity',
      ],
    ];
    for (const [content, trust, ...expected] of cases)
      expect(verdict(await verify(content, trust))).toEqual(expected);
  });

  it('of a broken kind is still named', async () => {
    const report = await verify('HC1:6BF', listed(right));
    expect(verdict(report)).toEqual(['TOTAL-FAILED', 'FORMAT_FAILURE', 'seal']);
    expect(report.summary).toMatch(/^REFUSED: EU digital COVID certificate: the seal does not follow/);
    expect(report.foreign).toMatchObject({ system: 'hcert', reason: 'WRONG_FORMAT' });
  });

  it('is a Claim 169 where it has no consular claims, and ours where it has', async () => {
    const identity = tokenText(new Map([[169, new Map([[4, 'Exemple']])]]), signer.privateKey, { kid });
    expect(await verify(identity, listed(right))).toMatchObject({
      indication: 'TOTAL-PASSED',
      subject: 'foreign-seal',
      foreign: { system: 'claim169' },
    });
    expect(await verify(claim169Text(ours.cose), listed(right))).toMatchObject({
      indication: 'TOTAL-PASSED',
      subject: 'seal',
      document: { number: 'PC-2026-000123' },
    });
  });

  it('is told from a list that cannot be read, which matters to no other code', async () => {
    const broken = [{ name: 'list.json', bytes: latin1('{') }];
    await expect(verify(healthText(signer.privateKey, kid), broken)).rejects.toMatchObject({
      code: 'TRUST_INVALID',
      message: expect.stringContaining('list.json'),
    });
    expect((await verify(sealUrl(ours.cose, host), broken)).indication).toBe('TOTAL-PASSED');
  });
});

describe('a picture with seals of other systems', () => {
  const onPicture = async (picture: Picture): Promise<Report> =>
    verifyCodes(await readCodes(picture, zxingProgram()), { ...context, foreignTrust: listed(right) });

  it.each(['QRCode', 'DataMatrix', 'Aztec'] as const)('gives the verdict on one in %s', async (format) => {
    expect(await onPicture(await barcodePng(vdsBytes(signer.privateKey), format))).toMatchObject({
      indication: 'TOTAL-PASSED',
      subject: 'foreign-seal',
      foreign: { system: 'vds', issuer: 'UTO' },
    });
  });

  it('goes by the consular seal where there is one', async () => {
    const seal = await barcodePng(twoDDocText(signer.privateKey), 'QRCode');
    const both = sideBySide(readPng(seal), drawnPixels(sealMatrix(ours.cose, host)));
    expect(await onPicture(both)).toMatchObject({ subject: 'seal', document: { number: 'PC-2026-000123' } });
  });

  it('is not concluded where there are different ones', async () => {
    const codes = await Promise.all(
      [twoDDocText(signer.privateKey), healthText(signer.privateKey, kid)].map(async (text) =>
        readPng(await barcodePng(text, 'QRCode')),
      ),
    );
    const report = await onPicture(sideBySide(codes[0]!, codes[1]!));
    expect(verdict(report)).toEqual(['INDETERMINATE', 'SIGNED_DATA_NOT_FOUND', 'seal']);
    expect(report.summary).toContain('2 different seals');
  });
});
