import { ConsulError } from '../errors.ts';
import { typesetter } from './atoms.ts';
import { pageContent } from './content.ts';
import { FileWriter } from './file-writer.ts';
import { type Layout, layOut, pageSize, type StructureElement } from './layout.ts';
import type { DocumentRecord } from './record.ts';
import { type QrSymbol, sealOperators } from './seal-form.ts';
import { ascii, number, pdfDate, textString } from './syntax.ts';
import type { CompiledTemplate } from './template.ts';
import { xmpPacket } from './xmp.ts';

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

export interface DocumentInput {
  readonly qr: QrSymbol;
  readonly attachments: readonly Attachment[];
  readonly created: Date;
  /** 16 bytes: both parts of the file identifier (ISO 32000-1 §14.4). */
  readonly documentId: Uint8Array;
  readonly signature: SignaturePlace;
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
  const { qr, signature, created } = input;
  if (qr.modules.length !== qr.size * qr.size) throw new ConsulError('INTERNAL', 'the QR is not square');
  const layout = layOut(record, typesetter(template), { modules: qr.size });
  const file = new FileWriter(template.prefix, template.entries);

  const catalog = file.reserve();
  const pages = file.reserve();
  const info = file.reserve();
  const field = file.reserve();
  const signatureValue = file.reserve();

  const seal = file.reserve();
  file.stream(seal, ascii(sealOperators(qr)), {
    dictionary: `/Type /XObject /Subtype /Form /BBox [0 0 ${qr.size + 8} ${qr.size + 8}]`,
  });
  const pageNumbers = layout.pages.map((page, i) => {
    const [self, content] = [file.reserve(), file.reserve()];
    file.stream(content, ascii(pageContent(page, template.fonts, qr.size)));
    const hasSeal = page.marks.some(({ kind }) => kind === 'seal');
    file.object(
      self,
      `<</Type /Page /Parent ${pages} 0 R /MediaBox [0 0 ${number(pageSize.width)} ${number(pageSize.height)}]` +
        ` /Resources <</Font ${template.fontResources} 0 R${hasSeal ? ` /XObject <</ConsulSeal ${seal} 0 R>>` : ''}>>` +
        ` /Contents ${content} 0 R /StructParents ${i} /Tabs /S${i === 0 ? ` /Annots [${field} 0 R]` : ''}>>`,
    );
    return self;
  });
  file.object(pages, `<</Type /Pages /Count ${pageNumbers.length} /Kids [${references(pageNumbers)}]>>`);

  const structure = writeStructure(file, layout, pageNumbers, template.rowScope);
  const files = input.attachments.map((attachment) => writeAttachment(file, attachment, created));
  const metadata = file.reserve();
  const packet = xmpPacket({ title: record.title, language: record.language, created, producer });
  file.stream(metadata, packet, { dictionary: '/Type /Metadata /Subtype /XML', compress: false });
  file.object(
    info,
    `<</Title ${textString(record.title)} /Producer ${textString(producer)} /CreationDate ${pdfDate(created)} /ModDate ${pdfDate(created)}>>`,
  );
  writeSignature(file, { field, value: signatureValue, page: pageNumbers[0] as number }, signature, created);
  file.object(
    catalog,
    `<</Type /Catalog /Pages ${pages} 0 R /Metadata ${metadata} 0 R /Lang ${textString(record.language)}` +
      ` /MarkInfo <</Marked true>> /StructTreeRoot ${structure} 0 R /ViewerPreferences <</DisplayDocTitle true>>` +
      // PAdES (ETSI EN 319 142-1) is an extension of PDF 1.7.
      ' /Extensions <</ESIC <</Type /DeveloperExtensions /BaseVersion /1.7 /ExtensionLevel 1>>>>' +
      ` /AcroForm <</Fields [${field} 0 R] /SigFlags 3>>${attachmentEntries(input.attachments, files)}>>`,
  );
  return file.finish({ root: catalog, info, id: input.documentId });
}

const references = (numbers: readonly number[]): string => numbers.map((n) => `${n} 0 R`).join(' ');

/** The structure tree (ISO 32000-1 §14.7) in the order of the record. */
function writeStructure(
  file: FileWriter,
  layout: Layout,
  pages: readonly number[],
  rowScope: number,
): number {
  const content = new Map<StructureElement, { readonly page: number; readonly id: number }[]>();
  for (const [page, { marks }] of layout.pages.entries())
    for (const [id, { element }] of marks.entries()) {
      const places = content.get(element);
      if (places === undefined) content.set(element, [{ page, id }]);
      else places.push({ page, id });
    }

  const root = file.reserve();
  const parents: number[][] = layout.pages.map(() => []);
  const write = (element: StructureElement, parent: number): number => {
    const self = file.reserve();
    const places = content.get(element) ?? [];
    for (const { page, id } of places) (parents[page] as number[])[id] = self;
    const [first, ...others] = places;
    const kids =
      first === undefined
        ? `[${references(element.kids.map((kid) => write(kid, self)))}]`
        : others.length === 0
          ? `${first.id}`
          : `[${first.id}${others.map(({ page, id }) => ` <</Type /MCR /Pg ${pages[page]} 0 R /MCID ${id}>>`).join('')}]`;
    file.object(
      self,
      `<</S /${element.type} /P ${parent} 0 R${first === undefined ? '' : ` /Pg ${pages[first.page]} 0 R`} /K ${kids}` +
        `${element.type === 'TH' ? ` /A ${rowScope} 0 R` : ''}` +
        `${element.alternative === undefined ? '' : ` /Alt ${textString(element.alternative)}`}>>`,
    );
    return self;
  };
  const document = write(layout.document, root);
  const tree = parents.map((list, page) => `${page} [${references(list)}]`).join(' ');
  file.object(
    root,
    `<</Type /StructTreeRoot /K ${document} 0 R /ParentTree <</Nums [${tree}]>> /ParentTreeNextKey ${parents.length}>>`,
  );
  return root;
}

function writeAttachment(file: FileWriter, attachment: Attachment, created: Date): number {
  const { name, mediaType, relationship, description, bytes } = attachment;
  const [specification, embedded] = [file.reserve(), file.reserve()];
  file.stream(embedded, bytes, {
    dictionary: `/Type /EmbeddedFile /Subtype /${pdfName(mediaType)} /Params <</Size ${bytes.length} /ModDate ${pdfDate(created)}>>`,
  });
  file.object(
    specification,
    `<</Type /Filespec /F ${textString(name)} /UF ${textString(name)} /Desc ${textString(description)}` +
      ` /AFRelationship /${relationship} /EF <</F ${embedded} 0 R /UF ${embedded} 0 R>>>>`,
  );
  return specification;
}

/** ISO 32000-1 §7.3.5: what is not a regular character is written as # and two digits. */
const pdfName = (text: string): string =>
  text.replace(/[^A-Za-z0-9.+_-]/g, (c) => `#${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

function attachmentEntries(attachments: readonly Attachment[], specifications: readonly number[]): string {
  if (attachments.length === 0) return '';
  // A name tree is sorted by its keys (ISO 32000-1 §7.9.6).
  const names = attachments
    .map(({ name }, i) => `${textString(name)} ${specifications[i]} 0 R`)
    .sort()
    .join(' ');
  return ` /AF [${references(specifications)}] /Names <</EmbeddedFiles <</Names [${names}]>>>>`;
}

/**
 * The signature field, without an appearance of its own (the page already names who signs), and its dictionary with the
 * hole for the CMS. /M may hold the claimed time (ETSI EN 319 142-1 §6.3); /Contents stands where @signpdf looks for it.
 */
function writeSignature(
  file: FileWriter,
  at: { readonly field: number; readonly value: number; readonly page: number },
  { name, reason, location, reserve = defaultReserve }: SignaturePlace,
  created: Date,
): void {
  file.plainObject(
    at.value,
    `<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached ${byteRangePlaceholder}` +
      ` /Contents <${'0'.repeat(2 * reserve)}>` +
      ` /Name ${textString(name)} /Reason ${textString(reason)} /Location ${textString(location)} /M ${pdfDate(created)}>>`,
  );
  // 132: printed and locked (ISO 32000-1 table 165).
  file.object(
    at.field,
    `<</Type /Annot /Subtype /Widget /FT /Sig /T ${textString('Signature')} /V ${at.value} 0 R /P ${at.page} 0 R /F 132 /Rect [0 0 0 0]>>`,
  );
}
