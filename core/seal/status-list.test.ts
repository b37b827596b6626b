import { generateKeyPairSync } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { keySigner } from '../pki/file-signer.ts';
import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import {
  checkStatusListSignature,
  documentStatus,
  makeStatusList,
  readStatusList,
  type StatusBits,
  statusAt,
  statusCapacity,
  statusEntries,
  statusListUri,
} from './status-list.ts';

const signer = keySigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const publicKey = await nodeBackend.importPublicKey(signer.algorithm, signer.publicKey);
const kid = fromHex('0102030405060708');
const maker = { signer, kid, deflate: (bytes: Uint8Array) => deflateSync(bytes, { level: 9, memLevel: 9 }) };
const refused = expect.objectContaining({ code: 'STATUS_LIST_INVALID' });
const uri = statusListUri({ host: 'verifier.example', code: 'GA-PAR' });
const issuedAt = 1_795_000_000;
const claims = { subject: uri, issuedAt, expires: issuedAt + 31 * 86_400, timeToLive: 86_400 };
const at = (seconds: number): Date => new Date(1000 * seconds);

describe('a status list', () => {
  const widths = fc.constantFrom<StatusBits>(1, 2, 4, 8);

  it('gives back what was put into it', async () => {
    await fc.assert(
      fc.asyncProperty(
        widths,
        fc.array(fc.nat(255), { minLength: 1, maxLength: 200 }),
        async (bits, values) => {
          const statuses = values.map((value) => value % (1 << bits));
          const entries = statusEntries(bits, statuses.length, statuses.entries());
          const list = readStatusList(await makeStatusList(claims, entries, maker));
          expect(list).toMatchObject({ ...claims, ...entries, kid });
          expect(statuses.map((_, index) => statusAt(list, index))).toEqual(statuses);
          expect(statusAt(list, statusCapacity(list))).toBeUndefined();
          expect(await checkStatusListSignature(list, publicKey)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('takes about 14 KB for a million documents of which one in a hundred is revoked', async () => {
    let state = 1;
    const random = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state / 2 ** 32;
    };
    const revoked = Array.from({ length: 10_000 }, () => [Math.floor(random() * 1_000_000), 1] as const);
    const bytes = await makeStatusList(claims, statusEntries(1, 1_000_000, revoked), maker);
    expect(bytes.length).toBeLessThan(14_500);
  });

  it('has no entry outside, and no status without room', () => {
    expect(() => statusEntries(1, 10, [[10, 1]])).toThrow(RangeError);
    expect(() => statusEntries(1, 10, [[-1, 1]])).toThrow(RangeError);
    expect(() => statusEntries(1, 10, [[0.5, 1]])).toThrow(RangeError);
    expect(() => statusEntries(1, 10, [[3, 2]])).toThrow(RangeError);
  });

  it('is signed with a key for seals only', async () => {
    const other = keySigner(generateKeyPairSync('ed25519').privateKey);
    await expect(
      makeStatusList(claims, statusEntries(1, 8, []), { ...maker, signer: other }),
    ).rejects.toMatchObject({
      code: 'KEY_INVALID',
    });
  });
});

describe('a status list that is not accepted', async () => {
  const genuine = await makeStatusList(claims, statusEntries(1, 1000, [[7, 1]]), maker);

  it('is one of which any byte was changed', async () => {
    for (let i = 0; i < genuine.length; i++) {
      const changed = genuine.slice();
      changed[i] = (changed[i] as number) ^ (1 << (i % 8));
      let list: ReturnType<typeof readStatusList>;
      try {
        list = readStatusList(changed);
      } catch (error) {
        expect(error).toEqual(refused);
        continue;
      }
      // A change that still reads is in what is signed, or in the signature.
      expect(await checkStatusListSignature(list, publicKey)).toBe(false);
    }
  });

  it('is one that was cut short or added to', () => {
    for (let length = 0; length < genuine.length; length++)
      expect(() => readStatusList(genuine.subarray(0, length))).toThrow(refused);
    expect(() => readStatusList(concatBytes(genuine, Uint8Array.of(0)))).toThrow(refused);
  });

  const typ = 'application/statuslist+cwt';
  const good = { typ, alg: -7, bits: 1, lst: zlibSync(new Uint8Array(16)), sub: uri, iat: issuedAt } as const;
  function token(
    change: Partial<Record<'typ' | 'alg' | 'bits' | 'lst' | 'sub' | 'iat' | 'exp' | 'ttl', CborValue>>,
  ) {
    const value = { ...good, exp: undefined, ttl: undefined, ...change };
    const map = (entries: readonly (readonly [number | string, CborValue | undefined])[]) =>
      new Map(entries.filter((entry): entry is [number | string, CborValue] => entry[1] !== undefined));
    const payload = map([
      [2, value.sub],
      [4, value.exp],
      [6, value.iat],
      [
        65533,
        map([
          ['bits', value.bits],
          ['lst', value.lst],
        ]),
      ],
      [65534, value.ttl],
    ]);
    const header = map([
      [1, value.alg],
      [16, value.typ],
    ]);
    const parts = [encodeCbor(header), new Map(), encodeCbor(payload), new Uint8Array(64)];
    return concatBytes(Uint8Array.of(0xd2), encodeCbor(parts));
  }

  it('is one of another form', () => {
    expect(readStatusList(token({})).subject).toBe(uri);
    const broken: Parameters<typeof token>[0][] = [
      { typ: 'application/statuslist+jwt' },
      { typ: undefined as never },
      { typ: 262 },
      { alg: -8 },
      { alg: -35 },
      { bits: 3 },
      { bits: 0 },
      { bits: 16 },
      { bits: '1' },
      { lst: 'eNrbuRgAAhcBXQ' },
      { lst: new Uint8Array(0) },
      { lst: zlibSync(new Uint8Array(16)).subarray(1) },
      { lst: concatBytes(zlibSync(new Uint8Array(16)).slice(0, -1), Uint8Array.of(9)) },
      { sub: '' },
      { sub: undefined as never },
      { sub: utf8(uri) },
      { sub: 'x'.repeat(301) },
      { iat: undefined as never },
      { iat: -1 },
      { iat: '2026' },
      { exp: issuedAt },
      { exp: -5 },
      { ttl: 0 },
      { ttl: -1 },
    ];
    for (const change of broken)
      expect(() => readStatusList(token(change)), JSON.stringify(change)).toThrow(refused);
  });

  it('is one that inflates beyond the bound, found in little time', () => {
    const bomb = zlibSync(new Uint8Array(17 * 1024 * 1024), { level: 9 });
    expect(bomb.length).toBeLessThan(20_000);
    const before = performance.now();
    expect(() => readStatusList(token({ lst: bomb }))).toThrow(/more than/);
    expect(performance.now() - before).toBeLessThan(1500);
  });

  it('is one whose map names a key twice', () => {
    const twice = concatBytes(fromHex('a3646269747301'), fromHex('646269747302'), fromHex('636c737440'));
    expect(() => decodeCbor(twice, 100, 'any-order')).toThrow(/stands twice/);
  });
});

describe('the status of a document', () => {
  const list = {
    ...claims,
    ...statusEntries(2, 100, [
      [3, 1],
      [4, 2],
      [5, 3],
    ]),
  };
  const of = (statusIndex: number, now: number, issued = issuedAt - 1000) =>
    documentStatus(list, { statusIndex, issuedAt: issued }, at(now));

  it('is what the list says, with its age', () => {
    expect(of(0, issuedAt + 10)).toEqual({ status: 'valid', asOf: issuedAt, copy: 'fresh' });
    expect(of(0, issuedAt + 86_400)).toEqual({ status: 'valid', asOf: issuedAt, copy: 'aged' });
    expect(of(3, issuedAt + 10)).toEqual({ status: 'revoked', asOf: issuedAt });
    expect(of(4, issuedAt + 10)).toEqual({ status: 'suspended', asOf: issuedAt });
  });

  it('is unknown where the list cannot know it', () => {
    const why = (statusIndex: number, now: number, issued?: number) => of(statusIndex, now, issued);
    expect(why(0, claims.expires)).toEqual({ status: 'unknown', why: 'expired', asOf: issuedAt });
    expect(why(0, issuedAt + 10, issuedAt + 5)).toMatchObject({ status: 'unknown', why: 'newer' });
    expect(why(100, issuedAt + 10)).toMatchObject({ status: 'unknown', why: 'absent' });
    expect(why(0, issuedAt - 1000)).toMatchObject({ status: 'unknown', why: 'future' });
    expect(why(5, issuedAt + 10)).toMatchObject({ status: 'unknown', why: 'foreign' });
  });

  it('stays revoked when the list has expired, and stays suspended no longer', () => {
    expect(of(3, claims.expires + 1e8)).toEqual({ status: 'revoked', asOf: issuedAt });
    expect(of(4, claims.expires)).toMatchObject({ status: 'unknown', why: 'expired' });
  });
});
