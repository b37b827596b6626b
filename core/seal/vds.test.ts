import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { decodeC40, encodeC40 } from './c40.ts';
import { readVds, sealVds, type VdsHeader, vdsToBeSigned } from './vds.ts';

const invalid = expect.objectContaining({ code: 'SEAL_INVALID' });

describe('visible digital seal', () => {
  const header: VdsHeader = {
    version: 4,
    issuingCountry: 'GAB',
    signer: 'GAPR',
    certificateReference: '5B',
    issued: '2026-11-01',
    signed: '2026-11-02',
    definition: 0x5e,
    category: 0x03,
  };
  const signature = new Uint8Array(64).map((_, i) => i);

  it('of an emergency travel document is about 134 bytes', () => {
    const mrz = encodeC40('PUGABNDIAYE<<AISSATOU<FATOU<<<<<<<<<LP00012348GAB9004125F2612302<<<<<<<4');
    expect(sealVds(vdsToBeSigned(header, [{ tag: 2, value: mrz }]), signature)).toHaveLength(134);
  });

  it('is read back as it was made', () => {
    const day = fc
      .date({ min: new Date('1900-01-01'), max: new Date('2999-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10));
    const hex = (length: object) => fc.string({ unit: fc.constantFrom(...'0123456789ABCDEF'), ...length });
    const common = {
      issuingCountry: fc.constantFrom('D', 'GAB', 'UTO'),
      signer: fc.constantFrom('GAPR', 'DE01'),
      issued: day,
      signed: day,
      definition: fc.nat(255),
      category: fc.nat(255),
    };
    const anyHeader: fc.Arbitrary<VdsHeader> = fc.oneof(
      fc.record({
        ...common,
        version: fc.constant(3 as const),
        certificateReference: hex({ minLength: 5, maxLength: 5 }),
      }),
      fc.record({
        ...common,
        version: fc.constant(4 as const),
        certificateReference: hex({ minLength: 1, maxLength: 255 }),
      }),
    );
    const features = fc.array(
      fc.record({ tag: fc.nat(254), value: fc.uint8Array({ maxLength: 400, size: 'max' }) }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(anyHeader, features, (given, list) => {
        const toBeSigned = vdsToBeSigned(given, list);
        expect(readVds(sealVds(toBeSigned, signature))).toEqual({
          header: given,
          features: list,
          signature,
          toBeSigned,
        });
      }),
    );
  });

  it('is refused when it is cut anywhere, or goes on', () => {
    const seal = sealVds(vdsToBeSigned(header, [{ tag: 2, value: new Uint8Array(200) }]), signature);
    for (let length = 0; length < seal.length; length++) {
      expect(() => readVds(seal.subarray(0, length)), `${length} bytes`).toThrow(invalid);
    }
    expect(() => readVds(concatBytes(seal, Uint8Array.of(0)))).toThrow(invalid);
    expect(() => readVds(new Uint8Array(5000).fill(0xdc))).toThrow(invalid);
  });

  it('of any changed byte reads to itself or is refused', () => {
    const seal = sealVds(vdsToBeSigned(header, [{ tag: 2, value: new Uint8Array(20) }]), signature);
    fc.assert(
      fc.property(fc.nat(seal.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = seal.slice();
        changed[at] = (seal[at] as number) ^ change;
        let read: ReturnType<typeof readVds>;
        try {
          read = readVds(changed);
        } catch (error) {
          expect(error).toMatchObject({ code: 'SEAL_INVALID' });
          return;
        }
        expect(sealVds(vdsToBeSigned(read.header, read.features), read.signature)).toEqual(changed);
      }),
      { numRuns: 500 },
    );
  });

  it.each<[string, Partial<VdsHeader>]>([
    ['a country in lower case', { issuingCountry: 'ga' }],
    ['a signer of three characters', { signer: 'GAP' }],
    ['a reference that is not hexadecimal', { certificateReference: 'G' }],
    ['a reference too long for version 3', { version: 3, certificateReference: '123456' }],
    ['a day that does not exist', { issued: '2026-02-30' }],
  ])('is not made with %s', (_, change) => {
    expect(() => vdsToBeSigned({ ...header, ...change }, [])).toThrow(
      expect.objectContaining({ code: 'SCHEMA_VIOLATION' }),
    );
  });
});

describe('C40', () => {
  it('gives back any text of its alphabet, with spaces for fillers', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ABZ019 <'), maxLength: 40 });
    fc.assert(
      fc.property(text, (given) => {
        expect(decodeC40(encodeC40(given))).toBe(given.replaceAll('<', ' '));
      }),
    );
  });

  it('has one encoding for one text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 6 }), (bytes) => {
        let text: string;
        try {
          text = decodeC40(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ConsulError);
          return;
        }
        expect(encodeC40(text)).toEqual(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  it.each(['a', 'É', '-'])('does not write %s', (text) => {
    expect(() => encodeC40(text)).toThrow(expect.objectContaining({ code: 'SCHEMA_VIOLATION' }));
  });
});
