import type { Typesetter } from './atoms.ts';
import { breakLines, type Line } from './lines.ts';
import type { Block, DocumentRecord, Row } from './record.ts';
import type { ShapedText, StyledText, Weight } from './template.ts';

/** DeviceRGB, 0 to 1. */
export type Colour = readonly [red: number, green: number, blue: number];

/** Standard structure types (ISO 32000-1 §14.8.4) that a document uses. */
export type StructureType = 'Document' | 'H1' | 'H2' | 'P' | 'Table' | 'TR' | 'TH' | 'TD' | 'Figure' | 'Form';

/** A node of the structure tree, in reading order. */
export interface StructureElement {
  readonly type: StructureType;
  readonly kids: StructureElement[];
  /** For a figure: what it shows, in words. */
  readonly alternative?: string;
  /** BCP 47, where it is not that of the document. */
  readonly language?: string;
}

/** In points from the lower left corner of a page. */
export interface Rectangle {
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
  readonly top: number;
}

/** A line of text at its place: `x` is its left end, `y` its baseline, in points from the lower left corner. */
export interface PlacedLine {
  readonly line: Line;
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly colour: Colour;
}

/** What one element shows on one page: one marked-content sequence. */
export type Mark =
  | { readonly kind: 'text'; readonly element: StructureElement; readonly lines: PlacedLine[] }
  | {
      readonly kind: 'seal' | 'travel-seal';
      readonly element: StructureElement;
      readonly x: number;
      readonly y: number;
      readonly side: number;
    };

/** A filled rectangle that means nothing: a rule. */
export interface Rule {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly colour: Colour;
}

export interface Page {
  readonly marks: Mark[];
  readonly rules: Rule[];
  readonly footer: PlacedLine[];
  /** What tables, the figure and the signature field take of it. */
  readonly extents: ReadonlyMap<StructureElement, Rectangle>;
}

export interface Layout {
  readonly pages: readonly Page[];
  readonly document: StructureElement;
  /** The element of the signature field, if there is one: over who signs. */
  readonly signatureField: StructureElement | undefined;
}

interface Style {
  readonly weight: Weight;
  readonly size: number;
  readonly leading: number;
  readonly colour: Colour;
}

const mm = 72 / 25.4;

/** A4 (ISO 216), in points. */
export const pageSize = { width: 210 * mm, height: 297 * mm } as const;

const left = 22 * mm;
const right = pageSize.width - 22 * mm;
const measure = right - left;
const top = pageSize.height - 16 * mm;
const footerBaseline = 11 * mm;

const ink: Colour = [0.1, 0.12, 0.15];
const accent: Colour = [0.09, 0.2, 0.36];
const muted: Colour = [0.34, 0.38, 0.43];
const hairline: Colour = [0.8, 0.82, 0.85];

const styles = {
  state: { weight: 'bold', size: 12, leading: 17, colour: accent },
  post: { weight: 'regular', size: 10.5, leading: 15, colour: muted },
  title: { weight: 'bold', size: 19, leading: 25, colour: accent },
  subtitle: { weight: 'regular', size: 11, leading: 16, colour: muted },
  heading: { weight: 'bold', size: 11, leading: 15, colour: accent },
  label: { weight: 'regular', size: 9.5, leading: 14, colour: muted },
  value: { weight: 'regular', size: 10.5, leading: 14, colour: ink },
  body: { weight: 'regular', size: 10.5, leading: 15.5, colour: ink },
  signatory: { weight: 'bold', size: 10.5, leading: 15, colour: ink },
  captionTitle: { weight: 'bold', size: 9, leading: 13, colour: ink },
  caption: { weight: 'regular', size: 8.5, leading: 12.5, colour: muted },
  footer: { weight: 'regular', size: 8, leading: 11, colour: muted },
  // OCR-B, whose characters are 0.723 em wide, at ten to the inch and four lines to the inch (Doc 9303-3 §4).
  zone: { weight: 'machine', size: 9.96, leading: 18, colour: ink },
} as const satisfies Record<string, Style>;

const labelColumn = 0.34 * measure;
const closingColumn = 0.52 * measure;
const rowPadding = 2.9;

/**
 * Side of the QR with its quiet zone, in points: 30 mm, or what 0.3386 mm a module (4 dots at 300 dpi) needs where that
 * is more.
 *
 * @param modules on a side of the symbol, without the quiet zone
 */
export const sealSide = (modules: number): number => Math.max(30, 0.3386 * (modules + 8)) * mm;

/**
 * Sets the blocks of a record on A4 pages.
 *
 * @param options.modules modules on a side of the QR, without the quiet zone
 * @param options.travelModules the same of the ICAO seal, for a record that has one
 * @param options.signatureField whether a signature field stands over who signs first
 */
export function layOut(
  record: DocumentRecord,
  set: Typesetter,
  options: {
    readonly modules: number;
    readonly travelModules?: number | undefined;
    readonly signatureField?: boolean;
  },
): Layout {
  const footer = breakLines(
    set(record.footer, styles.footer.weight),
    (0.8 * measure * 1000) / styles.footer.size,
  );
  const bottom = footerBaseline + 10 * mm + (footer.length - 1) * styles.footer.leading;
  const document: StructureElement = { type: 'Document', kids: [] };
  const signs = options.signatureField
    ? record.blocks.find((block): block is Closing => block.kind === 'closing')
    : undefined;
  const field: StructureElement | undefined = signs && { type: 'Form', kids: [] };
  const typesetting: Typesetting = {
    set,
    parent: document,
    modules: options.modules,
    travelModules: options.travelModules ?? options.modules,
    field: signs && field && { closing: signs, element: field },
  };
  const boxes = keptWithClosing(
    record.blocks.flatMap((block, i) =>
      boxesOf(block, record.blocks[i - 1], record.blocks[i + 1], typesetting),
    ),
  );
  const pages = fillFewestPages(boxes, bottom);
  for (const [i, page] of pages.entries())
    drawFooter(page, footer, set(` · ${i + 1} / ${pages.length}`, 'regular'));
  return { pages, document, signatureField: field };
}

/** Every text that the layout of a record sets, in its weight: what a template must cover. */
export function textsOf(record: DocumentRecord): StyledText[] {
  const texts: StyledText[] = [];
  const collect: Typesetter = (text, weight) => {
    texts.push({ text, weight });
    return { rightToLeft: false, atoms: [] };
  };
  layOut(record, collect, { modules: 21 });
  // The numbers of pages that there are not yet.
  return [...texts, { text: '0123456789', weight: styles.footer.weight }];
}

/** Something of one height that is drawn where the page has room. */
interface Box {
  readonly height: number;
  /** Space above that can shrink; left out at the top of a page. */
  readonly before: number;
  /** Space that can shrink inside the box, over and under what has the height. */
  readonly above?: number;
  readonly below?: number;
  readonly keepWithNext: boolean;
  /** Stands at the foot of the last page. */
  readonly anchored?: boolean;
  /** What an anchored box leaves free beneath itself. */
  readonly beneath?: number;
  /** Begins who signs. */
  readonly closes?: boolean;
  /** Draws below `y`; `above` is the space over it. */
  draw(page: Canvas, y: number, above: number): void;
}

/** A page being filled: the lines of one element that stand on it make one mark. */
class Canvas implements Page {
  readonly marks: Mark[] = [];
  readonly rules: Rule[] = [];
  readonly footer: PlacedLine[] = [];
  readonly extents = new Map<StructureElement, Rectangle>();
  readonly #lines = new Map<StructureElement, PlacedLine[]>();

  text(element: StructureElement, line: PlacedLine): void {
    const lines = this.#lines.get(element);
    if (lines !== undefined) {
      lines.push(line);
      return;
    }
    const first = [line];
    this.#lines.set(element, first);
    this.marks.push({ kind: 'text', element, lines: first });
  }

  /** Enlarges what an element takes of the page. */
  cover(element: StructureElement, { left, bottom, right, top }: Rectangle): void {
    const known = this.extents.get(element);
    this.extents.set(element, {
      left: Math.min(left, known?.left ?? left),
      bottom: Math.min(bottom, known?.bottom ?? bottom),
      right: Math.max(right, known?.right ?? right),
      top: Math.max(top, known?.top ?? top),
    });
  }
}

/** Lines of the act that stand on the page of its signature, at the least. */
const actWithClosing = 3;

function keptWithClosing(boxes: readonly Box[]): Box[] {
  const closes = boxes.findIndex((box) => box.closes);
  return boxes.map((box, i) =>
    i < closes && i >= closes - actWithClosing ? { ...box, keepWithNext: true } : box,
  );
}

/** Less space between and around things where that saves a page. */
function fillFewestPages(boxes: readonly Box[], bottom: number): Canvas[] {
  const normal = fillPages(boxes, bottom, 1);
  if (normal.length === 1) return normal;
  const densest = fillPages(boxes, bottom, 0.6);
  if (densest.length === normal.length) return normal;
  const dense = fillPages(boxes, bottom, 0.8);
  return dense.length === densest.length ? dense : densest;
}

/** In points: what fits exactly must not miss by the last digit of a sum. */
const rounding = 0.001;

function fillPages(boxes: readonly Box[], bottom: number, spacing: number): Canvas[] {
  const extent = ({ height, above = 0, below = 0 }: Box): number => height + spacing * (above + below);
  let page = new Canvas();
  const pages = [page];
  let y = top;
  const turn = (): void => {
    page = new Canvas();
    pages.push(page);
    y = top;
  };
  let i = 0;
  while (i < boxes.length) {
    let end = i;
    while (boxes[end]?.keepWithNext && end < boxes.length - 1) end++;
    const group = boxes.slice(i, end + 1);
    const height = group.reduce((sum, box) => sum + spacing * box.before + extent(box), 0);
    if (y < top && height > y - bottom + rounding) turn();
    for (const box of group) {
      if (y < top) {
        if (spacing * box.before + extent(box) > y - bottom + rounding) turn();
        else y -= spacing * box.before;
      }
      if (box.anchored) y = bottom + (box.beneath ?? 0) + extent(box);
      const above = spacing * (box.above ?? 0);
      box.draw(page, y - above, above);
      y -= extent(box);
    }
    i = end + 1;
  }
  return pages;
}

interface Typesetting {
  readonly set: Typesetter;
  readonly parent: StructureElement;
  readonly modules: number;
  readonly travelModules: number;
  /** The block whose signatory signs in the field, and the element of that field. */
  readonly field: { readonly closing: Closing; readonly element: StructureElement } | undefined;
}

function boxesOf(
  block: Block,
  previous: Block | undefined,
  next: Block | undefined,
  typesetting: Typesetting,
): Box[] {
  switch (block.kind) {
    case 'letterhead':
      return letterhead(block.lines, typesetting);
    case 'title':
      return [
        ...paragraph(block.text, 'H1', styles.title, typesetting, { before: 26, keepWithNext: true }),
        ...paragraph(block.subtitle, 'P', styles.subtitle, typesetting, { before: 1, keepWithNext: true }),
        gap(4, true),
      ];
    case 'heading':
      return paragraph(block.text, 'H2', styles.heading, typesetting, { before: 15, keepWithNext: true });
    case 'paragraph':
      return paragraph(block.text, 'P', styles.body, typesetting, {
        before: previous?.kind === 'rows' ? 14 : 9,
        keepWithNext: false,
      });
    case 'rows':
      return rows(block.rows, previous?.kind === 'heading' ? 6 : 12, typesetting);
    case 'closing':
      // Before a seal, who signs stands beside it.
      return next?.kind === 'seal' ? [] : closing(block, typesetting);
    case 'seal':
      return [seal(block, previous?.kind === 'closing' ? previous : undefined, next, typesetting)];
    case 'travel-seal':
      return [travelSeal(block, typesetting)];
  }
}

function element(parent: StructureElement, type: StructureType, language?: string): StructureElement {
  const child: StructureElement = { type, kids: [], ...(language === undefined ? {} : { language }) };
  parent.kids.push(child);
  return child;
}

/** The lines of a text of the record, its own line ends kept. */
function linesOf(text: string, style: Style, width: number, set: Typesetter): Line[] {
  if (text === '') return [];
  return text.split('\n').flatMap((line) => breakLines(set(line, style.weight), (width * 1000) / style.size));
}

/** Capitals stand in the middle of the leading. */
const baseline = (style: Style): number => (style.leading + 0.714 * style.size) / 2;

function place(line: Line, style: Style, x: number, y: number, width: number): PlacedLine {
  const { size, colour } = style;
  if (!line.rightToLeft) return { line, x, y, size, colour };
  const drawn = line.atoms.reduce((sum, atom) => sum + atom.width, 0);
  return { line, x: x + width - (drawn * size) / 1000, y, size, colour };
}

const gap = (height: number, keepWithNext: boolean): Box => ({
  height,
  before: 0,
  keepWithNext,
  draw: () => {},
});

function letterhead(lines: readonly string[], { set, parent }: Typesetting): Box[] {
  const boxes = lines.flatMap((text, i) => {
    const style = i === 0 ? styles.state : styles.post;
    return stack(linesOf(text, style, measure, set), element(parent, 'P'), style, left, measure).map(
      (box) => ({
        ...box,
        keepWithNext: true,
      }),
    );
  });
  const rule: Box = {
    height: 10,
    before: 0,
    keepWithNext: true,
    draw: (page, y) => {
      page.rules.push({ x: left, y: y - 10, width: measure, height: 0.5, colour: hairline });
      page.rules.push({ x: left, y: y - 10.75, width: 16 * mm, height: 2, colour: accent });
    },
  };
  return [...boxes, rule];
}

function paragraph(
  text: string,
  type: StructureType,
  style: Style,
  { set, parent }: Typesetting,
  { before, keepWithNext }: { readonly before: number; readonly keepWithNext: boolean },
): Box[] {
  const lines = linesOf(text, style, measure, set);
  if (lines.length === 0) return [];
  const boxes = stack(lines, element(parent, type), style, left, measure);
  // No line of a paragraph stands alone at the foot or the head of a page.
  return boxes.map((box, i) => ({
    ...box,
    before: i === 0 ? before : 0,
    keepWithNext: i === boxes.length - 1 ? keepWithNext : keepWithNext || i === 0 || i === boxes.length - 2,
  }));
}

function stack(lines: readonly Line[], to: StructureElement, style: Style, x: number, width: number): Box[] {
  return lines.map((line) => ({
    height: style.leading,
    before: 0,
    keepWithNext: false,
    draw: (page, y) => page.text(to, place(line, style, x, y - baseline(style), width)),
  }));
}

/** A row longer than this may be divided between pages. */
const undividedRow = 12;

function rows(list: readonly Row[], before: number, { set, parent }: Typesetting): Box[] {
  if (list.length === 0) return [];
  const table = element(parent, 'Table');
  const valueColumn = measure - labelColumn;
  const boxes = list.flatMap(({ label, value }) => {
    const row = element(table, 'TR');
    const [head, data] = [element(row, 'TH'), element(row, 'TD')];
    const labels = linesOf(label, styles.label, labelColumn - 4 * mm, set);
    const values = linesOf(value, styles.value, valueColumn, set);
    const count = Math.max(labels.length, values.length, 1);
    return Array.from({ length: count }, (_, i): Box => {
      return {
        height: styles.value.leading,
        before: 0,
        above: i === 0 ? rowPadding : 0,
        below: i === count - 1 ? rowPadding : 0,
        keepWithNext: i < count - 1 && count <= undividedRow,
        draw: (page, y, above) => {
          const base = y - baseline(styles.value);
          const extent = { left, right, top: y + above, bottom: y - styles.value.leading };
          page.cover(table, extent);
          const [labelLine, valueLine] = [labels[i], values[i]];
          if (labelLine) page.text(head, place(labelLine, styles.label, left, base, labelColumn - 4 * mm));
          if (valueLine)
            page.text(data, place(valueLine, styles.value, left + labelColumn, base, valueColumn));
          if (i === 0)
            page.rules.push({ x: left, y: y + above, width: measure, height: 0.4, colour: hairline });
        },
      };
    });
  });
  const lastRule: Box = {
    height: 0,
    before: 0,
    keepWithNext: false,
    draw: (page, y) => page.rules.push({ x: left, y, width: measure, height: 0.4, colour: hairline }),
  };
  return [
    ...boxes.map((box, i) => ({
      ...box,
      before: i === 0 ? before : 0,
      keepWithNext: box.keepWithNext || i === boxes.length - 1,
    })),
    lastRule,
  ];
}

type Closing = Extract<Block, { readonly kind: 'closing' }>;

/** A line with where it stands from the left and the element that it belongs to. */
interface StyledLine {
  readonly line: Line;
  readonly style: Style;
  readonly to: StructureElement;
}

/** Place and date, then quality and name of who signs: the name is last and bold. */
function closingLines(
  { placeAndDate, lines }: Closing,
  width: number,
  { set, parent }: Typesetting,
): StyledLine[] {
  return [placeAndDate, ...lines].flatMap((text, i) => {
    const style = i > 0 && i === lines.length ? styles.signatory : styles.body;
    const found = linesOf(text, style, width, set);
    if (found.length === 0) return [];
    const to = element(parent, 'P');
    return found.map((line) => ({ line, style, to }));
  });
}

/** The element of the field of who signs here, after the text that says who it is. */
function fieldOf(block: Closing | undefined, { parent, field }: Typesetting): StructureElement | undefined {
  if (!field || field.closing !== block) return undefined;
  parent.kids.push(field.element);
  return field.element;
}

/** From the mark of the signature field to the text. */
const markDistance = 9;

/** What the field takes over a line of who signs. */
const signedArea = (top: number, leading: number): Rectangle => ({
  left: left + closingColumn - markDistance,
  right,
  top,
  bottom: top - leading,
});

/** Who signs, in the right half of the page. */
function closing(block: Closing, to: Typesetting): Box[] {
  const x = left + closingColumn;
  const width = measure - closingColumn;
  const lines = closingLines(block, width, to);
  const field = fieldOf(block, to);
  return lines.map(({ line, style, to: owner }, i) => ({
    height: style.leading,
    before: i === 0 ? 24 : 0,
    closes: i === 0,
    keepWithNext: i < lines.length - 1,
    draw: (page, y) => {
      if (field) page.cover(field, signedArea(y, style.leading));
      page.text(owner, place(line, style, x, y - baseline(style), width));
    },
  }));
}

/** Where captions begin beside the seal, whose dark modules, not the quiet zone, are flush with the text. */
function captionLeft(modules: number): number {
  const side = sealSide(modules);
  return left - (4 * side) / (modules + 8) + side + 4 * mm;
}

/** The seal at the left, its caption beside it, and above that at the right who signs. */
function seal(
  { caption, languages = [] }: Extract<Block, { readonly kind: 'seal' }>,
  signed: Closing | undefined,
  next: Block | undefined,
  typesetting: Typesetting,
): Box {
  const { set, parent, modules } = typesetting;
  const side = sealSide(modules);
  const quietZone = (4 * side) / (modules + 8);
  const signedX = left + closingColumn;
  const signedWidth = right - signedX;
  const signedLines = signed ? closingLines(signed, signedWidth, typesetting) : [];
  const field = fieldOf(signed, typesetting);
  const figure: StructureElement = { type: 'Figure', kids: [], alternative: caption[0] ?? '' };
  parent.kids.push(figure);
  const textX = captionLeft(modules);
  const width = right - textX;
  const texts = caption.flatMap((text, i): StyledLine[] => {
    const style = i === 0 ? styles.captionTitle : styles.caption;
    const to = element(parent, 'P', languages[i]);
    return linesOf(text, style, width, set).map((line) => ({ line, style, to }));
  });
  const heightOf = (lines: readonly StyledLine[]): number =>
    lines.reduce((sum, { style }) => sum + style.leading, 0);
  const above = 8;
  const between = signedLines.length > 0 ? 10 : 0;
  const textHeight = heightOf(signedLines) + between + heightOf(texts);
  return {
    height: above + Math.max(side, textHeight),
    before: 16,
    closes: signed !== undefined,
    keepWithNext: next?.kind === 'travel-seal',
    anchored: next === undefined || next.kind === 'travel-seal',
    ...(next?.kind === 'travel-seal'
      ? { beneath: travelSealHeight(typesetting.travelModules) + travelSealPadding.before }
      : {}),
    draw: (page, y) => {
      page.rules.push({ x: left, y, width: measure, height: 0.5, colour: hairline });
      let line = y - above;
      for (const { line: text, style, to } of signedLines) {
        if (field) page.cover(field, signedArea(line, style.leading));
        page.text(to, place(text, style, signedX, line - baseline(style), signedWidth));
        line -= style.leading;
      }
      const [x, bottom] = [left - quietZone, y - above - side];
      page.marks.push({ kind: 'seal', element: figure, x, y: bottom, side });
      page.cover(figure, { left: x, right: x + side, bottom, top: bottom + side });
      line = signed
        ? Math.min(line - between, y - above - side + quietZone + heightOf(texts))
        : y - above - Math.max(0, (side - textHeight) / 2);
      for (const { line: text, style, to } of texts) {
        page.text(to, place(text, style, textX, line - baseline(style), width));
        line -= style.leading;
      }
    },
  };
}

/** Side of an ICAO seal with its quiet zone, in points; a module is at least 0.3386 mm (Doc 9303-13 §3). */
const travelSealSide = (modules: number): number => Math.max(26, 0.3386 * (modules + 8)) * mm;
const travelSealPadding = { before: 8, above: 9 } as const;
const travelSealHeight = (modules: number): number => travelSealPadding.above + travelSealSide(modules);

/** The ICAO seal at the left, its caption beside it, and the machine-readable zone under that at the foot. */
function travelSeal(
  { caption, zone }: Extract<Block, { readonly kind: 'travel-seal' }>,
  { set, parent, modules, travelModules }: Typesetting,
): Box {
  const side = travelSealSide(travelModules);
  const quietZone = (4 * side) / (travelModules + 8);
  const figure: StructureElement = { type: 'Figure', kids: [], alternative: caption[0] ?? '' };
  parent.kids.push(figure);
  const textX = captionLeft(modules);
  const width = right - textX;
  const texts = caption.flatMap((text, i): StyledLine[] => {
    const style = i === 0 ? styles.captionTitle : styles.caption;
    const to = element(parent, 'P');
    return linesOf(text, style, width, set).map((line) => ({ line, style, to }));
  });
  const zoneElement = element(parent, 'P');
  const zoneLines = linesOf(zone, styles.zone, width, set);
  return {
    height: travelSealHeight(travelModules),
    before: travelSealPadding.before,
    keepWithNext: false,
    anchored: true,
    draw: (page, y) => {
      page.rules.push({ x: left, y, width: measure, height: 0.5, colour: hairline });
      const [x, bottom] = [left - quietZone, y - travelSealPadding.above - side];
      page.marks.push({ kind: 'travel-seal', element: figure, x, y: bottom, side });
      page.cover(figure, { left: x, right: x + side, bottom, top: bottom + side });
      let line = bottom + side - quietZone + 3;
      for (const { line: text, style, to } of texts) {
        page.text(to, place(text, style, textX, line - baseline(style), width));
        line -= style.leading;
      }
      for (const [i, text] of zoneLines.entries()) {
        const base = bottom + quietZone + (zoneLines.length - 1 - i) * styles.zone.leading;
        page.text(zoneElement, place(text, styles.zone, textX, base, width));
      }
    },
  };
}

function drawFooter(page: Canvas, lines: readonly Line[], number: ShapedText): void {
  const { size, leading, colour } = styles.footer;
  for (const [i, line] of lines.entries()) {
    const atoms = i === lines.length - 1 ? [...line.atoms, ...number.atoms] : line.atoms;
    const width = (atoms.reduce((sum, atom) => sum + atom.width, 0) * size) / 1000;
    const y = footerBaseline + (lines.length - 1 - i) * leading;
    page.footer.push({ line: { ...line, atoms }, x: (pageSize.width - width) / 2, y, size, colour });
  }
  const ruleY = footerBaseline + lines.length * leading + 3;
  page.rules.push({ x: left, y: ruleY, width: measure, height: 0.4, colour: hairline });
}
