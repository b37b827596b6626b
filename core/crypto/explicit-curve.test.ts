import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes, utf8 } from '../bytes.ts';
import { hasOpenssl } from '../pki/openssl.fixture.ts';
import type { BrainpoolCurve, CurveName } from './backend.ts';
import { brainpoolCurves, curves } from './curves.ts';
import { explicitCurveSpki, namedCurveSpki } from './explicit-curve.ts';
import { nodeBackend } from './node.ts';
import { readSpki } from './spki.ts';
import { webBackend } from './web.ts';

const nist: readonly [CurveName, string][] = [
  ['P-256', 'prime256v1'],
  ['P-384', 'secp384r1'],
  ['P-521', 'secp521r1'],
];
const brainpool = Object.keys(brainpoolCurves) as BrainpoolCurve[];
const all = [...nist.map(([, name]) => name), ...brainpool];

function keyOn(namedCurve: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  return { privateKey, spki: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })) };
}

describe('a key with the parameters of its curve written out', () => {
  it.skipIf(!hasOpenssl).each(all)('on %s is as OpenSSL writes it, and comes back by name', (name) => {
    const { privateKey, spki } = keyOn(name);
    const written = execFileSync(
      'openssl',
      [
        'ec',
        '-inform',
        'DER',
        '-outform',
        'DER',
        '-pubout',
        '-param_enc',
        'explicit',
        '-conv_form',
        'uncompressed',
      ],
      { input: privateKey.export({ format: 'der', type: 'sec1' }), stdio: ['pipe', 'pipe', 'ignore'] },
    );
    const named = namedCurveSpki(new Uint8Array(written));
    expect(equalBytes(named, spki)).toBe(true);
    expect(equalBytes(namedCurveSpki(explicitCurveSpki(spki)), spki)).toBe(true);
    expect(equalBytes(namedCurveSpki(spki), spki)).toBe(true);
  });

  it('is not taken for a named one after any change of its parameters', () => {
    const explicit = explicitCurveSpki(keyOn('prime256v1').spki);
    // What stands before the key: headers, the identifier of the algorithm and the parameters.
    const parametersEnd = explicit.length - 2 - 1 - 65;
    fc.assert(
      fc.property(
        fc.integer({ min: 17, max: parametersEnd - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, change) => {
          const changed = explicit.slice();
          changed[at] = (explicit[at] as number) ^ change;
          let spki: Uint8Array;
          try {
            spki = namedCurveSpki(changed);
          } catch (error) {
            expect(error).toMatchObject({ code: 'DER_INVALID' });
            return;
          }
          expect(readSpki(spki)).toEqual({ kind: 'unsupported', oid: '1.2.840.10045.2.1' });
        },
      ),
      { numRuns: 400 },
    );
  });

  it('is unsupported for whoever does not ask for its name, documents above all', () => {
    expect(readSpki(explicitCurveSpki(keyOn('prime256v1').spki))).toMatchObject({ kind: 'unsupported' });
  });
});

describe('a brainpool curve', () => {
  const data = utf8('cachet');
  const hash = (curve: BrainpoolCurve) => (curve === 'brainpoolP224r1' ? 'sha224' : 'sha256');

  it.each(brainpool)('%s checks signatures that OpenSSL made, and nothing else', async (curve) => {
    const { privateKey, spki } = keyOn(curve);
    const algorithm = { name: 'ecdsa-brainpool', curve, hash: hash(curve) } as const;
    const signature = new Uint8Array(
      sign(algorithm.hash, data, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    );
    const key = await nodeBackend.importPublicKey(algorithm, spki);
    expect(await key.verify(signature, data)).toBe(true);
    expect(await key.verify(signature, utf8('autre'))).toBe(false);
    expect(await key.verify(signature.subarray(1), data)).toBe(false);
    expect(await key.verify(new Uint8Array(signature.length), data)).toBe(false);
    const n = brainpoolCurves[curve].order;
    expect(await key.verify(Uint8Array.from([...n, ...n]), data)).toBe(false);
    for (let at = 0; at < signature.length; at += 7) {
      const changed = signature.slice();
      changed[at] = (signature[at] as number) ^ 1;
      expect(await key.verify(changed, data)).toBe(false);
    }
  });

  it('is refused with a key of another curve, and a key on it with a scheme for documents', async () => {
    const { spki } = keyOn('brainpoolP256r1');
    const refused = expect.objectContaining({ code: 'CERTIFICATE_INVALID' });
    const p256 = { name: 'ecdsa', curve: 'P-256', hash: 'sha256' } as const;
    const other = { name: 'ecdsa-brainpool', curve: 'brainpoolP384r1', hash: 'sha256' } as const;
    expect(() => nodeBackend.importPublicKey(p256, spki)).toThrow(refused);
    expect(() => nodeBackend.importPublicKey(other, spki)).toThrow(refused);
    const own = { name: 'ecdsa-brainpool', curve: 'brainpoolP256r1', hash: 'sha256' } as const;
    expect(() => nodeBackend.importPublicKey(own, keyOn('prime256v1').spki)).toThrow(refused);
    const offCurve = spki.slice();
    offCurve[offCurve.length - 1] = (offCurve.at(-1) as number) ^ 1;
    expect(() => nodeBackend.importPublicKey(own, offCurve)).toThrow(refused);
  });

  it('is said to be lacking where the platform lacks it', async () => {
    const own = { name: 'ecdsa-brainpool', curve: 'brainpoolP256r1', hash: 'sha256' } as const;
    await expect(
      webBackend(globalThis.crypto).importPublicKey(own, keyOn('brainpoolP256r1').spki),
    ).rejects.toMatchObject({ code: 'ALGORITHM_UNSUPPORTED' });
  });

  it('has the numbers of its standard: the generator lies on it', () => {
    for (const curve of [...Object.values(curves), ...Object.values(brainpoolCurves)]) {
      const number = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
      const p = number(curve.prime);
      const x = number(curve.generator.subarray(1, 1 + curve.fieldLength));
      const y = number(curve.generator.subarray(1 + curve.fieldLength));
      expect((y * y - (x * x * x + number(curve.a) * x + number(curve.b))) % p).toBe(0n);
    }
  });
});

it('SHA-1 names things on both backends alike', async () => {
  const text = utf8('abc');
  const digest = await nodeBackend.digest('sha1', text);
  expect(Buffer.from(digest).toString('hex')).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
  expect(await webBackend(globalThis.crypto).digest('sha1', text)).toEqual(digest);
});
