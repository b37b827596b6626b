import { toHex } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { ConsulError } from '../errors.ts';
import { FileWriter } from './file-writer.ts';
import { defaultBounds } from './read/bounds.ts';
import { type PdfFile, readPdf } from './read/document.ts';
import type { FindingId } from './read/findings.ts';
import { isArray, isDict, type PdfDict, type PdfObject, PdfRef, PdfString } from './read/objects.ts';
import { pagesOf } from './read/pages.ts';
import { textString } from './read/text-string.ts';
import { pdfName, serialize, textObject } from './serialize.ts';
import { coverFile, fillHole, holeAt, type SignatureHole, signatureDictionary } from './signature-hole.ts';
import { ascii } from './syntax.ts';

/** Oddities of a file that mean the same to every reader; a file with another one is not continued. */
const harmless: ReadonlySet<FindingId> = new Set(['linearized', 'comment', 'escaped-name', 'odd-hex-string']);

/** Entries of a trailer that belong to its own cross-reference section. */
const ofSection = new Set(
  'Type Size W Index Prev XRefStm Filter DecodeParms Length DL ID F FFilter FDecodeParms'.split(' '),
);

/** Signatures exist, and the file is only to be appended to (ISO 32000-2 table 225). */
const signaturesAppendOnly = 3;

/** ISO 32000-2 table 167. */
const printedAndLocked = 132;

/**
 * Reads a file that is to be continued.
 *
 * @throws ConsulError PDF_INVALID also for a file that two readers may read differently, or whose end was cut off;
 *   PDF_TOO_COMPLEX also where the update would be one revision too many
 */
export function readForUpdate(pdf: Uint8Array): PdfFile {
  const file = readPdf(pdf);
  const finding = file.findings.find(({ id }) => !harmless.has(id));
  if (finding)
    throw new ConsulError(
      'PDF_INVALID',
      `the file cannot be continued: ${finding.message} (byte ${finding.offset})`,
    );
  if (file.revisions.length >= defaultBounds.revisions)
    throw new ConsulError('PDF_TOO_COMPLEX', `the file has ${file.revisions.length} revisions already`);
  return file;
}

/**
 * An incremental update (ISO 32000-2 §7.5.6): what is new or changed, written after the file, of which no byte changes.
 * Objects are seen as the update leaves them.
 */
export class IncrementalUpdate {
  readonly file: PdfFile;
  readonly #writer: FileWriter;
  readonly #replaced = new Map<number, { readonly generation: number; readonly value: PdfObject }>();
  readonly #root: PdfRef;
  #hole: SignatureHole | undefined;

  constructor(file: PdfFile) {
    this.file = file;
    const newest = file.revisions.at(-1);
    const root = newest?.trailer.get('Root');
    if (!newest || !(root instanceof PdfRef))
      throw new ConsulError('PDF_INVALID', 'the trailer has no /Root');
    this.#root = root;
    this.#writer = new FileWriter(file.bytes, [], {
      next: nextNumber(file),
      previous: newest.sections[0]?.start ?? 0,
      form: newest.trailer.get('Type') === 'XRef' ? 'stream' : 'table',
    });
    if (newest.end === newest.eof) this.#writer.add(ascii('\n'));
  }

  get catalog(): PdfDict {
    return this.dict(this.#root) ?? new Map();
  }

  /** Follows references, to what the update puts in their place. */
  resolve(value: PdfObject | undefined): PdfObject {
    if (!(value instanceof PdfRef)) return this.file.resolve(value);
    const replaced = this.#replaced.get(value.num);
    return replaced ? replaced.value : this.file.resolve(value);
  }

  dict(value: PdfObject | undefined): PdfDict | undefined {
    const found = this.resolve(value);
    return isDict(found) ? found : this.file.dict(found);
  }

  array(value: PdfObject | undefined): readonly PdfObject[] {
    const found = this.resolve(value);
    return (isArray(found) ? found : this.file.array(found)) ?? [];
  }

  add(value: PdfObject): PdfRef {
    const self = this.#writer.reserve();
    this.#writer.object(self, serialize(value));
    return new PdfRef(self, 0);
  }

  /** @param body a stream object between `obj` and `endobj` */
  addStream(body: Uint8Array): PdfRef {
    const self = this.#writer.reserve();
    this.#writer.plainObject(self, body);
    return new PdfRef(self, 0);
  }

  /** The one signature dictionary that the update may hold; its /ByteRange and /Contents are filled in afterwards. */
  addSignature(entries: { readonly before: string; readonly after: string }, reserve: number): PdfRef {
    const self = this.#writer.reserve();
    const { body, hole } = signatureDictionary(entries, reserve);
    this.#hole = holeAt(hole, this.#writer.length + `${self} 0 obj\n`.length);
    this.#writer.plainObject(self, body);
    return new PdfRef(self, 0);
  }

  replace({ num, gen }: PdfRef, value: PdfObject): void {
    this.#replaced.set(num, { generation: gen, value });
  }

  /** Sets entries of the catalog. */
  setInCatalog(entries: Readonly<Record<string, PdfObject>>): void {
    this.replace(this.#root, merged(this.catalog, entries));
  }

  /** Puts a value in the place of that of `key`: into the object that it refers to, or into the dictionary itself. */
  #assign(dict: PdfDict, key: string, value: PdfObject): PdfDict {
    const held = dict.get(key);
    if (!(held instanceof PdfRef) || this.resolve(held) === null) return merged(dict, { [key]: value });
    this.replace(held, value);
    return dict;
  }

  /** A name that no field of the form has: `base`, or the first of `base2`, `base3`, ... */
  freeFieldName(base: string): string {
    let name = base;
    for (let i = 2; this.field(name); i++) name = `${base}${i}`;
    return name;
  }

  /** The field of the form with this name; those below another are left aside. */
  field(name: string): PdfRef | undefined {
    const form = this.dict(this.catalog.get('AcroForm'));
    return this.array(form?.get('Fields')).find((field): field is PdfRef => {
      const own = this.resolve(this.dict(field)?.get('T'));
      return field instanceof PdfRef && own instanceof PdfString && textString(own) === name;
    });
  }

  /** Gives its value to an empty signature field. @throws ConsulError SIGNATURE_NOT_PERMITTED where it is not one */
  fillField(field: PdfRef, value: PdfRef): void {
    const dict = this.dict(field) ?? new Map<string, PdfObject>();
    if (this.resolve(dict.get('FT')) !== 'Sig' || this.resolve(dict.get('V')) !== null)
      throw new ConsulError(
        'SIGNATURE_NOT_PERMITTED',
        'the field is no signature field, or is signed already',
      );
    this.replace(field, merged(dict, { V: value }));
    const form = this.dict(this.catalog.get('AcroForm')) ?? new Map<string, PdfObject>();
    this.#setForm(form, this.#flagged(form));
  }

  /**
   * Adds a signature field that is its own widget (ISO 32000-2 §12.7.5.5) to the form and to its page.
   *
   * @param field.shown where and with what appearance stream it is seen; left out it is not
   */
  addSignatureField(field: {
    readonly name: string;
    readonly value: PdfRef;
    readonly page: PdfRef;
    readonly shown?: { readonly rectangle: readonly number[]; readonly appearance: PdfRef };
  }): void {
    const { name, value, page, shown } = field;
    const reference = this.add(
      new Map<string, PdfObject>([
        ['Type', 'Annot'],
        ['Subtype', 'Widget'],
        ['FT', 'Sig'],
        ['T', textObject(name)],
        ['V', value],
        ['P', page],
        ['F', printedAndLocked],
        ['Rect', shown?.rectangle ?? [0, 0, 0, 0]],
        ...(shown ? [['AP', new Map([['N', shown.appearance]])] as const] : []),
      ]),
    );
    this.#addToForm(reference);
    this.#addToPage(page, reference);
  }

  /** Adds a field to the interactive form (ISO 32000-2 §12.7.3), which is made where there is none. */
  #addToForm(field: PdfRef): void {
    const form = this.dict(this.catalog.get('AcroForm')) ?? new Map<string, PdfObject>();
    const withField = this.#assign(form, 'Fields', [...this.array(form.get('Fields')), field]);
    this.#setForm(form, this.#flagged(withField));
  }

  #flagged(form: PdfDict): PdfDict {
    const flags = this.resolve(form.get('SigFlags'));
    const signed = (typeof flags === 'number' ? flags : 0) | signaturesAppendOnly;
    return signed === flags ? form : merged(form, { SigFlags: signed });
  }

  #setForm(before: PdfDict, form: PdfDict): void {
    if (form === before) return;
    const catalog = this.#assign(this.catalog, 'AcroForm', form);
    if (catalog !== this.catalog) this.replace(this.#root, catalog);
  }

  /** The reference of a page. @throws ConsulError PDF_INVALID where there is no such page */
  page(index: number): PdfRef {
    const reference = pagesOf(this.file)[index]?.reference;
    if (!reference) throw new ConsulError('PDF_INVALID', `the document has no page ${index + 1}`);
    return reference;
  }

  #addToPage(page: PdfRef, annotation: PdfRef): void {
    const dict = this.dict(page) ?? new Map();
    const changed = this.#assign(dict, 'Annots', [...this.array(dict.get('Annots')), annotation]);
    if (changed !== dict) this.replace(page, changed);
  }

  /**
   * The file with the update.
   *
   * @param sign makes the DER of the signature of the update, of the bytes that it covers
   * @throws ConsulError PDF_TOO_COMPLEX when it is larger than what is read again, INTERNAL when the signature is larger
   *   than its reserve; whatever `sign` throws
   */
  async finish(sign?: (covered: Uint8Array) => Promise<Uint8Array>): Promise<Uint8Array> {
    // Objects of an object stream have the generation 0 (ISO 32000-2 §7.5.7).
    for (const [num, { generation, value }] of this.#replaced)
      if (generation === 0) this.#writer.object(num, serialize(value));
      else this.#writer.plainObject(num, serialize(value), generation);
    const newest = this.file.revisions.at(-1)?.trailer ?? new Map<string, PdfObject>();
    const kept = [...newest].filter(([key]) => !ofSection.has(key));
    const trailer = kept.map(([key, value]) => ` ${pdfName(key)} ${serialize(value)}`).join('');
    const file = this.#writer.finish(`${trailer}${await this.#identifier(newest.get('ID'))}`);
    if (file.length > defaultBounds.fileBytes)
      throw new ConsulError(
        'PDF_TOO_COMPLEX',
        `the file would have more than ${defaultBounds.fileBytes} bytes`,
      );
    if (this.#hole && sign) fillHole(file, this.#hole, await sign(coverFile(file, this.#hole)));
    return file;
  }

  /** The second part of the file identifier changes with every update (ISO 32000-2 §14.4). */
  async #identifier(value: PdfObject | undefined): Promise<string> {
    const [permanent] = this.array(value);
    if (!(permanent instanceof PdfString)) return '';
    this.#writer.pack();
    const digest = await nodeBackend.digest('sha256', this.#writer.added());
    return ` /ID [${serialize(permanent)} <${toHex(digest.subarray(0, 16))}>]`;
  }
}

const merged = (dict: PdfDict, entries: Readonly<Record<string, PdfObject>>): PdfDict =>
  new Map([...dict, ...Object.entries(entries)]);

/** /Size of the newest trailer, or above every number that a revision has used (ISO 32000-2 table 15). */
function nextNumber(file: PdfFile): number {
  let next = 1;
  for (const { trailer, entries } of file.revisions) {
    const size = trailer.get('Size');
    if (typeof size === 'number') next = Math.max(next, size);
    for (const num of entries.keys()) next = Math.max(next, num + 1);
  }
  return next;
}
