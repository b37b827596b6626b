import type { PdfFile } from '../pdf/read/document.ts';
import { contentsOf, pagesOf } from '../pdf/read/pages.ts';
import { drawnSeals } from '../pdf/read/text.ts';

/** A4 in points. */
const page = { width: 595.28, height: 841.89 } as const;
/** 0.3386 mm a module, less what rounding takes. */
const smallestModule = 0.95;
/** Points; what is set is larger than 8 and smaller than 24. */
const fontSizes = { smallest: 6, largest: 30 } as const;
/** A rule is thin and wide: too thin to cover a word, too wide to draw a letter with. */
const rules = { thickest: 2, narrowest: 40 } as const;
const longestShown = 60;
/** Of red, green and blue: dark on white paper. */
const brightestText = 0.5;

const number = '(-?\\d+(?:\\.\\d+)?)';
const line = (...tokens: readonly string[]): RegExp => new RegExp(`^${tokens.join(' ')}$`);

/** The lines that the content of a page consists of, and nothing else (core/pdf/content.ts). */
const forms = {
  begin:
    /^\/(?:[A-Z][A-Za-z0-9]{0,8} <<\/MCID \d+>>|Artifact <<\/Type \/Pagination \/Subtype \/Footer>>|Span <<\/ActualText <[0-9a-f]*>>>) BDC$/,
  colour: line(number, number, number, 'rg'),
  rule: line(number, number, number, number, 're', 'f'),
  place: line('1', '0', '0', '1', number, number, 'Tm'),
  font: line('/F\\d+', number, 'Tf'),
  rise: line(number, 'Ts'),
  show: /^\[[0-9a-f<>. -]*\] TJ$/,
  seal: line('q', number, '0', '0', number, number, number, 'cm', '/Consul(?:Travel)?Seal', 'Do', 'Q'),
} as const;

const rulesBegin = '/Artifact BMC';
const oneByteText = new TextDecoder('latin1');

const within = (value: number, from: number, to: number): boolean => value >= from && value <= to;

/** Whether the content of one page is in the form of a post: first its rules, then text and seal. */
class PageLines {
  #rules = true;
  #bright = false;

  /** Whether a line may stand after those before it; the first one has begun the rules. */
  follows(text: string): boolean {
    const operator = text.slice(text.lastIndexOf(' ') + 1);
    if (operator === 'rg') return this.#colour(forms.colour.exec(text));
    if (this.#rules) {
      this.#rules = operator !== 'EMC';
      return !this.#rules || isRule(forms.rule.exec(text));
    }
    switch (operator) {
      case 'TJ':
        return !this.#bright && forms.show.test(text);
      case 'Tm':
        return isOnPage(forms.place.exec(text));
      case 'Tf':
        return isBetween(forms.font.exec(text), fontSizes.smallest, fontSizes.largest);
      case 'Ts':
        return isBetween(forms.rise.exec(text), -fontSizes.largest, fontSizes.largest);
      case 'BDC':
        return forms.begin.test(text);
      case 'Q':
        return forms.seal.test(text);
      default:
        return text === 'BT' || text === 'ET' || text === 'EMC';
    }
  }

  #colour(match: RegExpExecArray | null): boolean {
    this.#bright = match?.slice(1).some((part) => Number(part) > brightestText) ?? true;
    return match !== null;
  }
}

function isRule(match: RegExpExecArray | null): boolean {
  return match !== null && Number(match[3]) >= rules.narrowest && within(Number(match[4]), 0, rules.thickest);
}

function isOnPage(match: RegExpExecArray | null): boolean {
  return (
    match !== null && within(Number(match[1]), 0, page.width) && within(Number(match[2]), 0, page.height)
  );
}

function isBetween(match: RegExpExecArray | null, from: number, to: number): boolean {
  return match !== null && within(Number(match[1]), from, to);
}

/** The seal with its quiet zone stands upright on the page, at a size that can be read. */
function sealFault(file: PdfFile): string | undefined {
  for (const { matrix, placement } of drawnSeals(file)) {
    const [a, b, c, d, x, y] = placement;
    const side = a * (matrix.size + 8);
    const upright = b === 0 && c === 0 && a === d && a >= smallestModule;
    if (!upright || !within(x, 0, page.width - side) || !within(y, 0, page.height - side))
      return `q ${placement.join(' ')} cm`;
  }
  return undefined;
}

/**
 * The first thing that a page draws and no document of a post does: a picture, a path, text that is too small, too
 * bright, off the page or painted in another way. What is left can be read by eye as by program, as far as the shapes of
 * the embedded fonts are what they say.
 */
export function strangeDrawing(file: PdfFile): string | undefined {
  for (const each of pagesOf(file)) {
    const content = oneByteText.decode(contentsOf(file, each)).split('\n');
    if (content[0] !== rulesBegin) return content[0]?.slice(0, longestShown);
    const lines = new PageLines();
    // The last line is ended too.
    const strange =
      content.slice(1, -1).find((text) => !lines.follows(text)) ?? (content.at(-1) || undefined);
    if (strange !== undefined) return strange.slice(0, longestShown);
  }
  return sealFault(file);
}
