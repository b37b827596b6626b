import { equalBytes } from '../../bytes.ts';
import type { PdfFile } from './document.ts';
import { isArray, isDict, type PdfDict, type PdfObject, PdfRef, PdfStream, PdfString } from './objects.ts';
import { pagesOf } from './pages.ts';

/** What part of the document an incremental update touched. */
export type ChangeKind =
  /** Validation data: /DSS and /Extensions (ETSI EN 319 142-1 §5.4). */
  | 'dss'
  | 'timestamp'
  | 'signature'
  /** Also any touch of a signature field that was signed before. */
  | 'form-field'
  /** Also a new signature field that shows on the page. */
  | 'annotation'
  | 'page-content'
  | 'metadata'
  /** Anything else, also objects that nothing refers to. */
  | 'other';

export interface RevisionChanges {
  /** Index of the revision, from 1. */
  readonly revision: number;
  readonly added: readonly number[];
  readonly changed: readonly number[];
  readonly freed: readonly number[];
  /** Every kind that occurs, sorted. An object that plays two parts counts for both. */
  readonly kinds: readonly ChangeKind[];
}

/** Links that lead back up or across the document, not to a part of the object. */
const upward = new Set(['Parent', 'P', 'Pg', 'Obj', 'Popup', 'IRT']);

/** Whether two values say the same, references compared as references. */
export function sameValue(a: PdfObject | undefined, b: PdfObject | undefined): boolean {
  if (a === b) return true;
  if (a instanceof PdfRef) return b instanceof PdfRef && a.num === b.num && a.gen === b.gen;
  if (a instanceof PdfString) return b instanceof PdfString && equalBytes(a.bytes, b.bytes);
  if (isArray(a)) return isArray(b) && a.length === b.length && a.every((item, i) => sameValue(item, b[i]));
  if (isDict(a))
    return isDict(b) && a.size === b.size && [...a].every(([key, item]) => sameValue(item, b.get(key)));
  return false;
}

/** The keys whose values differ, references compared as references. */
export function differingKeys(before: PdfDict | undefined, after: PdfDict | undefined): readonly string[] {
  const keys = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]);
  return [...keys].filter((key) => !sameValue(before?.get(key), after?.get(key)));
}

/** Gives each object that an update touched the parts it plays before and after the update. */
class UpdateClassifier {
  readonly #file: PdfFile;
  readonly #revision: number;
  readonly #touched: Set<number>;
  readonly #placed = new Set<number>();
  readonly #kinds = new Set<ChangeKind>();

  constructor(file: PdfFile, revision: number, touched: Set<number>) {
    this.#file = file;
    this.#revision = revision;
    this.#touched = touched;
  }

  kinds(): readonly ChangeKind[] {
    const now = this.#revision;
    for (const view of [now - 1, now]) {
      const catalog = this.#file.catalog(view);
      this.#walk(catalog.get('DSS'), 'dss', view);
      this.#walk(catalog.get('Extensions'), 'dss', view);
      this.#walk(catalog.get('Metadata'), 'metadata', view);
      this.#walk(this.#file.revisions[view]?.trailer.get('Info'), 'metadata', view);
      this.#form(catalog, view);
      this.#pages(view);
      for (const [key, value] of catalog) if (!parts.has(key)) this.#walk(value, 'other', view);
    }
    this.#catalog();
    for (const num of this.#touched) if (!this.#placed.has(num)) this.#kinds.add('other');
    return [...this.#kinds].sort();
  }

  #place(num: number, kind: ChangeKind): void {
    if (!this.#touched.has(num)) return;
    this.#placed.add(num);
    this.#kinds.add(kind);
  }

  /** Marks the touched objects below `root`, stopping at pages, which are looked at by themselves. */
  #walk(root: PdfObject | undefined, kind: ChangeKind, view: number): void {
    const seen = new Set<number>();
    const open: PdfObject[] = root === undefined ? [] : [root];
    for (let value = open.pop(); value !== undefined; value = open.pop()) {
      if (value instanceof PdfRef) {
        if (seen.has(value.num)) continue;
        seen.add(value.num);
        const target = this.#file.resolve(value, view);
        if (isDict(target) && (target.get('Type') === 'Page' || target.get('Type') === 'Pages')) continue;
        this.#place(value.num, kind);
        open.push(target);
      } else if (isArray(value)) for (const item of value) open.push(item);
      else if (isDict(value) || value instanceof PdfStream) {
        for (const [key, item] of isDict(value) ? value : value.dict) if (!upward.has(key)) open.push(item);
      }
    }
  }

  /** A new or newly filled signature field is what it is; one that was signed before must not be touched. */
  #fieldKind(item: PdfObject, view: number): ChangeKind {
    const field = this.#file.resolve(item, view);
    if (!isDict(field)) return 'other';
    const before = this.#file.resolve(item, this.#revision - 1);
    if (isDict(before) && this.#file.resolve(before.get('V'), this.#revision - 1) !== null)
      return 'form-field';
    const type = this.#file.resolve(field.get('FT') ?? this.#parentType(field, view), view);
    if (type !== 'Sig') return 'form-field';
    const value = this.#file.resolve(field.get('V'), view);
    return isDict(value) && this.#file.resolve(value.get('SubFilter'), view) === 'ETSI.RFC3161'
      ? 'timestamp'
      : 'signature';
  }

  #parentType(field: PdfDict, view: number): PdfObject | undefined {
    const parent = this.#file.resolve(field.get('Parent'), view);
    return isDict(parent) ? parent.get('FT') : undefined;
  }

  #form(catalog: PdfDict, view: number): void {
    const value = catalog.get('AcroForm');
    const form = this.#file.dict(value, view);
    if (value instanceof PdfRef) this.#formEntries(value.num);
    const fields = form?.get('Fields');
    if (fields instanceof PdfRef) this.#fieldArray(fields.num);
    for (const item of this.#file.array(fields, view) ?? [])
      this.#walk(item, this.#fieldKind(item, view), view);
    for (const [key, item] of form ?? []) if (key !== 'Fields') this.#walk(item, 'form-field', view);
  }

  /** An array of fields that is an object of its own. */
  #fieldArray(num: number): void {
    if (!this.#touched.has(num)) return;
    this.#placed.add(num);
    const [before, after] = this.#formsAround();
    this.#fieldsDiffer(before, after);
  }

  #formsAround(): (PdfDict | undefined)[] {
    return [this.#revision - 1, this.#revision].map((view) =>
      this.#file.dict(this.#file.catalog(view).get('AcroForm'), view),
    );
  }

  /** What differs in the form's own dictionary: a new signature adds itself to /Fields and sets /SigFlags. */
  #formEntries(num: number): void {
    if (!this.#touched.has(num)) return;
    this.#placed.add(num);
    const [before, after] = this.#formsAround();
    this.#formKeys(before, after);
  }

  #formKeys(before: PdfDict | undefined, after: PdfDict | undefined): void {
    for (const key of differingKeys(before, after)) {
      if (key === 'SigFlags') continue;
      if (key !== 'Fields') this.#kinds.add('form-field');
      else this.#fieldsDiffer(before, after);
    }
  }

  /** New fields stand as what they are; one that is gone or another in its place is a change of the form. */
  #fieldsDiffer(before: PdfDict | undefined, after: PdfDict | undefined): void {
    const old = this.#file.array(before?.get('Fields'), this.#revision - 1) ?? [];
    const now = this.#file.array(after?.get('Fields'), this.#revision) ?? [];
    if (old.some((item) => !now.some((other) => sameValue(item, other)))) this.#kinds.add('form-field');
    for (const item of now) {
      if (old.some((other) => sameValue(item, other))) continue;
      this.#kinds.add(this.#fieldKind(item, this.#revision));
    }
  }

  #pages(view: number): void {
    const pages = pagesOf(this.#file, view);
    const other = view === this.#revision ? view - 1 : view + 1;
    const counterpart = pagesOf(this.#file, other);
    if (pages.length !== counterpart.length) this.#kinds.add('page-content');
    for (const page of pages) {
      const twin = counterpart[page.index]?.dict;
      for (const key of differingKeys(twin, page.dict)) if (key !== 'Annots') this.#kinds.add('page-content');
      for (const [key, value] of page.dict)
        if (key === 'Annots') this.#annotations(value, twin?.get('Annots'), view, other);
        else if (!upward.has(key)) this.#walk(value, 'page-content', view);
      if (view === this.#revision && twin?.has('Annots') && !page.dict.has('Annots'))
        this.#kinds.add('annotation');
    }
    this.#pageTree(this.#file.catalog(view).get('Pages'), view);
  }

  /** Page tree nodes: a page that was touched is judged by its keys, an inner node is content. */
  #pageTree(root: PdfObject | undefined, view: number): void {
    const open: PdfObject[] = root === undefined ? [] : [root];
    for (let value = open.pop(); value !== undefined; value = open.pop()) {
      const node = this.#file.dict(value, view);
      if (node?.get('Type') === 'Page') {
        if (value instanceof PdfRef) this.#placed.add(value.num);
        continue;
      }
      if (value instanceof PdfRef) this.#place(value.num, 'page-content');
      for (const [key, item] of node ?? [])
        if (key !== 'Kids' && !upward.has(key)) this.#walk(item, 'page-content', view);
      open.push(...(this.#file.array(node?.get('Kids'), view) ?? []));
    }
  }

  #annotations(value: PdfObject, twin: PdfObject | undefined, view: number, other: number): void {
    const own = this.#file.array(value, view) ?? [];
    const theirs = this.#file.array(twin, other) ?? [];
    if (value instanceof PdfRef && this.#touched.has(value.num)) this.#placed.add(value.num);
    for (const item of own) {
      const annotation = this.#file.resolve(item, view);
      const widget = isDict(annotation) && this.#file.resolve(annotation.get('Subtype'), view) === 'Widget';
      const kind = widget ? this.#fieldKind(item, view) : 'annotation';
      this.#walk(item, kind, view);
      if (theirs.some((candidate) => sameValue(candidate, item))) continue;
      this.#kinds.add(view === this.#revision ? kind : 'annotation');
      // A signature that is seen can cover what the page says.
      if (widget && this.#visible(annotation, view)) this.#kinds.add('annotation');
    }
  }

  #visible(widget: PdfDict, view: number): boolean {
    const corners =
      this.#file.array(widget.get('Rect'), view)?.map((item) => this.#file.number(item, view)) ?? [];
    const [left, bottom, right, top] = corners;
    return left !== right && bottom !== top;
  }

  #catalog(): void {
    const [before, after] = [this.#file.catalog(this.#revision - 1), this.#file.catalog(this.#revision)];
    const root = this.#file.revisions[this.#revision]?.trailer.get('Root');
    const earlier = this.#file.revisions[this.#revision - 1]?.trailer.get('Root');
    if (!sameValue(root, earlier)) this.#kinds.add('other');
    if (root instanceof PdfRef) this.#placed.add(root.num);
    for (const key of differingKeys(before, after)) {
      if (key === 'DSS' || key === 'Extensions') this.#kinds.add('dss');
      else if (key === 'Metadata') this.#kinds.add('metadata');
      else if (key === 'Perms') this.#kinds.add('signature');
      else if (key === 'AcroForm')
        this.#formKeys(
          this.#file.dict(before.get(key), this.#revision - 1),
          this.#file.dict(after.get(key), this.#revision),
        );
      else if (key === 'Pages') this.#kinds.add('page-content');
      else this.#kinds.add('other');
    }
  }
}

/** Parts of the catalog that are classified by themselves. */
const parts = new Set(['DSS', 'Extensions', 'Metadata', 'AcroForm', 'Pages', 'Type', 'Perms']);

function isFileStructure(value: PdfObject | undefined): boolean {
  const type = value instanceof PdfStream ? value.dict.get('Type') : undefined;
  return type === 'XRef' || type === 'ObjStm';
}

/**
 * What each incremental update changed, the first revision left out. Nothing is judged here: which kinds are allowed
 * after a signature is for the verdict to say.
 * @throws ConsulError PDF_INVALID, PDF_TOO_COMPLEX where an earlier or later state of the document cannot be read
 */
export function changes(file: PdfFile): readonly RevisionChanges[] {
  return file.revisions.slice(1).map(({ index, added, changed, freed, objects }) => {
    const touched = new Set(
      [...added, ...changed, ...freed].filter((num) => !isFileStructure(objects.get(num)?.value)),
    );
    const kinds = new UpdateClassifier(file, index, touched).kinds();
    return { revision: index, added, changed, freed, kinds };
  });
}

/**
 * Numbers of the objects of a revision's state that nothing refers to from its trailer: content that a later update
 * can bring to light without adding an object of its own (shadow attack "hide").
 */
export function unreferencedObjects(file: PdfFile, revision: number): readonly number[] {
  const seen = new Set<number>();
  const open: PdfObject[] = [...(file.revisions[revision]?.trailer.values() ?? [])];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (value instanceof PdfRef) {
      if (seen.has(value.num)) continue;
      seen.add(value.num);
      open.push(file.resolve(value, revision));
    } else if (isArray(value)) for (const item of value) open.push(item);
    else if (isDict(value)) for (const item of value.values()) open.push(item);
    else if (value instanceof PdfStream) for (const item of value.dict.values()) open.push(item);
  }
  const unseen = new Set<number>();
  for (let i = 0; i <= revision; i++)
    for (const [num, { value }] of file.revisions[i]?.objects ?? [])
      if (!seen.has(num) && !isFileStructure(value) && file.object(num, 0, revision) !== null)
        unseen.add(num);
  return [...unseen];
}
