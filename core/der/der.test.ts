import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareBytes, concatBytes, equalBytes, fromHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { type DerNode, readDer, readDerPrefix } from './reader.ts';
import { tag } from './tags.ts';
import {
  bitString,
  boolean,
  element,
  explicit,
  generalizedTime,
  ia5String,
  implicit,
  integer,
  nul,
  octetString,
  oid,
  printableString,
  sequence,
  setOf,
  time,
  utf8String,
} from './writer.ts';

const hex = (text: string): Uint8Array => fromHex(text.replace(/ /g, ''));

/** The text that the writer makes of what the reader understood. */
function rewritten(node: DerNode): Uint8Array {
  if ((node.tag & 0x20) !== 0) {
    const children = node.children.map(rewritten);
    return element(node.tag, ...children);
  }
  switch (node.tag) {
    case tag.boolean:
      return boolean(node.boolean());
    case tag.integer:
      return integer(node.bigint());
    case tag.oid:
      return oid(node.oid());
    case tag.null:
      return nul;
    default:
      return element(node.tag, node.content);
  }
}

/** Refused with the one error, or understood to the last bit. */
function refusedOrSame(der: Uint8Array): void {
  let node: DerNode;
  try {
    node = readDer(der);
    expect(equalBytes(rewritten(node), der)).toBe(true);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    expect(error.code).toBe('DER_INVALID');
  }
}

const arcs = fc
  .tuple(
    fc.constantFrom(0, 1, 2),
    fc.nat(39),
    fc.array(fc.bigInt({ min: 0n, max: 1n << 70n }), { maxLength: 6 }),
  )
  .map(([first, second, rest]) => [first, second, ...rest].join('.'));

const der: fc.Arbitrary<Uint8Array> = fc.letrec<{ any: Uint8Array }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      fc.boolean().map(boolean),
      fc.bigInt({ min: -(1n << 200n), max: 1n << 200n }).map((value) => integer(value)),
      fc.uint8Array({ maxLength: 300 }).map((value) => octetString(value)),
      fc.uint8Array({ maxLength: 40 }).map(bitString),
      arcs.map(oid),
      fc.string({ unit: 'grapheme' }).map(utf8String),
      fc.constant(nul),
    ),
    fc.array(tie('any'), { maxLength: 4 }).map((members) => sequence(...members)),
    fc
      .uniqueArray(tie('any'), { maxLength: 4, comparator: (a, b) => equalBytes(a, b) })
      .map((members) => setOf(members)),
    fc.tuple(fc.nat(30), tie('any')).map(([number, inner]) => explicit(number, inner)),
  ),
})).any;

describe('DER', () => {
  test('that is written is read, and written again the same', () => {
    fc.assert(
      fc.property(der, (bytes) => {
        expect(equalBytes(rewritten(readDer(bytes)), bytes)).toBe(true);
      }),
    );
  });

  test('that is cut short at any byte or goes on after its end is refused', () => {
    fc.assert(
      fc.property(der, fc.nat(), (bytes, at) => {
        expect(() => readDer(bytes.subarray(0, at % bytes.length))).toThrow(ConsulError);
        expect(() => readDer(concatBytes(bytes, Uint8Array.of(at & 0xff)))).toThrow(ConsulError);
      }),
    );
  });

  test('with any bit changed is refused or says what its bytes say', () => {
    fc.assert(
      fc.property(der, fc.nat(), (bytes, at) => {
        const changed = bytes.slice();
        const bit = at % (bytes.length * 8);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        refusedOrSame(changed);
      }),
      { numRuns: 2000 },
    );
  });

  test('of random bytes never ends in another error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), refusedOrSame), { numRuns: 2000 });
  });

  test('gives values back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 300n), max: 1n << 300n }), arcs, (value, identifier) => {
        expect(readDer(integer(value)).bigint()).toBe(value);
        expect(readDer(oid(identifier)).oid()).toBe(identifier);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (octets) => {
        const value = BigInt(`0x${Buffer.from(octets).toString('hex')}`);
        expect(readDer(integer(octets)).bigint()).toBe(value);
      }),
    );
    const years = {
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    };
    fc.assert(
      fc.property(fc.date(years), (date) => {
        const second = new Date(Math.floor(date.getTime() / 1000) * 1000);
        expect(readDer(time(second)).time()).toEqual(second);
        expect(readDer(generalizedTime(date, { fraction: true })).time({ fraction: true })).toEqual(date);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(readDer(utf8String(text)).text()).toBe(text);
      }),
    );
  });

  test('SET OF is put in order and read only in order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(), { maxLength: 20 }), (numbers) => {
        const members = readDer(setOf(numbers.map((number) => integer(number)))).setOf();
        const encodings = members.map((member) => member.bytes);
        expect([...encodings].sort(compareBytes)).toEqual(encodings);
      }),
    );
    expect(() => readDer(hex('31 06 020102 020101')).setOf()).toThrow(ConsulError);
    expect(() => readDer(hex('31 06 020101 020101')).setOf()).toThrow(ConsulError);
  });

  test.each([
    ['an indefinite length', '30 80 0000'],
    ['a long length that could be short', '04 81 01 00'],
    ['a length with a leading zero', `04 82 0080 ${'00'.repeat(128)}`],
    ['a length of five octets', '04 85 0000000001 00'],
    ['a tag number above 30', '1f 1f 00'],
    ['BOOLEAN 01', '01 01 01'],
    ['an empty BOOLEAN', '01 00'],
    ['an empty INTEGER', '02 00'],
    ['INTEGER 0001', '02 02 0001'],
    ['INTEGER ffff', '02 02 ffff'],
    ['a constructed OCTET STRING', '24 03 040100'],
    ['a constructed BIT STRING', '23 04 03020000'],
    ['a primitive SEQUENCE', '10 00'],
    ['an end of contents', '30 02 0000'],
    ['eight unused bits', '03 02 0800'],
    ['unused bits that are set', '03 02 0101'],
    ['unused bits of nothing', '03 01 01'],
    ['an empty BIT STRING', '03 00'],
    ['NULL with content', '05 01 00'],
    ['an empty OBJECT IDENTIFIER', '06 00'],
    ['an OBJECT IDENTIFIER with a leading zero', '06 02 8001'],
    ['an OBJECT IDENTIFIER that is cut short', '06 01 80'],
    ['nothing', ''],
    ['half a header', '30'],
    ['a member that is longer than its SEQUENCE', '30 03 020401'],
  ])('%s is refused', (_, text) => {
    expect(() => readDer(hex(text))).toThrow(ConsulError);
  });

  test.each([
    ['UTCTime without seconds', 0x17, '2601010000Z'],
    ['UTCTime with an offset', 0x17, '260101000000+0100'],
    ['UTCTime of February 30', 0x17, '260230000000Z'],
    ['UTCTime at 24 hours', 0x17, '260101240000Z'],
    ['UTCTime with a leap second', 0x17, '261231235960Z'],
    ['GeneralizedTime without Z', 0x18, '20260101000000'],
    ['GeneralizedTime with a fraction where none belongs', 0x18, '20260101000000.5Z'],
  ])('%s is refused', (_, identifier, text) => {
    const encoded = implicit(identifier, ia5String(text));
    expect(() => readDer(encoded).time()).toThrow(ConsulError);
  });

  test('a fraction of a second ends with no zero', () => {
    const read = (text: string) => readDer(implicit(0x18, ia5String(text))).time({ fraction: true });
    expect(read('20260101000000.25Z')).toEqual(new Date('2026-01-01T00:00:00.250Z'));
    expect(() => read('20260101000000.250Z')).toThrow(ConsulError);
    expect(() => read('20260101000000.Z')).toThrow(ConsulError);
  });

  test('UTCTime of 49 is 2049 and of 50 is 1950', () => {
    expect(
      readDer(implicit(0x17, ia5String('491231235959Z')))
        .time()
        .getUTCFullYear(),
    ).toBe(2049);
    expect(
      readDer(implicit(0x17, ia5String('500101000000Z')))
        .time()
        .getUTCFullYear(),
    ).toBe(1950);
  });

  test('that is nested too deep is refused and not followed', () => {
    let nested = nul;
    for (let i = 0; i < 64; i++) nested = sequence(nested);
    expect(() => readDer(nested)).not.toThrow();
    expect(() => readDer(sequence(nested))).toThrow(ConsulError);
    for (let i = 0; i < 20_000; i++) nested = i % 1000 ? nested : sequence(nested);
    expect(() => readDer(element(0x30, ...Array.from({ length: 100 }, () => nested)))).toThrow(ConsulError);
  });

  test('numbers and identifiers beyond any use are refused before they cost time', () => {
    const start = performance.now();
    const huge = new Uint8Array(1 << 20).fill(0x7f);
    expect(() => readDer(integer(huge)).bigint()).toThrow(ConsulError);
    expect(() => readDer(element(tag.oid, huge)).oid()).toThrow(ConsulError);
    expect(() => readDer(integer(1n << 60n)).integer()).toThrow(ConsulError);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('strings keep to their alphabet', () => {
    expect(readDer(printableString('Poste 12 (Paris)')).text()).toBe('Poste 12 (Paris)');
    expect(() => readDer(printableString('a@b')).text()).toThrow(ConsulError);
    expect(() => readDer(element(tag.ia5String, Uint8Array.of(0xe9))).text()).toThrow(ConsulError);
    expect(() => readDer(element(tag.utf8String, Uint8Array.of(0xc0, 0x80))).text()).toThrow(ConsulError);
    expect(readDer(element(tag.bmpString, Uint8Array.of(0, 0x41, 6, 0x27))).text()).toBe('Aا');
  });

  test('is taken from the front of bytes that go on', () => {
    const { node, rest } = readDerPrefix(concatBytes(integer(5), hex('000000')));
    expect(node.integer()).toBe(5);
    expect(rest).toHaveLength(3);
  });
});
