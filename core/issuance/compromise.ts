import { compromiseKey } from '../pki/trust-renewal.ts';
import { demandCertificate, revokeCertificate } from '../store/certificate.ts';
import { bearsTravelSeal } from '../store/document.ts';
import { logSize } from '../store/leaf.ts';
import type { CertificateRow } from '../store/schema.ts';
import type { Reader } from '../store/store.ts';
import {
  actOf,
  discardWaiting,
  type PkiContext,
  type Place,
  placeOf,
  type Replacement,
  type RootSession,
  readTrust,
  renewTrust,
  replaceSigners,
  underAuthority,
} from './certificates.ts';

/** A document whose signature, seal or time-stamp cannot be relied on any more. */
export interface ConcernedDocument {
  readonly number: string;
  readonly type: string;
  readonly reference: string;
  /** Entry of the log. */
  readonly leafIndex: number;
}

export interface Compromise {
  readonly certificate: CertificateRow;
  /** Where the post uses it: what has to be replaced. */
  readonly place: Place | undefined;
  /** First entry of the log that is no longer trusted: what is older stays good. */
  readonly index: number;
  readonly documents: readonly ConcernedDocument[];
}

const signing = new Set<string>(['issuing-ca', 'document-signer', 'seal-signer', 'vds-signer', 'tsa']);

/**
 * What it means that a key was in other hands since then: which documents lose their proof. What was in the log before
 * keeps it. Nothing is changed: this is the drill. Documents that were sealed again are concerned no more.
 * @throws ConsulError CERTIFICATE_UNKNOWN
 */
export async function assessCompromise(
  context: PkiContext,
  serial: string,
  since: Date,
): Promise<Compromise> {
  const { read } = context.post.store;
  const certificate = await demandCertificate(read, serial);
  const signs = signing.has(certificate.profile);
  const index = Math.min(
    (signs ? await firstSince(read, certificate, since) : undefined) ?? (await logSize(read)),
    certificate.compromisedSince ?? Number.POSITIVE_INFINITY,
  );
  return {
    certificate,
    place: await placeOf(context, certificate),
    index,
    documents: signs ? await documentsFrom(read, { ...certificate, index }) : [],
  };
}

/** The first entry since then. Documents that were not finished at that time count: the thief may have been first. */
async function firstSince(
  db: Reader,
  { profile, notBefore, lastSigning }: CertificateRow,
  since: Date,
): Promise<number | undefined> {
  const from = since.toISOString() > notBefore ? since.toISOString() : notBefore;
  let query = db
    .selectFrom('document')
    .select(({ fn }) => fn.min('leafIndex').as('first'))
    .where((eb) => eb.or([eb('issuedAt', 'is', null), eb('issuedAt', '>=', from)]));
  // Only documents that bear an ICAO seal are by its signer.
  if (profile === 'vds-signer') query = query.where(bearsTravelSeal);
  if (lastSigning !== null) query = query.where('reservedAt', '<=', lastSigning);
  const { first } = await query.executeTakeFirstOrThrow();
  return first === null ? undefined : Number(first);
}

/** All that is in the log from that entry on, as long as the post signed with the key. */
async function documentsFrom(
  db: Reader,
  {
    index,
    profile,
    lastSigning,
  }: Pick<CertificateRow, 'profile' | 'lastSigning'> & { readonly index: number },
): Promise<ConcernedDocument[]> {
  let query = db
    .selectFrom('document')
    .select(['number', 'type', 'reference', 'leafIndex'])
    .where('leafIndex', '>=', index);
  if (profile === 'vds-signer') query = query.where(bearsTravelSeal);
  if (lastSigning !== null) query = query.where('reservedAt', '<=', lastSigning);
  const rows = await query.orderBy('leafIndex').execute();
  return rows.map(({ leafIndex, ...row }) => ({ ...row, leafIndex: leafIndex ?? 0 }));
}

/**
 * Acts on it: the certificate is revoked, its key replaced where the post still signs with it, and the trust bundle
 * says from which entry of the log on it is no longer believed. The lists are to be published after.
 * @param root the key of the root, which alone can tell the world
 */
export async function actOnCompromise(
  context: PkiContext,
  root: RootSession,
  { certificate, place, index }: Compromise,
  since: Date,
): Promise<readonly Replacement[]> {
  root.acts.push({
    act: 'revocation',
    serial: certificate.serial,
    reason: certificate.profile === 'issuing-ca' ? 'cACompromise' : 'keyCompromise',
    since: since.toISOString(),
  });
  if (place?.waits) await discardWaiting(context, place.name);
  else if (place) {
    const { name } = place;
    const names = name === 'issuing-ca' ? await underAuthority(context) : [name];
    const compromised = { since, index, names: [name] };
    return replaceSigners(context, root, { names, newKeys: [name], overlapDays: 0, compromised });
  }
  const { keys } = await readTrust(context);
  await renewTrust(context, root, { keys: compromiseKey(keys, certificate.der, index) });
  if (certificate.compromisedSince === null)
    await context.post.store.transact((tx) =>
      revokeCertificate(tx, actOf(context), certificate.serial, {
        since,
        reason: 'keyCompromise',
        compromisedSince: index,
      }),
    );
  return [];
}
