import { equalBytes } from '../bytes.ts';
import { readSignedData } from '../cms/read.ts';
import { ConsulError } from '../errors.ts';
import type { SignatureLevel } from '../pdf/level.ts';
import { readAttachments } from '../pdf/read/attachments.ts';
import { readPdf } from '../pdf/read/document.ts';
import { type PdfSignature, readSignatures } from '../pdf/read/signature.ts';
import { sha256 } from '../store/canonical.ts';
import { tokenLasts } from '../time/lasting.ts';

/** Name of the field of the signature that a post makes of its document; further ones have other names. */
const documentField = 'Signature';

/** The signature of a document of ours, and what was added to it until now. */
export interface SignatureState {
  readonly level: SignatureLevel;
  /** When the newest time-stamp ceases to prove its time by itself; undefined where there is none. */
  readonly lastsUntil: Date | undefined;
  readonly document: PdfSignature;
  /** DER of the CMS. */
  readonly contents: Uint8Array;
  /** The signature value: what its time-stamp is over. */
  readonly signature: Uint8Array;
  /** Document timestamps, oldest first. */
  readonly timestamps: readonly PdfSignature[];
  /** Signatures besides that of the post. */
  readonly further: readonly PdfSignature[];
}

/** @throws ConsulError PDF_INVALID, PDF_TOO_COMPLEX; CMS_INVALID, DER_INVALID */
export function signatureState(pdf: Uint8Array): SignatureState {
  const file = readPdf(pdf);
  const signatures = readSignatures(file).filter(({ problems }) => problems[0]?.id !== 'unsigned');
  const document = signatures.find(({ name, kind }) => name === documentField && kind === 'signature');
  if (!document?.contents)
    throw new ConsulError('PDF_INVALID', 'the file in the place of the document is not one of ours');
  const { signature, unsigned } = readSignedData(document.contents).signer;
  const timestamps = signatures
    .filter(({ kind }) => kind === 'timestamp')
    .sort((a, b) => (a.revision ?? 0) - (b.revision ?? 0));
  const stored = file.catalog().has('DSS');
  const newest = timestamps.at(-1)?.contents ?? unsigned.signatureTimestamp;
  return {
    lastsUntil: newest && tokenLasts(newest),
    document,
    level: !unsigned.signatureTimestamp
      ? 'B-B'
      : !stored
        ? 'B-T'
        : timestamps.length === 0
          ? 'B-LT'
          : 'B-LTA',
    contents: document.contents,
    signature,
    timestamps,
    further: signatures.filter((one) => one !== document && one.kind === 'signature'),
  };
}

/** Whether a file is of this very document: of no other that had its number in a past that was undone. */
export function isFileOf(
  { recordDigest, seal }: { readonly recordDigest: Uint8Array; readonly seal: Uint8Array },
  pdf: Uint8Array,
): boolean {
  const held = new Map(readAttachments(readPdf(pdf)).map(({ name, bytes }) => [name, bytes]));
  const [record, cose] = [held.get('record.json'), held.get('seal.cose')];
  return (
    record !== undefined &&
    cose !== undefined &&
    equalBytes(sha256(record), recordDigest) &&
    equalBytes(cose, seal)
  );
}
