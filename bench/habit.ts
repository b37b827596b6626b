import { readFileSync } from 'node:fs';
import { SignPdf } from '@signpdf/signpdf';
import { Signer } from '@signpdf/utils';
import * as fontkit from 'fontkit';
import { PDFArray, PDFDocument, PDFHexString, PDFName, PDFNumber, PDFString, rgb } from 'pdf-lib';
import QRCode from 'qrcode';
import { shipped } from '../cli/shipped.ts';
import type { DocumentRecord } from '../core/pdf/record.ts';

const font = (name: string): Uint8Array => readFileSync(shipped('templates', 'fonts', `${name}.ttf`));

/** A signature field whose value is to be filled in by @signpdf. */
function addPlaceholder(document: PDFDocument): void {
  const { context } = document;
  const byteRange = PDFArray.withContext(context);
  for (const part of [PDFNumber.of(0), ...Array(3).fill(PDFName.of('**********'))]) byteRange.push(part);
  const signature = context.register(
    context.obj({
      Type: 'Sig',
      Filter: 'Adobe.PPKLite',
      SubFilter: 'ETSI.CAdES.detached',
      ByteRange: byteRange,
      Contents: PDFHexString.of('0'.repeat(16_384)),
      Name: PDFString.of('bench'),
    }),
  );
  const field = context.register(
    context.obj({
      Type: 'Annot',
      Subtype: 'Widget',
      FT: 'Sig',
      Rect: [0, 0, 0, 0],
      V: signature,
      T: PDFString.of('Signature'),
      F: 132,
      P: document.getPage(0).ref,
    }),
  );
  document.getPage(0).node.set(PDFName.of('Annots'), context.obj([field]));
  document.catalog.set(PDFName.of('AcroForm'), context.obj({ SigFlags: 3, Fields: [field] }));
}

/** The page as it is usually made: pdf-lib from scratch with embedded fonts, the QR as a PNG picture. */
async function habitualPage(record: DocumentRecord, code: string): Promise<PDFDocument> {
  const document = await PDFDocument.create();
  document.registerFontkit(fontkit as never);
  const regular = await document.embedFont(font('NotoSans-Regular'), { subset: true });
  const bold = await document.embedFont(font('NotoSans-Bold'), { subset: true });
  const page = document.addPage([595.28, 841.89]);
  let y = 780;
  const write = (text: string, size: number, face = regular): void => {
    for (const row of text.split('\n')) {
      page.drawText(row, { x: 50, y, size, font: face, color: rgb(0.1, 0.1, 0.1) });
      y -= size * 1.5;
    }
  };
  for (const block of record.blocks) {
    if (block.kind === 'title') write(block.text, 18, bold);
    else if (block.kind === 'rows') for (const row of block.rows) write(`${row.label} : ${row.value}`, 10);
    else if (block.kind === 'paragraph' || block.kind === 'heading') write(block.text, 10);
  }
  const picture = await document.embedPng(await QRCode.toBuffer(code, { errorCorrectionLevel: 'M' }));
  page.drawImage(picture, { x: 50, y: 50, width: 90, height: 90 });
  return document;
}

/** That page as a file without a signature. */
export const unsignedPage = async (record: DocumentRecord, code: string): Promise<Uint8Array> =>
  (await habitualPage(record, code)).save();

/**
 * What such a program usually does, to compare with: that page, a placeholder, and @signpdf with a CMS that pkijs makes
 * anew each time. Without log, time-stamp and register.
 */
export async function habitualDocument(
  record: DocumentRecord,
  code: string,
  cms: (bytes: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const document = await habitualPage(record, code);
  addPlaceholder(document);
  class PkijsSigner extends Signer {
    override async sign(bytes: Uint8Array): Promise<Buffer> {
      return Buffer.from(await cms(bytes));
    }
  }
  const saved = await document.save({ useObjectStreams: false });
  return new SignPdf().sign(Buffer.from(saved), new PkijsSigner());
}
