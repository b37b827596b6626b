import type { Colour, Page, PlacedLine, Rule } from './layout.ts';
import { placeRuns, type Run } from './lines.ts';
import { sealResources } from './seal-form.ts';
import { number, textString } from './syntax.ts';
import type { TemplateFont } from './template.ts';

/**
 * The content stream of a page. Rules come first and the footer last, both as artifacts; between them each mark is one
 * marked-content sequence whose MCID is its index on the page.
 *
 * Text is shown by BT, Tf, rg, Tm, Ts, TJ and ET alone, in reading order, so that the text of a sequence is what its
 * codes say one after the other: in right-to-left runs TJ moves the pen back. /ActualText stands only around glyphs whose
 * codes cannot say it.
 *
 * @param modules on a side of each QR, without the quiet zone
 */
export function pageContent(
  page: Page,
  fonts: readonly TemplateFont[],
  modules: Readonly<Record<'seal' | 'travel-seal', number>>,
): string {
  let out = '/Artifact BMC\n';
  for (const rule of page.rules) out += filledRule(rule);
  out += 'EMC\n';
  for (const [id, mark] of page.marks.entries()) {
    out += `/${mark.element.type} <</MCID ${id}>> BDC\n`;
    if (mark.kind === 'text') out += textObject(mark.lines, fonts);
    else {
      const scale = Math.round((mark.side / (modules[mark.kind] + 8)) * 10_000) / 10_000;
      const name = sealResources[mark.kind];
      out += `q ${scale} 0 0 ${scale} ${number(mark.x)} ${number(mark.y)} cm /${name} Do Q\n`;
    }
    out += 'EMC\n';
  }
  return `${out}/Artifact <</Type /Pagination /Subtype /Footer>> BDC\n${textObject(page.footer, fonts)}EMC\n`;
}

const colour = (rgb: Colour): string => `${rgb.map(number).join(' ')} rg\n`;

const filledRule = ({ x, y, width, height, colour: fill }: Rule): string =>
  `${colour(fill)}${number(x)} ${number(y)} ${number(width)} ${number(height)} re f\n`;

function textObject(lines: readonly PlacedLine[], fonts: readonly TemplateFont[]): string {
  let out = 'BT\n';
  let fill: Colour | undefined;
  let selected = '';
  let raised = 0;
  for (const { line, x, y, size, colour: rgb } of lines) {
    if (rgb !== fill) out += colour(rgb);
    fill = rgb;
    const baseline = number(y);
    for (const run of placeRuns(line)) {
      const actual = run.atoms.some((atom) => atom.actualText);
      if (actual)
        out += `/Span <</ActualText ${textString(run.atoms.map((atom) => atom.text).join(''))}>> BDC\n`;
      out += `1 0 0 1 ${number(x + (run.x * size) / 1000)} ${baseline} Tm\n`;
      for (const { font, rise, show } of strokesOf(run)) {
        const { resource, scale } = fonts[font] as TemplateFont;
        const select = `/${resource} ${number(size * scale)} Tf\n`;
        if (select !== selected) out += select;
        selected = select;
        if (rise !== raised) out += `${number((rise * size * scale) / 1000)} Ts\n`;
        raised = rise;
        out += `[<${show}>] TJ\n`.replaceAll('<>', ' ');
      }
      if (actual) out += 'EMC\n';
    }
  }
  // The rise is part of the graphics state and would outlive the text object.
  return `${out}${raised === 0 ? '' : '0 Ts\n'}ET\n`;
}

/** The glyphs of a run in reading order, those of one font and rise together. */
function strokesOf(run: Run): { font: number; rise: number; show: string }[] {
  const strokes: { font: number; rise: number; show: string }[] = [];
  for (const atom of run.atoms)
    for (const { rise, show } of atom.strokes) {
      const last = strokes.at(-1);
      if (last?.font === atom.font && last.rise === rise) last.show += show;
      else strokes.push({ font: atom.font, rise, show });
    }
  return strokes;
}
