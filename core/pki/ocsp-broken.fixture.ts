import type { CryptoBackend } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import { contextTag, tag } from '../der/tags.ts';
import {
  element,
  explicit,
  generalizedTime,
  integer,
  nul,
  octetString,
  oid,
  sequence,
  time,
} from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { type Case, refuse } from '../vectors.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import {
  type CertificateShape,
  certificate,
  commonName,
  extension,
  party,
  renamed,
  testTime,
} from './fixture.ts';
import {
  certId,
  ocspResponse,
  type ResponseShape,
  responderByKey,
  responderByName,
  type SingleShape,
  single,
  statuses,
} from './ocsp.fixture.ts';
import { ocspOid, parseOcspResponse } from './ocsp.ts';
import { checkOcspAnswer } from './ocsp-answer.ts';

/** For tests and the conformance command: the negative suite of OCSP answers. */

export const authority = party('Authority');
export const signer = party('Signer');
export const responder = party('Responder');
export const stranger = party('Stranger');

export const made = (der: Uint8Array): Certificate => parseCertificate(der);
export const issuer = made(
  certificate(authority, authority, { ca: true, keyUsage: ['keyCertSign', 'cRLSign', 'digitalSignature'] }),
);
const leafShape = { serial: 0x80 };
const leafDer = certificate(authority, signer, leafShape);
export const leaf = made(leafDer);
const noCheck = extension(ocspOid.noCheck, nul);
export const delegate = (shape: CertificateShape = {}, by = authority, of = responder): Uint8Array =>
  certificate(by, of, { extendedKeyUsage: [ocspOid.signing], extensions: [noCheck], ...shape });
const delegateDer = delegate();

const id = certId(authority, leaf.serial);
export const about = (shape: Partial<SingleShape> = {}): Uint8Array => single({ certId: id, ...shape });

/** A response by the delegate that says good, but for what is changed. */
export const answer = (change: Partial<ResponseShape> = {}): Uint8Array =>
  ocspResponse({ signer: responder, responses: [about()], certificates: [delegateDer], ...change });

export const at = (text: string): Uint8Array => generalizedTime(new Date(text));

/** What an answer proves, or the code of the error that its bytes are. */
export async function verdict(
  der: Uint8Array,
  change: Partial<Parameters<typeof checkOcspAnswer>[0]> = {},
  backend: CryptoBackend = nodeBackend,
): Promise<string> {
  try {
    const response = parseOcspResponse(der);
    const input = { response, certificate: leaf, issuer, at: testTime, ...change };
    const result = await checkOcspAnswer(input, backend);
    return result.status === 'unusable' ? result.reason : result.status;
  } catch (error) {
    if (error instanceof ConsulError) return error.code;
    throw error;
  }
}

const critical = extension('1.2.3.4', nul, true);
const rsa = party('Old responder', 'rsa-2048');
const other = party('Other authority');
const namesake = renamed('Authority', stranger);
export const malformed = 'CERTIFICATE_INVALID';
const plainId = (...members: Uint8Array[]): Uint8Array => sequence(...members);
const sha1Oid = sequence(oid('1.3.14.3.2.26'), nul);
const some20 = octetString(new Uint8Array(20));

/** The negative suite: each with the reason it must be refused for. */
export const broken: readonly (readonly [string, string, Uint8Array])[] = [
  ['by an unrelated key', 'responder-unknown', ocspResponse({ signer: stranger, responses: [about()] })],
  [
    'by an unrelated key with its own certificate',
    'responder-not-issued-here',
    answer({ signer: stranger, certificates: [delegate({}, stranger, stranger)] }),
  ],
  [
    'by an unrelated key in the name of the delegate',
    'bad-signature',
    answer({ signer: stranger, responder: responderByKey(responder) }),
  ],
  [
    'by an unrelated key in the name of the authority',
    'bad-signature',
    ocspResponse({ signer: stranger, responder: responderByKey(authority), responses: [about()] }),
  ],
  [
    'by a namesake of the authority',
    'responder-not-issued-here',
    ocspResponse({
      signer: namesake,
      responder: responderByName(authority),
      responses: [about()],
      certificates: [
        certificate(namesake, namesake, {
          ca: true,
          keyUsage: ['keyCertSign', 'digitalSignature'],
          extendedKeyUsage: [ocspOid.signing],
        }),
      ],
    }),
  ],
  [
    'by a delegate of a namesake of the authority',
    'responder-not-issued-here',
    answer({ certificates: [delegate({}, namesake)] }),
  ],
  [
    'by a delegate of another authority',
    'responder-not-issued-here',
    answer({ certificates: [delegate({}, other)] }),
  ],
  [
    'by the certificate in question itself',
    'responder-not-for-ocsp',
    answer({ signer, certificates: [leafDer] }),
  ],
  [
    'by a delegate for any purpose',
    'responder-not-for-ocsp',
    answer({ certificates: [delegate({ extendedKeyUsage: ['2.5.29.37.0'] })] }),
  ],
  [
    'by a delegate without a purpose',
    'responder-not-for-ocsp',
    answer({ certificates: [certificate(authority, responder, { extensions: [noCheck] })] }),
  ],
  [
    'by a delegate for time-stamps',
    'responder-not-for-ocsp',
    answer({ certificates: [delegate({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.8'] })] }),
  ],
  [
    'by a delegate whose key may not sign',
    'responder-not-for-ocsp',
    answer({ certificates: [delegate({ keyUsage: ['keyEncipherment'] })] }),
  ],
  [
    'by a delegate without nocheck, no CRL at hand',
    'responder-unchecked',
    answer({ certificates: [delegate({ extensions: [] })] }),
  ],
  [
    'by a delegate that has expired',
    'responder-invalid',
    answer({ certificates: [delegate({ notAfter: new Date('2026-06-01T11:59:59Z') })] }),
  ],
  [
    'by a delegate of tomorrow',
    'responder-invalid',
    answer({ certificates: [delegate({ notBefore: new Date('2026-06-01T12:00:01Z') })] }),
  ],
  [
    'by a delegate with a critical extension that is not understood',
    'responder-invalid',
    answer({ certificates: [delegate({ extensions: [noCheck, critical] })] }),
  ],
  [
    'by a delegate whose nocheck is critical',
    'responder-invalid',
    answer({ certificates: [delegate({ extensions: [extension(ocspOid.noCheck, nul, true)] })] }),
  ],
  [
    'by a delegate whose certificate was altered',
    'responder-not-issued-here',
    answer({ certificates: [delegateDer.with(delegateDer.length - 5, (delegateDer.at(-5) as number) ^ 1)] }),
  ],
  [
    'by a delegate whose certificate is not there',
    'responder-unknown',
    ocspResponse({ signer: responder, responses: [about()] }),
  ],
  [
    'by a delegate with RSA 2048, past its day',
    'algorithm',
    answer({
      signer: rsa,
      algorithm: sequence(oid('1.2.840.113549.1.1.11'), nul),
      certificates: [delegate({}, authority, rsa)],
    }),
  ],
  [
    'named after another than its signer',
    'responder-unknown',
    answer({ responder: responderByName(stranger) }),
  ],
  ['named by the key of another', 'responder-unknown', answer({ responder: responderByKey(stranger) })],
  ['signed over other data', 'bad-signature', answer({ signed: sequence() })],
  ['signed with SHA-1', 'algorithm', answer({ algorithm: sequence(oid('1.2.840.10045.4.1')) })],
  [
    'signed as RSA by an EC key',
    'algorithm',
    answer({ algorithm: sequence(oid('1.2.840.113549.1.1.11'), nul) }),
  ],
  [
    'signed as SHA-384 over SHA-256',
    'bad-signature',
    answer({ algorithm: sequence(oid('1.2.840.10045.4.3.3')) }),
  ],
  [
    'signed with parameters where none belong',
    'algorithm',
    answer({ algorithm: sequence(oid('1.2.840.10045.4.3.2'), nul) }),
  ],
  [
    'about another serial number',
    'other-certificate',
    answer({ responses: [about({ certId: certId(authority, Uint8Array.of(0x81)) })] }),
  ],
  [
    'about the serial number of another authority',
    'other-certificate',
    answer({ responses: [about({ certId: certId(other, leaf.serial) })] }),
  ],
  [
    'about the key of a namesake',
    'other-certificate',
    answer({ responses: [about({ certId: certId(namesake, leaf.serial) })] }),
  ],
  [
    'about the name of another with the same key',
    'other-certificate',
    answer({ responses: [about({ certId: certId(renamed('Elsewhere', authority), leaf.serial) })] }),
  ],
  [
    'whose issuer is named by MD5',
    'other-certificate',
    answer({ responses: [about({ certId: certId(authority, leaf.serial, 'md5') })] }),
  ],
  ['of yesterday', 'stale', answer({ responses: [about({ nextUpdate: at('2026-06-01T11:59:59Z') })] })],
  [
    'of tomorrow',
    'of-the-future',
    answer({ responses: [about({ thisUpdate: at('2026-06-01T12:00:01Z') })] }),
  ],
  ['produced tomorrow', 'of-the-future', answer({ producedAt: at('2026-06-01T12:00:01Z') })],
  ['about a time after it was produced', 'of-the-future', answer({ producedAt: at('2026-05-31T23:59:59Z') })],
  ['with a critical extension', 'critical-extension', answer({ extensions: [critical] })],
  [
    'with a critical extension for the certificate',
    'critical-extension',
    answer({ responses: [about({ extensions: [critical] })] }),
  ],
  [
    'with a critical extension of an entry: another issuer',
    'critical-extension',
    answer({ responses: [about({ extensions: [extension('2.5.29.29', sequence(), true)] })] }),
  ],
  ['that says unknown', 'unknown', answer({ responses: [about({ status: statuses.unknown })] })],
  ['in no bytes', malformed, new Uint8Array()],
  ['with bytes after its end', malformed, Uint8Array.of(...answer(), 0)],
  ['that says try later', malformed, sequence(element(tag.enumerated, Uint8Array.of(3)))],
  ['that says unauthorized', malformed, sequence(element(tag.enumerated, Uint8Array.of(6)))],
  ['with an answer and an error', malformed, answer({ status: element(tag.enumerated, Uint8Array.of(2)) })],
  [
    'with a status that is not defined',
    malformed,
    answer({ status: element(tag.enumerated, Uint8Array.of(4)) }),
  ],
  ['that is successful and empty', malformed, sequence(element(tag.enumerated, Uint8Array.of(0)))],
  ['of another type', malformed, answer({ type: '1.3.6.1.5.5.7.48.1.99' })],
  ['of a version written out', malformed, answer({ version: explicit(0, integer(0)) })],
  ['of version 2', malformed, answer({ version: explicit(0, integer(1)) })],
  ['about nothing', malformed, answer({ responses: [] })],
  ['with an empty list of certificates', malformed, answer({ certificates: [] })],
  ['with a certificate twice', malformed, answer({ certificates: [delegateDer, delegateDer] })],
  ['with a broken certificate', malformed, answer({ certificates: [delegateDer, sequence()] })],
  [
    'with 17 certificates',
    malformed,
    answer({ certificates: Array.from({ length: 17 }, (_, serial) => delegate({ serial: serial + 1 })) }),
  ],
  ['with an unknown field', malformed, answer({ more: [explicit(3, nul)] })],
  ['with an empty list of extensions', malformed, answer({ extensions: [] })],
  [
    'with an extension twice',
    malformed,
    answer({ extensions: [extension('1.2.3', nul), extension('1.2.3', nul)] }),
  ],
  ['with an empty nonce', malformed, answer({ extensions: [extension(ocspOid.nonce, octetString())] })],
  [
    'with a nonce of 129 octets',
    malformed,
    answer({ extensions: [extension(ocspOid.nonce, octetString(new Uint8Array(129)))] }),
  ],
  [
    'with a nonce that is no string',
    malformed,
    answer({ extensions: [extension(ocspOid.nonce, integer(5))] }),
  ],
  ['from a responder without a name', malformed, answer({ responder: explicit(1, commonName('')) })],
  [
    'from a responder named by half a key digest',
    malformed,
    answer({ responder: explicit(2, octetString(new Uint8Array(10))) }),
  ],
  ['from a responder named in neither way', malformed, answer({ responder: explicit(3, some20) })],
  [
    'with a status of no kind',
    malformed,
    answer({ responses: [about({ status: element(contextTag(3, false)) })] }),
  ],
  [
    'with good and something in it',
    malformed,
    answer({ responses: [about({ status: element(contextTag(0, false), Uint8Array.of(0)) })] }),
  ],
  [
    'with revoked and no date',
    malformed,
    answer({ responses: [about({ status: element(contextTag(1, true)) })] }),
  ],
  [
    'with a reason that is not defined',
    malformed,
    answer({ responses: [about({ status: statuses.revoked(testTime, 7) })] }),
  ],
  ['with a date as UTCTime', malformed, answer({ responses: [about({ thisUpdate: time(testTime) })] })],
  [
    'with an update before itself',
    malformed,
    answer({ responses: [about({ nextUpdate: at('2026-05-31T23:59:59Z') })] }),
  ],
  [
    'with an issuer named by half a digest',
    malformed,
    answer({
      responses: [
        about({ certId: plainId(sha1Oid, octetString(new Uint8Array(10)), some20, integer(0x80)) }),
      ],
    }),
  ],
  [
    'with a serial number of 21 octets',
    malformed,
    answer({
      responses: [about({ certId: plainId(sha1Oid, some20, some20, integer(new Uint8Array(21).fill(1))) })],
    }),
  ],
  [
    'with a CertID of five fields',
    malformed,
    answer({ responses: [about({ certId: plainId(sha1Oid, some20, some20, integer(5), nul) })] }),
  ],
  [
    'with an archive cutoff that is no date',
    malformed,
    answer({ responses: [about({ extensions: [extension(ocspOid.archiveCutoff, nul)] })] }),
  ],
];

/** Each says that the certificate is good, or would, and must be refused for the reason. */
export const brokenOcsp = (backend: CryptoBackend): readonly Case[] =>
  broken.map(([name, reason, der]) => ({
    name: `OCSP: ${name}`,
    mustPass: false,
    reason: new RegExp(`^${reason}$`),
    run: async () => {
      const said = await verdict(der, {}, backend);
      if (said !== 'good' && said !== 'revoked') refuse(said);
    },
  }));
