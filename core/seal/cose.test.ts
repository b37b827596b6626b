import { describe, expect, it } from 'vitest';
import { concatBytes, equalBytes, fromHex, utf8 } from '../bytes.ts';
import { type CborKey, type CborValue, encodeCbor } from './cbor.ts';
import { prepareCose, protectedKid, readCose, signCose, toBeSigned } from './cose.ts';

const map = (...entries: [CborKey, CborValue][]) => new Map(entries);
/** A COSE_Sign1 of these parts, tagged. */
const tagged = (...parts: CborValue[]) => concatBytes(Uint8Array.of(0xd2), encodeCbor(parts));
const header = (...entries: [CborKey, CborValue][]) => encodeCbor(map(...entries));
const payload = utf8('payload');
const signature = new Uint8Array(64);

describe('COSE_Sign1', () => {
  it('writes what it reads, at once for a signer that answers at once', () => {
    const kid = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    let covered = new Uint8Array();
    const bytes = signCose(payload, prepareCose(-7, kid), (data) => {
      covered = Uint8Array.from(data);
      return signature;
    });
    const cose = readCose(bytes as Uint8Array);
    expect(cose).toMatchObject({ algorithm: -7, payload, signature });
    expect(protectedKid(cose)).toEqual(kid);
    expect(toBeSigned(cose)).toEqual(covered);
    expect(bytes).toEqual(tagged(header([1, -7], [4, kid]), map(), payload, signature));
  });

  it('writes the same later for a signer that answers later', async () => {
    const prepared = prepareCose(-7, Uint8Array.of(1));
    const later = signCose(payload, prepared, async () => signature);
    expect(later).toBeInstanceOf(Promise);
    expect(await later).toEqual(signCose(payload, prepared, () => signature));
  });

  it.each([1, 23, 24, 255, 256, 70_000])('writes a payload of %i bytes with the shortest head', (length) => {
    const large = new Uint8Array(length).fill(7);
    const bytes = signCose(large, prepareCose(-7, Uint8Array.of(1)), () => signature) as Uint8Array;
    expect(equalBytes(bytes, tagged(header([1, -7], [4, Uint8Array.of(1)]), map(), large, signature))).toBe(
      true,
    );
    const cose = readCose(bytes, 100_000);
    const covered = encodeCbor(['Signature1', cose.protected, new Uint8Array(), cose.payload]);
    expect(equalBytes(toBeSigned(cose), covered)).toBe(true);
  });

  it('accepts critical headers that are present and understood', () => {
    const kid = Uint8Array.of(1);
    expect(readCose(tagged(header([1, -7], [2, [4]], [4, kid]), map(), payload, signature)).algorithm).toBe(
      -7,
    );
  });

  const good = header([1, -7]);
  it.each<[string, Uint8Array]>([
    ['no tag', encodeCbor([good, map(), payload, signature])],
    ['the tag of COSE_Sign', concatBytes(fromHex('d862'), encodeCbor([good, map(), payload, signature]))],
    ['the tag in two bytes', concatBytes(fromHex('d812'), encodeCbor([good, map(), payload, signature]))],
    ['the tag of a CWT before', concatBytes(fromHex('d83d'), tagged(good, map(), payload, signature))],
    ['three parts', tagged(good, map(), payload)],
    ['five parts', tagged(good, map(), payload, signature, 0)],
    ['a map', tagged(map([0, good], [1, map()]))],
    ['a detached payload', tagged(good, map(), null, signature)],
    ['a payload that is text', tagged(good, map(), 'payload', signature)],
    ['a protected header that is not wrapped', tagged(map([1, -7]), map(), payload, signature)],
    ['a protected header that is an array', tagged(encodeCbor([1, -7]), map(), payload, signature)],
    ['an empty protected header', tagged(new Uint8Array(), map(), payload, signature)],
    ['an unprotected header that is an array', tagged(good, [], payload, signature)],
    ['no algorithm', tagged(header([4, signature]), map(), payload, signature)],
    [
      'an algorithm outside the protected header',
      tagged(header([4, signature]), map([1, -7]), payload, signature),
    ],
    ['an algorithm that is text', tagged(header([1, 'ES256']), map(), payload, signature)],
    ['a label in both headers', tagged(good, map([1, -7]), payload, signature)],
    ['an unknown critical header', tagged(header([1, -7], [2, [99]], [99, 0]), map(), payload, signature)],
    ['an absent critical header', tagged(header([1, -7], [2, [4]]), map(), payload, signature)],
    ['an empty list of critical headers', tagged(header([1, -7], [2, []]), map(), payload, signature)],
    ['a list of critical headers that is none', tagged(header([1, -7], [2, 1]), map(), payload, signature)],
    ['an unprotected list of critical headers', tagged(good, map([2, [1]]), payload, signature)],
    ['a signature that is an array', tagged(good, map(), payload, [])],
    ['a byte after the end', concatBytes(tagged(good, map(), payload, signature), Uint8Array.of(0))],
    ['a header that is not deterministic', tagged(fromHex('a1013806'), map(), payload, signature)],
    ['a header with a key twice', tagged(fromHex('a201260126'), map(), payload, signature)],
    ['nothing', new Uint8Array()],
  ])('refuses %s', (_, bytes) => {
    expect(() => readCose(bytes)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(SEAL|CBOR)_INVALID$/) }),
    );
  });
});
