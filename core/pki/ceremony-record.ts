import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { equalBytes, fromUtf8, toHex, utf8 } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import { prepareCose, protectedKid, readCose, signCose, toBeSigned } from '../seal/cose.ts';
import { parseCertificate } from './certificate.ts';
import type { Signer } from './signer.ts';

const Text = Type.String({ minLength: 1, maxLength: 300 });
const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{3})?Z$' });
const closed = { additionalProperties: false };

/** One thing that was done with the key of the root; digests are SHA-256, hexadecimal. */
const Act = Type.Union([
  Type.Object(
    {
      act: Type.Literal('certificate'),
      profile: Text,
      subject: Text,
      serial: Text,
      /** Of the certificate, and of its public key (SubjectPublicKeyInfo). */
      sha256: Digest,
      key: Digest,
      notBefore: Time,
      notAfter: Time,
    },
    closed,
  ),
  Type.Object({ act: Type.Literal('revocation'), serial: Text, reason: Text, since: Time }, closed),
  Type.Object({ act: Type.Literal('crl'), issuer: Text, number: Type.Integer(), sha256: Digest }, closed),
  Type.Object({ act: Type.Literal('trust-bundle'), sequence: Type.Integer(), sha256: Digest }, closed),
]);

const CeremonyRecordSchema = Type.Object(
  {
    kind: Type.Literal('consul-ceremony'),
    version: Type.Literal(1),
    at: Time,
    place: Type.Optional(Text),
    software: Text,
    /** Who was there, and as what. */
    people: Type.Array(
      Type.Object(
        { name: Text, role: Type.Union([Type.Literal('operator'), Type.Literal('witness')]) },
        closed,
      ),
      { minItems: 1, maxItems: 50 },
    ),
    /** SHA-256 of the root certificate. */
    root: Digest,
    acts: Type.Array(Act, { minItems: 1, maxItems: 1000 }),
  },
  closed,
);

/** What was done with the key of a root, by whom, before whom and with what: to be printed, signed by hand and kept. */
export type CeremonyRecord = Static<typeof CeremonyRecordSchema>;
export type CeremonyAct = CeremonyRecord['acts'][number];

/** COSE algorithm ES256 (RFC 9053 §2.1). */
const es256 = -7;
const maxBytes = 1024 * 1024;

/** A certificate as a record names it. */
export async function certificateAct(
  profile: string,
  der: Uint8Array,
  digest: CryptoBackend['digest'],
): Promise<CeremonyAct> {
  const { subject, serial, spki, notBefore, notAfter } = parseCertificate(der);
  return {
    act: 'certificate',
    profile,
    subject: subject.text,
    serial: toHex(serial).replace(/^(00)+(?=..)/, ''),
    sha256: toHex(await digest('sha256', der)),
    key: toHex(await digest('sha256', spki)),
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
  };
}

/**
 * The record as COSE_Sign1 (RFC 9052 §4.2) by the root over its JSON text, which anyone can read without CBOR.
 * @throws ConsulError INTERNAL when the record is not one
 */
export async function signCeremonyRecord(
  record: CeremonyRecord,
  root: { readonly signer: Signer; readonly certificate: Uint8Array },
  digest: CryptoBackend['digest'],
): Promise<Uint8Array> {
  if (!Value.Check(CeremonyRecordSchema, record)) {
    const first = Value.Errors(CeremonyRecordSchema, record).First();
    throw new ConsulError('INTERNAL', `the record of the ceremony is malformed at ${first?.path}`);
  }
  const kid = (await digest('sha256', root.certificate)).subarray(0, 8);
  const payload = utf8(JSON.stringify(record, undefined, 2));
  return signCose(payload, prepareCose(es256, kid), (data) => root.signer.sign(data));
}

/**
 * Reads a record and checks that this root signed it.
 * @throws ConsulError TRUST_INVALID
 */
export async function openCeremonyRecord(
  bytes: Uint8Array,
  rootCertificate: Uint8Array,
  backend: CryptoBackend,
): Promise<CeremonyRecord> {
  const refuse = (what: string, cause?: unknown): never => {
    throw new ConsulError('TRUST_INVALID', `the record of the ceremony is not accepted: ${what}`, { cause });
  };
  try {
    const cose = readCose(bytes, maxBytes);
    const fingerprint = await backend.digest('sha256', rootCertificate);
    const kid = protectedKid(cose);
    if (cose.algorithm !== es256 || !kid || !equalBytes(kid, fingerprint.subarray(0, 8)))
      return refuse('its header names another key or algorithm');
    const { spki } = parseCertificate(rootCertificate);
    const key = await backend.importPublicKey({ name: 'ecdsa', curve: 'P-256', hash: 'sha256' }, spki);
    if (!(await key.verify(cose.signature, toBeSigned(cose)))) return refuse('its signature is wrong');
    const record: unknown = JSON.parse(fromUtf8(cose.payload));
    if (!Value.Check(CeremonyRecordSchema, record)) return refuse('its content is malformed');
    if (record.root !== toHex(fingerprint)) return refuse('it is about another root');
    return record;
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) return refuse('it holds no text', cause);
    if (cause instanceof ConsulError && cause.code !== 'TRUST_INVALID') return refuse(cause.message, cause);
    throw cause;
  }
}
