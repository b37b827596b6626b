import { invalid } from './bounds.ts';
import { isWhite, type Lexer } from './lexer.ts';
import { isDict, type PdfDict, type PdfObject, PdfRef, PdfStream } from './objects.ts';

export interface IndirectObject {
  readonly num: number;
  readonly gen: number;
  readonly value: PdfObject;
  readonly start: number;
  /** After `endobj`. */
  readonly end: number;
}

/** Finds the length that a stream gives as a reference; throws where that is not a whole number. */
export type LengthOf = (ref: PdfRef, offset: number) => number;

function streamLength(dict: PdfDict, offset: number, lengthOf: LengthOf): number {
  const length = dict.get('Length');
  if (typeof length === 'number') {
    if (!Number.isSafeInteger(length) || length < 0) invalid(offset, '/Length is not a whole number');
    return length;
  }
  if (!(length instanceof PdfRef)) invalid(offset, 'a stream without /Length');
  return lengthOf(length, offset);
}

/** The stream whose dictionary was read and whose keyword `stream` was passed over (ISO 32000-2 §7.3.8.1). */
function readStream(lexer: Lexer, dict: PdfDict, lengthOf: LengthOf): PdfStream {
  const { bytes } = lexer;
  let start = lexer.position;
  if (bytes[start] === 0x0d) start++;
  if (bytes[start] !== 0x0a) lexer.fail('"stream" must be followed by a line end');
  start++;
  const end = start + streamLength(dict, start, lengthOf);
  if (end > lexer.end) invalid(start, 'a stream that ends after the file');
  lexer.position = end;
  if (bytes[lexer.position] === 0x0d) lexer.position++;
  if (bytes[lexer.position] === 0x0a) lexer.position++;
  if (!lexer.accept('endstream')) invalid(end, '/Length of a stream is wrong');
  return new PdfStream(dict, bytes.subarray(start, end), start);
}

/**
 * The object `num gen obj … endobj` that begins exactly at the lexer's position.
 * @throws ConsulError PDF_INVALID for anything else there
 */
export function readIndirect(lexer: Lexer, lengthOf: LengthOf): IndirectObject {
  const start = lexer.position;
  const num = lexer.digits();
  spaceBetween(lexer);
  const gen = lexer.digits();
  spaceBetween(lexer);
  lexer.expect('obj');
  let value = lexer.value();
  lexer.skipSpace();
  if (lexer.accept('stream')) {
    if (!isDict(value)) invalid(start, 'a stream without a dictionary');
    value = readStream(lexer, value, lengthOf);
    lexer.skipSpace();
  }
  if (!lexer.accept('endobj')) lexer.fail(`object ${num} has no endobj`);
  return { num, gen, value, start, end: lexer.position };
}

function spaceBetween(lexer: Lexer): void {
  if (!isWhite(lexer.bytes[lexer.position])) lexer.fail('an object header must stand here');
  while (isWhite(lexer.bytes[lexer.position]) && lexer.position < lexer.end) lexer.position++;
}
