import { ConsulError } from '../errors.ts';
import { type ChangeKind, changes, differingKeys, sameValue } from '../pdf/read/changes.ts';
import type { PdfFile } from '../pdf/read/document.ts';
import {
  isArray,
  isDict,
  type PdfDict,
  type PdfObject,
  PdfRef,
  PdfStream,
  PdfString,
} from '../pdf/read/objects.ts';
import { pagesOf } from '../pdf/read/pages.ts';
import type { Revision } from '../pdf/read/revisions.ts';
import { textString } from '../pdf/read/text-string.ts';

/** What may come after the signature of a document: what keeps it alive, and further signatures. */
const permitted: ReadonlySet<ChangeKind> = new Set(['dss', 'timestamp', 'signature']);

const keys = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** The entries of each dictionary in an update as core/pdf/update.ts writes it. */
const entries = {
  trailer: keys('Type Size W Index Root Info ID Prev Length Filter'),
  store: keys('Type Certs CRLs OCSPs VRI'),
  stored: keys('Length Filter'),
  validated: keys('Cert CRL OCSP TU'),
  field: keys('Type Subtype FT T V P F Rect'),
  timestamp: keys('Type Filter SubFilter ByteRange Contents'),
  signature: keys('Type Filter SubFilter ByteRange Contents Name Reason Location M'),
} as const;

const storeArrays = [
  ['Certs', 'Cert'],
  ['CRLs', 'CRL'],
  ['OCSPs', 'OCSP'],
] as const;

/** The name of an entry of /VRI: SHA-1 of a signature. */
const validatedName = /^[0-9A-F]{40}$/;
/** Printed and locked (ISO 32000-2 table 167). */
const fieldFlags = 132;

/** Ends the walk at the first thing that does not belong. */
function strange(what: string): never {
  throw new ConsulError('PDF_INVALID', what);
}

/** What an update changed, held to what one that keeps signatures alive consists of. */
class UpdateWalk {
  readonly #file: PdfFile;
  readonly #now: Revision;
  readonly #before: Revision;
  readonly #visited = new Set<number>();

  constructor(file: PdfFile, now: Revision, before: Revision) {
    this.#file = file;
    this.#now = now;
    this.#before = before;
  }

  run(): void {
    this.#trailer();
    const [before, after] = [this.#file.catalog(this.#before.index), this.#file.catalog(this.#now.index)];
    const root = this.#now.trailer.get('Root');
    if (root instanceof PdfRef) this.#visited.add(root.num);
    for (const key of differingKeys(before, after))
      if (key !== 'DSS' && key !== 'AcroForm') strange(`/${key}`);
    this.#store(before.get('DSS'), after.get('DSS'));
    this.#form(before.get('AcroForm'), after.get('AcroForm'));
    for (const num of [...this.#now.added, ...this.#now.changed]) {
      const { value } = this.#now.objects.get(num) ?? {};
      const type = value instanceof PdfStream ? value.dict.get('Type') : undefined;
      if (!this.#visited.has(num) && type !== 'XRef' && type !== 'ObjStm') strange(`${num} 0 obj`);
    }
    if (this.#now.freed.length > 0) strange(`${this.#now.freed[0]} 0 obj`);
  }

  #resolve(value: PdfObject | undefined): PdfObject {
    if (value instanceof PdfRef) this.#visited.add(value.num);
    return this.#file.resolve(value, this.#now.index);
  }

  #known(dict: PdfDict, part: keyof typeof entries): PdfDict {
    for (const key of dict.keys()) if (!entries[part].has(key)) strange(`/${key}`);
    return dict;
  }

  #dict(value: PdfObject | undefined, name: string): PdfDict {
    const found = this.#resolve(value);
    return isDict(found) ? found : strange(name);
  }

  #isNew(value: PdfObject | undefined): value is PdfRef {
    return value instanceof PdfRef && this.#now.added.includes(value.num);
  }

  #trailer(): void {
    const { trailer } = this.#now;
    this.#known(trailer, 'trailer');
    for (const key of ['Root', 'Info'])
      if (!sameValue(trailer.get(key), this.#before.trailer.get(key))) strange(`/${key}`);
    const [id, earlier] = [trailer.get('ID'), this.#before.trailer.get('ID')];
    if (!isArray(id) || !isArray(earlier) || !sameValue(id[0], earlier[0])) strange('/ID');
  }

  /** The items that were there, then new ones: each a stream of its own. */
  #items(before: PdfObject | undefined, after: PdfObject | undefined, name: string): readonly PdfObject[] {
    const held = before ?? [];
    const items = after ?? [];
    if (!isArray(held) || !isArray(items)) return strange(name);
    if (held.some((item, at) => !sameValue(item, items[at]))) strange(name);
    for (const item of items.slice(held.length)) {
      const stream = this.#isNew(item) ? this.#resolve(item) : strange(name);
      if (!(stream instanceof PdfStream)) strange(name);
      this.#known(stream.dict, 'stored');
    }
    return items;
  }

  /** The document security store (ETSI EN 319 142-1 §5.4.2): it only grows. */
  #store(before: PdfObject | undefined, after: PdfObject | undefined): void {
    if (before === undefined && after === undefined) return;
    // An object of its own: never one that was something else before.
    if (!(before === undefined ? this.#isNew(after) : sameValue(before, after))) strange('/DSS');
    const earlier = this.#file.dict(before, this.#before.index) ?? new Map<string, PdfObject>();
    const store = this.#known(this.#dict(after, '/DSS'), 'store');
    const [names, earlierNames] = [store.get('VRI'), earlier.get('VRI')].map((value) => {
      if (value !== undefined && !isDict(value)) strange('/VRI');
      return value ?? new Map<string, PdfObject>();
    });
    const items = new Map(
      storeArrays.map(([key]) => [key, this.#items(earlier.get(key), store.get(key), `/${key}`)]),
    );
    for (const name of earlierNames?.keys() ?? []) if (!names?.has(name)) strange('/VRI');
    for (const [name, value] of names ?? []) {
      if (!isDict(value) || !validatedName.test(name)) strange('/VRI');
      this.#known(value, 'validated');
      for (const [key, short] of storeArrays) {
        const used = value.get(short) ?? [];
        if (!isArray(used)) strange('/VRI');
        for (const item of used) if (!items.get(key)?.some((held) => sameValue(held, item))) strange('/VRI');
      }
    }
  }

  /** One field more, which shows nothing, or none. */
  #form(before: PdfObject | undefined, after: PdfObject | undefined): void {
    if (!isDict(before) || !isDict(after)) strange('/AcroForm');
    for (const key of differingKeys(before, after)) if (key !== 'Fields') strange(`/${key}`);
    const [held, fields] = [before.get('Fields'), after.get('Fields')];
    if (!isArray(held) || !isArray(fields)) strange('/Fields');
    if (held.some((item, at) => !sameValue(item, fields[at]))) strange('/Fields');
    const [added, ...others] = fields.slice(held.length);
    if (others.length > 0) strange('/Fields');
    this.#pages(added);
    if (added === undefined) return;
    if (!this.#isNew(added)) strange('/Fields');
    const field = this.#known(this.#dict(added, '/Fields'), 'field');
    const rectangle = field.get('Rect');
    const hidden = isArray(rectangle) && rectangle.length === 4 && rectangle.every((side) => side === 0);
    if (!hidden || field.get('FT') !== 'Sig' || field.get('F') !== fieldFlags) strange('/Rect');
    if (held.some((item) => this.#nameOf(item) === this.#nameOf(added))) strange('/T');
    const value = field.get('V');
    const signature = this.#isNew(value) ? this.#dict(value, '/V') : strange('/V');
    this.#known(signature, signature.get('SubFilter') === 'ETSI.RFC3161' ? 'timestamp' : 'signature');
  }

  #nameOf(field: PdfObject): string {
    const name = this.#file.dict(field, this.#now.index)?.get('T');
    return name instanceof PdfString ? textString(name) : strange('/T');
  }

  /** The new field is an annotation of one page; otherwise the pages are as they were. */
  #pages(field: PdfObject | undefined): void {
    const [before, after] = [this.#before, this.#now].map(({ index }) => pagesOf(this.#file, index));
    if (!before || !after || before.length !== after.length) strange('/Pages');
    let holders = 0;
    for (const [at, page] of after.entries()) {
      const earlier = before[at];
      const differing = differingKeys(earlier?.dict, page.dict);
      if (differing.length === 0) continue;
      const [key] = differing;
      if (differing.length > 1 || key !== 'Annots' || !page.reference) strange(`/${key}`);
      const [held, annotations] = [earlier?.dict.get(key) ?? [], page.dict.get(key)];
      if (!isArray(held) || !isArray(annotations) || annotations.length !== held.length + 1)
        strange('/Annots');
      const owner = this.#file.dict(field, this.#now.index)?.get('P');
      const expected = [...held, field ?? null];
      if (!sameValue(expected, annotations) || !sameValue(owner, page.reference)) strange('/Annots');
      this.#visited.add(page.reference.num);
      holders++;
    }
    if (holders !== (field === undefined ? 0 : 1)) strange('/Annots');
  }
}

/** What part of the document a revision changed that it must not, where that has a name; else what was met first. */
function named(file: PdfFile, at: number, met: string): string {
  const kinds = changes(file)[at - 1]?.kinds.filter((kind) => !permitted.has(kind)) ?? [];
  return `revision ${at + 1}: ${kinds.length > 0 ? kinds.join(', ') : met}`;
}

/**
 * The first thing in the updates of a file that is more than validation data, document timestamps and further signatures
 * as they are added here. Each revision holds at most one signature.
 */
export function strangeUpdate(file: PdfFile): string | undefined {
  for (const [at, now] of file.revisions.entries()) {
    const before = file.revisions[at - 1];
    if (!before) continue;
    try {
      new UpdateWalk(file, now, before).run();
    } catch (error) {
      if (error instanceof ConsulError && error.code === 'PDF_INVALID') return named(file, at, error.message);
      throw error;
    }
  }
  return undefined;
}
