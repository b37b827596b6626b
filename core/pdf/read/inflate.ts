import { type Budget, invalid, tooComplex } from './bounds.ts';

/*
 * RFC 1950 and RFC 1951, strict: code sets must be complete, the stored length is checked, the checksum is checked and
 * the data ends where the stream ends. Every block is charged for the tables it asks for, because a file of nothing
 * but block headers otherwise costs seconds a megabyte in the common libraries.
 */

const lengthBase = new Uint16Array([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
]);
const lengthExtra = new Uint8Array([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]);
const distanceBase = new Uint16Array([
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
]);
const distanceExtra = new Uint8Array([
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]);
const codeLengthOrder = new Uint8Array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

/** The fifteen low bits of each number in the opposite order. */
const reversed = new Uint16Array(1 << 15);
for (let i = 1; i < reversed.length; i++) reversed[i] = ((reversed[i >> 1] as number) >> 1) | ((i & 1) << 14);

const perLength = new Uint16Array(16);
const nextCode = new Uint16Array(16);

/**
 * Fills `table` so that the next bits, as they come from the stream, index `symbol << 4 | length`; 0 where no code
 * stands. Gives the number of index bits.
 */
function buildCodes(table: Uint16Array, lengths: Uint8Array, budget: Budget, singleAllowed: boolean): number {
  perLength.fill(0);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] as number;
    perLength[length] = (perLength[length] as number) + 1;
  }
  perLength[0] = 0;
  let longest = 15;
  while (longest > 0 && perLength[longest] === 0) longest--;
  if (longest === 0) {
    table[0] = table[1] = 0;
    return 1;
  }
  let left = 1;
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    code = (code + (perLength[length - 1] as number)) << 1;
    nextCode[length] = code;
    left = (left << 1) - (perLength[length] as number);
    if (left < 0) invalid(0, 'an over-subscribed DEFLATE code');
  }
  if (left > 0 && !(singleAllowed && longest === 1)) invalid(0, 'an incomplete DEFLATE code');
  const size = 1 << longest;
  budget.spendCodes(size);
  if (left > 0) table.fill(0, 0, size);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] as number;
    if (length === 0) continue;
    const value = nextCode[length] as number;
    nextCode[length] = value + 1;
    const entry = (symbol << 4) | length;
    const step = 1 << length;
    for (let i = (reversed[value] as number) >> (15 - length); i < size; i += step) table[i] = entry;
  }
  return longest;
}

const literals = new Uint16Array(1 << 15);
const distances = new Uint16Array(1 << 15);
const headerCodes = new Uint16Array(1 << 7);
const lengthsOfBlock = new Uint8Array(286 + 30);
const lengthsOfHeader = new Uint8Array(19);
const fixedLiterals = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
/** The two codes 30 and 31 of the fixed set never occur; the set is complete with them (RFC 1951 §3.2.6). */
const fixedDistances = new Uint8Array(32).fill(5);

function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let i = 0; i < bytes.length; ) {
    const end = Math.min(i + 3800, bytes.length);
    for (; i < end; i++) {
      a += bytes[i] as number;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}

/** Where small streams come out before they are cut to their length. */
const workspace = new Uint8Array(64 << 10);

/** Reads bits from the low end of each byte, and grows what comes out. */
class Inflater {
  readonly #data: Uint8Array;
  readonly #budget: Budget;
  readonly #limit: number;
  #out: Uint8Array;
  #written = 0;
  #at = 2;
  #bits = 0;
  #count = 0;

  constructor(data: Uint8Array, budget: Budget, limit: number) {
    this.#data = data;
    this.#budget = budget;
    this.#limit = limit;
    this.#out = workspace.length > limit ? workspace.subarray(0, limit) : workspace;
  }

  run(): { bytes: Uint8Array; end: number } {
    let last = false;
    while (!last) {
      last = this.#take(1) === 1;
      const kind = this.#take(2);
      if (kind === 0) this.#stored();
      else if (kind === 1) {
        const literalBits = buildCodes(literals, fixedLiterals, this.#budget, false);
        this.#symbols(literalBits, buildCodes(distances, fixedDistances, this.#budget, false));
      } else if (kind === 2) this.#dynamic();
      else invalid(this.#at, 'an unknown DEFLATE block');
    }
    const bytes = this.#out.slice(0, this.#written);
    return { bytes, end: this.#at - (this.#count >> 3) };
  }

  #take(n: number): number {
    while (this.#count < n) {
      if (this.#at >= this.#data.length) invalid(this.#at, 'compressed data is cut short');
      this.#bits |= (this.#data[this.#at++] as number) << this.#count;
      this.#count += 8;
    }
    const value = this.#bits & ((1 << n) - 1);
    this.#bits >>>= n;
    this.#count -= n;
    return value;
  }

  #grow(needed: number): Uint8Array {
    if (needed > this.#limit) tooComplex('a stream is too large when decompressed');
    const larger = new Uint8Array(Math.min(this.#limit, Math.max(this.#out.length * 2, needed)));
    larger.set(this.#out);
    this.#out = larger;
    return larger;
  }

  #stored(): void {
    this.#at -= this.#count >> 3;
    this.#bits = this.#count = 0;
    const length = this.#take(16);
    if (this.#take(16) !== (~length & 0xffff)) invalid(this.#at, 'a stored block whose length is damaged');
    const end = this.#at + length;
    if (end > this.#data.length) invalid(this.#at, 'compressed data is cut short');
    this.#budget.spendCodes(64);
    if (this.#written + length > this.#out.length) this.#grow(this.#written + length);
    this.#out.set(this.#data.subarray(this.#at, end), this.#written);
    this.#at = end;
    this.#written += length;
  }

  #dynamic(): void {
    const literalCount = this.#take(5) + 257;
    const distanceCount = this.#take(5) + 1;
    const headerCount = this.#take(4) + 4;
    if (literalCount > 286 || distanceCount > 30) invalid(this.#at, 'a DEFLATE block with too many codes');
    lengthsOfHeader.fill(0);
    for (let i = 0; i < headerCount; i++) lengthsOfHeader[codeLengthOrder[i] as number] = this.#take(3);
    const headerBits = buildCodes(headerCodes, lengthsOfHeader, this.#budget, false);
    const total = literalCount + distanceCount;
    for (let i = 0; i < total; ) {
      while (this.#count < headerBits && this.#at < this.#data.length) {
        this.#bits |= (this.#data[this.#at++] as number) << this.#count;
        this.#count += 8;
      }
      const entry = headerCodes[this.#bits & ((1 << headerBits) - 1)] as number;
      if (entry === 0) invalid(this.#at, 'a DEFLATE code that does not exist');
      this.#take(entry & 15);
      const symbol = entry >> 4;
      if (symbol < 16) {
        lengthsOfBlock[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) invalid(this.#at, 'a DEFLATE repetition of nothing');
      const value = symbol === 16 ? (lengthsOfBlock[i - 1] as number) : 0;
      const times =
        symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
      if (i + times > total) invalid(this.#at, 'a DEFLATE repetition past the end');
      lengthsOfBlock.fill(value, i, i + times);
      i += times;
    }
    if (lengthsOfBlock[256] === 0) invalid(this.#at, 'a DEFLATE block without an end');
    const literalBits = buildCodes(literals, lengthsOfBlock.subarray(0, literalCount), this.#budget, true);
    const distanceBits = buildCodes(
      distances,
      lengthsOfBlock.subarray(literalCount, total),
      this.#budget,
      true,
    );
    this.#symbols(literalBits, distanceBits);
  }

  /**
   * At least sixteen bits are there before each code and each extra. Past the end zeros are supplied; the check after each symbol sees whether one of them was
   * used.
   */
  #symbols(literalBits: number, distanceBits: number): void {
    const data = this.#data;
    const size = data.length;
    const literalMask = (1 << literalBits) - 1;
    const distanceMask = (1 << distanceBits) - 1;
    let out = this.#out;
    let room = out.length;
    let written = this.#written;
    let at = this.#at;
    let bits = this.#bits;
    let count = this.#count;
    for (;;) {
      if (count < 16) {
        if (at + 1 < size) bits |= ((data[at] as number) | ((data[at + 1] as number) << 8)) << count;
        else if (at < size) bits |= (data[at] as number) << count;
        at += 2;
        count += 16;
      }
      const entry = literals[bits & literalMask] as number;
      if (entry === 0) invalid(at, 'a DEFLATE code that does not exist');
      bits >>>= entry & 15;
      count -= entry & 15;
      if (at > size && at - (count >> 3) > size) invalid(size, 'compressed data is cut short');
      const symbol = entry >> 4;
      if (symbol < 256) {
        if (written === room) {
          this.#written = written;
          out = this.#grow(written + 1);
          room = out.length;
        }
        out[written++] = symbol;
        continue;
      }
      if (symbol === 256) break;
      if (symbol > 285) invalid(at, 'a DEFLATE length that does not exist');
      if (count < 16) {
        if (at + 1 < size) bits |= ((data[at] as number) | ((data[at + 1] as number) << 8)) << count;
        else if (at < size) bits |= (data[at] as number) << count;
        at += 2;
        count += 16;
      }
      const extra = lengthExtra[symbol - 257] as number;
      const length = (lengthBase[symbol - 257] as number) + (bits & ((1 << extra) - 1));
      bits >>>= extra;
      count -= extra;
      if (count < 16) {
        if (at + 1 < size) bits |= ((data[at] as number) | ((data[at + 1] as number) << 8)) << count;
        else if (at < size) bits |= (data[at] as number) << count;
        at += 2;
        count += 16;
      }
      const far = distances[bits & distanceMask] as number;
      if (far === 0 || far >> 4 > 29) invalid(at, 'a DEFLATE distance that does not exist');
      bits >>>= far & 15;
      count -= far & 15;
      if (count < 16) {
        if (at + 1 < size) bits |= ((data[at] as number) | ((data[at + 1] as number) << 8)) << count;
        else if (at < size) bits |= (data[at] as number) << count;
        at += 2;
        count += 16;
      }
      const farExtra = distanceExtra[far >> 4] as number;
      const distance = (distanceBase[far >> 4] as number) + (bits & ((1 << farExtra) - 1));
      bits >>>= farExtra;
      count -= farExtra;
      if (at > size && at - (count >> 3) > size) invalid(size, 'compressed data is cut short');
      if (distance > written) invalid(at, 'a DEFLATE distance before the start');
      const end = written + length;
      if (end > room) {
        this.#written = written;
        out = this.#grow(end);
        room = out.length;
      }
      for (let from = written - distance; written < end; from++, written++)
        out[written] = out[from] as number;
    }
    // Whole bytes that were read ahead are given back, so that the next block or the checksum finds them.
    at -= count >> 3;
    this.#count = count & 7;
    this.#bits = bits & ((1 << this.#count) - 1);
    this.#written = written;
    this.#at = at;
  }
}

/**
 * The bytes of a zlib stream that fills `data` exactly.
 * @param limit most bytes that may come out
 * @throws ConsulError PDF_INVALID for damaged data, PDF_TOO_COMPLEX beyond `limit`
 */
export function inflate(data: Uint8Array, budget: Budget, limit: number): Uint8Array {
  if (data.length < 6) invalid(0, 'compressed data of less than six bytes');
  const method = data[0] as number;
  const flags = data[1] as number;
  if ((method & 15) !== 8 || method >> 4 > 7 || ((method << 8) | flags) % 31 !== 0 || flags & 32)
    invalid(0, 'not a zlib header');
  const { bytes, end } = new Inflater(data, budget, limit).run();
  if (end + 4 !== data.length)
    invalid(end, end + 4 > data.length ? 'compressed data is cut short' : 'bytes after the compressed data');
  const view = new DataView(data.buffer, data.byteOffset + end, 4);
  if (view.getUint32(0) !== adler32(bytes)) invalid(end, 'the checksum of compressed data is wrong');
  return bytes;
}
