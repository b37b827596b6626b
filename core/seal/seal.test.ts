import { createHash, sign } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, toHex } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { readCarrier, sealUrl } from './carrier.ts';
import { type CborKey, type CborValue, encodeCbor } from './cbor.ts';
import { claimsToCbor } from './claims.ts';
import { anyClaims, type TestSigner, testSigner, usualClaims, verifierHost } from './seal.fixture.ts';
import { checkSealSignature, makeSeal, prepareSealSigner, readSeal, sealKid } from './seal.ts';

let signer: TestSigner;
let cose: Uint8Array;
beforeAll(async () => {
  signer = await testSigner();
  cose = await makeSeal(usualClaims, signer.seal);
});

/** A seal with a right signature and any headers. */
function sealedWith(
  protectedHeader: [CborKey, CborValue][],
  unprotected: [CborKey, CborValue][] = [],
  payload = encodeCbor(claimsToCbor(usualClaims)),
): Uint8Array {
  const header = encodeCbor(new Map(protectedHeader));
  const covered = encodeCbor(['Signature1', header, new Uint8Array(), payload]);
  const signature = new Uint8Array(
    sign('sha256', covered, { key: signer.privateKey, dsaEncoding: 'ieee-p1363' }),
  );
  return concatBytes(Uint8Array.of(0xd2), encodeCbor([header, new Map(unprotected), payload, signature]));
}

/** What a person who verifies comes to see: refused when read, or a signature that is false. */
async function accepted(bytes: Uint8Array): Promise<boolean> {
  let seal: ReturnType<typeof readSeal>;
  try {
    seal = readSeal(bytes);
  } catch (error) {
    if (error instanceof ConsulError && /^(SEAL|CBOR)_INVALID$/.test(error.code)) return false;
    throw error;
  }
  return checkSealSignature(seal, signer.publicKey);
}

describe('seal', () => {
  it('is made, read and verified with the same claims', async () => {
    await fc.assert(
      fc.asyncProperty(anyClaims, async (claims) => {
        const seal = readSeal(await makeSeal(claims, signer.seal));
        expect(seal.claims).toEqual(claims);
        expect(seal.unknown).toEqual([]);
        expect(await checkSealSignature(seal, signer.publicKey)).toBe(true);
      }),
    );
  });

  it('names its signer by the first 8 bytes of the hash of the certificate', async () => {
    const { certificate } = signer.certified;
    const kid = new Uint8Array(createHash('sha256').update(certificate).digest()).subarray(0, 8);
    expect(readSeal(cose).kid).toEqual(kid);
    expect(await sealKid(certificate, nodeBackend)).toEqual(kid);
    expect(readSeal(cose).algorithm).toBe(-7);
    expect(toHex(readSeal(cose).protected)).toBe(`a201260448${toHex(kid)}`);
  });

  it('of a usual document stays under 320 bytes', () => {
    expect(cose.length).toBeLessThan(320);
  });

  it('is there at once when the signer answers at once, and later when it answers later', async () => {
    expect(makeSeal(usualClaims, signer.seal)).toBeInstanceOf(Uint8Array);
    const later = await prepareSealSigner(
      { ...signer.certified, sign: async (data) => signer.certified.sign(data) },
      nodeBackend,
    );
    const promised = makeSeal(usualClaims, later);
    expect(promised).toBeInstanceOf(Promise);
    expect(await accepted(await promised)).toBe(true);
  });

  it('is written with a low s and read with a high one', async () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = BigInt(`0x${toHex(cose.subarray(-32))}`);
    expect(s).toBeLessThanOrEqual(order >> 1n);
    const high = cose.slice();
    high.set(
      Uint8Array.from({ length: 32 }, (_, i) => Number(((order - s) >> BigInt(8 * (31 - i))) & 0xffn)),
      cose.length - 32,
    );
    expect(await accepted(high)).toBe(true);
  });

  it('is read with the fully specified algorithm ESP256 too', async () => {
    const { kid } = signer.seal;
    expect(
      await accepted(
        sealedWith([
          [1, -9],
          [4, kid],
        ]),
      ),
    ).toBe(true);
    expect(
      await accepted(
        sealedWith([
          [1, -7],
          [4, kid],
        ]),
      ),
    ).toBe(true);
  });

  it('is read with further protected headers that are not critical', async () => {
    expect(
      await accepted(
        sealedWith([
          [1, -7],
          [4, signer.seal.kid],
          [3, 'application/cwt'],
        ]),
      ),
    ).toBe(true);
  });

  it.each<[string, (kid: Uint8Array) => Uint8Array]>([
    [
      'another algorithm',
      (kid) =>
        sealedWith([
          [1, -35],
          [4, kid],
        ]),
    ],
    [
      'EdDSA',
      (kid) =>
        sealedWith([
          [1, -8],
          [4, kid],
        ]),
    ],
    [
      'an HMAC',
      (kid) =>
        sealedWith([
          [1, 5],
          [4, kid],
        ]),
    ],
    ['an unprotected key identifier', (kid) => sealedWith([[1, -7]], [[4, kid]])],
    ['no key identifier', () => sealedWith([[1, -7]])],
    [
      'a short key identifier',
      (kid) =>
        sealedWith([
          [1, -7],
          [4, kid.subarray(1)],
        ]),
    ],
    [
      'an unprotected header beside',
      (kid) =>
        sealedWith(
          [
            [1, -7],
            [4, kid],
          ],
          [[33, kid]],
        ),
    ],
    [
      'a critical header',
      (kid) =>
        sealedWith([
          [1, -7],
          [2, [-70001]],
          [4, kid],
          [-70001, 1],
        ]),
    ],
    [
      'claims that are not deterministic',
      (kid) =>
        sealedWith(
          [
            [1, -7],
            [4, kid],
          ],
          [],
          Uint8Array.of(0xa1, 0x18, 0x01, 0x00),
        ),
    ],
    [
      'claims of no document',
      (kid) =>
        sealedWith(
          [
            [1, -7],
            [4, kid],
          ],
          [],
          encodeCbor(
            new Map<CborKey, CborValue>([
              [1, 'GA'],
              [6, 1],
            ]),
          ),
        ),
    ],
    [
      'more bytes than a QR code holds',
      (kid) =>
        sealedWith([
          [1, -7],
          [4, kid],
          [3, 'x'.repeat(2700)],
        ]),
    ],
  ])('with %s is refused although its signature is right', async (_, make) => {
    expect(await accepted(make(signer.seal.kid))).toBe(false);
  });

  it('is refused when it is cut anywhere', async () => {
    for (let length = 0; length < cose.length; length++) {
      expect(() => readSeal(cose.subarray(0, length)), `${length} bytes`).toThrow(ConsulError);
    }
  });

  it('is refused when anything follows', () => {
    expect(() => readSeal(concatBytes(cose, Uint8Array.of(0)))).toThrow(ConsulError);
  });

  it('is refused, or its signature fails, for every changed bit and every changed byte', async () => {
    const changed = cose.slice();
    for (let at = 0; at < cose.length; at++) {
      for (const change of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
        changed[at] = (cose[at] as number) ^ change;
        if (await accepted(changed)) expect.unreachable(`byte ${at} changed by ${change}`);
      }
      changed[at] = cose[at] as number;
    }
    expect(await accepted(changed)).toBe(true);
  });

  it('fails under the key of another signer', async () => {
    const other = await testSigner();
    expect(await checkSealSignature(readSeal(cose), other.publicKey)).toBe(false);
  });

  it('is not made by a key of another kind', async () => {
    for (const algorithm of [
      { name: 'ed25519' },
      { name: 'ecdsa', curve: 'P-384', hash: 'sha384' },
      { name: 'ecdsa', curve: 'P-256', hash: 'sha512' },
    ] as const) {
      await expect(prepareSealSigner({ ...signer.certified, algorithm }, nodeBackend)).rejects.toMatchObject({
        code: 'KEY_INVALID',
      });
    }
  });

  it('is not made from a signature of another length', async () => {
    const der = { ...signer.certified, sign: () => new Uint8Array(71) };
    expect(() => makeSeal(usualClaims, { ...signer.seal, sign: der.sign })).toThrow(
      expect.objectContaining({ code: 'KEY_INVALID' }),
    );
  });

  it('survives the way into its URL and back', async () => {
    await fc.assert(
      fc.asyncProperty(anyClaims, async (claims) => {
        const made = await makeSeal(claims, signer.seal);
        if (made.length > 2685) return;
        expect(readCarrier(sealUrl(made, verifierHost))).toEqual({ carrier: 'url', cose: made });
      }),
    );
  });

  it('of anyone who sends random bytes is refused', async () => {
    const opening = cose.subarray(0, 18);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, opened) => {
        expect(await accepted(opened ? concatBytes(opening, bytes) : bytes)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
