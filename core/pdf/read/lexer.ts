import { type Budget, invalid, tooComplex } from './bounds.ts';
import type { Findings } from './findings.ts';
import { type PdfDict, type PdfObject, PdfRef, PdfString } from './objects.ts';

/** ISO 32000-2 §7.2.3: regular 0, white space 1, delimiter 2. */
const classes = new Uint8Array(256);
for (const octet of [0, 9, 10, 12, 13, 32]) classes[octet] = 1;
for (const character of '()<>[]{}/%') classes[character.charCodeAt(0)] = 2;

/** 1 for a hexadecimal digit, 2 for white space, 0 otherwise. */
const hexClasses = new Uint8Array(256);
for (const character of '0123456789abcdefABCDEF') hexClasses[character.charCodeAt(0)] = 1;
for (let octet = 0; octet < 256; octet++) if (classes[octet] === 1) hexClasses[octet] = 2;

export const isWhite = (octet: number | undefined): boolean => octet !== undefined && classes[octet] === 1;
const isDigit = (octet: number | undefined): boolean => octet !== undefined && octet >= 0x30 && octet <= 0x39;

const maxNameLength = 1024;
const maxStringLength = 16 << 20;
const maxKeys = 10_000;
/** What a string costs beside the unit of every value: it takes about the memory of four numbers. */
const stringCost = 3;

/** Names seen lately, so that the same few hundred keys are not made again for every dictionary. */
const internedNames: string[] = new Array(2048).fill('');

function internName(bytes: Uint8Array, start: number, end: number, hash: number): string {
  const slot = hash & 2047;
  const known = internedNames[slot] as string;
  if (known.length === end - start) {
    let i = 0;
    while (i < known.length && known.charCodeAt(i) === bytes[start + i]) i++;
    if (i === known.length) return known;
  }
  let name = '';
  for (let i = start; i < end; i++) name += String.fromCharCode(bytes[i] as number);
  internedNames[slot] = name;
  return name;
}

/** An operator of a content stream or CMap, or a keyword of the file structure. */
export class Keyword {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The operators of ISO 32000-2 annex A by their one to three bytes, the first lowest. */
const keywords = new Map<number, Keyword>();
for (const text of 'q Q cm w J j M d ri i gs m l c v y h re S s f F f* B B* b b* n W W* BT ET Tc Tw Tz TL Tf Tr Ts Td TD Tm T* Tj TJ \' " d0 d1 CS cs SC SCN sc scn G g RG rg K k sh BI ID EI Do MP DP BMC BDC EMC BX EX'.split(
  ' ',
))
  keywords.set(packed(text), new Keyword(text));

function packed(text: string): number {
  let key = 0;
  for (let i = 0; i < text.length; i++) key |= text.charCodeAt(i) << (8 * i);
  return key;
}

/** Reads tokens and objects of ISO 32000-2 §7.2 and §7.3 from `position` up to `end`. */
export class Lexer {
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;
  readonly #budget: Budget;
  readonly #findings: Findings | undefined;
  /** `n g R` is a reference; not so in content streams. */
  readonly #references: boolean;

  constructor(
    bytes: Uint8Array,
    position: number,
    end: number,
    budget: Budget,
    options: { findings?: Findings; references: boolean },
  ) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
    this.#budget = budget;
    this.#findings = options.findings;
    this.#references = options.references;
  }

  fail(what: string): never {
    return invalid(this.position, what);
  }

  /** Passes over white space and comments; comments are noted where findings are kept. */
  skipSpace(): void {
    const { bytes, end } = this;
    let at = this.position;
    while (at < end) {
      const octet = bytes[at] as number;
      if (classes[octet] === 1) at++;
      else if (octet === 0x25) {
        this.#findings?.note('comment', at, 'a comment inside the file');
        while (at < end && bytes[at] !== 0x0a && bytes[at] !== 0x0d) at++;
      } else break;
    }
    this.position = at;
  }

  /** Whether the regular characters `word` stand here, ended by something else. */
  startsWith(word: string): boolean {
    const { bytes, position } = this;
    if (position + word.length > this.end) return false;
    for (let i = 0; i < word.length; i++) if (bytes[position + i] !== word.charCodeAt(i)) return false;
    const after = position + word.length;
    return after === this.end || classes[bytes[after] as number] !== 0;
  }

  /** Passes over `word` if it stands here. */
  accept(word: string): boolean {
    if (!this.startsWith(word)) return false;
    this.position += word.length;
    return true;
  }

  expect(word: string): void {
    if (!this.accept(word)) this.fail(`"${word}" must stand here`);
  }

  /** Digits alone, at most ten. */
  digits(): number {
    const start = this.position;
    let value = 0;
    while (this.position < this.end && isDigit(this.bytes[this.position]) && this.position - start < 11)
      value = value * 10 + (this.bytes[this.position++] as number) - 0x30;
    const length = this.position - start;
    if (length === 0 || length > 10) this.fail('a whole number must stand here');
    return value;
  }

  /** The next object, or the keyword that stands there; undefined at the end. */
  next(): PdfObject | Keyword | undefined {
    this.skipSpace();
    if (this.position >= this.end) return undefined;
    const octet = this.bytes[this.position] as number;
    if (classes[octet] === 0 && !isDigit(octet) && octet !== 0x2b && octet !== 0x2d && octet !== 0x2e)
      return this.#word();
    return this.#value(0);
  }

  /** The next object; anything else is refused. */
  value(): PdfObject {
    this.skipSpace();
    return this.#value(0);
  }

  #word(): PdfObject | Keyword {
    const start = this.position;
    let at = start;
    let key = 0;
    while (at < this.end && classes[this.bytes[at] as number] === 0) {
      if (at - start < 3) key |= (this.bytes[at] as number) << (8 * (at - start));
      at++;
    }
    this.position = at;
    const known = at - start <= 3 ? keywords.get(key) : undefined;
    if (known) return known;
    if (at - start > 32) this.fail('a word that is too long');
    let text = '';
    for (let i = start; i < at; i++) text += String.fromCharCode(this.bytes[i] as number);
    if (text === 'true') return true;
    if (text === 'false') return false;
    if (text === 'null') return null;
    return new Keyword(text);
  }

  #value(depth: number): PdfObject {
    if (this.position >= this.end) this.fail('an object is cut short');
    this.#budget.spendValues(1);
    const octet = this.bytes[this.position] as number;
    switch (octet) {
      case 0x2f:
        return this.#name();
      case 0x28:
        return this.#literal();
      case 0x3c:
        return this.bytes[this.position + 1] === 0x3c && this.position + 1 < this.end
          ? this.#dictionary(depth)
          : this.#hexadecimal();
      case 0x5b:
        return this.#array(depth);
      case 0x74:
        this.expect('true');
        return true;
      case 0x66:
        this.expect('false');
        return false;
      case 0x6e:
        this.expect('null');
        return null;
      default:
        return this.#number();
    }
  }

  #deeper(depth: number): number {
    if (depth >= this.#budget.bounds.depth) tooComplex(`more than ${this.#budget.bounds.depth} levels`);
    return depth + 1;
  }

  #number(): number | PdfRef {
    const { bytes, end } = this;
    const start = this.position;
    let at = start;
    let octet = bytes[at] as number;
    const signed = octet === 0x2b || octet === 0x2d;
    if (signed) at++;
    const first = at;
    let mantissa = 0;
    for (; at < end; at++) {
      octet = bytes[at] as number;
      if (octet < 0x30 || octet > 0x39) break;
      mantissa = mantissa * 10 + octet - 0x30;
    }
    let digits = at - first;
    let scale = 0;
    if (at < end && octet === 0x2e) {
      const fraction = ++at;
      for (; at < end; at++) {
        octet = bytes[at] as number;
        if (octet < 0x30 || octet > 0x39) break;
        mantissa = mantissa * 10 + octet - 0x30;
      }
      scale = at - fraction;
      digits += scale;
    } else if (this.#references && !signed && digits > 0 && digits <= 10) {
      const ref = this.#reference(mantissa, at);
      if (ref) return ref;
    }
    if (digits === 0 || (at < end && classes[octet] === 0)) this.fail('neither an object nor a number');
    if (digits > 32) this.fail('a number that is too long');
    this.position = at;
    const negative = bytes[start] === 0x2d;
    if (digits <= 15) {
      const value = scale === 0 ? mantissa : mantissa / 10 ** scale;
      return negative ? -value : value;
    }
    let text = '';
    for (let i = start; i < at; i++) text += String.fromCharCode(bytes[i] as number);
    return Number(text);
  }

  /** The reference whose object number ended at `at`, or undefined where no `g R` follows. */
  #reference(num: number, at: number): PdfRef | undefined {
    const { bytes, end } = this;
    let i = at;
    while (i < end && classes[bytes[i] as number] === 1) i++;
    if (i === at) return undefined;
    const start = i;
    let gen = 0;
    while (i < end && i - start < 6 && isDigit(bytes[i])) gen = gen * 10 + (bytes[i++] as number) - 0x30;
    const afterGen = i;
    while (i < end && classes[bytes[i] as number] === 1) i++;
    if (afterGen === start || i === afterGen || bytes[i] !== 0x52 || i >= end) return undefined;
    if (i + 1 < end && classes[bytes[i + 1] as number] === 0) return undefined;
    this.position = i + 1;
    this.#budget.spendValues(1);
    return new PdfRef(num, gen);
  }

  #name(): string {
    const { bytes, end } = this;
    const start = this.position + 1;
    let at = start;
    let hash = 0;
    let escaped = false;
    while (at < end) {
      const octet = bytes[at] as number;
      if (classes[octet] !== 0) break;
      if (octet === 0x23) escaped = true;
      hash = (Math.imul(hash, 31) + octet) | 0;
      at++;
    }
    if (at - start > maxNameLength) this.fail('a name that is too long');
    if (escaped) return this.#escapedName(start, at);
    this.position = at;
    return internName(bytes, start, at, hash);
  }

  #escapedName(start: number, end: number): string {
    let name = '';
    for (let i = start; i < end; i++) {
      let octet = this.bytes[i] as number;
      if (octet === 0x23) {
        if (
          hexClasses[this.bytes[i + 1] ?? 0] !== 1 ||
          hexClasses[this.bytes[i + 2] ?? 0] !== 1 ||
          i + 2 >= end
        )
          this.fail('a # in a name without two hexadecimal digits');
        octet = Number.parseInt(
          String.fromCharCode(this.bytes[i + 1] as number, this.bytes[i + 2] as number),
          16,
        );
        if (octet === 0) this.fail('a zero byte in a name');
        if (octet > 0x20 && octet < 0x7f && octet !== 0x23 && classes[octet] === 0)
          this.#findings?.note('escaped-name', i, 'a name hides a regular character as #xx');
        i += 2;
      }
      name += String.fromCharCode(octet);
    }
    this.position = end;
    return name;
  }

  #literal(): PdfString {
    const { bytes, end } = this;
    const start = this.position;
    let open = 0;
    let at = start;
    for (; at < end; at++) {
      const octet = bytes[at] as number;
      if (octet === 0x5c) at++;
      else if (octet === 0x28) open++;
      else if (octet === 0x29 && --open === 0) break;
    }
    if (at >= end) this.fail('a string without an end');
    if (at - start > maxStringLength) tooComplex('a string that is too long');
    this.#budget.spendValues(stringCost);
    this.position = at + 1;
    return new PdfString(bytes, start, at + 1);
  }

  #hexadecimal(): PdfString {
    const { bytes, end } = this;
    const start = this.position;
    let at = start + 1;
    let digits = 0;
    for (; at < end; at++) {
      const kind = hexClasses[bytes[at] as number];
      if (kind === 1) digits++;
      else if (kind === 0) break;
    }
    if (at >= end || bytes[at] !== 0x3e) invalid(at, 'a hexadecimal string with another character');
    if (at - start > maxStringLength) tooComplex('a string that is too long');
    this.#budget.spendValues(stringCost);
    if (digits % 2 !== 0) this.#findings?.note('odd-hex-string', start, 'a hexadecimal string of odd length');
    this.position = at + 1;
    return new PdfString(bytes, start, at + 1);
  }

  #array(depth: number): PdfObject[] {
    const deeper = this.#deeper(depth);
    this.#budget.spendValues(3);
    this.position++;
    const items: PdfObject[] = [];
    for (;;) {
      this.skipSpace();
      if (this.bytes[this.position] === 0x5d && this.position < this.end) break;
      items.push(this.#value(deeper));
    }
    this.position++;
    return items;
  }

  #dictionary(depth: number): PdfDict {
    const deeper = this.#deeper(depth);
    this.#budget.spendValues(7);
    this.position += 2;
    const entries = new Map<string, PdfObject>();
    for (;;) {
      this.skipSpace();
      const octet = this.bytes[this.position];
      if (octet === 0x3e) {
        if (this.bytes[this.position + 1] !== 0x3e || this.position + 1 >= this.end)
          this.fail('a dictionary without an end');
        break;
      }
      if (octet !== 0x2f || this.position >= this.end) this.fail('a dictionary key must be a name');
      const at = this.position;
      const key = this.#name();
      this.skipSpace();
      const value = this.#value(deeper);
      if (entries.has(key)) this.#findings?.note('duplicate-key', at, `the key /${key} stands twice`);
      else if (entries.size >= maxKeys) tooComplex(`a dictionary of more than ${maxKeys} keys`);
      else entries.set(key, value);
    }
    this.position += 2;
    return entries;
  }
}
