import { equalBytes } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import { readAttachments } from '../pdf/read/attachments.ts';
import { readPdf } from '../pdf/read/document.ts';
import { drawnSeals } from '../pdf/read/text.ts';
import { presentationUrl, readCarrier } from '../seal/carrier.ts';
import { makePresentation } from '../seal/disclosure.ts';
import type { Picture, ReadCodes } from '../seal/picture.ts';
import { qrPixels } from '../seal/qr-pixels.ts';
import { type RecordDisclosure, recordDisclosures } from '../seal/record-disclosures.ts';
import { readSeal } from '../seal/seal.ts';
import { attachmentNames } from './parts.ts';
import { holdsPrivateFields, readRecord } from './record.ts';

/** What a holder can show of a document of theirs, on this side of any verification. */
export interface HeldDocument {
  readonly number: string;
  /** The text of the printed QR code. */
  readonly url: string;
  /** Every private field, in the order of the page. */
  readonly disclosures: readonly RecordDisclosure[];
}

/**
 * Opens an issued document for its holder. Nothing is trusted or judged here, but what could not be verified later is
 * refused: record, seal and printed code must belong together.
 *
 * @param readCodes reads the QR codes of a picture
 * @throws ConsulError PDF_INVALID, PDF_TOO_COMPLEX, SEAL_INVALID, CBOR_INVALID; DISCLOSURE_INVALID where a part is
 *   missing or belongs to another document
 */
export async function openHeldDocument(
  bytes: Uint8Array,
  readCodes: (picture: Picture) => Promise<ReadCodes>,
  backend: Pick<CryptoBackend, 'digest'>,
): Promise<HeldDocument> {
  const file = readPdf(bytes);
  const attached = new Map(readAttachments(file).map(({ name, bytes }) => [name, bytes]));
  const [recordBytes, cose] = [attached.get(attachmentNames.record), attached.get(attachmentNames.seal)];
  const [drawn] = drawnSeals(file);
  if (!recordBytes || !cose || !drawn) throw unfit('the file is not an issued document');
  const reading = readRecord(recordBytes);
  if ('fault' in reading) throw unfit(`the record of the document is malformed (${reading.fault})`);
  const record = reading.value;
  if (!(await holdsPrivateFields(record, readSeal(cose).claims.document.privateDigest, backend)))
    throw unfit('the private fields of the document are not those of its seal');
  const { codes } = await readCodes(qrPixels(drawn.matrix, pixelsOfModule));
  const url = codes.find(({ text }) => isUrlOf(text, cose))?.text;
  if (url === undefined) throw unfit('the printed code is not that of the seal');
  return { number: record.number, url, disclosures: recordDisclosures(record) };
}

/** What a reader of pictures needs. */
const pixelsOfModule = 4;

function isUrlOf(text: string, cose: Uint8Array): boolean {
  try {
    const carried = readCarrier(text);
    return carried.carrier === 'url' && equalBytes(carried.cose, cose);
  } catch (error) {
    if (error instanceof ConsulError) return false;
    throw error;
  }
}

const unfit = (message: string): ConsulError => new ConsulError('DISCLOSURE_INVALID', message);

/** The text that shows some private fields of a document, by the names of their rows: seal, full stop, presentation. */
export async function present(
  { url, disclosures }: HeldDocument,
  fields: ReadonlySet<string>,
  backend: Pick<CryptoBackend, 'digest'>,
): Promise<string> {
  return presentationUrl(url, await makePresentation(disclosures, ({ field }) => fields.has(field), backend));
}
