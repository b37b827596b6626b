import { invalid } from './bounds.ts';
import { readToUnicode, type ToUnicode } from './cmap.ts';
import type { PdfFile } from './document.ts';
import { isArray, isDict, type PdfDict, type PdfString } from './objects.ts';

/** Gives the text of a shown string; a code without a known character is U+FFFD, never nothing. */
export type Decode = (shown: PdfString) => string;

const unknown = '\ufffd';

/** Windows-1252 from 0x80 (ISO 32000-2 annex D); what it leaves undefined is a bullet there. */
const winAnsiHigh = '€•‚ƒ„…†‡ˆ‰Š‹Œ•Ž••‘’“”•–—˜™š›œ•žŸ';

function winAnsi(code: number): string {
  if (code < 0x20) return unknown;
  if (code >= 0x80 && code < 0xa0) return winAnsiHigh[code - 0x80] as string;
  return String.fromCharCode(code);
}

/** Glyph names that say their character by themselves: `uniXXXX` and single Latin letters. */
function characterOfGlyph(name: string): string {
  const uni = /^uni([0-9A-F]{4})$/.exec(name)?.[1];
  if (uni) return String.fromCharCode(Number.parseInt(uni, 16));
  return /^[A-Za-z]$/.test(name) ? name : unknown;
}

let scratch = new Uint8Array(1024);

/** The bytes of a string in a buffer that the next call uses again. */
function read(shown: PdfString): { bytes: Uint8Array; length: number } {
  if (shown.room > scratch.length) scratch = new Uint8Array(shown.room);
  return { bytes: scratch, length: shown.read(scratch) };
}

function compositeDecoder(file: PdfFile, font: PdfDict, map: ToUnicode | undefined): Decode {
  const identity = file.name(font.get('Encoding')) === 'Identity-H';
  return (shown) => {
    const { bytes, length } = read(shown);
    if (length % 2 !== 0) invalid(shown.start, 'a string of odd length in a font of two-byte codes');
    let text = '';
    for (let i = 0; i < length; i += 2)
      text +=
        (identity ? map?.[((bytes[i] as number) << 8) | (bytes[i + 1] as number)] : undefined) ?? unknown;
    return text;
  };
}

/** The texts of a simple font: ToUnicode, else /Differences, else Windows-1252 or ASCII of the base encoding. */
function simpleDecoder(file: PdfFile, font: PdfDict, map: ToUnicode | undefined): Decode {
  const encoding = file.resolve(font.get('Encoding'));
  const base = isDict(encoding) ? file.name(encoding.get('BaseEncoding')) : encoding;
  const table: string[] = [];
  for (let code = 0; code < 256; code++) {
    if (base === 'WinAnsiEncoding') table.push(winAnsi(code));
    else table.push(code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : unknown);
  }
  const differences = isDict(encoding) ? file.array(encoding.get('Differences')) : undefined;
  let code = 0;
  for (const item of differences ?? []) {
    const value = file.resolve(item);
    if (typeof value === 'number') code = value;
    else if (typeof value === 'string') {
      if (code >= 0 && code < 256) table[code] = characterOfGlyph(value);
      code++;
    } else invalid(0, '/Differences of another form');
  }
  for (let key = 0; key < 256; key++) table[key] = map?.[key] ?? (table[key] as string);
  return (shown) => {
    const { bytes, length } = read(shown);
    let text = '';
    for (let i = 0; i < length; i++) text += table[bytes[i] as number];
    return text;
  };
}

/**
 * How the strings shown in a font are read (ISO 32000-2 §9.10.2).
 * @throws ConsulError PDF_INVALID for a malformed font or CMap
 */
export function readFont(file: PdfFile, font: PdfDict): Decode {
  const stream = file.resolve(font.get('ToUnicode'));
  const map =
    stream === null || typeof stream === 'string' || isArray(stream)
      ? undefined
      : readToUnicode(file, file.stream(stream) ?? invalid(0, '/ToUnicode is not a stream'));
  return file.name(font.get('Subtype')) === 'Type0'
    ? compositeDecoder(file, font, map)
    : simpleDecoder(file, font, map);
}
