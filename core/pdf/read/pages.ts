import { invalid, tooComplex } from './bounds.ts';
import type { PdfFile } from './document.ts';
import { isDict, type PdfDict, type PdfObject, PdfRef } from './objects.ts';

/** A page with what it inherits (ISO 32000-2 §7.7.3.4). */
export interface Page {
  /** From 0. */
  readonly index: number;
  readonly dict: PdfDict;
  readonly resources: PdfDict;
  /** The reference to it in the page tree, where it is an object of its own. */
  readonly reference: PdfRef | undefined;
}

const maxDepth = 32;

/**
 * The pages in order.
 * @throws ConsulError PDF_INVALID for a page tree with a loop or a node of another type, PDF_TOO_COMPLEX
 */
export function pagesOf(file: PdfFile, revision?: number): readonly Page[] {
  const { bounds } = file.budget;
  const pages: Page[] = [];
  const seen = new Set<PdfDict>();
  const visit = (value: PdfObject | undefined, inherited: PdfDict | undefined, depth: number): void => {
    const node = file.dict(value, revision);
    if (!node) invalid(0, 'the page tree refers to nothing');
    if (seen.has(node)) invalid(0, 'the page tree holds a page twice or goes in a circle');
    if (depth > maxDepth) tooComplex(`a page tree of more than ${maxDepth} levels`);
    seen.add(node);
    const resources = file.dict(node.get('Resources'), revision) ?? inherited;
    const type = file.name(node.get('Type'), revision);
    if (type === 'Page') {
      if (pages.length >= bounds.pages) tooComplex(`more than ${bounds.pages} pages`);
      const reference = value instanceof PdfRef ? value : undefined;
      pages.push({ index: pages.length, dict: node, resources: resources ?? new Map(), reference });
      return;
    }
    if (type !== 'Pages') invalid(0, 'a node of the page tree that is neither Page nor Pages');
    const kids = file.array(node.get('Kids'), revision);
    if (!kids) invalid(0, 'a node of the page tree without /Kids');
    for (const kid of kids) visit(kid, resources, depth + 1);
  };
  visit(file.catalog(revision).get('Pages'), undefined, 0);
  return pages;
}

/** The data of /Contents, its streams joined by a line end (ISO 32000-2 §7.8.2). */
export function contentsOf(file: PdfFile, page: Page): Uint8Array {
  const contents = file.resolve(page.dict.get('Contents'));
  if (contents === null) return new Uint8Array(0);
  if (isDict(contents)) invalid(0, '/Contents is not a stream');
  const items = file.resolve(contents);
  const parts = (Array.isArray(items) ? items : [items]).map((item) => {
    const stream = file.stream(item);
    return stream ? file.data(stream) : new Uint8Array(0);
  });
  if (parts.length === 1 && parts[0]) return parts[0];
  const length = parts.reduce((sum, part) => sum + part.length + 1, 0);
  file.budget.spendInflated(length);
  const joined = new Uint8Array(length).fill(0x0a);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length + 1;
  }
  return joined;
}
