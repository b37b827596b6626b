import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { toHex } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import { parseCertificate } from './certificate.ts';
import { openStatement, signStatement } from './signed-statement.ts';
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
 * The record's JSON text under the signature of the root.
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
  return signStatement(JSON.stringify(record, undefined, 2), root, digest);
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
  const statement = await openStatement(bytes, rootCertificate, backend);
  if ('fault' in statement) return refuse(statement.fault);
  let record: unknown;
  try {
    record = JSON.parse(statement.text);
  } catch (cause) {
    return refuse('it holds no JSON', cause);
  }
  if (!Value.Check(CeremonyRecordSchema, record)) return refuse('its content is malformed');
  if (record.root !== toHex(await backend.digest('sha256', rootCertificate)))
    return refuse('it is about another root');
  return record;
}
