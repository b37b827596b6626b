import { deflateRawSync, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromLatin1 } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { readVectors, vectorsFolder } from '../vectors.ts';
import { encodeBase32 } from './base32.ts';
import { encodeBase45 } from './base45.ts';
import { presentationUrl, readCarrier, sealUrl } from './carrier.ts';
import { decodeCbor } from './cbor.ts';
import { claim169Text } from './claim169-text.ts';
import { readCose } from './cose.ts';
import { inflateZlib } from './zlib.ts';

const anyCose = fc
  .uint8Array({ maxLength: 300 })
  .map((rest) => concatBytes(Uint8Array.of(0xd2, 0x84, 0x4d), rest));
const cose = Uint8Array.of(0xd2, 0x84, 0x4d, 0xa2, 1, 2, 3);
const invalid = expect.objectContaining({ code: 'SEAL_INVALID' });

const labelOf = (text: string): string | undefined => {
  try {
    readCarrier(text);
  } catch (error) {
    if (error instanceof ConsulError && error.code === 'SEAL_FOREIGN') return error.details[0]?.label;
    throw error;
  }
  return undefined;
};

describe('carrier', () => {
  it('of a seal is an upper-case URL with the seal in its fragment', () => {
    expect(sealUrl(cose, 'verify.example.org')).toBe(`HTTPS://VERIFY.EXAMPLE.ORG/#${encodeBase32(cose)}`);
  });

  it('keeps the letters of a path, which may matter on the server', () => {
    expect(sealUrl(cose, 'example.org/verify')).toBe(`HTTPS://EXAMPLE.ORG/verify/#${encodeBase32(cose)}`);
    expect(readCarrier(sealUrl(cose, 'example.org/verify'))).toEqual({ carrier: 'url', cose });
  });

  it('gives the seal back, in both forms', () => {
    fc.assert(
      fc.property(anyCose, (bytes) => {
        expect(readCarrier(sealUrl(bytes, 'v.example.org'))).toEqual({ carrier: 'url', cose: bytes });
        expect(readCarrier(claim169Text(bytes))).toEqual({ carrier: 'claim169', cose: bytes });
      }),
    );
  });

  it('is read when a telephone has lower-cased it', () => {
    const url = sealUrl(cose, 'v.example.org');
    expect(readCarrier(url.toLowerCase()).cose).toEqual(cose);
    expect(readCarrier(url.replace('HTTPS://V.EXAMPLE.ORG', 'https://v.example.org')).cose).toEqual(cose);
  });

  it('takes what a holder shows after a full stop, which keeps to the alphabet of QR codes', () => {
    fc.assert(
      fc.property(anyCose, fc.uint8Array({ maxLength: 2000 }), (bytes, presentation) => {
        const text = presentationUrl(sealUrl(bytes, 'v.example.org'), presentation);
        expect(text).toMatch(/^[0-9A-Z $%*+\-./:#]*$/);
        for (const read of [text, text.toLowerCase()])
          expect(readCarrier(read)).toEqual({ carrier: 'url', cose: bytes, presentation });
      }),
    );
    const text = presentationUrl(sealUrl(cose, 'v.example.org'), new Uint8Array(16_384));
    expect(readCarrier(text).presentation).toHaveLength(16_384);
    for (const wrong of [
      `${text}AA`,
      `${text.slice(0, -1)}.`,
      text.replace('Q.A', 'Q..A'),
      text.replace('Q.A', 'Q.a'),
    ])
      expect(() => readCarrier(wrong), wrong.slice(0, 60)).toThrow(invalid);
    expect(() => readCarrier(`${text}${'A'.repeat(5000)}`)).toThrow(invalid);
  });

  it('is refused as a damaged seal when the fragment was', () => {
    const url = sealUrl(cose, 'v.example.org');
    expect(() => readCarrier(`${url}1`)).toThrow(invalid);
    expect(() => readCarrier(`${url}=`)).toThrow(invalid);
    expect(() => readCarrier(url.slice(0, -1))).toThrow(invalid);
    expect(() => readCarrier(url.replace('2KC', '2kc'))).toThrow(invalid);
    expect(() => readCarrier(`${url}&utm_source=x`)).toThrow(invalid);
    expect(() => readCarrier(url + 'A'.repeat(4800))).toThrow(invalid);
  });

  const folder = vectorsFolder();
  const read = (file: string): Record<string, string>[] => readVectors(file).vectors;

  it.skipIf(!folder)('takes the COSE out of every public Claim 169 code', () => {
    const vectors = read('claim169/claim169.json') as unknown as {
      id: string;
      qr_data: string;
      independentCheck: { tag: number; claimKeys: number[]; alg: number };
    }[];
    expect(vectors.length).toBeGreaterThanOrEqual(6);
    for (const { id, qr_data: text, independentCheck: expected } of vectors) {
      if (expected.tag !== 18) {
        expect(labelOf(text), id).toBe('claim169-encrypted');
        continue;
      }
      const carried = readCarrier(text);
      expect(carried.carrier, id).toBe('claim169');
      const sign1 = readCose(carried.cose);
      expect(sign1.algorithm, id).toBe(expected.alg);
      const claims = decodeCbor(sign1.payload) as ReadonlyMap<number, unknown>;
      expect([...claims.keys()], id).toEqual(expected.claimKeys);
    }
  });

  it.skipIf(!folder)('says of the codes of other systems what they are', () => {
    for (const { PREFIX: text, id } of read('hcert/hcert.json')) {
      if (text?.startsWith('HC1:')) expect(labelOf(text), id).toBe('hcert');
    }
    for (const { raw: text, id } of read('2ddoc/2ddoc.json')) {
      if (text?.startsWith('DC0')) expect(labelOf(text), id).toBe('2d-doc');
    }
  });

  it.each([
    ['hcert', 'HC1:6BFOXN%TS3DH'],
    ['2d-doc', 'DC02FR000001125E125B0126FR247500010MME/SPECIMEN/NATACHA'],
    ['vds', fromLatin1(Uint8Array.of(0xdc, 0x02, 0x6a, 0x32, 0xc8))],
    ['vds', fromLatin1(Uint8Array.of(0xdc, 0x03, 0x6a, 0x32, 0xc8))],
    ['idb', 'RDB1BACPP2OWACCUBZ7GZXA'],
    ['vds-nc', '{"data":{"hdr":{"is":"UTO","t":"icao.vacc","v":1}}}'],
    ['mrz', 'P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10'],
    ['url', 'https://example.org/'],
    ['url', 'https://example.org/#about'],
    ['url', 'otpauth://totp/x'],
    ['other', 'WIFI:T:WPA;S:name;P:secret;;'],
    ['other', '12345'],
    ['other', 'HELLO WORLD'],
    ['other', ''],
    ['other', '2KCE'],
  ])('says %s of another code', (kind, text) => {
    expect(labelOf(text)).toBe(kind);
  });

  it('knows a binary seal of ICAO by its bytes, whatever text a reader made of them', () => {
    const read = () => readCarrier('\ufffd\u0003j', Uint8Array.of(0xdc, 0x03, 0x6a));
    expect(read).toThrow(
      expect.objectContaining({
        code: 'SEAL_FOREIGN',
        details: [expect.objectContaining({ label: 'vds' })],
      }),
    );
  });

  it('of any text is a carrier or a ConsulError', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ maxLength: 60 }).map((rest) => `https://h/#2KC${rest}`),
      fc
        .uint8Array({ maxLength: 60 })
        .map((rest) => encodeBase45(concatBytes(Uint8Array.of(0x78, 0x9c), rest))),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        try {
          readCarrier(candidate);
        } catch (error) {
          expect(error).toBeInstanceOf(ConsulError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('zlib', () => {
  const text = new Uint8Array(300).map((_, i) => (i * i) % 251);

  it('is read from any writer, whatever its level', () => {
    for (const level of [0, 1, 6, 9]) {
      expect(inflateZlib(new Uint8Array(deflateSync(text, { level })), 300)).toEqual(text);
    }
  });

  it('is refused above its bound, without being inflated', () => {
    const bomb = new Uint8Array(deflateSync(new Uint8Array(5_000_000)));
    expect(() => inflateZlib(new Uint8Array(deflateSync(text)), 299)).toThrow(invalid);
    expect(() => inflateZlib(new Uint8Array(deflateSync(text, { level: 0 })), 299)).toThrow(invalid);
    expect(() => inflateZlib(bomb, 4096)).toThrow(invalid);
    expect(() => readCarrier(encodeBase45(new Uint8Array(deflateSync(new Uint8Array(2_000_000)))))).toThrow(
      invalid,
    );
  });

  it('is refused when a byte of it is changed or missing', () => {
    const stream = new Uint8Array(deflateSync(text));
    for (let at = 0; at < stream.length; at++) {
      expect(() => inflateZlib(stream.subarray(0, at), 4096)).toThrow(invalid);
      const changed = stream.slice();
      changed[at] = (stream[at] as number) ^ 0x21;
      let same = false;
      try {
        same = Buffer.compare(inflateZlib(changed, 4096), text) === 0;
      } catch (error) {
        expect(error).toMatchObject({ code: 'SEAL_INVALID' });
        continue;
      }
      // A flag that says how hard the writer tried is the one thing that may differ.
      expect(same && at < 2, `byte ${at}`).toBe(true);
    }
  });

  it('is refused without header or check sum', () => {
    expect(() => inflateZlib(new Uint8Array(deflateRawSync(text)), 4096)).toThrow(invalid);
    expect(() => inflateZlib(new Uint8Array(), 4096)).toThrow(invalid);
    expect(() => inflateZlib(Uint8Array.of(0x78, 0x9c), 4096)).toThrow(invalid);
  });
});
