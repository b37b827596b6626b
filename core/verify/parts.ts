import { ConsulError } from '../errors.ts';
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
import { textString } from '../pdf/read/text-string.ts';

/** The files that a document carries. */
export const attachmentNames = {
  record: 'record.json',
  seal: 'seal.cose',
  logProof: 'log.tlog-proof',
  travelSeal: 'travel-seal.vds',
} as const;

const keys = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** The entries of each dictionary in a document as core/pdf/document.ts writes it. */
const entries = {
  trailer: keys('Type Size W Root Info ID Length Filter'),
  info: keys('Title Producer CreationDate ModDate'),
  catalog: keys(
    'Type Pages Metadata Lang MarkInfo StructTreeRoot ViewerPreferences Extensions AcroForm AF Names Perms' +
      ' OutputIntents',
  ),
  metadata: keys('Type Subtype Length Filter'),
  marks: keys('Marked'),
  viewer: keys('DisplayDocTitle'),
  extensions: keys('ESIC'),
  extension: keys('Type BaseVersion ExtensionLevel'),
  form: keys('Fields SigFlags'),
  field: keys('Type Subtype FT T V P F Rect TU StructParent AP'),
  appearance: keys('N'),
  mark: keys('Type Subtype BBox Resources Length'),
  markResources: keys(''),
  signature: keys('Type Filter SubFilter ByteRange Contents Name Reason Location M Reference'),
  permissions: keys('DocMDP'),
  transform: keys('Type TransformMethod TransformParams'),
  transformParameters: keys('Type P V'),
  intent: keys('Type S OutputConditionIdentifier Info DestOutputProfile'),
  profile: keys('N Length Filter'),
  names: keys('EmbeddedFiles'),
  nameTree: keys('Names'),
  specification: keys('Type F UF Desc AFRelationship EF'),
  embedded: keys('F UF'),
  embeddedFile: keys('Type Subtype Params Length Filter'),
  parameters: keys('Size ModDate'),
  pages: keys('Type Count Kids'),
  page: keys('Type Parent MediaBox Resources Contents StructParents Tabs Annots'),
  resources: keys('Font XObject'),
  contents: keys('Length Filter'),
  objects: keys('ConsulSeal ConsulTravelSeal'),
  seal: keys('Type Subtype BBox Length Filter'),
  font: keys('Type Subtype BaseFont Encoding DescendantFonts ToUnicode'),
  descendant: keys('Type Subtype BaseFont CIDSystemInfo CIDToGIDMap FontDescriptor W'),
  system: keys('Registry Ordering Supplement'),
  descriptor: keys(
    'Type FontName Flags FontBBox ItalicAngle Ascent Descent CapHeight XHeight StemV FontFile2',
  ),
  program: keys('Length Filter Length1'),
  structure: keys('Type K ParentTree ParentTreeNextKey'),
  parents: keys('Nums'),
  element: keys('S P Pg K A Alt Lang'),
  attributes: keys('O Scope BBox'),
  reference: keys('Type Pg MCID'),
  objectReference: keys('Type Pg Obj'),
} as const;

type Part = keyof typeof entries;

const a4 = [0, 0, 595.28, 841.89] as const;
/** Points: what a visible field may take of the page, over the few lines that say who signs. */
const largestField = { width: 300, height: 120 } as const;
/** What rounding may take of a rectangle. */
const rounding = 0.05;
const maxDepth = 12;
const oneByteText = new TextDecoder('latin1');
/** The bar of core/pdf/signature-mark.ts; its height. */
const markOperators = /^0\.09 0\.2 0\.36 rg 0 0 2 (\d+(?:\.\d+)?) re f\n$/;

/** Ends the walk at the first part that does not belong. */
function strange(name: string): never {
  throw new ConsulError('PDF_INVALID', name);
}

/** What may stand in the file although nothing refers to it: its own structure, and the scope of rows it has none of. */
function isUnusedPart(value: PdfObject): boolean {
  if (value === null) return true;
  if (isDict(value)) return [...value.keys()].every((key) => entries.attributes.has(key));
  if (!(value instanceof PdfStream)) return false;
  const type = value.dict.get('Type');
  return type === 'ObjStm' || type === 'XRef';
}

/** Walks a document as it was signed, from its trailer, and knows at the end which objects it came by. */
class PartsWalk {
  readonly #file: PdfFile;
  readonly #visited = new Set<number>();
  #field: number | undefined;

  constructor(file: PdfFile) {
    this.#file = file;
  }

  run(): void {
    const revision = this.#file.revisions[0];
    const trailer = this.#dict(revision?.trailer, 'trailer');
    this.#dict(trailer.get('Info'), 'info');
    const catalog = this.#dict(trailer.get('Root'), 'catalog');
    this.#stream(catalog.get('Metadata'), 'metadata');
    this.#dict(catalog.get('MarkInfo'), 'marks');
    this.#dict(catalog.get('ViewerPreferences'), 'viewer');
    this.#dict(this.#dict(catalog.get('Extensions'), 'extensions').get('ESIC'), 'extension');
    this.#form(catalog);
    this.#intents(catalog.get('OutputIntents'));
    this.#attachments(catalog);
    this.#pages(catalog.get('Pages'));
    this.#structure(catalog.get('StructTreeRoot'));
    for (const [num, { value }] of revision?.objects ?? [])
      if (!this.#visited.has(num) && !isUnusedPart(value)) strange(`${num} 0 obj`);
  }

  #resolve(value: PdfObject | undefined): PdfObject {
    if (value instanceof PdfRef) this.#visited.add(value.num);
    return this.#file.resolve(value, 0);
  }

  #known(dict: PdfDict, part: Part): PdfDict {
    for (const key of dict.keys()) if (!entries[part].has(key)) strange(`/${key}`);
    return dict;
  }

  #dict(value: PdfObject | undefined, part: Part): PdfDict {
    const found = this.#resolve(value);
    return isDict(found) ? this.#known(found, part) : strange(part);
  }

  #stream(value: PdfObject | undefined, part: Part): PdfDict {
    const found = this.#resolve(value);
    return found instanceof PdfStream ? this.#known(found.dict, part) : strange(part);
  }

  #array(value: PdfObject | undefined, name: string): readonly PdfObject[] {
    const found = this.#resolve(value);
    return isArray(found) ? found : strange(name);
  }

  #numbers(value: PdfObject | undefined, expected: readonly number[], name: string): void {
    const found = this.#array(value, name);
    if (found.length !== expected.length || expected.some((each, at) => found[at] !== each)) strange(name);
  }

  /** One signature field. */
  #form(catalog: PdfDict): void {
    const [field, ...others] = this.#array(
      this.#dict(catalog.get('AcroForm'), 'form').get('Fields'),
      '/Fields',
    );
    if (!(field instanceof PdfRef) || others.length > 0) strange('/Fields');
    this.#field = field.num;
    const dict = this.#dict(field, 'field');
    if (dict.has('AP')) this.#shown(dict);
    else this.#numbers(dict.get('Rect'), [0, 0, 0, 0], '/Rect');
    const value = dict.get('V');
    const certifies = this.#dict(value, 'signature').get('Reference');
    const permissions = catalog.get('Perms');
    if ((certifies === undefined) !== (permissions === undefined)) strange('/Perms');
    if (certifies === undefined) return;
    const named = this.#dict(permissions, 'permissions').get('DocMDP');
    if (!(named instanceof PdfRef) || !(value instanceof PdfRef) || named.num !== value.num)
      strange('/Perms');
    this.#certification(certifies);
  }

  /** ISO 32000-2 table 257: no change but to the form, which has signatures only. */
  #certification(value: PdfObject): void {
    const [only, ...others] = this.#array(value, '/Reference');
    const transform = this.#dict(only, 'transform');
    const { P, method } = {
      method: transform.get('TransformMethod'),
      P: this.#dict(transform.get('TransformParams'), 'transformParameters').get('P'),
    };
    if (others.length > 0 || method !== 'DocMDP' || P !== 2) strange('/Reference');
  }

  /** A field over who signs: it shows a bar at its edge (core/pdf/signature-mark.ts), nothing else. */
  #shown(field: PdfDict): void {
    const [left = -1, bottom = -1, right = -1, top = -1] = this.#array(field.get('Rect'), '/Rect').map(
      (item) => (typeof item === 'number' ? item : strange('/Rect')),
    );
    const [width, height] = [right - left, top - bottom];
    const onPage = left >= 0 && bottom >= 0 && right <= a4[2] && top <= a4[3];
    if (!onPage || !(width > 0 && width <= largestField.width && height > 0 && height <= largestField.height))
      strange('/Rect');
    const reference = this.#dict(field.get('AP'), 'appearance').get('N');
    const mark = this.#stream(reference, 'mark');
    this.#dict(mark.get('Resources'), 'markResources');
    const box = this.#array(mark.get('BBox'), '/BBox');
    for (const [at, expected] of [0, 0, width, height].entries())
      if (!(Math.abs(Number(box[at]) - expected) <= rounding)) strange('/BBox');
    const stream = this.#file.stream(reference, 0);
    const drawn = stream && oneByteText.decode(this.#file.data(stream));
    const [, barHeight = ''] = markOperators.exec(drawn ?? '') ?? [];
    if (!(Math.abs(Number(barHeight || Number.NaN) - height) <= rounding)) strange('/AP');
  }

  #intents(value: PdfObject | undefined): void {
    if (value === undefined) return;
    const [only, ...others] = this.#array(value, '/OutputIntents');
    if (others.length > 0) strange('/OutputIntents');
    this.#stream(this.#dict(only, 'intent').get('DestOutputProfile'), 'profile');
  }

  #attachments(catalog: PdfDict): void {
    const known = new Set<string>(Object.values(attachmentNames));
    const { Names, AF } = { Names: catalog.get('Names'), AF: catalog.get('AF') };
    if (Names === undefined && AF === undefined) return;
    const tree = this.#dict(this.#dict(Names, 'names').get('EmbeddedFiles'), 'nameTree');
    const listed = this.#array(tree.get('Names'), '/Names').filter((_, at) => at % 2 === 1);
    for (const item of [...listed, ...this.#array(AF, '/AF')]) {
      const specification = this.#dict(item, 'specification');
      const name = this.#resolve(specification.get('UF'));
      if (!(name instanceof PdfString) || !known.has(textString(name))) strange('/EmbeddedFiles');
      const embedded = this.#dict(specification.get('EF'), 'embedded');
      for (const stream of embedded.values())
        this.#dict(this.#stream(stream, 'embeddedFile').get('Params'), 'parameters');
    }
  }

  #pages(value: PdfObject | undefined): void {
    const kids = this.#array(this.#dict(value, 'pages').get('Kids'), '/Kids');
    const fonts = new Set<PdfObject>();
    let fields = 0;
    for (const kid of kids) {
      const page = this.#dict(kid, 'page');
      this.#numbers(page.get('MediaBox'), a4, '/MediaBox');
      if (this.#annotations(page.get('Annots'))) fields++;
      this.#stream(page.get('Contents'), 'contents');
      const resources = this.#dict(page.get('Resources'), 'resources');
      const named = this.#resolve(resources.get('Font'));
      if (!isDict(named)) strange('/Font');
      for (const font of fonts.has(named) ? [] : named.values()) this.#font(font);
      fonts.add(named);
      if (resources.has('XObject'))
        for (const form of this.#dict(resources.get('XObject'), 'objects').values())
          this.#stream(form, 'seal');
    }
    if (fields !== 1) strange('/Annots');
  }

  /** The field of the signature, on one page. @returns whether it is on this one */
  #annotations(value: PdfObject | undefined): boolean {
    if (value === undefined) return false;
    const [only, ...others] = this.#array(value, '/Annots');
    if (!(only instanceof PdfRef) || only.num !== this.#field || others.length > 0) strange('/Annots');
    return true;
  }

  /** TrueType, embedded, by two-byte codes: no font whose glyphs are drawings of any kind. */
  #font(value: PdfObject): void {
    const font = this.#dict(value, 'font');
    if (font.get('Subtype') !== 'Type0' || font.get('Encoding') !== 'Identity-H') strange('/Font');
    this.#stream(font.get('ToUnicode'), 'contents');
    const [only, ...others] = this.#array(font.get('DescendantFonts'), '/DescendantFonts');
    const descendant = this.#dict(only, 'descendant');
    if (descendant.get('Subtype') !== 'CIDFontType2' || others.length > 0) strange('/DescendantFonts');
    this.#dict(descendant.get('CIDSystemInfo'), 'system');
    this.#stream(descendant.get('CIDToGIDMap'), 'contents');
    this.#array(descendant.get('W'), '/W');
    this.#stream(this.#dict(descendant.get('FontDescriptor'), 'descriptor').get('FontFile2'), 'program');
  }

  #structure(value: PdfObject | undefined): void {
    const root = this.#dict(value, 'structure');
    this.#dict(root.get('ParentTree'), 'parents');
    this.#element(root.get('K'), 0);
  }

  /** Nothing in the tree replaces text: no /ActualText, no /E. */
  #element(value: PdfObject | undefined, depth: number): void {
    if (depth > maxDepth) strange('/StructTreeRoot');
    const element = this.#dict(value, 'element');
    if (element.has('A')) this.#dict(element.get('A'), 'attributes');
    const kids = this.#resolve(element.get('K'));
    for (const kid of isArray(kids) ? kids : [kids]) {
      if (typeof kid === 'number') continue;
      if (kid instanceof PdfRef) {
        if (this.#visited.has(kid.num)) strange('/StructTreeRoot');
        this.#element(kid, depth + 1);
      } else if (isDict(kid)) this.#leaf(kid);
      else strange('/StructTreeRoot');
    }
  }

  /** Marked content, or the field of the signature. */
  #leaf(kid: PdfDict): void {
    if (kid.get('Type') !== 'OBJR') {
      this.#known(kid, 'reference');
      return;
    }
    const field = this.#known(kid, 'objectReference').get('Obj');
    if (!(field instanceof PdfRef) || field.num !== this.#field) strange('/OBJR');
  }
}

/**
 * The first part of a file, as it was signed first, that no document of a post has: scripts, actions, layers, further annotations or fields,
 * other attachments, objects that nothing uses. What programs show of a document is then what was read of it.
 */
export function strangePart(file: PdfFile): string | undefined {
  try {
    new PartsWalk(file).run();
    return undefined;
  } catch (error) {
    if (error instanceof ConsulError && error.code === 'PDF_INVALID') return error.message;
    throw error;
  }
}
