import { sealResources } from '../seal-form.ts';
import { invalid, tooComplex } from './bounds.ts';
import { identity, type Matrix, multiply, numbers, readOperators } from './content.ts';
import type { PdfFile } from './document.ts';
import { type Decode, readFont } from './font.ts';
import { isArray, isDict, type PdfDict, type PdfObject, type PdfStream, PdfString } from './objects.ts';
import { contentsOf, type Page, pagesOf } from './pages.ts';
import { readSealForm, type SealMatrix } from './seal.ts';
import { textString } from './text-string.ts';

/** A text that stands in place of glyphs (ISO 32000-2 §14.9.4), and what the glyphs say by themselves. */
export interface Replacement {
  readonly actualText: string;
  readonly shown: string;
}

export interface DrawnSeal {
  readonly kind: keyof typeof sealResources;
  readonly matrix: SealMatrix;
  /** From module units to points of the page: the form's /Matrix and what was in force when it was drawn. */
  readonly placement: Matrix;
}

/** What a page says, in the order of its content. A line end stands where the line or the marked content changes. */
export interface PageContent {
  readonly text: string;
  /** Text of /Artifact content: headers, footers, page numbers. */
  readonly artifacts: string;
  /** Text that is never painted: render modes 3 and 7, and /ActualText over nothing. */
  readonly hidden: string;
  readonly replacements: readonly Replacement[];
  readonly seals: readonly DrawnSeal[];
}

const sealKinds = ['seal', 'travel-seal'] as const;
const maxFormDepth = 12;
/** What drawing a form costs in operators. */
const formCost = 32;
const maxStates = 128;
const maxMarks = 64;
/** Two baselines further apart than this many points are two lines. */
const lineTolerance = 1;

interface State {
  readonly ctm: Matrix;
  readonly font: Decode | undefined;
  readonly leading: number;
  readonly mode: number;
}

interface Mark {
  readonly artifact: boolean;
  /** Whether it begins a new piece of content: marked by an identifier or as an artifact. */
  readonly piece: boolean;
  readonly actualText: string | undefined;
  shown: string | undefined;
}

/** One of the three texts of a page, with the place of what was written last. */
class Flow {
  text = '';
  #baseline = Number.NaN;
  #piece = 0;

  write(text: string, baseline: number, piece: number): void {
    const sameLine = Math.abs(baseline - this.#baseline) <= lineTolerance && piece === this.#piece;
    if (this.text !== '' && !sameLine) this.text += '\n';
    this.text += text;
    this.#baseline = baseline;
    this.#piece = piece;
  }
}

/** The operators of ISO 32000-2 annex A that neither show text nor move it. */
const silent = new Set(
  'w J j M d ri i gs m l c v y h re S s f F f* B B* b b* n W W* CS cs SC SCN sc scn G g RG rg K k sh MP DP Tc Tw Tz Ts d0 d1'.split(
    ' ',
  ),
);

class PageReader {
  readonly #file: PdfFile;
  readonly #fonts: Map<PdfDict, Decode>;
  readonly #flows = { text: new Flow(), artifacts: new Flow(), hidden: new Flow() };
  readonly #replacements: Replacement[] = [];
  readonly #seals: DrawnSeal[] = [];
  readonly #marks: Mark[] = [];
  readonly #forms = new Set<PdfStream>();
  #state: State = { ctm: identity, font: undefined, leading: 0, mode: 0 };
  #textMatrix: Matrix | undefined;
  #piece = 1;

  constructor(file: PdfFile, fonts: Map<PdfDict, Decode>) {
    this.#file = file;
    this.#fonts = fonts;
  }

  read(page: Page): PageContent {
    this.#run(contentsOf(this.#file, page), page.resources);
    const { text, artifacts, hidden } = this.#flows;
    return {
      text: text.text,
      artifacts: artifacts.text,
      hidden: hidden.text,
      replacements: this.#replacements,
      seals: this.#seals,
    };
  }

  /** A page's or a form's content: states, text objects and marks that it opens it must close. */
  #run(content: Uint8Array, resources: PdfDict): void {
    const states: State[] = [];
    const marks = this.#marks.length;
    let sections = 0;
    readOperators(content, this.#file.budget, (operator, operands) => {
      switch (operator) {
        case 'q':
          if (states.push(this.#state) > maxStates) tooComplex('too many saved graphics states');
          return;
        case 'Q':
          this.#state = states.pop() ?? invalid(0, 'Q without q');
          return;
        case 'cm':
          this.#state = { ...this.#state, ctm: multiply(matrixOf(operator, operands), this.#state.ctm) };
          return;
        case 'BT':
          if (this.#textMatrix) invalid(0, 'a text object inside another');
          this.#textMatrix = identity;
          return;
        case 'ET':
          if (!this.#textMatrix) invalid(0, 'ET without BT');
          this.#textMatrix = undefined;
          return;
        case 'Tf':
          this.#setFont(operands, resources);
          return;
        case 'TL':
          this.#state = { ...this.#state, leading: numbers(operator, operands, 1)[0] as number };
          return;
        case 'Tr':
          this.#state = { ...this.#state, mode: numbers(operator, operands, 1)[0] as number };
          return;
        case 'Tm':
          this.#moveTo(matrixOf(operator, operands));
          return;
        case 'Td':
          this.#move(numbers(operator, operands, 2));
          return;
        case 'TD': {
          const offset = numbers(operator, operands, 2);
          this.#state = { ...this.#state, leading: -(offset[1] as number) };
          this.#move(offset);
          return;
        }
        case 'T*':
          this.#nextLine();
          return;
        case 'Tj':
          this.#show(operands[0]);
          return;
        case "'":
          this.#nextLine();
          this.#show(operands[0]);
          return;
        case '"':
          this.#nextLine();
          this.#show(operands[2]);
          return;
        case 'TJ':
          this.#showArray(operands[0]);
          return;
        case 'BMC':
        case 'BDC':
          this.#beginMark(operands[0], operator === 'BDC' ? operands[1] : undefined, resources);
          return;
        case 'EMC':
          if (this.#marks.length <= marks) invalid(0, 'EMC without a beginning');
          this.#endMark();
          return;
        case 'Do':
          this.#draw(operands[0], resources);
          return;
        case 'BX':
          sections++;
          return;
        case 'EX':
          if (--sections < 0) invalid(0, 'EX without BX');
          return;
        default:
          if (!silent.has(operator) && sections === 0) invalid(0, `the unknown operator ${operator}`);
      }
    });
    if (states.length > 0 || sections > 0 || this.#textMatrix || this.#marks.length !== marks)
      invalid(0, 'a content stream that does not close what it opened');
  }

  #moveTo(matrix: Matrix): void {
    if (!this.#textMatrix) invalid(0, 'a text position outside a text object');
    this.#textMatrix = matrix;
  }

  #move([x, y]: readonly number[]): void {
    const from = this.#textMatrix ?? invalid(0, 'a text position outside a text object');
    this.#textMatrix = multiply([1, 0, 0, 1, x as number, y as number], from);
  }

  #nextLine(): void {
    this.#move([0, -this.#state.leading]);
  }

  #setFont(operands: readonly PdfObject[], resources: PdfDict): void {
    const [name, size] = operands;
    if (typeof name !== 'string' || typeof size !== 'number' || operands.length !== 2)
      invalid(0, 'Tf takes a name and a size');
    const { ctm, leading, mode } = this.#state;
    this.#state = { ctm, font: this.#font(name, resources), leading, mode };
  }

  #font(name: string, resources: PdfDict): Decode {
    const dict = this.#file.dict(this.#file.dict(resources.get('Font'))?.get(name));
    if (!dict) invalid(0, `the font ${name} is not among the resources`);
    const known = this.#fonts.get(dict);
    if (known) return known;
    const font = readFont(this.#file, dict);
    this.#fonts.set(dict, font);
    return font;
  }

  #show(value: PdfObject | undefined): void {
    if (!(value instanceof PdfString)) invalid(0, 'a text operator without a string');
    this.#write((this.#state.font ?? invalid(0, 'text is shown before a font is set'))(value));
  }

  #showArray(value: PdfObject | undefined): void {
    if (!isArray(value)) invalid(0, 'TJ takes an array');
    const font = this.#state.font ?? invalid(0, 'text is shown before a font is set');
    let text = '';
    for (const item of value) {
      if (item instanceof PdfString) text += font(item);
      else if (typeof item !== 'number') invalid(0, 'TJ takes strings and numbers');
    }
    this.#write(text);
  }

  #write(shown: string): void {
    const textMatrix = this.#textMatrix ?? invalid(0, 'text is shown outside a text object');
    if (shown === '') return;
    this.#file.budget.spendText(shown.length);
    const replaced = this.#marks.find((mark) => mark.actualText !== undefined);
    const first = replaced?.shown === undefined;
    if (replaced) replaced.shown = (replaced.shown ?? '') + shown;
    const text = replaced ? (replaced.actualText ?? '') : shown;
    if (replaced && !first) return;
    const { ctm, mode } = this.#state;
    const baseline = textMatrix[4] * ctm[1] + textMatrix[5] * ctm[3] + ctm[5];
    this.#flow(mode === 3 || mode === 7).write(text, baseline, this.#piece);
  }

  #flow(hidden: boolean): Flow {
    if (hidden) return this.#flows.hidden;
    return this.#marks.some((mark) => mark.artifact) ? this.#flows.artifacts : this.#flows.text;
  }

  #beginMark(tag: PdfObject | undefined, properties: PdfObject | undefined, resources: PdfDict): void {
    if (typeof tag !== 'string') invalid(0, 'marked content without a tag');
    const dict =
      typeof properties === 'string'
        ? this.#file.dict(this.#file.dict(resources.get('Properties'))?.get(properties))
        : properties;
    if (properties !== undefined && !isDict(dict)) invalid(0, 'marked content with unknown properties');
    const given = isDict(dict) ? this.#file.resolve(dict.get('ActualText')) : null;
    if (given !== null && !(given instanceof PdfString)) invalid(0, '/ActualText is not a string');
    const actualText = given === null ? undefined : textString(given);
    if (actualText) this.#file.budget.spendText(actualText.length);
    const artifact = tag === 'Artifact';
    const piece = artifact || (isDict(dict) && dict.has('MCID'));
    if (piece) this.#piece++;
    if (this.#marks.push({ artifact, piece, actualText, shown: undefined }) > maxMarks)
      tooComplex('marked content is nested too deeply');
  }

  #endMark(): void {
    const mark = this.#marks.pop();
    if (mark?.piece) this.#piece++;
    if (!mark?.actualText) return;
    // Nested ones count only where no outer one stands in their place.
    if (this.#marks.some((outer) => outer.actualText !== undefined)) return;
    this.#replacements.push({ actualText: mark.actualText, shown: mark.shown ?? '' });
    if (mark.shown === undefined) this.#flows.hidden.write(mark.actualText, Number.NaN, this.#piece);
  }

  #draw(name: PdfObject | undefined, resources: PdfDict): void {
    if (typeof name !== 'string') invalid(0, 'Do takes a name');
    const object = this.#file.stream(this.#file.dict(resources.get('XObject'))?.get(name));
    if (!object) invalid(0, `the object ${name} is not among the resources`);
    const subtype = this.#file.name(object.dict.get('Subtype'));
    if (subtype === 'Image') return;
    if (subtype !== 'Form') invalid(object.start, 'an external object that is neither form nor image');
    const own = this.#file.array(object.dict.get('Matrix'))?.map((item) => this.#file.resolve(item));
    const placement = multiply(own ? matrixOf('Matrix', own) : identity, this.#state.ctm);
    for (const kind of sealKinds)
      if (name === sealResources[kind]) {
        this.#seals.push({ kind, matrix: readSealForm(this.#file, object), placement });
        return;
      }
    if (this.#forms.has(object)) invalid(object.start, 'a form that draws itself');
    if (this.#forms.size >= maxFormDepth) tooComplex(`forms nested more than ${maxFormDepth} levels`);
    if (this.#textMatrix) invalid(object.start, 'a form drawn inside a text object');
    this.#file.budget.spendOperators(formCost);
    const outer = this.#state;
    this.#forms.add(object);
    this.#state = { ...outer, ctm: placement };
    this.#run(this.#file.data(object), this.#file.dict(object.dict.get('Resources')) ?? resources);
    this.#state = outer;
    this.#forms.delete(object);
  }
}

function matrixOf(operator: string, operands: readonly PdfObject[]): Matrix {
  // A copy: the operands are used again for the next operator.
  return [...numbers(operator, operands, 6)] as unknown as Matrix;
}

const kept = new WeakMap<PdfFile, readonly PageContent[]>();

/**
 * The content of every page as it is drawn, read once for a file.
 * @throws ConsulError PDF_INVALID for content that is not whole, PDF_TOO_COMPLEX
 */
export function pageContents(file: PdfFile): readonly PageContent[] {
  const known = kept.get(file);
  if (known) return known;
  const fonts = new Map<PdfDict, Decode>();
  const contents = pagesOf(file).map((page) => new PageReader(file, fonts).read(page));
  kept.set(file, contents);
  return contents;
}

/** The text of every page: shown text through /ToUnicode and /ActualText in the order of the content. */
export function pageTexts(file: PdfFile): readonly { readonly text: string; readonly artifacts: string }[] {
  return pageContents(file).map(({ text, artifacts }) => ({ text, artifacts }));
}

/** The seals that the pages draw, in order; a genuine document has exactly one. */
export function drawnSeals(file: PdfFile): readonly (DrawnSeal & { readonly page: number })[] {
  return pageContents(file).flatMap(({ seals }, page) => seals.map((seal) => ({ ...seal, page })));
}
