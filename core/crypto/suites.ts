import { fromHex } from '../bytes.ts';
import { type Case, readVectors, refuse, type Suite } from '../vectors.ts';
import type { CryptoBackend, CurveName, DigestName, SignatureAlgorithm } from './backend.ts';
import { ecdsaSignatureFromDer } from './ecdsa-signature.ts';
import { nodeBackend } from './node.ts';
import { webBackend } from './web.ts';

/** For tests and the conformance command: the signatures of Wycheproof. */

interface Group {
  readonly publicKeyDer: string;
  readonly sha?: string;
  readonly mgfSha?: string;
  readonly sLen?: number;
  readonly tests: readonly {
    readonly tcId: number;
    readonly comment: string;
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

/** Form of the signatures: as in CMS and X.509, or as in COSE. */
export type SignatureForm = 'x509' | 'p1363';

const files: readonly (readonly [string, (group: Group) => SignatureAlgorithm, ...SignatureForm[]])[] = [
  ['ecdsa_secp256r1_sha256', ecdsa('P-256'), 'x509'],
  ['ecdsa_secp256r1_sha512', ecdsa('P-256'), 'x509'],
  ['ecdsa_secp384r1_sha384', ecdsa('P-384'), 'x509'],
  ['ecdsa_secp521r1_sha512', ecdsa('P-521'), 'x509'],
  ['ecdsa_secp256r1_sha256_p1363', ecdsa('P-256'), 'p1363'],
  ['ecdsa_secp384r1_sha384_p1363', ecdsa('P-384'), 'p1363'],
  ['ecdsa_secp521r1_sha512_p1363', ecdsa('P-521'), 'p1363'],
  ['rsa_signature_2048_sha256', pkcs1, 'x509'],
  ['rsa_signature_3072_sha256', pkcs1, 'x509'],
  ['rsa_signature_4096_sha256', pkcs1, 'x509'],
  ['rsa_pss_2048_sha256_mgf1_32', pss, 'x509'],
  ['rsa_pss_3072_sha256_mgf1_32', pss, 'x509'],
  ['rsa_pss_4096_sha256_mgf1_32', pss, 'x509'],
  ['rsa_pss_misc_params', pss, 'x509'],
  ['ed25519', ed25519, 'x509'],
];

export interface WycheproofKey {
  readonly algorithm: SignatureAlgorithm;
  readonly spki: Uint8Array;
}

type Verify = (signature: Uint8Array, message: Uint8Array) => boolean | Promise<boolean>;

/** Keys whose two hashes differ, or are SHA-1 or SHA-224, are read by nothing here. */
const isReadable = ({ name, ...rest }: SignatureAlgorithm, { sha, mgfSha }: Group): boolean =>
  name !== 'rsa-pss' || (sha === mgfSha && 'hash' in rest && /256|384|512/.test(rest.hash));

/**
 * Every signature of a form through one path of verification, which is prepared once for a key.
 * "Acceptable" is the PKCS #1 encoding without NULL, which is refused here.
 */
export async function* wycheproofCases(
  forms: readonly SignatureForm[],
  prepare: (key: WycheproofKey) => Verify | Promise<Verify>,
  wanted: (algorithm: SignatureAlgorithm, message: Uint8Array) => boolean = () => true,
): AsyncGenerator<Case> {
  for (const [file, algorithmOf, ...forms_] of files) {
    if (!forms_.some((form) => forms.includes(form))) continue;
    const { testGroups } = readVectors(`suites/wycheproof/${file}_test.json`) as { testGroups: Group[] };
    for (const group of testGroups) {
      const algorithm = algorithmOf(group);
      if (!isReadable(algorithm, group)) continue;
      const tests = group.tests.filter(({ msg }) => wanted(algorithm, fromHex(msg)));
      if (tests.length === 0) continue;
      const verify = await prepare({ algorithm, spki: fromHex(group.publicKeyDer) });
      for (const { tcId, comment, msg, sig, result } of tests)
        yield {
          name: `${file} ${tcId} (${comment})`,
          mustPass: result === 'valid',
          run: async () => {
            if (!(await verify(fromHex(sig), fromHex(msg)))) refuse('the signature is wrong');
          },
        };
    }
  }
}

export const backends: readonly (readonly [string, CryptoBackend])[] = [
  ['node:crypto', nodeBackend],
  ['WebCrypto', webBackend(globalThis.crypto)],
];

const withKey =
  (backend: CryptoBackend, decode: (signature: Uint8Array, key: WycheproofKey) => Uint8Array | undefined) =>
  async (key: WycheproofKey): Promise<Verify> => {
    const publicKey = await backend.importPublicKey(key.algorithm, key.spki);
    return async (signature, message) => {
      const raw = decode(signature, key);
      return raw !== undefined && (await publicKey.verify(raw, message));
    };
  };

export const cryptoSuites: readonly Suite[] = backends.flatMap(([name, backend]) => [
  {
    name: `Wycheproof, signatures as in X.509, ${name}`,
    count: 3353,
    cases: () =>
      wycheproofCases(
        ['x509'],
        withKey(backend, (signature, { algorithm }) =>
          algorithm.name === 'ecdsa' ? ecdsaSignatureFromDer(signature, algorithm.curve) : signature,
        ),
      ),
  },
  {
    name: `Wycheproof, signatures r||s, ${name}`,
    count: 860,
    cases: () =>
      wycheproofCases(
        ['p1363'],
        withKey(backend, (signature) => signature),
      ),
  },
]);
