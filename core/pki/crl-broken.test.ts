import { describe, expect, test } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { element, generalizedTime, ia5String, implicit, integer, nul, oid, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { parseCertificate } from './certificate.ts';
import { parseCrl } from './crl.ts';
import {
  type CrlShape,
  certificate,
  crl,
  extension,
  type Party,
  party,
  renamed,
  testTime,
} from './fixture.ts';
import { type PathInput, validatePath } from './path.ts';

/**
 * The negative suite of CRLs. Each says that nobody is revoked and is broken in one way; the certificate must then not
 * be taken for good. The word is in the reason that is given.
 */
const authority = party('Authority');
const stranger = party('Stranger');
const namesake = renamed('Authority', stranger);
const issuer = parseCertificate(certificate(authority, authority, { ca: true }));
const uri = (text: string) => implicit(0x86, ia5String(text));
const point = (text: string) => sequence(element(0xa0, element(0xa0, uri(text))));
const leaf = parseCertificate(
  certificate(authority, party('Signer'), {
    serial: 5,
    extensions: [extension('2.5.29.31', sequence(point('http://a.example/a.crl')))],
  }),
);

const made = (shape: CrlShape = {}, by: Party = authority): Uint8Array => crl(by, shape);
const scope = (...fields: Uint8Array[]) => ({
  extensions: [extension('2.5.29.28', sequence(...fields), true)],
});
const flag = (number: number) => element(0x80 | number, Uint8Array.of(0xff));
const entry = (...extensions: Uint8Array[]): CrlShape => ({
  revoked: [{ serial: 9, date: new Date('2026-05-01T00:00:00Z'), extensions }],
});
const day = (text: string) => new Date(text);

/** One byte of a CRL replaced, where these bytes stand first. */
function patched(der: Uint8Array, from: readonly number[], to: readonly number[]): Uint8Array {
  const at = der.findIndex((_octet, i) => from.every((octet, j) => der[i + j] === octet));
  if (at < 0) throw new RangeError('nothing to patch');
  const copy = der.slice();
  copy.set(to, at);
  return copy;
}
const ecdsaSha256 = [...oid('1.2.840.10045.4.3.2')];
const ecdsaSha1 = [...oid('1.2.840.10045.4.3.1')];

const broken: readonly (readonly [string, RegExp, Uint8Array])[] = [
  ['by an unrelated key', /no CRL of/, made({}, stranger)],
  ['by an unrelated key in the name of the authority', /not signed by its issuer/, made({}, namesake)],
  ['of yesterday', /is for/, made({ nextUpdate: day('2026-06-01T11:59:59Z') })],
  [
    'of tomorrow',
    /is for/,
    made({ thisUpdate: day('2026-06-01T12:00:01Z'), nextUpdate: day('2026-06-09T00:00:00Z') }),
  ],
  [
    'with its updates in the wrong order',
    /is for/,
    made({ thisUpdate: day('2026-06-10T00:00:00Z'), nextUpdate: day('2026-05-01T00:00:00Z') }),
  ],
  ['for authorities only', /no CRL of/, made(scope(flag(2)))],
  ['for attributes only', /no CRL of/, made(scope(flag(5)))],
  [
    'for another distribution point',
    /no CRL of/,
    made(scope(element(0xa0, element(0xa0, uri('http://b.example/b.crl'))))),
  ],
  ['for some reasons only', /do not cover every reason/, made(scope(element(0x83, Uint8Array.of(6, 0x40))))],
  [
    'that is a delta without its complete list',
    /no CRL of/,
    made({ extensions: [extension('2.5.29.27', integer(1), true)] }),
  ],
  [
    'with a critical extension',
    /critical extension/,
    made({ extensions: [extension('1.2.3.4', nul, true)] }),
  ],
  [
    'with a critical extension of an entry',
    /critical entry extension/,
    made(entry(extension('1.2.3.4', nul, true))),
  ],
  ['with an algorithm that differs inside', /malformed/, patched(made(), ecdsaSha256, ecdsaSha1)],
  ['of version 1', /malformed/, patched(made(), [2, 1, 1], [2, 1, 0])],
  [
    'with an entry of another issuer',
    /malformed/,
    made(entry(extension('2.5.29.29', sequence(element(0xa4, sequence())), true))),
  ],
  [
    'with a reason that is not defined',
    /malformed/,
    made(entry(extension('2.5.29.21', element(10, Uint8Array.of(7))))),
  ],
  ['with a reason of another type', /malformed/, made(entry(extension('2.5.29.21', integer(1))))],
  ['with an invalidity date that is none', /malformed/, made(entry(extension('2.5.29.24', nul)))],
  [
    'with an entry extension twice',
    /malformed/,
    made(entry(extension('1.2.3', nul), extension('1.2.3', nul))),
  ],
  ['with an extension twice', /malformed/, made({ extensions: [extension('2.5.29.20', integer(2))] })],
  [
    'without a number',
    /malformed/,
    patched(
      made({ extensions: [extension('1.2.3', nul)] }),
      [...extension('2.5.29.20', integer(1))],
      [...extension('2.5.29.99', integer(1))],
    ),
  ],
  [
    'with a delta indicator that is not critical',
    /malformed/,
    made({ extensions: [extension('2.5.29.27', integer(1))] }),
  ],
  [
    'with a scope that is not critical',
    /malformed/,
    made({ extensions: [extension('2.5.29.28', sequence(flag(1)))] }),
  ],
  ['with an empty scope', /malformed/, made(scope())],
  ['with a scope that contradicts itself', /malformed/, made(scope(flag(1), flag(2)))],
  ['with a scope whose default is written out', /malformed/, made(scope(element(0x81, Uint8Array.of(0))))],
  ['with a scope out of order', /malformed/, made(scope(flag(4), flag(1)))],
  ['with an unknown field of its scope', /malformed/, made(scope(flag(6)))],
  [
    'with a date of expiry that is none',
    /malformed/,
    made({ extensions: [extension('2.5.29.60', integer(1))] }),
  ],
  ['with bytes after its end', /malformed/, Uint8Array.of(...made(), 0)],
  ['with a date of another form', /malformed/, patched(made(), [0x17, 0x0d], [0x18, 0x0d])],
  ['in no bytes', /malformed/, new Uint8Array()],
  ['of empty parts', /malformed/, sequence(sequence(), sequence(), nul)],
];

const usual: PathInput = { leaf, intermediates: [], anchors: [issuer], time: testTime };

async function said(der: Uint8Array): Promise<string> {
  try {
    const crls = [parseCrl(der)];
    const result = await validatePath({ ...usual, revocation: { crls } }, nodeBackend);
    return result.ok ? 'ok' : `${result.reason} ${result.message}`;
  } catch (error) {
    if (error instanceof ConsulError) return error.message;
    throw error;
  }
}

describe('a broken CRL', () => {
  test('is beside one that is right', async () => {
    expect(await said(made())).toBe('ok');
    expect(await said(made(entry()))).toBe('ok');
    expect(await said(made(scope(flag(1))))).toBe('ok');
    const keeping = extension('2.5.29.60', generalizedTime(day('2020-01-01T00:00:00Z')));
    expect(await said(made({ extensions: [keeping] }))).toBe('ok');
  });

  test.each(broken)('proves nothing: %s (%s)', async (_name, reason, der) => {
    expect(await said(der)).toMatch(reason);
  });

  test('never proves anything when any bit of it is another', { timeout: 30_000 }, async () => {
    const der = made(entry());
    for (let bit = 0; bit < 8 * der.length; bit += 3) {
      const flipped = der.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(await said(flipped)).not.toBe('ok');
    }
  });
});
