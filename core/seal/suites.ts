import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { fromHex, toHex } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import { backends, wycheproofCases } from '../crypto/suites.ts';
import { type Case, readVectors, refuse, type Suite } from '../vectors.ts';
import { decodeBase45, encodeBase45 } from './base45.ts';
import { decodeC40, encodeC40 } from './c40.ts';
import { type CborMap, decodeCbor, encodeCbor } from './cbor.ts';
import { readCose, toBeSigned } from './cose.ts';
import { checkDigit, type Mrz, nameField, readMrz } from './mrz.ts';
import { p256 } from './seal.fixture.ts';
import { checkSealSignature } from './seal.ts';
import {
  readStatusEntries,
  readStatusList,
  type StatusBits,
  statusAt,
  statusCapacity,
  statusEntries,
} from './status-list.ts';
import { transliterate } from './transliteration.ts';
import { readVds, vdsToBeSigned } from './vds.ts';
import { inflateZlib } from './zlib.ts';

/** For tests and the conformance command: the public vectors of seals and of what they are made of. */

const base45Cases = (): readonly Case[] =>
  readVectors('base45/base45.json').vectors.map(
    ({ id, base45, hex, expected }: { id: string; base45: string; hex?: string; expected?: 'error' }) => ({
      name: id,
      mustPass: expected !== 'error',
      run: () => {
        const bytes = decodeBase45(base45);
        equal(toHex(bytes), hex);
        equal(encodeBase45(bytes), base45);
      },
    }),
  );

/** Appendix A holds examples of all of CBOR: these are outside the profile of seals. */
const isOutside = (hex: string): boolean =>
  /^(f[9ab]|f7|f0|f8|c|d)/.test(hex) || // floats, undefined, simple values, tags
  /^(9f|bf|5f|7f)|826161bf/.test(hex); // indefinite lengths

const cborCases = (): readonly Case[] => [
  ...readVectors('cbor/rfc8949-appendix-a.json').vectors.map(({ id, hex }: { id: string; hex: string }) => ({
    name: id,
    mustPass: !isOutside(hex),
    run: () => equal(toHex(encodeCbor(decodeCbor(fromHex(hex)))), hex),
  })),
  ...readVectors('cbor/rfc8949-appendix-f-not-well-formed.json').vectors.map(
    ({ id, hex }: { id: string; hex: string }) => ({
      name: id,
      mustPass: false,
      run: () => void decodeCbor(fromHex(hex)),
    }),
  ),
];

interface CoseExample {
  readonly id: string;
  readonly kind: string;
  readonly expectedFail: boolean;
  readonly data: {
    readonly input: {
      readonly sign0?: {
        readonly key: { readonly kty: string; readonly crv: string; readonly x: string; readonly y: string };
        readonly external?: string;
      };
    };
    readonly intermediates?: { readonly ToBeSign_hex?: string };
    readonly output: { readonly cbor: string };
  };
}

/** Structures other than COSE_Sign1 are refused, right or not. */
const coseCases = (): readonly Case[] =>
  readVectors('cose/cose.json').vectors.map(({ id, kind, data, expectedFail }: CoseExample) => ({
    name: id,
    mustPass: kind === 'sign1' && !expectedFail,
    run: async () => {
      const cose = readCose(fromHex(data.output.cbor));
      const { key, external = '' } = data.input.sign0 ?? {};
      const covered = toBeSigned(cose, fromHex(external));
      if (!expectedFail) equal(toHex(covered), data.intermediates?.ToBeSign_hex?.toLowerCase());
      const spki = createPublicKey({ key: { ...key }, format: 'jwk' }).export({
        type: 'spki',
        format: 'der',
      });
      const publicKey = await nodeBackend.importPublicKey(p256, new Uint8Array(spki));
      if (cose.algorithm !== -7) refuse('another algorithm');
      if (!(await publicKey.verify(cose.signature, covered))) refuse('the signature is wrong');
    },
  }));

interface MrzVector {
  readonly id: string;
  readonly kind: string;
  readonly in?: string;
  readonly out?: number;
  readonly compositeInput?: string;
  readonly format?: Mrz['format'];
  readonly lines?: readonly string[];
  readonly expected?: { readonly valid: boolean; readonly checks: Readonly<Record<string, boolean>> };
  readonly viz?: string;
  readonly nameField?: string;
  readonly char?: string;
  readonly allowed?: readonly string[];
  readonly mrz?: string;
  readonly arabic?: string;
  readonly letterByLetter?: string;
  readonly primary?: string;
  readonly secondary?: string;
  readonly mrzName?: string;
}

function readDocument({ format, lines = [], expected }: MrzVector): void {
  const mrz = readMrz(lines.join('\n'));
  equal(mrz.format, format);
  const { number: doc, dateOfBirth: dob, dateOfExpiry: exp, optional: opt, composite: comp } = mrz.checks;
  const checks = Object.entries({ doc, dob, exp, opt, comp }).filter(([, right]) => right !== undefined);
  deepEqual(Object.fromEntries(checks), expected?.checks);
  const wrong = Object.entries(mrz.checks).find(([, right]) => !right);
  if (wrong) refuse(`the check digit of ${wrong[0]} is wrong`);
}

/** Names that are too long are cut otherwise than each example does; what Doc 9303 demands of them is checked. */
function writeName({ viz = '', nameField: expected = '' }: MrzVector): void {
  const [primary = '', secondary = ''] = viz.split(', ');
  const made = nameField(primary, secondary, expected.length);
  const whole = `${transliterate(primary)}${secondary === '' ? '' : `<<${transliterate(secondary)}`}`;
  if (whole.length <= expected.length) equal(made, expected);
  else {
    equal(made.length, expected.length);
    match(made, /[A-Z]$/);
    equal(made.slice(0, 6), transliterate(primary).slice(0, 6));
  }
}

function checkMrz(vector: MrzVector): void {
  const { char = '', mrz = '', primary = '', secondary = '' } = vector;
  switch (vector.kind) {
    case 'checkDigit':
      equal(checkDigit(vector.in ?? ''), vector.out);
      return;
    case 'composite':
      equal(checkDigit(vector.compositeInput ?? ''), vector.out);
      return;
    case 'document':
      readDocument(vector);
      return;
    case 'name':
      writeName(vector);
      return;
    case 'latin':
      ok(vector.allowed?.includes(transliterate(char)));
      return;
    case 'arabic': {
      const [inside, atEnd = inside] = mrz.split('/');
      equal(transliterate(char), atEnd);
      equal(transliterate(`${char}ب`), `${inside}B`);
      return;
    }
    case 'latinName':
      equal(`${transliterate(primary)}<<${transliterate(secondary)}`, vector.mrzName);
      return;
    case 'arabicName':
      equal(transliterate(vector.arabic ?? ''), vector.letterByLetter);
      return;
    default:
      throw new Error(`unknown kind ${vector.kind}`);
  }
}

const mrzCases = (): readonly Case[] =>
  readVectors('mrz/mrz.json').vectors.map((vector: MrzVector) => ({
    name: vector.id,
    mustPass: vector.expected?.valid !== false,
    run: () => checkMrz(vector),
  }));

interface VdsVector {
  readonly id: string;
  readonly rawHex: string;
  readonly expected: {
    readonly status?: 'INVALID';
    readonly header?: {
      readonly icaoVersion: number;
      readonly issuingCountry: string;
      readonly signerIdentifier: string;
      readonly certificateReference: string;
      readonly documentIssueDate: string;
      readonly signatureDate: string;
      readonly documentFeatureDefinitionReference: number;
      readonly documentTypeCategory: number;
    };
    readonly features?: readonly {
      readonly tag: number;
      readonly valueHex: string;
      readonly coding?: string;
      readonly value?: string;
    }[];
    readonly signatureHex?: string;
    readonly signedBytesLength?: number;
    readonly signatureVerifiesWith?: string;
  };
}

function compareVds(seal: ReturnType<typeof readVds>, expected: VdsVector['expected']): void {
  const { header, features, signature, toBeSigned } = seal;
  deepEqual(header, {
    version: expected.header?.icaoVersion,
    issuingCountry: expected.header?.issuingCountry,
    signer: expected.header?.signerIdentifier,
    certificateReference: expected.header?.certificateReference,
    issued: expected.header?.documentIssueDate,
    signed: expected.header?.signatureDate,
    definition: expected.header?.documentFeatureDefinitionReference,
    category: expected.header?.documentTypeCategory,
  });
  deepEqual(
    features.map(({ tag, value }) => [tag, toHex(value)]),
    expected.features?.map(({ tag, valueHex }) => [tag, valueHex]),
  );
  for (const { coding, valueHex, value = '' } of expected.features ?? []) {
    if (coding === 'C40') equal(decodeC40(fromHex(valueHex)), value);
    if (coding === 'MRZ') equal(decodeC40(fromHex(valueHex)).replaceAll(' ', '<'), value);
  }
  equal(toHex(signature), expected.signatureHex);
  equal(toBeSigned.length, expected.signedBytesLength);
}

/** The signature of a right seal is checked by the platform alone, over what was read. */
const vdsCases = (): readonly Case[] => {
  const { vectors, certificates } = readVectors('vds/seals.json') as {
    vectors: VdsVector[];
    certificates: Record<string, { curve: string; derBase64: string }>;
  };
  const verifies = ({ toBeSigned, signature }: ReturnType<typeof readVds>, name: string): boolean => {
    const { curve, derBase64 } = certificates[name] as { curve: string; derBase64: string };
    const { publicKey } = new X509Certificate(Buffer.from(derBase64, 'base64'));
    // The hash goes by the size of the curve (Doc 9303-13 §2.4).
    const hash = curve.includes('224') ? 'sha224' : 'sha256';
    return verify(hash, toBeSigned, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
  };
  return vectors.map(({ id, rawHex, expected }) => ({
    name: id,
    mustPass: expected.status !== 'INVALID',
    run: () => {
      const seal = readVds(fromHex(rawHex));
      if (expected.header) compareVds(seal, expected);
      const signers = expected.signatureVerifiesWith
        ? [expected.signatureVerifiesWith]
        : Object.keys(certificates);
      if (!signers.some((name) => verifies(seal, name))) refuse('the signature is wrong');
    },
  }));
};

function writeHeader(given: Readonly<Record<string, string>>): string {
  const { rawVersion, country = '', signer = '', certRef = '', issue = '', sig = '', ref = '' } = given;
  const header = {
    version: Number(rawVersion) === 2 ? (3 as const) : (4 as const),
    issuingCountry: country.replaceAll('<', ''),
    signer,
    certificateReference: certRef,
    issued: issue,
    signed: sig,
    definition: Number.parseInt(ref.slice(0, 2), 16),
    category: Number.parseInt(ref.slice(2), 16),
  };
  return toHex(vdsToBeSigned(header, []));
}

const vdsPrimitiveCases = (): readonly Case[] =>
  readVectors('vds/primitives.json')
    .vectors.filter(({ op }: { op: string }) => op === 'c40encode' || op === 'vdsHeader')
    .map(({ id, op, in: given, out }: { id: string; op: string; in: never; out: string }) => ({
      name: id,
      mustPass: true,
      run: () => {
        if (op === 'vdsHeader') equal(writeHeader(given), out);
        else {
          equal(toHex(encodeC40(given)), out);
          equal(decodeC40(fromHex(out)), given);
        }
      },
    }));

interface StatusVector {
  readonly id: string;
  readonly kind: string;
  readonly bits: StatusBits;
  readonly hex: string;
  readonly cborHex: string;
  readonly uncompressedHex: string;
  readonly statuses: readonly number[];
  readonly nonZero: Readonly<Record<string, number>>;
  readonly json: { readonly bits: StatusBits; readonly lst: string };
  readonly referencedUri: string;
}

function checkStatusVector(vector: StatusVector): void {
  const { bits, uncompressedHex, statuses, json, nonZero } = vector;
  switch (vector.id) {
    case 'status_list_encoding2_cbor': {
      const entries = readStatusEntries(decodeCbor(fromHex(vector.hex), 4096, 'any-order') as CborMap);
      deepEqual({ bits: entries.bits, list: toHex(entries.list) }, { bits, list: uncompressedHex });
      deepEqual(
        statuses.map((_, index) => statusAt(entries, index)),
        statuses,
      );
      deepEqual(statusEntries(bits, statuses.length, statuses.entries()), entries);
      return;
    }
    case 'status_list_encoding_json': {
      const list = inflateZlib(new Uint8Array(Buffer.from(json.lst, 'base64url')), 1000);
      equal(toHex(list), uncompressedHex);
      deepEqual(
        [0, 1].map((index) => statusAt({ bits: json.bits, list }, index)),
        [1, 0],
      );
      return;
    }
    case 'status_list_encoding8_cbor': {
      const entries = readStatusEntries(decodeCbor(fromHex(vector.cborHex), 65_536, 'any-order') as CborMap);
      equal(entries.bits, bits);
      equal(statusCapacity(entries), 2 ** 20);
      const found = Array.from(entries.list, (status, index) => [index, status] as const);
      // Index 233478 is named with the status 0.
      deepEqual({ 233478: 0, ...Object.fromEntries(found.filter(([, status]) => status > 0)) }, nonZero);
      return;
    }
    case 'neg-sub-mismatch': {
      const list = readStatusList(fromHex(vector.hex));
      equal(list.timeToLive, 43_200);
      if (list.subject !== vector.referencedUri) refuse('another subject');
      return;
    }
    default:
      throw new Error(`unknown vector ${vector.id}`);
  }
}

/** The JWT form of a status list is read by nothing here. */
const statusCases = (): readonly Case[] =>
  readVectors('tsl/token-status-list.json')
    .vectors.filter(({ kind }: StatusVector) => kind !== 'jwt')
    .map((vector: StatusVector) => ({
      name: vector.id,
      mustPass: vector.kind !== 'negative',
      run: () => checkStatusVector(vector),
    }));

/** A seal has the one curve and hash. */
const sealCases = (backend: CryptoBackend) =>
  wycheproofCases(
    ['p1363'],
    async ({ algorithm, spki }) => {
      const key = await backend.importPublicKey(algorithm, spki);
      return (signature, toBeSigned) => checkSealSignature({ signature, toBeSigned }, key);
    },
    (algorithm) => algorithm.name === 'ecdsa' && algorithm.curve === 'P-256',
  );

export const sealSuites: readonly Suite[] = [
  { name: 'Base45 of RFC 9285', count: 13, cases: base45Cases },
  { name: 'CBOR of RFC 8949, the profile of seals', count: 58, cases: cborCases },
  { name: 'COSE examples of cose-wg', count: 13, cases: coseCases },
  { name: 'Machine-readable zone of Doc 9303', count: 94, cases: mrzCases },
  { name: 'ICAO VDS, format', count: 34, cases: vdsCases },
  { name: 'ICAO VDS, primitives', count: 5, cases: vdsPrimitiveCases },
  { name: 'Token status list', count: 4, cases: statusCases },
  ...backends.map(([name, backend]) => ({
    name: `Wycheproof, seals, ${name}`,
    count: 262,
    cases: () => sealCases(backend),
  })),
];
