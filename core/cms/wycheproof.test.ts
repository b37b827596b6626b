import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHex, utf8 } from '../bytes.ts';
import type { DigestName } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import { explicit, integer, nul, octetString, oid, sequence } from '../der/writer.ts';
import { vectorsFolder } from '../vectors.ts';
import { digestOids } from './algorithm.ts';
import {
  contentTypeAttribute,
  detachedAnatomy,
  forge,
  messageDigestAttribute,
  set,
  sha256Identifier,
  signingCertificateAttribute,
  sorted,
} from './forge.ts';
import { oids } from './oid.ts';
import { readSignedData } from './read.ts';
import { testingCa, testSigner } from './testing-ca.ts';
import { padesProfile, verifySignedData } from './verify.ts';

interface Suite {
  readonly testGroups: readonly {
    readonly publicKeyDer: string;
    readonly tests: readonly { tcId: number; comment: string; msg: string; sig: string; result: string }[];
  }[];
}

const folder = vectorsFolder();
const ca = testingCa();
const content = utf8('the bytes of a document');

const hash = (name: DigestName): Uint8Array => sequence(oid(digestOids[name]), nul);
const pss = (name: DigestName, saltLength: number): Uint8Array =>
  sequence(
    oid(oids.rsaPss),
    sequence(
      explicit(0, hash(name)),
      explicit(1, sequence(oid(oids.mgf1), hash(name))),
      explicit(2, integer(saltLength)),
    ),
  );

const suites: readonly (readonly [file: string, digest: DigestName, signatureAlgorithm: Uint8Array])[] = [
  ['ecdsa_secp256r1_sha256', 'sha256', sequence(oid(oids.ecdsaSha256))],
  ['ecdsa_secp256r1_sha512', 'sha512', sequence(oid(oids.ecdsaSha512))],
  ['ecdsa_secp384r1_sha384', 'sha384', sequence(oid(oids.ecdsaSha384))],
  ['ecdsa_secp521r1_sha512', 'sha512', sequence(oid(oids.ecdsaSha512))],
  ['rsa_signature_2048_sha256', 'sha256', sequence(oid(oids.rsaSha256), nul)],
  ['rsa_signature_3072_sha256', 'sha256', sequence(oid(oids.rsaEncryption), nul)],
  ['rsa_pss_2048_sha256_mgf1_32', 'sha256', pss('sha256', 32)],
  ['rsa_pss_3072_sha256_mgf1_32', 'sha256', pss('sha256', 32)],
  ['ed25519', 'sha512', sequence(oid(oids.ed25519))],
];

/** A right SignedData for this key, but for its signature, which no one here can make. */
function unsigned(publicKey: Uint8Array, digest: DigestName, signatureAlgorithm: Uint8Array): Uint8Array {
  const signer = ca.issue({ signer: { ...testSigner(), publicKey } });
  const digestAlgorithm = digest === 'sha256' ? sha256Identifier : sequence(oid(digestOids[digest]));
  const of = (data: Uint8Array) => nodeBackend.digest(digest, data) as Uint8Array;
  const reference = sequence(
    ...(digest === 'sha256' ? [] : [digestAlgorithm]),
    octetString(of(signer.certificate)),
  );
  return forge({
    ...detachedAnatomy(signer, content),
    digestAlgorithm,
    digestAlgorithms: set(digestAlgorithm),
    signatureAlgorithm,
    attributes: sorted([
      contentTypeAttribute(oids.data),
      messageDigestAttribute(of(content)),
      signingCertificateAttribute(reference),
    ]),
  });
}

describe.skipIf(!folder)('verifySignedData with the vectors of Wycheproof', () => {
  it.each(suites)('judges %s as they do', async (file, digest, signatureAlgorithm) => {
    const path = join(folder as string, 'suites/wycheproof', `${file}_test.json`);
    const suite = JSON.parse(readFileSync(path, 'utf8')) as Suite;
    const contentDigest = (name: DigestName) => nodeBackend.digest(name, content);
    const wrong: string[] = [];
    let judged = 0;
    for (const group of suite.testGroups) {
      const read = readSignedData(unsigned(fromHex(group.publicKeyDer), digest, signatureAlgorithm));
      for (const test of group.tests) {
        const signed = { ...read.signer.signed, bytes: fromHex(test.msg) };
        const cms = { ...read, signer: { ...read.signer, signed, signature: fromHex(test.sig) } };
        const result = await verifySignedData(cms, padesProfile, { contentDigest }, nodeBackend);
        judged += 1;
        if (!result.valid && result.reason !== 'signature') wrong.push(`${test.tcId}: ${result.message}`);
        if (test.result !== 'acceptable' && result.valid !== (test.result === 'valid'))
          wrong.push(`${test.tcId} (${test.comment}) is ${test.result}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(judged).toBeGreaterThan(50);
  });
});
