import { deflateSync } from 'node:zlib';
import { concatBytes, latin1 } from '../../bytes.ts';

/** Small PDFs written by hand for the tests of this room, each part under control. */

/** What `act` costs in processor time: the clock on the wall tells more about the other tests. */
export function cpuMilliseconds(act: () => void): number {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

type Body = string | { readonly dict: string; readonly data: Uint8Array | string };

const bytesOf = (text: Uint8Array | string): Uint8Array => (typeof text === 'string' ? latin1(text) : text);

function written(num: number, body: Body): Uint8Array {
  if (typeof body === 'string') return latin1(`${num} 0 obj\n${body}\nendobj\n`);
  const data = bytesOf(body.data);
  return concatBytes(
    latin1(`${num} 0 obj\n<<${body.dict} /Length ${data.length}>>\nstream\n`),
    data,
    latin1('\nendstream\nendobj\n'),
  );
}

export type Objects = Readonly<Record<number, Body>>;

function section(offsets: ReadonlyMap<number, number>): string {
  let table = '';
  for (const [num, offset] of [...offsets].sort(([a], [b]) => a - b))
    table += `${num} 1\n${String(offset).padStart(10, '0')} 00000 n \n`;
  return table;
}

/** One revision with a classic table; object 1 is the catalog. */
export function pdf(objects: Objects, options: { trailer?: string; size?: number } = {}): Uint8Array {
  const parts = [latin1('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n')];
  return finish(parts, objects, `xref\n0 1\n0000000000 65535 f \n`, options);
}

/** The file with an incremental update behind it. */
export function update(
  file: Uint8Array,
  objects: Objects,
  options: { trailer?: string; size?: number; root?: number } = {},
): Uint8Array {
  const text = new TextDecoder('latin1').decode(file);
  const previous = /startxref\n(\d+)\n%%EOF\s*$/.exec(text)?.[1];
  return finish([file, latin1('\n')], objects, 'xref\n', {
    ...options,
    trailer: `/Prev ${previous} ${options.trailer ?? ''}`,
  });
}

function finish(
  parts: Uint8Array[],
  objects: Objects,
  head: string,
  { trailer = '', size = 100, root = 1 }: { trailer?: string; size?: number; root?: number },
): Uint8Array {
  const offsets = new Map<number, number>();
  let at = parts.reduce((sum, part) => sum + part.length, 0);
  for (const [num, body] of Object.entries(objects)) {
    const object = written(Number(num), body);
    offsets.set(Number(num), at);
    parts.push(object);
    at += object.length;
  }
  parts.push(
    latin1(
      `${head}${section(offsets)}trailer\n<</Size ${size} /Root ${root} 0 R ${trailer}>>\nstartxref\n${at}\n%%EOF`,
    ),
  );
  return concatBytes(...parts);
}

export const catalog = '<</Type /Catalog /Pages 2 0 R>>';
export const pages = '<</Type /Pages /Kids [3 0 R] /Count 1>>';

/** A page that shows `content` in the simple font /F1. */
export function pageObjects(content: string | Uint8Array, resources = ''): Objects {
  return {
    1: catalog,
    2: pages,
    3: `<</Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Resources <</Font <</F1 5 0 R>> ${resources}>>>>`,
    4: { dict: '', data: content },
    5: '<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>',
  };
}

export const hello = 'BT /F1 12 Tf 10 100 Td (Hello) Tj ET';

/** A file with its objects in an object stream, and another object there where it is asked for. */
export function xrefStreamFile(
  options: { hidden?: boolean; wrongContainer?: boolean; bomb?: string } = {},
): Uint8Array {
  const all = pageObjects(hello);
  const packed = [1, 2, 3, 5].map((num) => ({ num, body: all[num] as string }));
  if (options.hidden) packed.push({ num: 30, body: '(hidden)' });
  if (options.bomb) packed.push({ num: 30, body: options.bomb });
  let header = '';
  let body = '';
  for (const item of packed) {
    header += `${item.num} ${body.length} `;
    body += `${item.body} `;
  }
  const head = latin1('%PDF-2.0\n');
  const content = latin1(`4 0 obj\n<</Length ${hello.length}>>\nstream\n${hello}\nendstream\nendobj\n`);
  const data = deflateSync(latin1(header + body));
  const container = concatBytes(
    latin1(
      `7 0 obj\n<</Type /ObjStm /N ${packed.length} /First ${header.length} /Filter /FlateDecode /Length ${data.length}>>\nstream\n`,
    ),
    data,
    latin1('\nendstream\nendobj\n'),
  );
  const start = head.length + content.length + container.length;
  const rows: [number, number, number][] = [];
  rows[0] = [0, 0, 255];
  for (const [index, { num }] of packed.entries()) if (num < 9) rows[num] = [2, 7, index];
  rows[4] = [1, head.length, 0];
  rows[6] = [0, 0, 255];
  rows[7] = [1, head.length + content.length, 0];
  rows[8] = [1, start, 0];
  if (options.wrongContainer) rows[5] = [2, 4, 3];
  const table = deflateSync(
    Uint8Array.from(
      rows.flatMap(([kind, place, index]) => [kind, place >> 16, (place >> 8) & 0xff, place & 0xff, index]),
    ),
  );
  const xref = concatBytes(
    latin1(
      `8 0 obj\n<</Type /XRef /Size 9 /W [1 3 1] /Root 1 0 R /Filter /FlateDecode /Length ${table.length}>>\nstream\n`,
    ),
    table,
    latin1(`\nendstream\nendobj\nstartxref\n${start}\n%%EOF\n`),
  );
  return concatBytes(head, content, container, xref);
}

/** SEQUENCE { INTEGER 5 }: DER that stands for a CMS. */
export const der = '3003020105';

const byteRangePlaceholder = '[0 0000000000 0000000000 0000000000]';

export interface SignatureShape {
  readonly contents?: string;
  readonly byteRange?: string;
  readonly extra?: string;
  readonly subFilter?: string;
}

/** The objects of a form with one signature field: 6 the field, 7 the signature dictionary. */
export function signatureObjects(shape: SignatureShape = {}): Objects {
  const {
    contents = `/Contents <${der.padEnd(64, '0')}>`,
    byteRange = `/ByteRange ${byteRangePlaceholder}`,
  } = shape;
  return {
    6: '<</Type /Annot /Subtype /Widget /FT /Sig /T (Signature) /V 7 0 R /P 3 0 R /Rect [0 0 0 0]>>',
    7: `<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /${shape.subFilter ?? 'ETSI.CAdES.detached'} ${byteRange} ${contents} ${shape.extra ?? ''}>>`,
  };
}

export const signedCatalog = '<</Type /Catalog /Pages 2 0 R /AcroForm <</Fields [6 0 R] /SigFlags 3>>>>';

/** Fills in the last placeholder of a byte range so that it covers the file but the /Contents behind it. */
export function fillByteRange(file: Uint8Array): Uint8Array {
  const text = new TextDecoder('latin1').decode(file);
  const at = text.lastIndexOf(byteRangePlaceholder);
  const start = text.indexOf('/Contents <', at) + '/Contents '.length;
  const end = text.indexOf('>', start) + 1;
  const ten = (value: number): string => String(value).padStart(10, '0');
  const out = file.slice();
  out.set(latin1(`[0 ${ten(start)} ${ten(end)} ${ten(file.length - end)}]`), at);
  return out;
}

/** A one-page file with a signature that covers it. */
export function signed(content = hello, shape: SignatureShape = {}): Uint8Array {
  return fillByteRange(pdf({ ...pageObjects(content), 1: signedCatalog, ...signatureObjects(shape) }));
}

/** `file` with the first occurrence of `from` replaced by `to`; of the same length unless offsets may break. */
export function replaced(file: Uint8Array, from: string, to: string): Uint8Array {
  const text = new TextDecoder('latin1').decode(file);
  const at = text.indexOf(from);
  if (at < 0) throw new RangeError(`"${from}" does not occur`);
  // TextDecoder's "latin1" is Windows-1252: cut the bytes, not the text.
  return concatBytes(file.subarray(0, at), latin1(to), file.subarray(at + from.length));
}
