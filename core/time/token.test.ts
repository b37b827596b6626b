import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forge, tokenAnatomy } from '../cms/forge.ts';
import { nodeBackend } from '../crypto/node.ts';
import { boolean, element, generalizedTime, integer, oid } from '../der/writer.ts';
import {
  accuracyOf,
  digest,
  expectation,
  extension,
  type Info,
  nonce,
  now,
  policy,
  rightDer,
  signer,
  subject,
  thousandths,
  tokenOf,
  tsaName,
  written,
} from './broken.fixture.ts';
import { checkToken, readToken, type TokenExpectation } from './token.ts';

const check = (der: Uint8Array, expected: TokenExpectation = expectation) =>
  checkToken(der, expected, nodeBackend);

describe('checkToken', () => {
  it('accepts a right token and gives what it says', async () => {
    const result = await check(tokenOf());
    if (!result.valid) throw new Error(result.message);
    expect(result.info).toMatchObject({ policy, nonce, genTime: now, accuracy: 1000, ordering: false });
    expect(result.info.serial).toEqual(Uint8Array.of(42));
    expect(result.certificate.bytes).toEqual(signer.certificate);
  });

  const accepted: readonly (readonly [string, Info])[] = [
    ['a time without a fraction', { genTime: generalizedTime(now) }],
    ['a time to the microsecond', { genTime: written('20261124102030.400001Z') }],
    ['no accuracy', { accuracy: new Uint8Array() }],
    ['an accuracy in thousandths', { accuracy: accuracyOf(thousandths(0, 999), thousandths(1, 1)) }],
    ['an ordering', { ordering: boolean(true) }],
    ['the subject of the certificate as authority', { tsa: tsaName(element(0xa4, subject)) }],
    ['an extension that is not critical', { extensions: extension(false) }],
    ['a serial number of 160 bits', { serial: integer(2n ** 160n - 1n) }],
    ['the serial number 0', { serial: integer(0) }],
  ];
  it.each(accepted)('accepts %s', async (_, info) => {
    expect(await check(tokenOf(info))).toMatchObject({ valid: true });
  });

  it('asks for the imprint by the hash that the token names', async () => {
    const names: string[] = [];
    const byName: TokenExpectation = {
      imprint: (algorithm) => {
        names.push(algorithm);
        return digest;
      },
    };
    expect(await check(tokenOf(), byName)).toMatchObject({ valid: true });
    expect(names).toEqual(['sha256']);
  });

  it('takes the certificate from elsewhere where the token has none', async () => {
    const known = { ...expectation, certificates: [signer.certificate] };
    expect(await check(tokenOf({}, { certificates: undefined }), known)).toMatchObject({ valid: true });
  });

  it('checks neither nonce nor policy where none was asked for', async () => {
    const der = tokenOf({ nonce: new Uint8Array(), policy: oid('1.2.3') });
    expect(await check(der, { imprint: { algorithm: 'sha256', digest } })).toMatchObject({ valid: true });
  });
});

describe('checkToken refuses', () => {
  it('a token with any one bit flipped', async () => {
    for (let i = 0; i < rightDer.length; i++) {
      const flipped = rightDer.slice();
      flipped[i] = (flipped[i] as number) ^ (1 << (i % 8));
      expect(await check(flipped), `byte ${i}`).toMatchObject({ valid: false });
    }
  });

  it('any bytes around TSTInfo, with a verdict and not an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), async (bytes) => {
        expect(await check(forge(tokenAnatomy(signer, bytes)))).toMatchObject({ valid: false });
      }),
    );
  });
});

describe('readToken', () => {
  it('throws a coded error with the reason for what is not a token', () => {
    expect(() => readToken(tokenOf({ version: integer(2) }))).toThrow(
      expect.objectContaining({
        code: 'CMS_INVALID',
        details: [expect.objectContaining({ where: 'tst-version' })],
      }),
    );
    expect(() => readToken(rightDer.subarray(1))).toThrow(expect.objectContaining({ code: 'DER_INVALID' }));
  });
});
