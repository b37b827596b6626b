import type { TestCertified } from '../cms/testing-ca.ts';
import { nodeBackend } from '../crypto/node.ts';
import { prepareEvidence, type ValidationData } from '../pdf/evidence.ts';
import { addDocumentTimestamp, addValidationData, extendTo } from '../pdf/extend.ts';
import { IncrementalUpdate, readForUpdate } from '../pdf/update.ts';
import type { Authority } from '../pki/ceremony.ts';
import { type CrlRequest, makeCrl } from '../pki/crl-make.ts';
import { timestampAuthority } from '../time/authority.ts';
import type { TimestampSource } from '../time/source.ts';
import { type Cast, later, times } from './fixture.ts';

/** For tests only: what is added to documents so that they last, right and wrong. */

const reserve = 4096;
let number = 0;

export const listOf = (
  issuer: Authority,
  change: Partial<Omit<CrlRequest, 'issuer' | 'signer'>> = {},
): Promise<Uint8Array> =>
  makeCrl({
    signer: issuer.signer,
    issuer: issuer.certificate,
    number: ++number,
    thisUpdate: later(times.issue, -1),
    nextUpdate: later(times.issue, 7),
    revoked: [],
    expiredSince: times.ceremony,
    ...change,
  });

/** Authorities and lists of a cast, fresh when its documents are issued. */
export async function evidenceOf(
  cast: Cast,
  change: Parameters<typeof listOf>[1] = {},
): Promise<ValidationData> {
  return {
    certificates: [cast.root.certificate, ...cast.authorities],
    crls: [
      await listOf(cast.root, { nextUpdate: later(times.issue, 200) }),
      await listOf(cast.issuing, change),
    ],
    ocsps: [],
  };
}

let serial = 0;

export const stampsOf = (tsa: TestCertified, at: Date = times.issue): TimestampSource =>
  timestampAuthority({
    signer: tsa,
    policy: '1.2.3.4',
    clock: () => at,
    serial: () => Uint8Array.of(2, ++serial >> 8, serial & 0xff),
    accuracy: 1,
  });

export interface Extension {
  readonly level?: 'B-LT' | 'B-LTA';
  readonly evidence?: ValidationData;
  readonly stamps?: TimestampSource;
}

/** A document of a cast raised to B-LTA, or renewed, but for the changes. */
export async function archived(
  file: Uint8Array,
  cast: Cast,
  { level = 'B-LTA', evidence, stamps = stampsOf(cast.tsa) }: Extension = {},
): Promise<Uint8Array> {
  const data = prepareEvidence(evidence ?? (await evidenceOf(cast)));
  if (level === 'B-LT') return addValidationData(file, { data });
  return extendTo(file, level, { data }, stamps, { reserve });
}

export const stampedOnly = (file: Uint8Array, stamps: TimestampSource): Promise<Uint8Array> =>
  addDocumentTimestamp(file, stamps, { reserve });

/**
 * What an attacker adds who can have a time-stamp over anything: an update of any content with a document timestamp that
 * is right.
 */
export async function evilUpdate(
  file: Uint8Array,
  cast: Cast,
  change: (update: IncrementalUpdate) => void,
): Promise<Uint8Array> {
  const update = new IncrementalUpdate(readForUpdate(file));
  const value = update.addSignature(
    { before: '/Type /DocTimeStamp /Filter /Adobe.PPKLite /SubFilter /ETSI.RFC3161', after: '' },
    reserve,
  );
  update.addSignatureField({ name: update.freeFieldName('Timestamp'), value, page: update.page(0) });
  change(update);
  const stamps = stampsOf(cast.tsa);
  return update.finish(async (covered) => stamps.stamp(await nodeBackend.digest('sha256', covered)));
}
