import { concatBytes, latin1 } from '../bytes.ts';
import { indefinite, longLength } from '../cms/forge.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import { tag } from '../der/tags.ts';
import {
  bitString,
  element,
  explicit,
  ia5String,
  implicit,
  integer,
  nul,
  octetString,
  oid,
  sequence,
  time,
  utf8String,
} from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { type Case, refuse } from '../vectors.ts';
import { parseCertificate } from './certificate.ts';
import { parseCrl } from './crl.ts';
import {
  type CrlShape,
  certificate,
  commonName,
  crl,
  extension,
  type Party,
  party,
  renamed,
  testTime,
} from './fixture.ts';
import { type PathInput, validatePath } from './path.ts';

/**
 * For tests and the conformance command: the negative suite of CRLs. Each says that nobody is revoked and is broken in
 * one way; the certificate must then not be taken for good. The word is in the reason that is given.
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

export const made = (shape: CrlShape = {}, by: Party = authority): Uint8Array => crl(by, shape);
export const scope = (...fields: Uint8Array[]) => ({
  extensions: [extension('2.5.29.28', sequence(...fields), true)],
});
export const flag = (number: number) => element(0x80 | number, Uint8Array.of(0xff));
export const entry = (...extensions: Uint8Array[]): CrlShape => ({
  revoked: [{ serial: 9, date: new Date('2026-05-01T00:00:00Z'), extensions }],
});
export const day = (text: string) => new Date(text);

/** One byte of a CRL replaced, where these bytes stand first. */
function patched(der: Uint8Array, from: readonly number[], to: readonly number[]): Uint8Array {
  const at = der.findIndex((_octet, i) => from.every((octet, j) => der[i + j] === octet));
  if (at < 0) throw new RangeError('nothing to patch');
  const copy = der.slice();
  copy.set(to, at);
  return copy;
}
const ecdsaSha1Oid = '1.2.840.10045.4.1';
const ecdsaSha256Oid = '1.2.840.10045.4.3.2';
const ecdsaSha384Oid = '1.2.840.10045.4.3.3';
const ecdsaSha256 = [...oid(ecdsaSha256Oid)];
const ecdsaSha224 = [...oid('1.2.840.10045.4.3.1')];

const lastMay = day('2026-05-01T00:00:00Z');
/** An entry extension without a meaning here. */
const note = extension('1.2.3.4', nul);
const utcTime = (text: string): Uint8Array => element(tag.utcTime, latin1(text));
const rawEntry = (...fields: readonly Uint8Array[]): Uint8Array =>
  sequence(...(fields.length > 0 ? fields : [integer(9), time(lastMay)]));
const withEntry = (...fields: readonly Uint8Array[]): Uint8Array =>
  made({ fields: { entries: sequence(rawEntry(...fields)) } });
const numbered = (number: Uint8Array) => ({ extensions: explicit(0, sequence(number)) });

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
  ['with an algorithm that differs inside', /malformed/, patched(made(), ecdsaSha256, ecdsaSha224)],
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
  ['without a next update', /malformed/, made({ fields: { nextUpdate: new Uint8Array() } })],
  ['without a version', /malformed/, made({ fields: { version: new Uint8Array() } })],
  ['of version 3', /malformed/, made({ fields: { version: integer(2) } })],
  ['without extensions', /malformed/, made({ fields: { extensions: new Uint8Array() } })],
  [
    'with an empty list of extensions',
    /malformed/,
    made({ fields: { extensions: explicit(0, sequence()) } }),
  ],
  [
    'with its extensions under another tag',
    /malformed/,
    made({ fields: { extensions: explicit(3, sequence(extension('2.5.29.20', integer(1)))) } }),
  ],
  [
    'with its extensions under no tag',
    /malformed/,
    made({ fields: { extensions: sequence(extension('2.5.29.20', integer(1))) } }),
  ],
  [
    'with fields after its extensions',
    /malformed/,
    made({
      fields: {
        extensions: concatBytes(
          explicit(0, sequence(extension('2.5.29.20', integer(1)))),
          explicit(1, sequence()),
        ),
      },
    }),
  ],
  ['with an issuer of no name', /malformed/, made({ fields: { issuer: sequence() } })],
  ['with an issuer that is text', /malformed/, made({ fields: { issuer: utf8String('Authority') } })],
  ['with an issuer of an empty part', /malformed/, made({ fields: { issuer: sequence(element(tag.set)) } })],
  ['with an empty list of entries', /malformed/, made({ fields: { entries: sequence() } })],
  ['with entries that are a SET', /malformed/, made({ fields: { entries: element(tag.set, rawEntry()) } })],
  ['with an entry of one field', /malformed/, withEntry(integer(9))],
  ['with an entry of four fields', /malformed/, withEntry(integer(9), time(lastMay), sequence(note), nul)],
  ['with an entry without a date', /malformed/, withEntry(integer(9), sequence(note))],
  ['with an entry of empty extensions', /malformed/, withEntry(integer(9), time(lastMay), sequence())],
  ['with a serial number that is text', /malformed/, withEntry(utf8String('9'), time(lastMay))],
  [
    'with a serial number that is not minimal',
    /malformed/,
    withEntry(Uint8Array.of(2, 2, 0, 9), time(lastMay)),
  ],
  ['with a serial number of no octets', /malformed/, withEntry(Uint8Array.of(2, 0), time(lastMay))],
  ['with the date of an entry without seconds', /malformed/, withEntry(integer(9), utcTime('2605010000Z'))],
  [
    'with the date of an entry in a time zone',
    /malformed/,
    withEntry(integer(9), utcTime('260501000000+0100')),
  ],
  ['with a day that does not exist', /malformed/, withEntry(integer(9), utcTime('260231000000Z'))],
  ['with a month that does not exist', /malformed/, withEntry(integer(9), utcTime('261331000000Z'))],
  [
    'with the date of an entry to the tenth of a second',
    /malformed/,
    withEntry(integer(9), element(tag.generalizedTime, latin1('20500501000000.5Z'))),
  ],
  [
    'with a local time',
    /malformed/,
    made({ fields: { thisUpdate: element(tag.generalizedTime, latin1('20500530000000')) } }),
  ],
  [
    'with its number critical',
    /malformed/,
    made({ fields: numbered(extension('2.5.29.20', integer(1), true)) }),
  ],
  [
    'with a number that is text',
    /malformed/,
    made({ fields: numbered(extension('2.5.29.20', utf8String('1'))) }),
  ],
  [
    'with a number that is not minimal',
    /malformed/,
    made({ fields: numbered(extension('2.5.29.20', Uint8Array.of(2, 2, 0, 1))) }),
  ],
  [
    'with bytes after its number',
    /malformed/,
    made({ fields: numbered(extension('2.5.29.20', concatBytes(integer(1), nul))) }),
  ],
  ['with a base that is no number', /malformed/, made({ extensions: [extension('2.5.29.27', nul, true)] })],
  [
    'with the default of an extension written out',
    /malformed/,
    made({
      extensions: [sequence(oid('1.2.3.4'), element(tag.boolean, Uint8Array.of(0)), octetString(nul))],
    }),
  ],
  [
    'with an extension whose value is not in a string',
    /malformed/,
    made({ extensions: [sequence(oid('1.2.3.4'), nul)] }),
  ],
  [
    'with a scope of reasons with a bit that is not defined',
    /malformed/,
    made(scope(element(0x83, Uint8Array.of(0, 0x7f, 0xff)))),
  ],
  ['with a scope of no reasons', /no CRL of/, made(scope(element(0x83, Uint8Array.of(0))))],
  [
    'with a scope that names a point in an empty list',
    /malformed/,
    made(scope(element(0xa0, element(0xa0)))),
  ],
  [
    'for a point named relative to its issuer',
    /no CRL of/,
    made(scope(element(0xa0, element(0xa1, sequence(oid('2.5.4.3'), utf8String('elsewhere')))))),
  ],
  [
    'for a point named by a directory name',
    /no CRL of/,
    made(scope(element(0xa0, element(0xa0, element(0xa4, commonName('Elsewhere')))))),
  ],
  [
    'with a critical freshest CRL',
    /critical extension/,
    made({ extensions: [extension('2.5.29.46', nul, true)] }),
  ],
  [
    'with a critical key identifier of its issuer',
    /critical extension/,
    made({ extensions: [extension('2.5.29.35', sequence(), true)] }),
  ],
  [
    'with a critical alternative name of its issuer',
    /critical extension/,
    made({ extensions: [extension('2.5.29.18', sequence(), true)] }),
  ],
  [
    'with another algorithm outside than inside',
    /malformed/,
    made({ outerAlgorithm: sequence(oid(ecdsaSha384Oid)) }),
  ],
  [
    'signed with SHA-1',
    /not signed by its issuer/,
    made({ fields: { algorithm: sequence(oid(ecdsaSha1Oid)) } }),
  ],
  [
    'signed with parameters where none belong',
    /not signed by its issuer/,
    made({ fields: { algorithm: sequence(oid(ecdsaSha256Oid), nul) } }),
  ],
  [
    'signed as RSA by an EC key',
    /not signed by its issuer/,
    made({ fields: { algorithm: sequence(oid('1.2.840.113549.1.1.11'), nul) } }),
  ],
  [
    'signed as SHA-384 over SHA-256',
    /not signed by its issuer/,
    made({ fields: { algorithm: sequence(oid(ecdsaSha384Oid)) } }),
  ],
  [
    'signed by an algorithm that is not known',
    /not signed by its issuer/,
    made({ fields: { algorithm: sequence(oid('1.2.3.4')) } }),
  ],
  ['signed over other data', /not signed by its issuer/, made({ signed: sequence() })],
  [
    'with an empty signature',
    /not signed by its issuer/,
    made({ signature: () => bitString(new Uint8Array()) }),
  ],
  [
    'with r = s = 0',
    /not signed by its issuer/,
    made({ signature: () => bitString(sequence(integer(0), integer(0))) }),
  ],
  [
    'with a byte after its signature value',
    /not signed by its issuer/,
    made({ signature: (value) => bitString(concatBytes(value, Uint8Array.of(0))) }),
  ],
  [
    'with a signature of seven unused bits',
    /malformed/,
    made({ signature: (value) => element(tag.bitString, Uint8Array.of(7), value) }),
  ],
  ['with a signature as OCTET STRING', /malformed/, made({ signature: (value) => octetString(value) })],
  ['of a length of BER', /malformed/, indefinite(made())],
  ['of a length that is not minimal', /malformed/, longLength(made())],
  ['that is a certificate', /malformed/, issuer.bytes],
  ['twice, one after the other', /malformed/, concatBytes(made(), made())],
  ['in no bytes', /malformed/, new Uint8Array()],
  ['of empty parts', /malformed/, sequence(sequence(), sequence(), nul)],
];

const usual: PathInput = { leaf, intermediates: [], anchors: [issuer], time: testTime };

export async function said(der: Uint8Array, backend: CryptoBackend = nodeBackend): Promise<string> {
  try {
    const crls = [parseCrl(der)];
    const result = await validatePath({ ...usual, revocation: { crls } }, backend);
    return result.ok ? 'ok' : `${result.reason} ${result.message}`;
  } catch (error) {
    if (error instanceof ConsulError) return error.message;
    throw error;
  }
}

export const brokenCrls = (backend: CryptoBackend): readonly Case[] =>
  broken.map(([name, reason, der]) => ({
    name: `CRL: ${name}`,
    mustPass: false,
    reason,
    run: async () => {
      const word = await said(der, backend);
      if (word !== 'ok') refuse(word);
    },
  }));
