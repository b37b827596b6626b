import type { Block, DocumentRecord } from './record.ts';

/** The printed text of a block in reading order. */
function blockTexts(block: Block): readonly string[] {
  switch (block.kind) {
    case 'letterhead':
      return block.lines;
    case 'title':
      return [block.text, block.subtitle];
    case 'heading':
    case 'paragraph':
      return [block.text];
    case 'rows':
      return block.rows.flatMap((row) => [row.label, row.value]);
    case 'closing':
      return [block.placeAndDate, ...block.lines];
    case 'seal':
      return block.caption;
    case 'travel-seal':
      return [...block.caption, block.zone];
  }
}

/** All that the pages show in reading order, footers left out; one text a line. */
export function recordText(record: DocumentRecord): string {
  return record.blocks.flatMap(blockTexts).join('\n');
}
