import { prepareSignedData } from '../cms/make.ts';
import { oids } from '../cms/oid.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { addSignature } from '../pdf/add-signature.ts';
import type { SignatureLevel } from '../pdf/level.ts';
import { readPdf } from '../pdf/read/document.ts';
import { signatureFields } from '../pdf/read/signature.ts';
import type { CertifiedSigner } from '../pki/signer.ts';
import { signatureState } from './document-file.ts';
import { type ExtendingContext, extended } from './extension.ts';

/** Who counter-signs a document, and why. */
export interface CounterSigner {
  readonly signer: CertifiedSigner;
  /** As people know them. */
  readonly name: string;
  readonly reason: string;
  readonly location: string;
}

/** The first name of a field that the file has not: `Signature2`, `Signature3`, ... */
function freeField(pdf: Uint8Array): string {
  const taken = new Set(signatureFields(readPdf(pdf)).map(({ name }) => name));
  let at = 2;
  while (taken.has(`Signature${at}`)) at++;
  return `Signature${at}`;
}

/**
 * Adds the signature of one more person (two agents; an agent and a notary) with its time-stamp, and takes all of them to
 * a level. Those before stay as they are: the new one covers them.
 * @throws ConsulError SIGNATURE_NOT_PERMITTED, PDF_INVALID, PDF_TOO_COMPLEX; KEY_INVALID; as `extended`
 */
export async function counterSigned(
  pdf: Uint8Array,
  { signer, name, reason, location }: CounterSigner,
  level: SignatureLevel,
  context: ExtendingContext,
): Promise<Uint8Array> {
  if (signatureState(pdf).level === 'B-B')
    throw new ConsulError(
      'SIGNATURE_NOT_PERMITTED',
      'the signature of the document has no time-stamp, and could have none after this one: extend it first',
    );
  const prepared = await prepareSignedData({ signer, contentType: oids.data, includeChain: true });
  const signature = await addSignature(pdf, {
    field: freeField(pdf),
    time: context.place.clock(),
    place: { name, reason, location, reserve: prepared.skeleton.length + context.reserve + 512 },
    cms: async (covered) => {
      const signed = await prepared.sign({
        messageDigest: await nodeBackend.digest(prepared.digest, covered),
      });
      const token = await context.timestamps.stamp(await nodeBackend.digest('sha256', signed.signature));
      return signed.withTimestamp(token);
    },
  });
  const { file } = await extended(signature, level, context);
  return file;
}
