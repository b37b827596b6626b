import { equalBytes } from '../../bytes.ts';
import { type Budget, invalid, tooComplex } from './bounds.ts';
import type { PdfFile } from './document.ts';
import { Keyword, Lexer } from './lexer.ts';
import { isArray, type PdfObject, type PdfStream, PdfString } from './objects.ts';

/** The text of each character code (ISO 32000-2 §9.10.3). */
export type ToUnicode = readonly (string | undefined)[];

const maxMappings = 70_000;

function codeOf(value: PdfObject | undefined): number {
  if (!(value instanceof PdfString) || value.bytes.length === 0 || value.bytes.length > 4)
    invalid(0, 'a character code in a CMap of another form');
  return value.bytes.reduce((code, octet) => code * 256 + octet, 0);
}

function utf16(bytes: Uint8Array): string {
  if (bytes.length % 2 !== 0 || bytes.length > 512) invalid(0, 'a text in a CMap of another form');
  let text = '';
  for (let i = 0; i < bytes.length; i += 2)
    text += String.fromCharCode(((bytes[i] as number) << 8) | (bytes[i + 1] as number));
  return text;
}

function textOf(value: PdfObject | undefined): string {
  if (!(value instanceof PdfString)) invalid(0, 'a text in a CMap of another form');
  return utf16(value.bytes);
}

class MappingTable {
  readonly texts: (string | undefined)[] = [];
  #left = maxMappings;

  set(code: number, text: string): void {
    if (--this.#left < 0) tooComplex(`more than ${maxMappings} mappings in a CMap`);
    if (code > 0xffff) invalid(0, 'a character code of more than two bytes');
    this.texts[code] = text;
  }

  setChars(operands: readonly PdfObject[]): void {
    if (operands.length % 2 !== 0) invalid(0, 'a bfchar section of another form');
    for (let i = 0; i < operands.length; i += 2) this.set(codeOf(operands[i]), textOf(operands[i + 1]));
  }

  setRanges(operands: readonly PdfObject[]): void {
    if (operands.length % 3 !== 0) invalid(0, 'a bfrange section of another form');
    for (let i = 0; i < operands.length; i += 3) {
      const low = codeOf(operands[i]);
      const high = codeOf(operands[i + 1]);
      const target = operands[i + 2];
      if (high < low) invalid(0, 'a bfrange that runs backwards');
      if (isArray(target)) {
        if (target.length !== high - low + 1) invalid(0, 'a bfrange with a wrong number of texts');
        for (const [n, text] of target.entries()) this.set(low + n, textOf(text));
        continue;
      }
      const text = textOf(target);
      const last = text.charCodeAt(text.length - 1);
      if (text === '' || last + high - low > 0xffff) invalid(0, 'a bfrange that runs over');
      for (let code = low; code <= high; code++)
        this.set(code, text.slice(0, -1) + String.fromCharCode(last + code - low));
    }
  }
}

function parseToUnicode(content: Uint8Array, budget: Budget): ToUnicode {
  const lexer = new Lexer(content, 0, content.length, budget, { references: false });
  const table = new MappingTable();
  let operands: PdfObject[] = [];
  for (let token = lexer.next(); token !== undefined; token = lexer.next()) {
    if (!(token instanceof Keyword)) {
      operands.push(token);
      continue;
    }
    if (token.text === 'usecmap') invalid(0, 'a CMap that builds on another');
    if (token.text === 'endbfchar') table.setChars(operands);
    else if (token.text === 'endbfrange') table.setRanges(operands);
    operands = [];
  }
  return table.texts;
}

interface Kept {
  readonly raw: Uint8Array;
  readonly map: ToUnicode;
}

/*
 * Documents of one template carry the same CMaps byte for byte. The last few are kept, found by a hash and confirmed by
 * comparison of every byte.
 */
const maxKept = 64;
const maxKeptBytes = 16 << 10;
const kept = new Map<string, Kept>();

function fingerprint(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return `${bytes.length}:${hash}`;
}

/**
 * The /ToUnicode CMap of a font.
 * @throws ConsulError PDF_INVALID, PDF_TOO_COMPLEX
 */
export function readToUnicode(file: PdfFile, stream: PdfStream): ToUnicode {
  const { raw } = stream;
  // Only the two forms that need no other object: what the bytes mean then depends on the bytes alone.
  const filter = stream.dict.get('Filter');
  const keep =
    raw.length <= maxKeptBytes &&
    !stream.dict.has('DecodeParms') &&
    !stream.dict.has('F') &&
    (filter === undefined || filter === 'FlateDecode');
  const key = keep ? `${filter ?? ''}:${fingerprint(raw)}` : '';
  const known = kept.get(key);
  if (known && equalBytes(known.raw, raw)) return known.map;
  const map = parseToUnicode(file.data(stream), file.budget);
  if (keep) {
    const oldest = kept.keys().next().value;
    if (kept.size >= maxKept && oldest !== undefined) kept.delete(oldest);
    kept.set(key, { raw: new Uint8Array(raw), map });
  }
  return map;
}
