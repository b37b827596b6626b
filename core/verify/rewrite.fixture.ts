import { concatBytes, fromLatin1, latin1, toHex } from '../bytes.ts';
import { readPdf } from '../pdf/read/document.ts';
import { isArray, isDict, type PdfObject, PdfRef, PdfStream, PdfString } from '../pdf/read/objects.ts';

/** For tests only: a PDF taken apart into objects as text, to be changed and put together again as one revision. */
export interface Piece {
  readonly num: number;
  /** The object, or the dictionary of a stream without its delimiters and length. */
  body: string;
  /** Decompressed, as Latin-1. */
  data?: string;
}

const written = (value: PdfObject): string => {
  if (value === null) return 'null';
  if (typeof value === 'string')
    return `/${value.replace(/[^A-Za-z0-9.+_*-]/g, (c) => `#${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}`;
  if (value instanceof PdfString) return `<${toHex(value.bytes)}>`;
  if (value instanceof PdfRef) return `${value.num} ${value.gen} R`;
  if (isArray(value)) return `[${value.map(written).join(' ')}]`;
  if (isDict(value)) return `<<${entries(value)}>>`;
  return String(value);
};

const entries = (dict: ReadonlyMap<string, PdfObject>): string =>
  [...dict].map(([key, value]) => `${written(key)} ${written(value)}`).join(' ');

/** Gives every object to `change`, which edits or adds pieces, and writes what is left of them. */
export function rewritten(pdf: Uint8Array, change: (pieces: Piece[]) => void): Uint8Array {
  const file = readPdf(pdf);
  const [revision] = file.revisions;
  if (!revision) throw new RangeError('a PDF without a revision');
  const pieces: Piece[] = [];
  for (const [num, { value }] of revision.objects) {
    if (value instanceof PdfStream) {
      if (value.dict.get('Type') === 'ObjStm' || value.dict.get('Type') === 'XRef') continue;
      const dict = new Map(value.dict);
      dict.delete('Filter');
      dict.delete('Length');
      pieces.push({ num, body: entries(dict), data: fromLatin1(file.data(value)) });
    } else if (value !== null) pieces.push({ num, body: written(value) });
  }
  change(pieces);
  const parts = [latin1('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n')];
  let at = parts[0]?.length ?? 0;
  let table = 'xref\n0 1\n0000000000 65535 f \n';
  for (const { num, body, data } of pieces) {
    const object =
      data === undefined
        ? latin1(`${num} 0 obj\n${body}\nendobj\n`)
        : latin1(`${num} 0 obj\n<<${body} /Length ${data.length}>>\nstream\n${data}\nendstream\nendobj\n`);
    table += `${num} 1\n${String(at).padStart(10, '0')} 00000 n \n`;
    parts.push(object);
    at += object.length;
  }
  const size = Math.max(...pieces.map(({ num }) => num)) + 1;
  const trailer = ['Root', 'Info', 'ID'].map(
    (key) => `/${key} ${written(revision.trailer.get(key) ?? null)}`,
  );
  parts.push(latin1(`${table}trailer\n<</Size ${size} ${trailer.join(' ')}>>\nstartxref\n${at}\n%%EOF`));
  return concatBytes(...parts);
}

/** Replaces a text in the one piece that has it, in its body or its data. */
export const replacing =
  (from: string | RegExp, to: string) =>
  (pdf: Uint8Array): Uint8Array =>
    rewritten(pdf, (pieces) => {
      let found = false;
      for (const piece of pieces) {
        const [body, data] = [piece.body.replace(from, to), piece.data?.replace(from, to)];
        found ||= body !== piece.body || data !== piece.data;
        piece.body = body;
        if (data !== undefined) piece.data = data;
      }
      if (!found) throw new RangeError(`"${from}" does not occur`);
    });

/** A new object, and the text that refers to it put in place of `from`. */
export const adding =
  (piece: Omit<Piece, 'num'>, from: string | RegExp, to: (reference: string) => string) =>
  (pdf: Uint8Array): Uint8Array => {
    const num = 9000;
    const withPiece = rewritten(pdf, (pieces) => pieces.push({ ...piece, num }));
    return replacing(from, to(`${num} 0 R`))(withPiece);
  };
