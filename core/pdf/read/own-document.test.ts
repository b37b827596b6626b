import { beforeAll, describe, expect, it } from 'vitest';
import { fromUtf8 } from '../../bytes.ts';
import { ConsulError } from '../../errors.ts';
import { templateFor } from '../choice.ts';
import { renderDocument } from '../document.ts';
import { fonts, inputFor, manyScripts, preparedTemplate, priseEnCharge, qrOf, sealText } from '../fixture.ts';
import type { Block, DocumentRecord } from '../record.ts';
import { signPdf } from '../sign.ts';
import { readAttachments } from './attachments.ts';
import { unreferencedObjects } from './changes.ts';
import { readPdf } from './document.ts';
import { readSignatures } from './signature.ts';
import { drawnSeals, pageContents, pageTexts } from './text.ts';

const letters = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** What a block prints, in reading order. */
function textsOf(block: Block): readonly string[] {
  switch (block.kind) {
    case 'letterhead':
      return block.lines;
    case 'title':
      return [block.text, block.subtitle];
    case 'heading':
    case 'paragraph':
      return [block.text];
    case 'rows':
      return block.rows.flatMap(({ label, value }) => [label, value]);
    case 'closing':
      return [block.placeAndDate, ...block.lines];
    case 'seal':
      return block.caption;
    case 'travel-seal':
      return [...block.caption, block.zone];
  }
}

const cms = new Uint8Array(3000).fill(7);
cms.set([0x30, 0x82, 0x0b, 0xb4]);

async function documentOf(record: DocumentRecord): Promise<Uint8Array> {
  const template = await templateFor(record, preparedTemplate(), () => fonts);
  return signPdf(renderDocument(template, record, inputFor(record)), async () => cms);
}

const saidBy = (file: Uint8Array): string =>
  letters(
    pageTexts(readPdf(file))
      .map(({ text }) => text)
      .join(' '),
  );

describe('a document of this program', () => {
  let document: Uint8Array;

  beforeAll(async () => {
    document = await documentOf(priseEnCharge);
  });

  it('is read without findings, and nothing in it is unreferenced', () => {
    const file = readPdf(document);
    expect(file.findings).toEqual([]);
    expect(file.revisions).toHaveLength(1);
    expect(unreferencedObjects(file, 0)).toEqual([]);
  });

  it('has one sound signature that covers it', () => {
    const [signature, ...others] = readSignatures(readPdf(document));
    expect(others).toEqual([]);
    expect(signature).toMatchObject({ problems: [], coversFile: true, revision: 0, contents: cms });
  });

  it('says every text of its record, in order, and nothing else', () => {
    expect(saidBy(document)).toBe(letters(priseEnCharge.blocks.flatMap(textsOf).join(' ')));
    for (const { artifacts, hidden } of pageContents(readPdf(document))) {
      expect(artifacts).toContain(priseEnCharge.footer);
      expect(hidden).toBe('');
    }
  });

  it('says names in every script as they were given', async () => {
    const said = saidBy(await documentOf(manyScripts));
    expect(said).toBe(letters(manyScripts.blocks.flatMap(textsOf).join(' ')));
  });

  it('draws its QR once', () => {
    const qr = qrOf(sealText);
    const seals = drawnSeals(readPdf(document));
    expect(seals).toHaveLength(1);
    expect(seals[0]?.matrix).toEqual({ size: qr.size, modules: qr.modules });
  });

  it('carries its files', () => {
    const input = inputFor(priseEnCharge);
    const files = readAttachments(readPdf(document));
    expect(files.map(({ name, relationship, mediaType }) => ({ name, relationship, mediaType }))).toEqual(
      input.attachments.map(({ name, relationship, mediaType }) => ({ name, relationship, mediaType })),
    );
    for (const file of files) expect(file).toMatchObject({ listed: true, associated: true });
    expect(fromUtf8(files[0]!.bytes)).toBe(JSON.stringify(priseEnCharge));
  });

  it('is refused when cut at any byte', () => {
    const step = (length: number): number => (length > document.length - 600 ? 1 : 97);
    for (let length = 0; length < document.length; length += step(length))
      expect(() => readPdf(document.subarray(0, length))).toThrow(ConsulError);
  });

  it('throws nothing but ConsulError when any byte is changed', () => {
    for (let at = 0; at < document.length; at += 149) {
      const copy = document.slice();
      copy[at] = (copy[at] as number) ^ (1 << (at & 7));
      try {
        const file = readPdf(copy);
        readSignatures(file);
        readAttachments(file);
        drawnSeals(file);
      } catch (error) {
        expect(error).toBeInstanceOf(ConsulError);
      }
    }
  });
});
