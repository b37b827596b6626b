import { invalid, tooComplex } from './bounds.ts';
import type { PdfFile } from './document.ts';
import { type PdfDict, type PdfObject, PdfString } from './objects.ts';
import { textString } from './text-string.ts';

/** An embedded file (ISO 32000-2 §7.11.4). */
export interface Attachment {
  readonly name: string;
  /** /AFRelationship, for example `Data`; undefined where it is not stated. */
  readonly relationship: string | undefined;
  /** Media type by /Subtype of the stream. */
  readonly mediaType: string | undefined;
  /** Whether the name tree of embedded files lists it. */
  readonly listed: boolean;
  /** Whether the document catalog names it in /AF. */
  readonly associated: boolean;
  readonly bytes: Uint8Array;
}

const maxAttachments = 256;
const maxTreeDepth = 16;

/** The file specifications in the leaves of a name tree (ISO 32000-2 §7.9.6). */
function leaves(file: PdfFile, root: PdfDict | undefined): readonly PdfDict[] {
  const found: PdfDict[] = [];
  const seen = new Set<PdfDict>();
  const visit = (node: PdfDict, depth: number): void => {
    if (seen.has(node)) invalid(0, 'the tree of embedded files goes in a circle');
    if (depth > maxTreeDepth || seen.size > maxAttachments) tooComplex('a tree of embedded files too large');
    seen.add(node);
    const names = file.array(node.get('Names')) ?? [];
    if (names.length % 2 !== 0) invalid(0, 'a name tree with a name that has no value');
    for (let i = 0; i < names.length; i += 2) {
      if (!(file.resolve(names[i]) instanceof PdfString))
        invalid(0, 'a name tree whose name is not a string');
      const specification = file.dict(names[i + 1]);
      if (!specification) invalid(0, 'a name tree with a name that has no value');
      if (found.length >= maxAttachments) tooComplex(`more than ${maxAttachments} attachments`);
      found.push(specification);
    }
    for (const kid of file.array(node.get('Kids')) ?? [])
      visit(file.dict(kid) ?? invalid(0, 'a name tree refers to nothing'), depth + 1);
  };
  if (root) visit(root, 0);
  return found;
}

function fileName(file: PdfFile, specification: PdfDict): string {
  const names = ['UF', 'F']
    .map((key) => file.resolve(specification.get(key)))
    .filter((value): value is PdfString => value instanceof PdfString)
    .map(textString);
  if (names[0] === undefined) invalid(0, 'an attachment without a name');
  if (names.some((name) => name !== names[0])) invalid(0, 'an attachment with two names');
  return names[0];
}

function readAttachment(
  file: PdfFile,
  specification: PdfDict,
  listed: boolean,
  associated: boolean,
): Attachment {
  const embedded = file.dict(specification.get('EF'));
  const choices = ['UF', 'F']
    .map((key) => file.stream(embedded?.get(key)))
    .filter((item) => item !== undefined);
  const stream = choices[0] ?? invalid(0, 'an attachment without its data');
  if (choices.some((choice) => choice !== stream)) invalid(stream.start, 'an attachment with two contents');
  const bytes = file.data(stream);
  const size = file.number(file.dict(stream.dict.get('Params'))?.get('Size'));
  if (size !== undefined && size !== bytes.length)
    invalid(stream.start, `an attachment says ${size} bytes and has ${bytes.length}`);
  return {
    name: fileName(file, specification),
    relationship: file.name(specification.get('AFRelationship')),
    mediaType: file.name(stream.dict.get('Subtype')),
    listed,
    associated,
    bytes,
  };
}

function isSpecification(file: PdfFile, value: PdfObject): PdfDict {
  return file.dict(value) ?? invalid(0, '/AF refers to nothing');
}

/**
 * The embedded files of the name tree and of the catalog's /AF, each once; two may have the same name.
 * @throws ConsulError PDF_INVALID for another filter than FlateDecode, a wrong size or a malformed tree; PDF_TOO_COMPLEX
 */
export function readAttachments(file: PdfFile): readonly Attachment[] {
  const catalog = file.catalog();
  const listed = leaves(file, file.dict(file.dict(catalog.get('Names'))?.get('EmbeddedFiles')));
  const associated = (file.array(catalog.get('AF')) ?? []).map((item) => isSpecification(file, item));
  const all = new Set([...listed, ...associated]);
  if (all.size > maxAttachments) tooComplex(`more than ${maxAttachments} attachments`);
  return [...all].map((specification) =>
    readAttachment(file, specification, listed.includes(specification), associated.includes(specification)),
  );
}
