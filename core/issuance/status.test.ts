import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Actor } from '../casework/actor.ts';
import { revokeDocument } from '../casework/revocation.ts';
import { nodeBackend } from '../crypto/node.ts';
import { passphraseKeys } from '../pki/key-file.ts';
import { openTrustBundle } from '../pki/trust-bundle.ts';
import { readSeal } from '../seal/seal.ts';
import { checkStatusListSignature, documentStatus, readStatusList } from '../seal/status-list.ts';
import { findDocument } from '../store/document.ts';
import { openKeyRing } from '../store/keys.ts';
import { prepareTrust } from '../verify/trust.ts';
import { issueGroup } from './issue.ts';
import { publishStatusList } from './status.ts';
import { fonts } from './testing/children.ts';
import { procedures, someDraft } from './testing/draft.ts';
import { openIssuingPost, passphrase } from './testing/post.ts';
import { type PostTemplate, postTemplate } from './testing/template.ts';

const references = ['A', 'B', 'C'];
const agent: Actor = { kind: 'agent', name: 'amina', roles: ['head-of-post'] };
const { random } = nodeBackend;
let template: PostTemplate;

beforeAll(async () => {
  template = await postTemplate(references);
});
afterAll(() => template.remove());

test('a revoked document is revoked in the published list, and no other; its signer is trusted for seals', async () => {
  const { post, context, close } = await openIssuingPost({ home: await template.copy(), fonts, procedures });
  const issued = await issueGroup(
    context,
    references.map((reference) => someDraft(reference)),
  );
  const numbers = issued.map(({ number }) => number);
  const now = new Date(Date.now() + 1000);
  const [, second = ''] = numbers;
  await revokeDocument(
    { number: second, reason: 'fraude' },
    { store: post.store, actor: agent, now, random },
  );

  const ring = openKeyRing(post.paths, { fileKey: passphraseKeys(passphrase) });
  const { file, uri, ...counts } = await publishStatusList(post, ring, now);
  expect(counts).toMatchObject({ size: 3, revoked: 1 });
  expect(uri).toBe('https://verifier.example/status/GA-PAR');
  const list = readStatusList(new Uint8Array(await readFile(file)));
  expect(list.subject).toBe(uri);

  const bundle = await openTrustBundle(new Uint8Array(await readFile(post.paths.trust)), nodeBackend);
  const key = await prepareTrust(bundle, nodeBackend).sealKey(list.kid ?? new Uint8Array());
  if (!key) throw new Error('the signer of the list is not known');
  expect(await checkStatusListSignature(list, key.publicKey)).toBe(true);

  const statuses: string[] = [];
  for (const number of numbers) {
    const row = await findDocument(post.store.read, number);
    const { document, issuedAt } = readSeal(row?.seal ?? new Uint8Array()).claims;
    const place = { statusIndex: document.statusIndex ?? -1, issuedAt };
    statuses.push(documentStatus(list, place, new Date()).status);
  }
  expect(statuses).toEqual(['valid', 'revoked', 'valid']);
  await close();
});

test('a list is not signed with a certificate that is out of its time', async () => {
  const { post, close } = await openIssuingPost({ home: await template.copy(), fonts, procedures });
  const ring = openKeyRing(post.paths, { fileKey: passphraseKeys(passphrase) });
  await expect(publishStatusList(post, ring, new Date('2099-01-01'))).rejects.toMatchObject({
    code: 'CERTIFICATE_EXPIRED',
  });
  await expect(readFile(join(post.paths.public, 'status'))).rejects.toThrow('ENOENT');
  await close();
});
