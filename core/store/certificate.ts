import { equalBytes, toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { parseCertificate } from '../pki/certificate.ts';
import type { RevocationReason } from '../pki/crl.ts';
import { canonicalJson, sha256 } from './canonical.ts';
import { appendJournal } from './journal.ts';
import type { CertificateRow } from './schema.ts';
import type { Reader, Tx } from './store.ts';

/** Who acts, and when. */
export interface CertificateAct {
  readonly at: string;
  /** As the journal names actors. */
  readonly actor: string;
}

/** How the register names a certificate: its serial number in hexadecimal, without leading zeros. */
export const serialText = (serial: Uint8Array): string => toHex(serial).replace(/^(00)+(?=..)/, '');

/** A serial number as a person types it: in either case, with colons or spaces. */
const typedSerial = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[\s:]/g, '')
    .replace(/^(00)+(?=..)/, '');

/** What the journal covers: the whole row. */
const rowDigest = (row: CertificateRow): Uint8Array =>
  sha256(canonicalJson({ ...row, der: toHex(sha256(row.der)) }));

type CertificateAction = 'certificate.registered' | 'certificate.retired' | 'certificate.revoked';

const journal = (tx: Tx, { at, actor }: CertificateAct, action: CertificateAction, row: CertificateRow) =>
  appendJournal(tx, [
    {
      at,
      actor,
      action,
      subject: row.serial,
      detail: {
        profile: row.profile,
        sha256: toHex(sha256(row.der)),
        state: row.state,
        ...(row.reason === null ? {} : { reason: row.reason }),
      },
      covers: { kind: 'object', digest: rowDigest(row) },
    },
  ]);

/** Enters a certificate that was issued; one that is there already stays as it is. */
export async function registerCertificate(
  tx: Tx,
  act: CertificateAct,
  { profile, der }: { readonly profile: string; readonly der: Uint8Array },
): Promise<void> {
  const { serial, issuer, subject, notBefore, notAfter } = parseCertificate(der);
  const row: CertificateRow = {
    serial: serialText(serial),
    profile,
    issuer: issuer.text,
    subject: subject.text,
    der,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    state: 'active',
    lastSigning: null,
    revokedAt: null,
    reason: null,
    compromisedSince: null,
  };
  if (await tx.selectFrom('certificate').select('serial').where('serial', '=', row.serial).executeTakeFirst())
    return;
  await tx.insertInto('certificate').values(row).execute();
  await journal(tx, act, 'certificate.registered', row);
}

async function change(
  tx: Tx,
  act: CertificateAct,
  action: CertificateAction,
  row: CertificateRow,
): Promise<void> {
  const { serial, ...values } = row;
  await tx.updateTable('certificate').set(values).where('serial', '=', serial).execute();
  await journal(tx, act, action, row);
}

/** Its key signs nothing after `lastSigning`; what it signed before stays good. */
export async function retireCertificate(
  tx: Tx,
  act: CertificateAct,
  serial: string,
  lastSigning: Date,
): Promise<void> {
  const row = await demandCertificate(tx, serial);
  if (row.state !== 'active') return;
  await change(tx, act, 'certificate.retired', {
    ...row,
    state: 'retired',
    lastSigning: lastSigning.toISOString(),
  });
}

export interface Revocation {
  readonly since: Date;
  readonly reason: RevocationReason;
  /** First entry of the log that is no longer trusted. */
  readonly compromisedSince?: number;
}

const isCompromise = (reason: string | null): boolean =>
  reason === 'keyCompromise' || reason === 'cACompromise';

/** Now, or when the newest document was reserved: a later edition may be of a second that is still to come. */
async function lastSigningOf(tx: Tx, { at }: CertificateAct): Promise<string> {
  const { newest } = await tx
    .selectFrom('document')
    .select(({ fn }) => fn.max('reservedAt').as('newest'))
    .executeTakeFirstOrThrow();
  return newest !== null && newest > at ? newest : at;
}

/**
 * Revokes for good; there is no way back. What was revoked for a lesser reason may still turn out to be compromised.
 * @throws ConsulError CERTIFICATE_UNKNOWN, CERTIFICATE_REVOKED when it is revoked already
 */
export async function revokeCertificate(
  tx: Tx,
  act: CertificateAct,
  serial: string,
  { since, reason, compromisedSince }: Revocation,
): Promise<void> {
  const row = await demandCertificate(tx, serial);
  if (row.state === 'revoked' && (!isCompromise(reason) || isCompromise(row.reason)))
    throw new ConsulError('CERTIFICATE_REVOKED', `${row.serial} is revoked since ${row.revokedAt}`);
  const at = since.toISOString();
  await change(tx, act, 'certificate.revoked', {
    ...row,
    state: 'revoked',
    // A key in other hands signs for the post no more from the moment that this is known.
    lastSigning: row.lastSigning ?? (isCompromise(reason) ? await lastSigningOf(tx, act) : null),
    revokedAt: row.revokedAt !== null && row.revokedAt < at ? row.revokedAt : at,
    reason,
    compromisedSince: compromisedSince ?? null,
  });
}

export const findCertificate = (db: Reader, serial: string): Promise<CertificateRow | undefined> =>
  db.selectFrom('certificate').selectAll().where('serial', '=', typedSerial(serial)).executeTakeFirst();

/** @throws ConsulError CERTIFICATE_UNKNOWN */
export async function demandCertificate(db: Reader, serial: string): Promise<CertificateRow> {
  const row = await findCertificate(db, serial);
  if (!row) throw new ConsulError('CERTIFICATE_UNKNOWN', `there is no certificate ${serial} in the register`);
  return row;
}

/** The register, oldest first. */
export const allCertificates = (db: Reader): Promise<CertificateRow[]> =>
  db.selectFrom('certificate').selectAll().orderBy('notBefore').orderBy('serial').execute();

/** What the authorities of one name have issued. */
export const certificatesBy = (db: Reader, issuer: string): Promise<CertificateRow[]> =>
  db.selectFrom('certificate').selectAll().where('issuer', '=', issuer).orderBy('serial').execute();

/** A certificate that is not in the register as the journal has it, and why. */
export interface CertificateFault {
  readonly serial: string;
  readonly message: string;
}

/**
 * Compares the register with the journal, which `verifyJournal` proves: every row is as its last entry has it, and no
 * row is missing.
 */
export async function auditCertificates(db: Reader): Promise<readonly CertificateFault[]> {
  const entries = await db
    .selectFrom('journal')
    .select(['subject', 'digest'])
    .where('action', 'in', ['certificate.registered', 'certificate.retired', 'certificate.revoked'])
    .orderBy('seq')
    .execute();
  const expected = new Map(entries.map(({ subject, digest }) => [subject, digest]));
  const faults: CertificateFault[] = [];
  for (const row of await allCertificates(db)) {
    const digest = expected.get(row.serial);
    if (!digest) faults.push({ serial: row.serial, message: 'the journal does not know of it' });
    else if (!equalBytes(digest, rowDigest(row)))
      faults.push({ serial: row.serial, message: 'it is not as the journal has it' });
    expected.delete(row.serial);
  }
  for (const serial of expected.keys()) faults.push({ serial, message: 'it is missing from the register' });
  return faults;
}
