import { ConsulError } from '../errors.ts';
import { type SignaturePlace, signatureEntries } from './document.ts';
import type { PdfFile } from './read/document.ts';
import { type PdfDict, PdfString } from './read/objects.ts';
import { readSignatures } from './read/signature.ts';
import { textString } from './read/text-string.ts';
import type { MakeCms } from './sign.ts';
import { signatureMark } from './signature-mark.ts';
import { IncrementalUpdate, readForUpdate } from './update.ts';

/** A further signature: of a second agent, a notary, who counter-signs. */
export interface FurtherSignature {
  /** Name of an empty signature field, or of one that is made. */
  readonly field: string;
  readonly place: SignaturePlace;
  /** Claimed time, for /M. */
  readonly time: Date;
  readonly cms: MakeCms;
  /**
   * Where a field that is made shows its mark: page from 0, rectangle `[left, bottom, right, top]` in points. Left out,
   * it shows nothing.
   */
  readonly appearance?: {
    readonly page: number;
    readonly rectangle: readonly [number, number, number, number];
  };
}

const defaultReserve = 8192;

/**
 * Adds a signature as an incremental update: it covers the file with all signatures before it, and breaks none.
 *
 * @returns a new file that begins with every byte of `pdf`
 * @throws ConsulError SIGNATURE_NOT_PERMITTED where an earlier signature forbids it or the field is taken; PDF_INVALID,
 *   PDF_TOO_COMPLEX; INTERNAL when the CMS is larger than its reserve; whatever `cms` throws
 */
export async function addSignature(pdf: Uint8Array, signature: FurtherSignature): Promise<Uint8Array> {
  const { field, place, time, cms, appearance } = signature;
  const file = readForUpdate(pdf);
  checkPermitted(file, field);
  const update = new IncrementalUpdate(file);
  const value = update.addSignature(
    {
      before: '/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached',
      after: signatureEntries(place, time),
    },
    place.reserve ?? defaultReserve,
  );
  const waiting = update.field(field);
  if (waiting) update.fillField(waiting, value);
  else {
    const [left, bottom, right, top] = appearance?.rectangle ?? [0, 0, 0, 0];
    update.addSignatureField({
      name: field,
      value,
      page: update.page(appearance?.page ?? 0),
      ...(appearance
        ? {
            shown: {
              rectangle: appearance.rectangle,
              appearance: update.addStream(signatureMark(right - left, top - bottom)),
            },
          }
        : {}),
    });
  }
  return update.finish(cms);
}

const refused = (why: string): never => {
  throw new ConsulError('SIGNATURE_NOT_PERMITTED', why);
};

/** What earlier signatures permit (ISO 32000-2 §12.8.2.2 and §12.8.2.4). */
function checkPermitted(file: PdfFile, field: string): void {
  for (const { name, dictionary, permissions } of readSignatures(file)) {
    if (permissions === 1) refused(`the signature in the field "${name}" forbids every later change`);
    for (const item of file.array(dictionary?.get('Reference')) ?? []) {
      const reference = file.dict(item);
      const parameters = file.dict(reference?.get('TransformParams'));
      if (
        file.name(reference?.get('TransformMethod')) === 'FieldMDP' &&
        parameters &&
        locks(file, parameters, field)
      )
        refused(`the signature in the field "${name}" locks the field "${field}"`);
    }
  }
}

/** ISO 32000-2 table 258. */
function locks(file: PdfFile, parameters: PdfDict, field: string): boolean {
  const names = (file.array(parameters.get('Fields')) ?? [])
    .map((item) => file.resolve(item))
    .filter((item): item is PdfString => item instanceof PdfString)
    .map(textString);
  const named = names.some((name) => name === field || field.startsWith(`${name}.`));
  switch (file.name(parameters.get('Action'))) {
    case 'Include':
      return named;
    case 'Exclude':
      return !named;
    default:
      return true;
  }
}
