import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeBackend } from '../core/crypto/node.ts';
import { firstTrustBundle } from '../core/issuance/create-post.ts';
import { foundingCertificates } from '../core/pki/ceremony.ts';
import { keySigner } from '../core/pki/file-signer.ts';
import { newKey } from '../core/pki/key-kind.ts';
import { sealUrl } from '../core/seal/carrier.ts';
import { makeSeal, prepareSealSigner } from '../core/seal/seal.ts';
import { examplePost } from '../fixtures/post.ts';
import { loadScript } from './loaded-script.ts';
import { shipped } from './shipped.ts';
import type { main } from './verify.ts';

// The last step of the build: has the verifier verify one seal, and keeps what V8 compiled for it.

const now = new Date();
const signers = {
  root: keySigner(newKey('P-256')),
  'issuing-ca': keySigner(newKey('P-256')),
  'document-signer': keySigner(newKey('P-256')),
  'seal-signer': keySigner(newKey('P-256')),
  'vds-signer': keySigner(newKey('P-256')),
  tsa: keySigner(newKey('P-256')),
  log: keySigner(newKey('ed25519')),
};
const { random } = nodeBackend;
const certificates = await foundingCertificates({ post: examplePost, now, random, signers });
const seconds = Math.floor(now.getTime() / 1000);
const seal = await makeSeal(
  {
    issuer: examplePost.country,
    issuedAt: seconds,
    notBefore: seconds,
    expires: seconds + 86_400,
    identity: { familyName: 'NDONG', givenName: 'Marie', dateOfBirth: '19900412', nationality: 'GA' },
    document: {
      type: 'prise-en-charge',
      number: 'PC-2026-000001',
      post: examplePost.code,
      statusIndex: 0,
      recordDigest: random(16),
    },
  },
  await prepareSealSigner(
    { ...signers['seal-signer'], certificate: certificates['seal-signer'], chain: [] },
    nodeBackend,
  ),
);
const folder = await mkdtemp(join(tmpdir(), 'consul-build-'));
try {
  const trust = join(folder, 'trust.cose');
  writeFileSync(trust, await firstTrustBundle(certificates, signers, examplePost, now));
  const file = shipped('dist', 'verify.js');
  const { exports, keepCompiled } = loadScript(file, createRequire(file));
  await (exports as { main: typeof main }).main([sealUrl(seal, examplePost.verifierHost), '--trust', trust]);
  if (process.exitCode !== 0) throw new Error('the verifier that was built refuses a seal that is right');
  keepCompiled();
} finally {
  await rm(folder, { recursive: true, force: true });
}
