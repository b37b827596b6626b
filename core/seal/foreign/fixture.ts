import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { encode } from 'cborg';
import { zlibSync } from 'fflate';
import { concatBytes, latin1, utf8 } from '../../bytes.ts';
import { documentTypeOid, writeDocumentTypes } from '../../pki/document-type.ts';
import { type CertificateShape, certificate, extension, type Party } from '../../pki/fixture.ts';
import { encodeBase32 } from '../base32.ts';
import { encodeBase45 } from '../base45.ts';
import { encodeC40 } from '../c40.ts';
import { sealVds, type VdsHeader, vdsToBeSigned } from '../vds.ts';

/** Seals of other systems made by code, right and wrong, for tests. */

export const signRaw = (hash: string, data: Uint8Array, key: KeyObject): Uint8Array =>
  new Uint8Array(sign(hash, data, { key, dsaEncoding: 'ieee-p1363' }));

/** A party whose key is on any curve that OpenSSL has. */
export function partyOn(name: string, namedCurve: string): Party {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  return { name, privateKey, spki: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })) };
}

export const documentTypes = (...types: string[]): Uint8Array =>
  extension(documentTypeOid, writeDocumentTypes(types));

export const sealPurpose = '2.23.136.1.1.14.2';

/** A CWT in COSE_Sign1, base45 of zlib of it. */
export function tokenText(
  claims: Map<number, unknown>,
  key: KeyObject,
  options: {
    kid?: Uint8Array;
    algorithm?: number;
    prefix?: string;
    change?: (cose: Uint8Array) => Uint8Array;
  } = {},
): string {
  const { kid, algorithm = -7, prefix = '', change = (cose) => cose } = options;
  const header = encode(new Map<number, unknown>([[1, algorithm], ...(kid ? [[4, kid] as const] : [])]));
  const payload = encode(claims);
  const toBeSigned = encode(['Signature1', header, new Uint8Array(), payload]);
  const cose = concatBytes(
    Uint8Array.of(0xd2),
    encode([header, new Map(), payload, signRaw('sha256', toBeSigned, key)]),
  );
  return prefix + encodeBase45(zlibSync(change(cose)));
}

/** An EU digital COVID certificate of recovery. */
export function healthText(key: KeyObject, kid: Uint8Array, change: Record<string, unknown> = {}): string {
  const entry = {
    tg: '840539006',
    fr: '2021-02-20',
    co: 'AT',
    is: 'Ministry',
    df: '2021-04-04',
    du: '2021-10-04',
    ci: 'URN:UVCI:01:AT:858CC18CFCF5965EF82F60E493349AA5#K',
    ...change,
  };
  const dcc = { ver: '1.3.0', nam: { fn: 'Exemple', fnt: 'EXEMPLE' }, dob: '1990-01-01', r: [entry] };
  return tokenText(
    new Map<number, unknown>([
      [1, 'AT'],
      [4, 1_800_000_000],
      [6, 1_700_000_000],
      [-260, new Map([[1, dcc]])],
    ]),
    key,
    { kid, prefix: 'HC1:' },
  );
}

export function twoDDocText(key: KeyObject, message = '10M/EXEMPLE/HENRY\u001d5000000000000000'): string {
  const signed = `DC03FR000001250025000601${message}`;
  return `${signed}\u001f${encodeBase32(signRaw('sha256', latin1(signed), key))}`;
}

/** The binary form of version 4 with two fields. */
export function twoDDocBinary(key: KeyObject, signatureLength: boolean): Uint8Array {
  const text = encodeC40('DUPONT');
  const signed = concatBytes(
    Uint8Array.of(0xdc, 0x04),
    encodeC40('FRA'),
    encodeC40('FR0000001'),
    // 06012026 and no date.
    Uint8Array.of(0x5b, 0xbc, 0x7a),
    Uint8Array.of(0xff, 0xff, 0xff),
    Uint8Array.of(0x07, 0x00, 0x01),
    Uint8Array.of(0x01, text.length),
    text,
    Uint8Array.of(0x02, 0xff, 0x00, 0x02, 0xab, 0xcd),
  );
  const signature = signRaw('sha256', signed, key);
  return concatBytes(signed, Uint8Array.of(0xff, ...(signatureLength ? [signature.length] : [])), signature);
}

export function vdsNcText(key: KeyObject, cer: Uint8Array, type = 'icao.vacc'): string {
  const canonical = `{"hdr":{"is":"UTO","t":"${type}","v":1},"msg":{"pid":{"n":"EXEMPLE"}}}`;
  const base64Url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  const sig = {
    alg: 'ES256',
    cer: base64Url(cer),
    sigvl: base64Url(signRaw('sha256', utf8(canonical), key)),
  };
  return `{"sig":${JSON.stringify(sig)},"data":${canonical}}`;
}

/** An ICAO bar code with one message; without a key it is not signed. */
export function idbText(
  options: { key?: KeyObject; reference?: Uint8Array; certificate?: Uint8Array; zip?: boolean } = {},
): string {
  const { key, reference = new Uint8Array(5), certificate: der, zip = false } = options;
  const text = encodeC40('ABC123');
  const group = Uint8Array.of(0x61, text.length + 2, 0x85, text.length, ...text);
  const header = key
    ? concatBytes(encodeC40('UTO'), Uint8Array.of(1), reference, Uint8Array.of(0, 0x20, 0x3a, 0x19))
    : encodeC40('UTO');
  const signed = concatBytes(header, group);
  const tail = key
    ? concatBytes(
        ...(der ? [Uint8Array.of(0x7e, 0x82, der.length >> 8, der.length & 255), der] : []),
        Uint8Array.of(0x7f, 64),
        signRaw('sha256', signed, key),
      )
    : new Uint8Array();
  const payload = concatBytes(signed, tail);
  const flag = 'ABCD'[(key ? 1 : 0) + (zip ? 2 : 0)];
  return `RDB1${flag}${encodeBase32(zip ? zlibSync(payload) : payload)}`;
}

export const residencePermit: VdsHeader = {
  version: 4,
  issuingCountry: 'UTO',
  signer: 'UTTS',
  certificateReference: '5B',
  issued: '2026-01-01',
  signed: '2026-01-01',
  definition: 0xfb,
  category: 6,
};

export function vdsBytes(
  key: KeyObject,
  hash = 'sha256',
  features: readonly { tag: number; value: Uint8Array }[] = [
    { tag: 2, value: encodeC40('ATD<<RESIDORCE<<ROLAND<<<<<<<<<<<<<<6525845096USA7008038M2201018<<<<<<06') },
    { tag: 3, value: encodeC40('UFO001979') },
  ],
): Uint8Array {
  const toBeSigned = vdsToBeSigned(residencePermit, features);
  return sealVds(toBeSigned, signRaw(hash, toBeSigned, key));
}

/** A certificate whose subject is C and CN of two letters each, as signers of seals have it. */
export function sealCertificate(issuer: Party, subject: Party, shape: CertificateShape = {}): Uint8Array {
  return certificate(issuer, subject, {
    serial: 0x5b,
    keyUsage: [],
    extendedKeyUsage: [sealPurpose],
    extendedKeyUsageCritical: true,
    ...shape,
  });
}
