import { fromUtf8, toHex } from '../../bytes.ts';
import { ConsulError } from '../../errors.ts';
import { decodeC40 } from '../c40.ts';
import { readVds, type Vds } from '../vds.ts';

/** Kinds of document whose features are known: Doc 9303-13, BSI TR-03137, BSI TR-03171. */
export type VdsDocumentName =
  | 'emergency-travel-document'
  | 'visa'
  | 'arrival-attestation'
  | 'residence-permit'
  | 'supplementary-sheet'
  | 'social-insurance-card'
  | 'address-sticker-passport'
  | 'address-sticker-identity-card'
  | 'address-sticker-residence-permit'
  | 'administrative-document';

export type VdsFieldName =
  | 'mrz'
  | 'passportNumber'
  | 'numberOfEntries'
  | 'durationOfStay'
  | 'visaType'
  | 'foreignersRegister'
  | 'sheetNumber'
  | 'socialInsuranceNumber'
  | 'surname'
  | 'firstName'
  | 'birthName'
  | 'documentNumber'
  | 'municipality'
  | 'address'
  | 'postalCode'
  | 'profile';

interface Feature {
  readonly name: VdsFieldName;
  readonly coding: 'c40' | 'mrz' | 'utf8' | 'number' | 'bytes';
  /** `one-of-mrz`: one zone must be there, in either of its sizes. */
  readonly required?: true | 'one-of-mrz';
}

interface Definition {
  readonly name: VdsDocumentName;
  readonly features: Readonly<Record<number, Feature>>;
}

const sticker = (name: VdsDocumentName, third: VdsFieldName): Definition => ({
  name,
  features: {
    1: { name: 'documentNumber', coding: 'c40', required: true },
    2: { name: 'municipality', coding: 'c40', required: true },
    3: { name: third, coding: 'c40', required: true },
  },
});

/** By definition reference and document type category. */
const definitions: Readonly<Record<string, Definition>> = {
  // Doc 9303-8 appendix B.
  '5e03': {
    name: 'emergency-travel-document',
    features: { 2: { name: 'mrz', coding: 'mrz', required: true } },
  },
  // Doc 9303-7 appendix B.
  '5d01': {
    name: 'visa',
    features: {
      1: { name: 'mrz', coding: 'mrz', required: 'one-of-mrz' },
      2: { name: 'mrz', coding: 'mrz', required: 'one-of-mrz' },
      3: { name: 'numberOfEntries', coding: 'number', required: true },
      4: { name: 'durationOfStay', coding: 'bytes', required: true },
      5: { name: 'passportNumber', coding: 'c40', required: true },
      6: { name: 'visaType', coding: 'bytes' },
    },
  },
  // BSI TR-03137.
  fd02: {
    name: 'arrival-attestation',
    features: {
      2: { name: 'mrz', coding: 'mrz', required: true },
      3: { name: 'foreignersRegister', coding: 'c40', required: true },
    },
  },
  fb06: {
    name: 'residence-permit',
    features: {
      2: { name: 'mrz', coding: 'mrz', required: true },
      3: { name: 'passportNumber', coding: 'c40', required: true },
    },
  },
  fa06: {
    name: 'supplementary-sheet',
    features: {
      4: { name: 'mrz', coding: 'mrz', required: true },
      5: { name: 'sheetNumber', coding: 'c40', required: true },
    },
  },
  fc04: {
    name: 'social-insurance-card',
    features: {
      1: { name: 'socialInsuranceNumber', coding: 'c40', required: true },
      2: { name: 'surname', coding: 'utf8', required: true },
      3: { name: 'firstName', coding: 'utf8', required: true },
      4: { name: 'birthName', coding: 'utf8' },
    },
  },
  f80a: sticker('address-sticker-passport', 'postalCode'),
  f908: sticker('address-sticker-identity-card', 'address'),
  f90c: sticker('address-sticker-residence-permit', 'address'),
  // BSI TR-03171: which features follow is in a profile that the seal names.
  '01c8': {
    name: 'administrative-document',
    features: { 0: { name: 'profile', coding: 'bytes', required: true } },
  },
};

export interface VdsField {
  readonly tag: number;
  /** Absent for a feature that the definition does not have. */
  readonly name?: VdsFieldName;
  /** Text, or hexadecimal for what is not a text; machine-readable zones with their fillers. */
  readonly value: string;
}

/** An ICAO visible digital seal with its features read; its signature is not checked. */
export interface VdsSeal {
  readonly system: 'vds';
  readonly vds: Vds;
  /** Absent for a definition that is not known here. */
  readonly document?: VdsDocumentName;
  readonly fields: readonly VdsField[];
  readonly mrz?: string;
}

/**
 * Reads a visible digital seal and its features.
 *
 * @throws ConsulError SEAL_INVALID, also for a feature that the document must have and has not, or that is malformed
 *   (Doc 9303-13 appendix D: WRONG_FORMAT)
 */
export function readVdsSeal(bytes: Uint8Array): VdsSeal {
  const vds = readVds(bytes);
  const { definition: reference, category } = vds.header;
  const definition = definitions[toHex(Uint8Array.of(reference, category))];
  if (definition) demandFeatures(definition, vds);
  const fields = vds.features.map(({ tag, value }): VdsField => {
    const feature = definition?.features[tag];
    return feature
      ? { tag, name: feature.name, value: decode(feature, value) }
      : { tag, value: shown(value) };
  });
  const mrz = fields.find(({ name }) => name === 'mrz')?.value;
  return {
    system: 'vds',
    vds,
    ...(definition ? { document: definition.name } : {}),
    fields,
    ...(mrz === undefined ? {} : { mrz }),
  };
}

function demandFeatures(definition: Definition, vds: Vds): void {
  const present = new Set(vds.features.map(({ tag }) => tag));
  if (present.size !== vds.features.length) throw wrong('a feature of the seal stands twice');
  const wanted = Object.entries(definition.features);
  for (const [tag, { name, required }] of wanted)
    if (required === true && !present.has(Number(tag)))
      throw wrong(`feature ${tag} (${name}) of the seal is missing`);
  const alternatives = wanted
    .filter(([, { required }]) => required === 'one-of-mrz')
    .map(([tag]) => Number(tag));
  if (alternatives.length > 0 && !alternatives.some((tag) => present.has(tag)))
    throw wrong('the seal has no machine-readable zone');
}

function decode({ coding, name }: Feature, value: Uint8Array): string {
  switch (coding) {
    case 'c40':
      return decodeC40(value);
    case 'mrz':
      return decodeC40(value).replaceAll(' ', '<');
    case 'utf8':
      try {
        return fromUtf8(value);
      } catch (cause) {
        throw new ConsulError('SEAL_INVALID', `feature ${name} of the seal is not UTF-8`, { cause });
      }
    case 'number':
      return String(value.reduce((sum, byte) => sum * 256 + byte, 0));
    case 'bytes':
      return toHex(value);
  }
}

/** A value of which only the bytes are known: as text where it is printable, else in hexadecimal. */
function shown(value: Uint8Array): string {
  try {
    const text = fromUtf8(value);
    if (text !== '' && /^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]*$/u.test(text)) return text;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  return toHex(value);
}

const wrong = (message: string): ConsulError => new ConsulError('SEAL_INVALID', message);
