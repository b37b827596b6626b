import { SignPdf } from '@signpdf/signpdf';
import { Signer, SignPdfError } from '@signpdf/utils';
import { fromLatin1 } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { fillHole } from './signature-hole.ts';

/** Makes the DER of a detached CMS over the bytes that the ByteRange covers. */
export type MakeCms = (bytesToSign: Uint8Array) => Promise<Uint8Array>;

/** The contract of @signpdf, fulfilled by a function. */
class CmsSigner extends Signer {
  readonly #make: MakeCms;

  constructor(make: MakeCms) {
    super();
    this.#make = make;
  }

  override async sign(bytes: Buffer): Promise<Buffer> {
    return Buffer.from(await this.#make(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)));
  }
}

/**
 * Signs what `renderDocument` wrote: fills in the ByteRange, has the CMS made over what it covers, and puts that into
 * the hole.
 *
 * @throws ConsulError INTERNAL when there is no hole or the CMS is larger than it; whatever `cms` throws
 */
export async function signPdf(unsigned: Uint8Array, cms: MakeCms): Promise<Uint8Array> {
  try {
    const signed = await new SignPdf().sign(unsigned, new CmsSigner(cms));
    return new Uint8Array(signed.buffer, signed.byteOffset, signed.length);
  } catch (cause) {
    if (cause instanceof SignPdfError) throw new ConsulError('INTERNAL', cause.message, { cause });
    throw cause;
  }
}

/**
 * Puts another CMS into the hole of a signed file, for example the same signature with a timestamp that came later.
 * The bytes that are signed do not change.
 *
 * @param signedPdf as `signPdf` gave it: one signature, whose ByteRange reaches the end of the file
 * @throws ConsulError PDF_INVALID when the file is not so, INTERNAL when the CMS is larger than the hole
 */
export function replaceContents(signedPdf: Uint8Array, cmsDer: Uint8Array): Uint8Array {
  const hole = contentsHole(signedPdf);
  const out = new Uint8Array(signedPdf);
  fillHole(out, hole, cmsDer);
  return out;
}

/** Where `<` of /Contents stands, and the byte after its `>`. */
function contentsHole(pdf: Uint8Array): { start: number; end: number } {
  const ranges = [
    ...fromLatin1(pdf).matchAll(/\/ByteRange \[0 (\d{1,10}) (\d{1,10}) (\d{1,10})\] *\/Contents </g),
  ];
  const [match] = ranges;
  const [start, end, length] = match?.slice(1).map(Number) ?? [];
  if (ranges.length !== 1 || start === undefined || end === undefined || length === undefined)
    throw new ConsulError('PDF_INVALID', 'the file does not hold exactly one signature of this program');
  const opening = (match?.index ?? 0) + (match?.[0].length ?? 0) - 1;
  if (start !== opening || pdf[end - 1] !== 0x3e || end <= start + 2 || end + length !== pdf.length)
    throw new ConsulError('PDF_INVALID', 'the ByteRange of the signature does not fit the file');
  return { start, end };
}
