import { describe, expect, it } from 'vitest';
import { fromHex, utf8 } from '../../bytes.ts';
import { nodeBackend } from '../../crypto/node.ts';
import { ConsulError } from '../../errors.ts';
import { readVectors, vectorsFolder } from '../../vectors.ts';
import { readForeign } from './read.ts';
import { type ForeignTrust, readForeignTrust } from './trust-list.ts';
import { checkForeign, type ForeignVerdict } from './verify.ts';

const trustIn = (...files: { name: string; bytes: Uint8Array }[]): Promise<ForeignTrust> =>
  readForeignTrust(files, nodeBackend);

async function check(
  content: { text: string; bytes?: Uint8Array },
  trust: ForeignTrust,
  now: string,
): Promise<ForeignVerdict> {
  return (await checkForeign(content, trust, { now: new Date(now) }, nodeBackend)).verdict;
}

/** What the vectors are judged as stands in suites.ts; this is what more can be tried with them. */
describe.skipIf(!vectorsFolder())('with the public vectors', () => {
  it('a 2D-Doc is valid while the certificate of its signer is, and not after', async () => {
    const { vectors, certificate } = readVectors('2ddoc/2ddoc.json');
    const bytes = Uint8Array.from(Buffer.from(certificate.derBase64, 'base64'));
    const trust = await trustIn({ name: 'test.der', bytes });
    const text = (id: string) =>
      vectors.find((vector: { id: string }) => vector.id.includes(id)).message as string;
    expect(await check({ text: text('04-B2-15') }, trust, '2026-01-01T00:00:00Z')).toMatchObject({
      status: 'VALID',
    });
    expect(await check({ text: text('04-C7-21') }, trust, '2014-01-01T00:00:00Z')).toMatchObject({
      status: 'INVALID',
      subIndication: 'EXPIRED_CERTIFICATE',
      signature: 'valid',
    });
    expect(await check({ text: text('04-B2-15') }, await trustIn(), '2014-01-01T00:00:00Z')).toMatchObject({
      subIndication: 'UNKNOWN_CERTIFICATE',
      signature: 'not-checked',
    });
  });

  it('a VDS verifies with a certificate that the list gives another name', async () => {
    const { vectors, certificates } = readVectors('vds/seals.json');
    const { rawHex, expected } = vectors.find(({ id }: { id: string }) => id === 'meldebescheinigung');
    const { signerIdentifier, certificateReference } = expected.header;
    const list = [
      { certificate: certificates.UTTS5B.derBase64, vds: `${signerIdentifier} ${certificateReference}` },
    ];
    const trust = await trustIn({ name: 'german.json', bytes: utf8(JSON.stringify(list)) });
    expect(await check({ text: '', bytes: fromHex(rawHex) }, trust, '2025-06-01T00:00:00Z')).toMatchObject({
      status: 'VALID',
    });
  });

  it('a seal of no system ends in anything but an error with a code when cut anywhere', () => {
    const texts: readonly string[] = [
      readVectors('2ddoc/2ddoc.json').vectors[0].message,
      readVectors('hcert/hcert.json').vectors[2].data.PREFIX,
      readVectors('idb/idb.json').vectors[4].raw,
      readVectors('claim169/claim169.json').vectors[0].qr_data,
      JSON.stringify(readVectors('vdsnc/vds-nc.json').vectors[0].seal),
    ];
    for (const text of texts)
      for (let length = 0; length < text.length; length += 3)
        try {
          readForeign(text.slice(0, length));
        } catch (error) {
          expect(error).toBeInstanceOf(ConsulError);
        }
  });
});
