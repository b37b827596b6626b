import { compareBytes, fromLatin1, fromUtf8, toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { tag } from './tags.ts';

const maxDepth = 64;

/** Of numbers and identifiers that are converted: beyond any key, and reading stays linear. */
const maxIntegerOctets = 4096;
const maxOidOctets = 128;

function fail(offset: number, what: string): never {
  throw new ConsulError('DER_INVALID', `not DER at byte ${offset}: ${what}`);
}

/** Length and start of the content at `offset`; refuses what BER allows and DER does not (X.690 §10.1, §8.1.2). */
function readHeader(bytes: Uint8Array, offset: number, end: number): { content: number; end: number } {
  if (offset + 2 > end) fail(offset, 'the element is cut short');
  const identifier = bytes[offset] as number;
  if ((identifier & 0x1f) === 0x1f) fail(offset, 'a tag number above 30');
  const first = bytes[offset + 1] as number;
  let content = offset + 2;
  let length = first;
  if (first === 0x80) fail(offset, 'an indefinite length');
  if (first > 0x80) {
    const octets = first & 0x7f;
    if (octets > 4) fail(offset, 'a length of more than four octets');
    if (content + octets > end) fail(offset, 'the length is cut short');
    length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + (bytes[content + i] as number);
    if (length < 0x80 || bytes[content] === 0) fail(offset, 'a length that is not minimal');
    content += octets;
  }
  if (length > end - content) fail(offset, 'the content is cut short');
  return { content, end: content + length };
}

function checkUniversal(bytes: Uint8Array, offset: number, content: number, end: number): void {
  const identifier = bytes[offset] as number;
  if (identifier === 0 || identifier === 0x20) fail(offset, 'an end-of-contents element');
  const number = identifier & 0x1f;
  const mustBeConstructed = number === 0x10 || number === 0x11;
  if (mustBeConstructed !== ((identifier & 0x20) !== 0))
    fail(offset, mustBeConstructed ? 'a primitive SEQUENCE or SET' : 'a constructed string');
  const length = end - content;
  const first = bytes[content] as number;
  switch (identifier) {
    case tag.boolean:
      if (length !== 1 || (first !== 0 && first !== 0xff)) fail(offset, 'a BOOLEAN other than 00 and FF');
      return;
    case tag.integer:
    case tag.enumerated: {
      if (length === 0) fail(offset, 'an empty INTEGER');
      const second = bytes[content + 1] as number;
      if (length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
        fail(offset, 'an INTEGER that is not minimal');
      return;
    }
    case tag.bitString: {
      if (length === 0 || first > 7 || (length === 1 && first !== 0)) fail(offset, 'a malformed BIT STRING');
      const last = bytes[end - 1] as number;
      if (length > 1 && (last & ((1 << first) - 1)) !== 0) fail(offset, 'unused bits that are not zero');
      return;
    }
    case tag.null:
      if (length !== 0) fail(offset, 'a NULL with content');
      return;
    case tag.oid: {
      if (length === 0 || (bytes[end - 1] as number) >= 0x80) fail(offset, 'a malformed OBJECT IDENTIFIER');
      let start = true;
      for (let i = content; i < end; i++) {
        const octet = bytes[i] as number;
        if (start && octet === 0x80) fail(offset, 'an OBJECT IDENTIFIER that is not minimal');
        start = octet < 0x80;
      }
      return;
    }
  }
}

function checkElements(bytes: Uint8Array, start: number, end: number, depth: number): void {
  if (depth > maxDepth) fail(start, `more than ${maxDepth} levels`);
  let offset = start;
  while (offset < end) {
    const header = readHeader(bytes, offset, end);
    const identifier = bytes[offset] as number;
    if ((identifier & 0xc0) === 0) checkUniversal(bytes, offset, header.content, header.end);
    if ((identifier & 0x20) !== 0) checkElements(bytes, header.content, header.end, depth + 1);
    offset = header.end;
  }
}

/**
 * One element of a strictly checked DER text (X.690 §10, §11). Accessors refuse an element of another type, so
 * that code which reads a structure reads like its ASN.1. All throw ConsulError DER_INVALID.
 */
export class DerNode {
  readonly #source: Uint8Array;
  readonly #start: number;
  readonly #content: number;
  readonly #end: number;
  #children: readonly DerNode[] | undefined;

  constructor(source: Uint8Array, start: number, content: number, end: number) {
    this.#source = source;
    this.#start = start;
    this.#content = content;
    this.#end = end;
  }

  /** The identifier octet. */
  get tag(): number {
    return this.#source[this.#start] as number;
  }

  /** The whole element, header included: what signatures and digests are made over. */
  get bytes(): Uint8Array {
    return this.#source.subarray(this.#start, this.#end);
  }

  get content(): Uint8Array {
    return this.#source.subarray(this.#content, this.#end);
  }

  fail(what: string): never {
    return fail(this.#start, what);
  }

  expect(identifier: number): this {
    if (this.tag !== identifier)
      this.fail(`tag 0x${this.tag.toString(16)} where 0x${identifier.toString(16)} must stand`);
    return this;
  }

  /** The elements inside a constructed element of any tag. */
  get children(): readonly DerNode[] {
    if (this.#children) return this.#children;
    if ((this.tag & 0x20) === 0) this.fail('a primitive element where a constructed one must stand');
    const children: DerNode[] = [];
    let offset = this.#content;
    while (offset < this.#end) {
      const header = readHeader(this.#source, offset, this.#end);
      children.push(new DerNode(this.#source, offset, header.content, header.end));
      offset = header.end;
    }
    this.#children = children;
    return children;
  }

  sequence(): readonly DerNode[] {
    return this.expect(tag.sequence).children;
  }

  /** SET OF: the order of X.690 §11.6 is checked; equal members are refused too. */
  setOf(identifier: number = tag.set): readonly DerNode[] {
    const members = this.expect(identifier).children;
    for (let i = 1; i < members.length; i++)
      if (compareBytes((members[i - 1] as DerNode).bytes, (members[i] as DerNode).bytes) >= 0)
        this.fail('a SET OF that is not in order');
    return members;
  }

  /** The only element inside an EXPLICIT tag. */
  explicit(identifier: number): DerNode {
    const children = this.expect(identifier).children;
    if (children.length !== 1) this.fail('an EXPLICIT tag that does not hold one element');
    return children[0] as DerNode;
  }

  /** The same content read under another tag, for IMPLICIT tagging; checked as that type. */
  implicit(identifier: number): DerNode {
    const copy = new Uint8Array(this.bytes);
    copy[0] = identifier;
    return readDer(copy);
  }

  boolean(): boolean {
    return this.expect(tag.boolean).content[0] === 0xff;
  }

  bigint(identifier: number = tag.integer): bigint {
    const content = this.expect(identifier).content;
    if (content.length > maxIntegerOctets) this.fail('an INTEGER that is too large');
    const value = BigInt(`0x${toHex(content)}`);
    return (content[0] as number) >= 0x80 ? value - (1n << BigInt(8 * content.length)) : value;
  }

  /** An INTEGER that must fit a safe JavaScript number. */
  integer(identifier: number = tag.integer): number {
    if (this.content.length > 6) this.fail('an INTEGER that is too large here');
    return Number(this.bigint(identifier));
  }

  oid(identifier: number = tag.oid): string {
    const content = this.expect(identifier).content;
    if (content.length > maxOidOctets) this.fail('an OBJECT IDENTIFIER that is too long');
    const arcs: bigint[] = [];
    let arc = 0n;
    for (const octet of content) {
      arc = (arc << 7n) | BigInt(octet & 0x7f);
      if (octet >= 0x80) continue;
      if (arcs.length === 0) {
        const root = arc >= 80n ? 2n : arc / 40n;
        arcs.push(root, arc - root * 40n);
      } else arcs.push(arc);
      arc = 0n;
    }
    return arcs.join('.');
  }

  octets(): Uint8Array {
    return this.expect(tag.octetString).content;
  }

  /** A BIT STRING of whole octets (keys, signatures). */
  bitOctets(): Uint8Array {
    const content = this.expect(tag.bitString).content;
    if (content[0] !== 0) this.fail('a BIT STRING that is not of whole octets');
    return content.subarray(1);
  }

  /** A named bit list (X.690 §11.2.2: no trailing zero bits); true at position n where bit n is set. */
  namedBits(): readonly boolean[] {
    const content = this.expect(tag.bitString).content;
    const unused = content[0] as number;
    const bits: boolean[] = [];
    for (let i = 1; i < content.length; i++)
      for (let bit = 7; bit >= (i === content.length - 1 ? unused : 0); bit--)
        bits.push((((content[i] as number) >> bit) & 1) === 1);
    if (bits.length > 0 && !bits[bits.length - 1]) this.fail('a named bit list with trailing zeros');
    return bits;
  }

  /** Any of the string types of X.520 DirectoryString and IA5String, as text. */
  text(): string {
    const content = this.content;
    switch (this.tag) {
      case tag.utf8String:
        try {
          return fromUtf8(content);
        } catch {
          return this.fail('a UTF8String that is not UTF-8');
        }
      case tag.printableString: {
        const text = fromLatin1(content);
        if (/[^A-Za-z0-9 '()+,\-./:=?]/.test(text)) this.fail('a character outside PrintableString');
        return text;
      }
      case tag.ia5String:
      case tag.visibleString:
        if (content.some((octet) => octet >= 0x80)) this.fail('a character outside IA5String');
        return fromLatin1(content);
      case tag.teletexString:
        return fromLatin1(content);
      case tag.bmpString: {
        if (content.length % 2 !== 0) this.fail('a BMPString of odd length');
        let text = '';
        for (let i = 0; i < content.length; i += 2)
          text += String.fromCharCode(((content[i] as number) << 8) | (content[i + 1] as number));
        return text;
      }
      case tag.universalString: {
        if (content.length % 4 !== 0) this.fail('a UniversalString of a wrong length');
        let text = '';
        const view = new DataView(content.buffer, content.byteOffset, content.length);
        for (let i = 0; i < content.length; i += 4) {
          const point = view.getUint32(i);
          if (point > 0x10ffff) this.fail('a character outside Unicode');
          text += String.fromCodePoint(point);
        }
        return text;
      }
      default:
        return this.fail('not a string');
    }
  }

  /**
   * UTCTime or GeneralizedTime in the only forms of RFC 5280 §4.1.2.5: seconds present, Zulu. A GeneralizedTime may
   * carry a fraction without trailing zeros where `fraction` allows it (RFC 3161 §2.4.2); milliseconds are kept.
   */
  time(options: { fraction?: boolean } = {}): Date {
    const text = fromLatin1(this.content);
    let fields: RegExpExecArray | null;
    let year: number;
    if (this.tag === tag.utcTime) {
      fields = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
      year = Number(fields?.[1]);
      year += year < 50 ? 2000 : 1900;
    } else {
      this.expect(tag.generalizedTime);
      const form = options.fraction
        ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d*[1-9]))?Z$/
        : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
      fields = form.exec(text);
      year = Number(fields?.[1]);
    }
    if (!fields) this.fail('a time in another form than DER allows');
    const [month, day, hour, minute, second] = fields.slice(2, 7).map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const milliseconds = Math.trunc(Number(`0.${fields[7] ?? '0'}`) * 1000);
    const date = new Date(0);
    date.setUTCFullYear(year, month - 1, day);
    date.setUTCHours(hour, minute, second, milliseconds);
    if (
      date.getUTCMonth() !== month - 1 ||
      date.getUTCDate() !== day ||
      hour > 23 ||
      minute > 59 ||
      second > 59
    )
      this.fail('a time that does not exist');
    return date;
  }
}

/**
 * Reads exactly one element that fills `bytes`, checked as DER through every constructed level (content of
 * OCTET STRINGs is left alone).
 * @throws ConsulError DER_INVALID with the byte offset
 */
export function readDer(bytes: Uint8Array): DerNode {
  const header = readHeader(bytes, 0, bytes.length);
  if (header.end !== bytes.length) fail(header.end, 'bytes after the end');
  checkElements(bytes, 0, bytes.length, 0);
  return new DerNode(bytes, 0, header.content, header.end);
}

/** The first element of `bytes` and what follows it; for containers that pad (PDF /Contents). */
export function readDerPrefix(bytes: Uint8Array): { node: DerNode; rest: Uint8Array } {
  const header = readHeader(bytes, 0, bytes.length);
  return { node: readDer(bytes.subarray(0, header.end)), rest: bytes.subarray(header.end) };
}
