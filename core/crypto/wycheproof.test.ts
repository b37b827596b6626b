import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fromHex } from '../bytes.ts';
import { vectorsFolder } from '../vectors.ts';
import type { CryptoBackend, CurveName, DigestName, SignatureAlgorithm } from './backend.ts';
import { ecdsaSignatureFromDer } from './ecdsa-signature.ts';
import { nodeBackend } from './node.ts';
import { webBackend } from './web.ts';

const folder = vectorsFolder();

interface Group {
  readonly publicKeyDer: string;
  readonly sha?: string;
  readonly mgfSha?: string;
  readonly sLen?: number;
  readonly tests: readonly {
    readonly tcId: number;
    readonly msg: string;
    readonly sig: string;
    readonly result: 'valid' | 'invalid' | 'acceptable';
  }[];
}

const hash = (group: Group): DigestName => (group.sha ?? '').replace('-', '').toLowerCase() as DigestName;
const ecdsa =
  (curve: CurveName) =>
  (group: Group): SignatureAlgorithm => ({ name: 'ecdsa', curve, hash: hash(group) });
const pss = (group: Group): SignatureAlgorithm => ({
  name: 'rsa-pss',
  hash: hash(group),
  saltLength: group.sLen ?? -1,
});
const pkcs1 = (group: Group): SignatureAlgorithm => ({ name: 'rsa-pkcs1', hash: hash(group) });
const ed25519 = (): SignatureAlgorithm => ({ name: 'ed25519' });

/** File, scheme, whether its signatures are DER, and how many of its tests are run. */
const suites: readonly [string, (group: Group) => SignatureAlgorithm, boolean, number][] = [
  ['ecdsa_secp256r1_sha256', ecdsa('P-256'), true, 484],
  ['ecdsa_secp256r1_sha512', ecdsa('P-256'), true, 554],
  ['ecdsa_secp384r1_sha384', ecdsa('P-384'), true, 504],
  ['ecdsa_secp521r1_sha512', ecdsa('P-521'), true, 542],
  ['ecdsa_secp256r1_sha256_p1363', ecdsa('P-256'), false, 262],
  ['ecdsa_secp384r1_sha384_p1363', ecdsa('P-384'), false, 280],
  ['ecdsa_secp521r1_sha512_p1363', ecdsa('P-521'), false, 318],
  ['rsa_signature_2048_sha256', pkcs1, false, 259],
  ['rsa_signature_3072_sha256', pkcs1, false, 259],
  ['rsa_signature_4096_sha256', pkcs1, false, 258],
  ['rsa_pss_2048_sha256_mgf1_32', pss, false, 108],
  ['rsa_pss_3072_sha256_mgf1_32', pss, false, 108],
  ['rsa_pss_4096_sha256_mgf1_32', pss, false, 108],
  // Of these keys only those are read whose two hashes are the same and not SHA-1 or SHA-224.
  ['rsa_pss_misc_params', pss, false, 18],
  ['ed25519', ed25519, false, 151],
];

const backends: readonly [string, CryptoBackend][] = [
  ['node:crypto', nodeBackend],
  ['WebCrypto', webBackend(globalThis.crypto)],
];

describe.skipIf(!folder).each(backends)('Wycheproof through %s', (_, backend) => {
  test.each(suites)('%s', async (file, algorithmOf, isDer, count) => {
    const { testGroups } = JSON.parse(
      readFileSync(`${folder}/suites/wycheproof/${file}_test.json`, 'utf8'),
    ) as { testGroups: Group[] };
    const wrong: number[] = [];
    let run = 0;
    for (const group of testGroups) {
      const algorithm = algorithmOf(group);
      if (algorithm.name === 'rsa-pss' && (group.sha !== group.mgfSha || !/256|384|512/.test(algorithm.hash)))
        continue;
      const key = await backend.importPublicKey(algorithm, fromHex(group.publicKeyDer));
      for (const { tcId, msg, sig, result } of group.tests) {
        const encoded = fromHex(sig);
        const signature =
          isDer && algorithm.name === 'ecdsa' ? ecdsaSignatureFromDer(encoded, algorithm.curve) : encoded;
        const accepted = signature !== undefined && (await key.verify(signature, fromHex(msg)));
        // "acceptable" is the PKCS #1 encoding without NULL, which is refused here.
        if (accepted !== (result === 'valid')) wrong.push(tcId);
        run += 1;
      }
    }
    expect(wrong).toEqual([]);
    expect(run).toBe(count);
  });
});
