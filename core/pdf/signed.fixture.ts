import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examplePost } from '../../fixtures/post.ts';
import { prepareSignedData } from '../cms/make.ts';
import { oids } from '../cms/oid.ts';
import { pem } from '../cms/testing-ca.ts';
import { nodeBackend } from '../crypto/node.ts';
import { createPostCredentials } from '../pki/credentials.fixture.ts';
import { certifiedSigner } from '../pki/file-signer.ts';
import { crl, party } from '../pki/fixture.ts';
import type { CertifiedSigner } from '../pki/signer.ts';
import { timestampAuthority } from '../time/authority.ts';
import type { TimestampSource } from '../time/source.ts';
import { type DocumentInput, renderDocument } from './document.ts';
import { type PreparedEvidence, prepareEvidence, type ValidationData } from './evidence.ts';
import { inputFor, preparedTemplate, priseEnCharge } from './fixture.ts';
import { ask, missing } from './judges.ts';
import type { DocumentRecord } from './record.ts';
import { type MakeCms, signPdf } from './sign.ts';

/** For tests only: signed documents, and what makes them last. */

const post = { ...examplePost, holidays: [] };

export const issued = new Date('2026-03-03T10:15:00Z');

/** Keys of a post: its signer, its time-stamps, and what both are validated with. */
export interface Cast {
  readonly signer: CertifiedSigner;
  readonly tsa: CertifiedSigner;
  readonly stamps: TimestampSource;
  readonly cms: MakeCms;
  readonly validation: ValidationData;
  readonly evidence: PreparedEvidence;
}

let serial = 0;

export async function postCast(): Promise<Cast> {
  const { keys, certificates } = await createPostCredentials({
    post,
    now: new Date('2026-01-05T09:00:00Z'),
  });
  const chain = [certificates['issuing-ca']];
  const signer = certifiedSigner(keys['document-signer'], certificates['document-signer'], chain);
  const tsa = certifiedSigner(keys.tsa, certificates.tsa, chain);
  const stamps = timestampAuthority({
    signer: tsa,
    policy: '1.2.3.4',
    clock: () => issued,
    serial: () => Uint8Array.of(1, ++serial >> 8, serial & 0xff),
    accuracy: 1,
  });
  const prepared = await prepareSignedData({
    signer,
    contentType: oids.data,
    includeChain: true,
  });
  const sha256 = (bytes: Uint8Array) => nodeBackend.digest('sha256', bytes);
  const cms: MakeCms = async (covered) => {
    const signed = await prepared.sign({ messageDigest: await sha256(covered) });
    return signed.withTimestamp(await stamps.stamp(await sha256(signed.signature)));
  };
  const validation = {
    certificates: [certificates.root, ...chain, signer.certificate, tsa.certificate],
    crls: [crl(party('Root')), crl(party('Issuing'))],
    ocsps: [],
  };
  return { signer, tsa, stamps, cms, validation, evidence: prepareEvidence(validation) };
}

/** A document of a post at B-T. */
export async function signedDocument(
  { cms }: Cast,
  input: Partial<DocumentInput> = {},
  record: DocumentRecord = priseEnCharge,
): Promise<Uint8Array> {
  const unsigned = renderDocument(preparedTemplate(), record, { ...inputFor(record), ...input });
  return signPdf(unsigned, cms);
}

export const withoutPdfsig = missing('pdfsig');
export const withoutOpenssl = spawnSync('openssl', ['version']).error !== undefined;

/** What pdfsig says of each signature: the name of its field and its verdict. */
export function pdfsig(pdf: Uint8Array): { field: string; verdict: string }[] {
  const { output } = ask('pdfsig', pdf, '-nocert', 'FILE');
  return [...output.matchAll(/Field Name: (.*)\n(?:.*\n)*?.*Signature Validation: (.*)\n/g)].map(
    ([, field = '', verdict = '']) => ({ field, verdict }),
  );
}

/** Asks openssl whether a token is a time-stamp over these bytes. */
export function opensslAccepts(token: Uint8Array, covered: Uint8Array, { validation }: Cast): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'consul-ts-'));
  try {
    const [root, ...others] = validation.certificates.map((der) => pem('CERTIFICATE', der));
    writeFileSync(join(folder, 'root.pem'), root ?? '');
    writeFileSync(join(folder, 'others.pem'), others.join(''));
    writeFileSync(join(folder, 'token'), token);
    writeFileSync(join(folder, 'covered'), covered);
    const arguments_ =
      'ts -verify -in token -token_in -data covered -CAfile root.pem -untrusted others.pem -attime';
    const at = String(Math.floor(issued.getTime() / 1000));
    const output = execFileSync('openssl', [...arguments_.split(' '), at], {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return output.includes('Verification: OK');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
