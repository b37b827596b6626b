import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../bytes.ts';
import { readDer } from '../der/reader.ts';
import { bitString, element, integer, nul, oid, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import type { CryptoBackend, SignatureAlgorithm } from './backend.ts';
import { nodeBackend } from './node.ts';
import { webBackend } from './web.ts';

const p256: SignatureAlgorithm = { name: 'ecdsa', curve: 'P-256', hash: 'sha256' };
const pkcs1: SignatureAlgorithm = { name: 'rsa-pkcs1', hash: 'sha256' };
const pss: SignatureAlgorithm = { name: 'rsa-pss', hash: 'sha256', saltLength: 32 };
const ed25519: SignatureAlgorithm = { name: 'ed25519' };

const spkiOf = ({ publicKey }: ReturnType<typeof generateKeyPairSync>): Uint8Array =>
  new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }) as Buffer);
const ec = spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }) as never);
const rsa = spkiOf(generateKeyPairSync('rsa', { modulusLength: 2048 }) as never);
const edwards = spkiOf(generateKeyPairSync('ed25519') as never);

const backends: readonly [string, CryptoBackend][] = [
  ['node:crypto', nodeBackend],
  ['WebCrypto', webBackend(globalThis.crypto)],
];

describe.each(backends)('the backend over %s', (_, backend) => {
  test('digests', async () => {
    expect(toHex(await backend.digest('sha256', utf8('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(await backend.digest('sha384', new Uint8Array())).toHaveLength(48);
    expect(await backend.digest('sha512', new Uint8Array())).toHaveLength(64);
  });

  test('gives plain bytes', async () => {
    expect((await backend.digest('sha256', utf8('abc'))).constructor).toBe(Uint8Array);
    expect(backend.random(16).constructor).toBe(Uint8Array);
    expect(backend.random(16)).not.toEqual(backend.random(16));
  });

  const refused = async (algorithm: SignatureAlgorithm, spki: Uint8Array) => {
    const attempt = (async () => backend.importPublicKey(algorithm, spki))();
    await expect(attempt).rejects.toThrow(ConsulError);
    await expect(attempt).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
  };

  test('refuses a key of another kind or curve', async () => {
    for (const [algorithm, spki] of [
      [p256, rsa],
      [p256, edwards],
      [{ ...p256, curve: 'P-384' }, ec],
      [pkcs1, ec],
      [pss, edwards],
      [ed25519, ec],
    ] as const)
      await refused(algorithm, spki);
  });

  test('refuses a key that is cut short, off its curve, compressed or with explicit parameters', async () => {
    await refused(p256, ec.subarray(0, ec.length - 1));
    const off = ec.slice();
    off[off.length - 1] = (off[off.length - 1] as number) ^ 1;
    await refused(p256, off);
    const point = readDer(ec).sequence()[1]?.bitOctets() ?? new Uint8Array();
    const algorithm = sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7'));
    await refused(p256, sequence(algorithm, bitString(Uint8Array.of(2, ...point.subarray(1, 33)))));
    await refused(p256, sequence(sequence(oid('1.2.840.10045.2.1'), sequence(integer(1))), bitString(point)));
    await refused(p256, sequence(sequence(oid('1.2.840.10045.2.1'), nul), bitString(point)));
  });

  test('refuses RSA keys that are too small, too large, even, or without NULL', async () => {
    const key = (n: bigint, e: bigint, parameters = nul) =>
      sequence(
        sequence(oid('1.2.840.113549.1.1.1'), parameters),
        bitString(sequence(integer(n), integer(e))),
      );
    const good = (1n << 2047n) + 1n;
    await refused(pkcs1, key((1n << 1023n) + 1n, 65537n));
    await refused(pkcs1, key((1n << 8192n) + 1n, 65537n));
    await refused(pkcs1, key(good + 1n, 65537n));
    await refused(pkcs1, key(good, 65536n));
    await refused(pkcs1, key(good, 1n));
    await refused(pkcs1, key(-good, 65537n));
    await refused(pkcs1, key(good, 65537n, element(0x04)));
  });

  test('checks with an RSASSA-PSS key only what its parameters allow', async () => {
    const pair = generateKeyPairSync('rsa-pss', {
      modulusLength: 2048,
      hashAlgorithm: 'sha256',
      mgf1HashAlgorithm: 'sha256',
      // The types have a string where Node wants a number.
      saltLength: 32 as unknown as string,
    });
    const spki = new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }));
    const { sign } = await import('node:crypto');
    const signature = new Uint8Array(sign('sha256', utf8('abc'), pair.privateKey));
    const key = await backend.importPublicKey(pss, spki);
    expect(await key.verify(signature, utf8('abc'))).toBe(true);
    expect(await key.verify(signature, utf8('abd'))).toBe(false);
    await refused(pkcs1, spki);
    await refused({ ...pss, hash: 'sha384' }, spki);
    await refused({ ...pss, saltLength: 20 }, spki);
  });

  test('says false, and does not throw, for a signature of a wrong length', async () => {
    for (const [algorithm, spki] of [
      [p256, ec],
      [pkcs1, rsa],
      [pss, rsa],
      [ed25519, edwards],
    ] as const) {
      const key = await backend.importPublicKey(algorithm, spki);
      for (const length of [0, 1, 63, 64, 65, 255, 256, 257, 5000])
        expect(await key.verify(new Uint8Array(length).fill(0x41), utf8('abc'))).toBe(false);
    }
  });
});
