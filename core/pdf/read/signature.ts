import { tooComplex } from './bounds.ts';
import type { PdfFile } from './document.ts';
import { isArray, isDict, type PdfDict, type PdfObject, PdfRef, PdfString } from './objects.ts';
import { textString } from './text-string.ts';

/** What is wrong with a signature before any cryptography; a sound one has none. */
export type SignatureProblemId =
  /** A signature field without a value. */
  | 'unsigned'
  /** /V is there but is not a dictionary. */
  | 'value-not-dictionary'
  /** A dictionary with /ByteRange that no signature field of the form holds. */
  | 'outside-form'
  /** Two fields hold the same signature. */
  | 'shared-value'
  /** It lies in an object stream, so that its /Contents has no place in the file. */
  | 'packed'
  | 'type'
  | 'subfilter'
  | 'contents-missing'
  /** /Contents is a reference, null, or not a string. */
  | 'contents-not-string'
  /** /Contents is written as a literal string. */
  | 'contents-not-hex'
  /** White space inside the hexadecimal string, or an odd number of digits. */
  | 'contents-form'
  | 'contents-not-der'
  /** Something else than zeros after the DER. */
  | 'contents-padding'
  | 'byterange-missing'
  /** Not an array of four whole numbers that stand directly in it. */
  | 'byterange-form'
  | 'byterange-not-from-start'
  /** The second range begins before the first ends. */
  | 'byterange-overlap'
  | 'byterange-beyond-file'
  /** The hole between the ranges is not exactly the string of /Contents of this dictionary. */
  | 'byterange-hole'
  /** The second range ends elsewhere than at the end of a revision. */
  | 'byterange-not-revision'
  /** The dictionary is not defined in the revision that it covers, or a later one replaces it. */
  | 'other-revision';

export interface SignatureProblem {
  readonly id: SignatureProblemId;
  readonly message: string;
}

export interface PdfSignature {
  /** Fully qualified name of its field, empty for one outside the form. */
  readonly name: string;
  readonly kind: 'signature' | 'timestamp' | 'unknown';
  readonly subFilter: string;
  readonly dictionary: PdfDict | undefined;
  /** Object number of the signature dictionary, undefined where it stands directly in its field. */
  readonly object: number | undefined;
  readonly byteRange: readonly [number, number, number, number] | undefined;
  /** The DER of the CMS or timestamp token, its padding taken off. */
  readonly contents: Uint8Array | undefined;
  /** The two parts that are signed, present only where the byte range has no problem. */
  readonly signed: readonly [Uint8Array, Uint8Array] | undefined;
  /** Index of the revision whose end it covers. */
  readonly revision: number | undefined;
  /** Whether the last signed byte is the last byte of the file. */
  readonly coversFile: boolean;
  /** /P of a DocMDP transformation (ISO 32000-2 §12.8.2.2): 1 no change, 2 forms, 3 annotations. */
  readonly permissions: 1 | 2 | 3 | undefined;
  readonly problems: readonly SignatureProblem[];
}

/** A signature field of the interactive form. */
export interface SignatureField {
  readonly name: string;
  readonly dictionary: PdfDict;
  readonly value: PdfObject | undefined;
}

const maxFieldDepth = 16;
const maxFields = 5000;

/** The terminal fields of type Sig (ISO 32000-2 §12.7.4.5) at the end of a revision. */
export function signatureFields(file: PdfFile, revision?: number): readonly SignatureField[] {
  const fields: SignatureField[] = [];
  const seen = new Set<PdfDict>();
  const visit = (value: PdfObject, parent: string, type: string | undefined, depth: number): void => {
    const dictionary = file.dict(value, revision);
    if (!dictionary) return;
    if (seen.has(dictionary)) return;
    if (depth > maxFieldDepth) tooComplex(`form fields nested more than ${maxFieldDepth} levels`);
    if (seen.size >= maxFields) tooComplex(`more than ${maxFields} form fields`);
    seen.add(dictionary);
    const partial = file.resolve(dictionary.get('T'), revision);
    const own = partial instanceof PdfString ? textString(partial) : undefined;
    const name = own === undefined ? parent : parent === '' ? own : `${parent}.${own}`;
    const kind = file.name(dictionary.get('FT'), revision) ?? type;
    if (kind === 'Sig' && (dictionary.has('V') || own !== undefined))
      fields.push({ name, dictionary, value: dictionary.get('V') });
    for (const kid of file.array(dictionary.get('Kids'), revision) ?? []) visit(kid, name, kind, depth + 1);
  };
  const form = file.dict(file.catalog(revision).get('AcroForm'), revision);
  for (const field of file.array(form?.get('Fields'), revision) ?? []) visit(field, '', undefined, 0);
  return fields;
}

/** Length of the DER element at the start, by its header alone; undefined where that is not DER. */
function derLength(bytes: Uint8Array): number | undefined {
  const first = bytes[1];
  if (bytes[0] !== 0x30 || first === undefined || first === 0x80 || first > 0x84) return undefined;
  if (first < 0x80) return 2 + first;
  let length = 0;
  for (let i = 0; i < (first & 0x7f); i++) {
    const octet = bytes[2 + i];
    if (octet === undefined || (i === 0 && octet === 0)) return undefined;
    length = length * 256 + octet;
  }
  return length < 0x80 ? undefined : 2 + (first & 0x7f) + length;
}

class SignatureReader {
  readonly #file: PdfFile;
  readonly #problems: SignatureProblem[] = [];

  constructor(file: PdfFile) {
    this.#file = file;
  }

  #problem(id: SignatureProblemId, message: string): undefined {
    this.#problems.push({ id, message });
    return undefined;
  }

  read(name: string, value: PdfObject | undefined, extra: readonly SignatureProblem[]): PdfSignature {
    this.#problems.push(...extra);
    const object = value instanceof PdfRef ? value.num : undefined;
    const resolved = this.#file.resolve(value);
    const dictionary = isDict(resolved) ? resolved : undefined;
    if (!dictionary)
      return {
        name,
        kind: 'unknown',
        subFilter: '',
        dictionary,
        object,
        byteRange: undefined,
        contents: undefined,
        signed: undefined,
        revision: undefined,
        coversFile: false,
        permissions: undefined,
        problems: [
          value === undefined
            ? { id: 'unsigned', message: 'the signature field holds no signature' }
            : { id: 'value-not-dictionary', message: 'the value of the signature field is not a dictionary' },
          ...this.#problems,
        ],
      };
    const subFilter = this.#name(dictionary, 'SubFilter');
    const kind = this.#kind(dictionary, subFilter);
    const hole = this.#hole(dictionary);
    const contents = hole && this.#contents(hole);
    const byteRange = this.#byteRange(dictionary);
    const before = this.#problems.length;
    const revision = byteRange && this.#place(byteRange, hole, object);
    const { bytes } = this.#file;
    const sound = byteRange && hole && this.#problems.length === before;
    return {
      name,
      kind,
      subFilter,
      dictionary,
      object,
      byteRange,
      contents,
      signed: sound
        ? [bytes.subarray(0, byteRange[1]), bytes.subarray(byteRange[2], byteRange[2] + byteRange[3])]
        : undefined,
      revision,
      coversFile: byteRange !== undefined && byteRange[2] + byteRange[3] === bytes.length,
      permissions: this.#permissions(dictionary),
      problems: this.#problems,
    };
  }

  #name(dictionary: PdfDict, key: string): string {
    const value = this.#file.resolve(dictionary.get(key));
    return typeof value === 'string' ? value : '';
  }

  #kind(dictionary: PdfDict, subFilter: string): PdfSignature['kind'] {
    const type = this.#name(dictionary, 'Type');
    const kinds: Readonly<Record<string, PdfSignature['kind']>> = {
      'ETSI.CAdES.detached': 'signature',
      'adbe.pkcs7.detached': 'signature',
      'ETSI.RFC3161': 'timestamp',
    };
    const kind = Object.hasOwn(kinds, subFilter) ? kinds[subFilter] : undefined;
    if (!kind) {
      this.#problem('subfilter', `the signature is of the kind "${subFilter}"`);
      return 'unknown';
    }
    const expected = kind === 'timestamp' ? 'DocTimeStamp' : 'Sig';
    if (type !== expected && !(type === '' && kind === 'signature'))
      this.#problem('type', `/Type is "${type}" where ${subFilter} asks for ${expected}`);
    return kind;
  }

  /** The hexadecimal string that /Contents is, as it stands in the file. */
  #hole(dictionary: PdfDict): PdfString | undefined {
    const value = dictionary.get('Contents');
    if (value === undefined) return this.#problem('contents-missing', 'the signature has no /Contents');
    if (!(value instanceof PdfString))
      return this.#problem('contents-not-string', '/Contents is not a string that stands in the dictionary');
    if (!value.hex) return this.#problem('contents-not-hex', '/Contents is a literal string');
    if (value.end - value.start !== 2 + 2 * value.bytes.length)
      return this.#problem('contents-form', '/Contents holds white space or an odd number of digits');
    return value;
  }

  #contents(hole: PdfString): Uint8Array | undefined {
    const { bytes } = hole;
    const length = derLength(bytes);
    if (length === undefined || length > bytes.length)
      return this.#problem('contents-not-der', '/Contents is not DER');
    for (let i = length; i < bytes.length; i++)
      if (bytes[i] !== 0)
        return this.#problem('contents-padding', 'something hides after the DER in /Contents');
    return bytes.subarray(0, length);
  }

  #byteRange(dictionary: PdfDict): PdfSignature['byteRange'] {
    const value = dictionary.get('ByteRange');
    if (value === undefined) return this.#problem('byterange-missing', 'the signature has no /ByteRange');
    const sound =
      isArray(value) &&
      value.length === 4 &&
      value.every((item) => typeof item === 'number' && Number.isSafeInteger(item) && item >= 0);
    if (!sound) return this.#problem('byterange-form', '/ByteRange is not four whole numbers');
    return value as unknown as [number, number, number, number];
  }

  /** Checks that the ranges cover one revision from the first byte, less this signature's own /Contents. */
  #place(
    [start, first, second, length]: readonly [number, number, number, number],
    hole: PdfString | undefined,
    object: number | undefined,
  ): number | undefined {
    const file = this.#file;
    const end = second + length;
    if (start !== 0) this.#problem('byterange-not-from-start', '/ByteRange does not begin at the first byte');
    if (second < start + first) this.#problem('byterange-overlap', 'the two ranges overlap');
    if (end > file.bytes.length)
      this.#problem('byterange-beyond-file', 'the second range ends after the file');
    if (hole && (hole.start !== first || hole.end !== second || start !== 0))
      this.#problem('byterange-hole', 'the hole is not exactly the hexadecimal string of /Contents');
    const revision = file.revisions.findIndex(({ eof, end: last }) => end >= eof && end <= last);
    if (revision < 0) {
      this.#problem('byterange-not-revision', 'the second range does not end where a revision ends');
      return undefined;
    }
    if (object !== undefined) {
      const holders = file.revisions.filter(({ objects }) => objects.has(object));
      const last = holders.at(-1);
      const newestSame = holders.every(
        (holder) => holder.objects.get(object)?.value === last?.objects.get(object)?.value,
      );
      if (holders[0]?.index !== revision || !newestSame)
        this.#problem(
          'other-revision',
          'the signature was defined or replaced in another revision than it covers',
        );
      if (last?.objects.get(object)?.offset === undefined)
        this.#problem('packed', 'the signature lies in an object stream');
    }
    return revision;
  }

  #permissions(dictionary: PdfDict): PdfSignature['permissions'] {
    for (const item of this.#file.array(dictionary.get('Reference')) ?? []) {
      const reference = this.#file.dict(item);
      if (!reference || this.#name(reference, 'TransformMethod') !== 'DocMDP') continue;
      const p = this.#file.number(this.#file.dict(reference.get('TransformParams'))?.get('P')) ?? 2;
      if (p === 1 || p === 2 || p === 3) return p;
    }
    return undefined;
  }
}

/**
 * Every signature and document timestamp of the file in the order of the form's fields, then dictionaries with a
 * /ByteRange in any revision that no field holds. Nothing is left out because it is malformed: what is wrong stands in
 * `problems`.
 * @throws ConsulError PDF_INVALID or PDF_TOO_COMPLEX for a form that cannot be read
 */
export function readSignatures(file: PdfFile): readonly PdfSignature[] {
  const seen = new Set<PdfDict>();
  const signatures = signatureFields(file).map(({ name, value }) => {
    const dictionary = file.resolve(value);
    const shared = isDict(dictionary) && seen.has(dictionary);
    if (isDict(dictionary)) seen.add(dictionary);
    return new SignatureReader(file).read(
      name,
      value,
      shared ? [{ id: 'shared-value', message: 'two fields hold the same signature' }] : [],
    );
  });
  const outside: PdfSignature[] = [];
  for (const { objects } of file.revisions)
    for (const [num, { value, gen }] of objects) {
      if (!isDict(value)) continue;
      const candidate = value.has('ByteRange') ? value : value.get('V');
      if (!isDict(candidate) || !candidate.has('ByteRange') || seen.has(candidate)) continue;
      seen.add(candidate);
      const direct = candidate === value && file.object(num, gen) === value;
      outside.push(
        new SignatureReader(file).read('', direct ? new PdfRef(num, gen) : candidate, [
          { id: 'outside-form', message: 'a signature that no field of the form holds' },
        ]),
      );
    }
  return [...signatures, ...outside];
}
