import { toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { typesetter } from './atoms.ts';
import { pageContent } from './content.ts';
import { FileWriter } from './file-writer.ts';
import { type Layout, layOut, pageSize, type Rectangle, type StructureElement } from './layout.ts';
import type { DocumentRecord } from './record.ts';
import { type QrSymbol, sealOperators, sealResources } from './seal-form.ts';
import { pdfName } from './serialize.ts';
import { signatureMark } from './signature-mark.ts';
import { srgbName, srgbStream } from './srgb.ts';
import { ascii, number, pdfDate, textString } from './syntax.ts';
import type { CompiledTemplate } from './template.ts';
import { type Conformance, xmpPacket } from './xmp.ts';

/** A file carried inside the document (ISO 32000-2 §14.13). */
export interface Attachment {
  readonly name: string;
  readonly mediaType: string;
  readonly relationship: 'Data' | 'Source' | 'Supplement';
  readonly description: string;
  readonly bytes: Uint8Array;
}

/** What the signature dictionary says, and the room that is kept for the signature. */
export interface SignaturePlace {
  /** Who signs, for people. */
  readonly name: string;
  readonly reason: string;
  readonly location: string;
  /** Bytes of DER that the CMS with its timestamp and certificates may take; default 8192. */
  readonly reserve?: number;
}

/**
 * A certification signature (ISO 32000-2 §12.8.2.2). It permits (/P 2) to fill in forms and to sign, and what keeps
 * signatures alive; as the only fields are those of signatures, that is all that can come after. /P 1 would say the same
 * by ISO 32000-2 table 257, but readers take it to forbid the document timestamp too.
 */
export interface Certification {
  /** Names of empty fields for those who counter-sign. */
  readonly furtherFields?: readonly string[];
}

export interface DocumentInput {
  readonly qr: QrSymbol;
  /** The ICAO seal of a record that has one. */
  readonly travelSeal?: QrSymbol | undefined;
  readonly attachments: readonly Attachment[];
  readonly created: Date;
  /** 16 bytes: both parts of the file identifier (ISO 32000-1 §14.4). */
  readonly documentId: Uint8Array;
  readonly signature: SignaturePlace;
  /**
   * Left out, the signature is one of approval, in a field that shows nothing; otherwise its field stands over who signs,
   * with a mark beside it.
   */
  readonly certification?: Certification;
  /** Whether it is made to PDF/A-3 and, where its languages are told, to PDF/UA-1, and says so. */
  readonly archival?: boolean;
}

const producer = 'consul';
const defaultReserve = 8192;

/** @signpdf looks for exactly this; ten digits reach every offset of a file under 10 GB. */
const byteRangePlaceholder = '/ByteRange [0 /********** /********** /**********]';

/**
 * Writes a document ready to be signed: the constant objects of the template, then those of this document, one
 * cross-reference stream: a single revision. The same input gives the same bytes.
 *
 * @returns a PDF 1.7 file that ends with `%%EOF` and no line end
 * @throws ConsulError TEXT_UNPRINTABLE for a character that the template cannot set
 */
export function renderDocument(
  template: CompiledTemplate,
  record: DocumentRecord,
  input: DocumentInput,
): Uint8Array {
  const { qr, travelSeal, signature, created, certification, archival = false } = input;
  if (qr.modules.length !== qr.size * qr.size) throw new ConsulError('INTERNAL', 'the QR is not square');
  const layout = layOut(record, typesetter(template), {
    modules: qr.size,
    travelModules: travelSeal?.size,
    signatureField: certification !== undefined,
  });
  const file = new FileWriter(template.prefix, template.entries);

  const catalog = file.reserve();
  const pages = file.reserve();
  const info = file.reserve();
  const field = file.reserve();
  const signatureValue = file.reserve();
  const furtherFields = (certification?.furtherFields ?? []).map((name) => ({ name, self: file.reserve() }));
  const shown = shownField(layout);
  const fieldPage = shown?.page ?? 0;

  const seals = {
    seal: writeSealForm(file, qr),
    'travel-seal': travelSeal && writeSealForm(file, travelSeal),
  };
  const annotations = (page: number): string => {
    const here = [
      ...(page === fieldPage ? [field] : []),
      ...(page === 0 ? furtherFields.map(({ self }) => self) : []),
    ];
    return here.length > 0 ? ` /Annots [${references(here)}]` : '';
  };
  const pageNumbers = layout.pages.map((page, i) => {
    const [self, content] = [file.reserve(), file.reserve()];
    const modules = { seal: qr.size, 'travel-seal': travelSeal?.size ?? 0 };
    file.stream(content, ascii(pageContent(page, template.fonts, modules)));
    const drawn = page.marks.flatMap(({ kind }) =>
      kind === 'text' ? [] : [`/${sealResources[kind]} ${seals[kind]} 0 R`],
    );
    file.object(
      self,
      `<</Type /Page /Parent ${pages} 0 R /MediaBox [0 0 ${number(pageSize.width)} ${number(pageSize.height)}]` +
        ` /Resources <</Font ${template.fontResources} 0 R${drawn.length > 0 ? ` /XObject <<${drawn.join(' ')}>>` : ''}>>` +
        ` /Contents ${content} 0 R /StructParents ${i} /Tabs /S${annotations(i)}>>`,
    );
    return self;
  });
  file.object(pages, `<</Type /Pages /Count ${pageNumbers.length} /Kids [${references(pageNumbers)}]>>`);

  const structure = writeStructure(file, layout, {
    pages: pageNumbers,
    rowScope: template.rowScope,
    field,
    extents: archival,
  });
  const files = input.attachments.map((attachment) => writeAttachment(file, attachment, created));
  const metadata = file.reserve();
  const conformance = archival ? conformanceOf(record, layout) : undefined;
  const packet = xmpPacket({
    title: record.title,
    language: record.language,
    created,
    producer,
    conformance,
  });
  file.stream(metadata, packet, { dictionary: '/Type /Metadata /Subtype /XML', compress: false });
  file.object(
    info,
    `<</Title ${textString(record.title)} /Producer ${textString(producer)} /CreationDate ${pdfDate(created)} /ModDate ${pdfDate(created)}>>`,
  );
  writeSignature(file, signatureValue, input);
  writeField(file, field, {
    name: 'Signature',
    page: pageNumbers[fieldPage] as number,
    entries: ` /V ${signatureValue} 0 R${shown ? shownEntries(file, shown.extent, signature.name, pageNumbers.length) : ''}`,
    rectangle: shown?.extent,
  });
  for (const { name, self } of furtherFields)
    writeField(file, self, { name, page: pageNumbers[0] as number });
  file.object(
    catalog,
    `<</Type /Catalog /Pages ${pages} 0 R /Metadata ${metadata} 0 R /Lang ${textString(record.language)}` +
      ` /MarkInfo <</Marked true>> /StructTreeRoot ${structure} 0 R /ViewerPreferences <</DisplayDocTitle true>>` +
      // PAdES (ETSI EN 319 142-1) is an extension of PDF 1.7.
      ' /Extensions <</ESIC <</Type /DeveloperExtensions /BaseVersion /1.7 /ExtensionLevel 1>>>>' +
      ` /AcroForm <</Fields [${references([field, ...furtherFields.map(({ self }) => self)])}] /SigFlags 3>>${attachmentEntries(input.attachments, files)}` +
      `${certification ? ` /Perms <</DocMDP ${signatureValue} 0 R>>` : ''}${archival ? outputIntent(file) : ''}>>`,
  );
  const id = `<${toHex(input.documentId)}>`;
  return file.finish(` /Root ${catalog} 0 R /Info ${info} 0 R /ID [${id} ${id}]`);
}

function writeSealForm(file: FileWriter, symbol: QrSymbol): number {
  const form = file.reserve();
  const side = symbol.size + 8;
  file.stream(form, ascii(sealOperators(symbol)), {
    dictionary: `/Type /XObject /Subtype /Form /BBox [0 0 ${side} ${side}]`,
  });
  return form;
}

const references = (numbers: readonly number[]): string => numbers.map((n) => `${n} 0 R`).join(' ');

/** The output intent (ISO 19005-3 §6.2.3) for the colours of the page, all DeviceRGB and DeviceGray. */
function outputIntent(file: FileWriter): string {
  const profile = file.reserve();
  file.plainObject(profile, srgbStream);
  return (
    ` /OutputIntents [<</Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (${srgbName})` +
    ` /Info (${srgbName}) /DestOutputProfile ${profile} 0 R>>]`
  );
}

/**
 * What a document may claim. Text that comes out right only by /ActualText has glyphs without a character of their own,
 * which levels U and A exclude; a text whose language is not told excludes level A and PDF/UA.
 */
function conformanceOf({ blocks }: DocumentRecord, { pages }: Layout): Conformance {
  const lines = pages.flatMap(({ marks, footer }) => [
    ...marks.flatMap((mark) => (mark.kind === 'text' ? mark.lines : [])),
    ...footer,
  ]);
  if (lines.some(({ line }) => line.atoms.some((atom) => atom.actualText)))
    return { archive: 'B', accessible: false };
  const told = blocks.every(
    (block) => block.kind !== 'seal' || block.caption.length === (block.languages?.length ?? 0),
  );
  return told ? { archive: 'A', accessible: true } : { archive: 'U', accessible: false };
}

/** Where the field of the signature is seen. */
function shownField(layout: Layout): { readonly page: number; readonly extent: Rectangle } | undefined {
  const { signatureField } = layout;
  if (!signatureField) return undefined;
  for (const [page, { extents }] of layout.pages.entries()) {
    const extent = extents.get(signatureField);
    if (extent) return { page, extent };
  }
  return undefined;
}

/** The structure tree (ISO 32000-1 §14.7) in the order of the record. */
function writeStructure(
  file: FileWriter,
  layout: Layout,
  at: {
    readonly pages: readonly number[];
    readonly rowScope: number;
    readonly field: number;
    /** Whether figures and tables say what they take of their page (ISO 32000-1 table 344). */
    readonly extents: boolean;
  },
): number {
  const { pages, rowScope } = at;
  const content = new Map<StructureElement, { readonly page: number; readonly id: number }[]>();
  for (const [page, { marks }] of layout.pages.entries())
    for (const [id, { element }] of marks.entries()) {
      const places = content.get(element);
      if (places === undefined) content.set(element, [{ page, id }]);
      else places.push({ page, id });
    }

  const root = file.reserve();
  const parents: number[][] = layout.pages.map(() => []);
  let fieldElement: number | undefined;
  const write = (element: StructureElement, parent: number): number => {
    const self = file.reserve();
    const places = content.get(element) ?? [];
    for (const { page, id } of places) (parents[page] as number[])[id] = self;
    const [first, ...others] = places;
    if (element === layout.signatureField) {
      fieldElement = self;
      const page = pages[shownField(layout)?.page ?? 0];
      const kid = `<</Type /OBJR /Pg ${page} 0 R /Obj ${at.field} 0 R>>`;
      file.object(self, `<</S /Form /P ${parent} 0 R /K ${kid}>>`);
      return self;
    }
    const kids =
      first === undefined
        ? `[${references(element.kids.map((kid) => write(kid, self)))}]`
        : others.length === 0
          ? `${first.id}`
          : `[${first.id}${others.map(({ page, id }) => ` <</Type /MCR /Pg ${pages[page]} 0 R /MCID ${id}>>`).join('')}]`;
    file.object(
      self,
      `<</S /${element.type} /P ${parent} 0 R${first === undefined ? '' : ` /Pg ${pages[first.page]} 0 R`} /K ${kids}` +
        `${element.type === 'TH' ? ` /A ${rowScope} 0 R` : at.extents ? extentEntry(layout, element) : ''}` +
        `${element.language === undefined ? '' : ` /Lang ${textString(element.language)}`}` +
        `${element.alternative === undefined ? '' : ` /Alt ${textString(element.alternative)}`}>>`,
    );
    return self;
  };
  const document = write(layout.document, root);
  const tree = parents.map((list, page) => `${page} [${references(list)}]`);
  if (fieldElement !== undefined) tree.push(`${tree.length} ${fieldElement} 0 R`);
  file.object(
    root,
    `<</Type /StructTreeRoot /K ${document} 0 R /ParentTree <</Nums [${tree.join(' ')}]>> /ParentTreeNextKey ${tree.length}>>`,
  );
  return root;
}

/** What a figure or table takes of the one page that it stands on. */
function extentEntry({ pages }: Layout, element: StructureElement): string {
  const [extent, ...others] = pages.flatMap(({ extents }) => extents.get(element) ?? []);
  if (!extent || others.length > 0) return '';
  return ` /A <</O /Layout /BBox ${rectangleArray(extent)}>>`;
}

const rectangleArray = ({ left, bottom, right, top }: Rectangle): string =>
  `[${[left, bottom, right, top].map(number).join(' ')}]`;

function writeAttachment(file: FileWriter, attachment: Attachment, created: Date): number {
  const { name, mediaType, relationship, description, bytes } = attachment;
  const [specification, embedded] = [file.reserve(), file.reserve()];
  file.stream(embedded, bytes, {
    dictionary: `/Type /EmbeddedFile /Subtype ${pdfName(mediaType)} /Params <</Size ${bytes.length} /ModDate ${pdfDate(created)}>>`,
  });
  file.object(
    specification,
    `<</Type /Filespec /F ${textString(name)} /UF ${textString(name)} /Desc ${textString(description)}` +
      ` /AFRelationship /${relationship} /EF <</F ${embedded} 0 R /UF ${embedded} 0 R>>>>`,
  );
  return specification;
}

function attachmentEntries(attachments: readonly Attachment[], specifications: readonly number[]): string {
  if (attachments.length === 0) return '';
  // A name tree is sorted by its keys (ISO 32000-1 §7.9.6).
  const names = attachments
    .map(({ name }, i) => `${textString(name)} ${specifications[i]} 0 R`)
    .sort()
    .join(' ');
  return ` /AF [${references(specifications)}] /Names <</EmbeddedFiles <</Names [${names}]>>>>`;
}

/** What an entry of the dictionary says of who signs; /M may hold the claimed time (ETSI EN 319 142-1 §6.3). */
export const signatureEntries = ({ name, reason, location }: SignaturePlace, time: Date): string =>
  ` /Name ${textString(name)} /Reason ${textString(reason)} /Location ${textString(location)} /M ${pdfDate(time)}`;

/** ISO 32000-2 tables 256 and 257; without the digests that ISO 19005-3 §6.1.12 excludes. */
const certifies =
  ' /Reference [<</Type /SigRef /TransformMethod /DocMDP /TransformParams <</Type /TransformParams /P 2 /V /1.2>>>>]';

/** The signature dictionary with the hole for the CMS; /Contents stands where @signpdf looks for it. */
function writeSignature(
  file: FileWriter,
  self: number,
  { signature, certification, created }: DocumentInput,
): void {
  const { reserve = defaultReserve } = signature;
  file.plainObject(
    self,
    `<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached ${byteRangePlaceholder}` +
      ` /Contents <${'0'.repeat(2 * reserve)}>` +
      `${signatureEntries(signature, created)}${certification ? certifies : ''}>>`,
  );
}

/** A signature field that is its own widget; without a rectangle it shows nothing. */
function writeField(
  file: FileWriter,
  self: number,
  field: {
    readonly name: string;
    readonly page: number;
    readonly entries?: string;
    readonly rectangle?: Rectangle | undefined;
  },
): void {
  const { name, page, entries = '', rectangle = { left: 0, bottom: 0, right: 0, top: 0 } } = field;
  // 132: printed and locked (ISO 32000-1 table 165).
  file.object(
    self,
    `<</Type /Annot /Subtype /Widget /FT /Sig /T ${textString(name)}${entries} /P ${page} 0 R /F 132 /Rect ${rectangleArray(rectangle)}>>`,
  );
}

/**
 * Appearance, place in the structure and description of a field that is seen (ISO 14289-1 §7.18.4).
 *
 * @param key of its element in the parent tree
 */
function shownEntries(
  file: FileWriter,
  { left, bottom, right, top }: Rectangle,
  name: string,
  key: number,
): string {
  const appearance = file.reserve();
  file.plainObject(appearance, signatureMark(right - left, top - bottom));
  return ` /TU ${textString(name)} /StructParent ${key} /AP <</N ${appearance} 0 R>>`;
}
