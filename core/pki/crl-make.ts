import { tag } from '../der/tags.ts';
import { element, explicit, generalizedTime, integer, sequence, time } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { writeAlgorithmIdentifier } from './algorithm.ts';
import { parseCertificate } from './certificate.ts';
import { crlOid, type RevocationReason, reasonCode } from './crl.ts';
import { writeAuthorityKeyIdentifier, writeExtension } from './extension-write.ts';
import { signedStructure } from './signed.ts';
import type { Signer } from './signer.ts';

export interface RevokedCertificate {
  readonly serial: Uint8Array;
  readonly date: Date;
  readonly reason: RevocationReason;
}

export interface CrlRequest {
  /** DER of the authority whose certificates are concerned. */
  readonly issuer: Uint8Array;
  readonly signer: Signer;
  /** Larger than that of every CRL before (RFC 5280 §5.2.3). */
  readonly number: number | bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly revoked: Iterable<RevokedCertificate>;
  /** Entries of certificates that expired since then are kept; left out, nothing is said about expired ones. */
  readonly expiredSince?: Date;
}

/** SEQUENCE OF over any number of members: they are copied once, and never the arguments of one call. */
function sequenceOf(members: readonly Uint8Array[]): Uint8Array {
  const content = new Uint8Array(members.reduce((length, member) => length + member.length, 0));
  let offset = 0;
  for (const member of members) {
    content.set(member, offset);
    offset += member.length;
  }
  return element(tag.sequence, content);
}

function entry({ serial, date, reason }: RevokedCertificate): Uint8Array {
  // RFC 5280 §5.3.1: `unspecified` is said by saying nothing.
  if (reason === 'unspecified') return sequence(integer(serial), time(date));
  const code = element(tag.enumerated, Uint8Array.of(reasonCode(reason)));
  return sequence(integer(serial), time(date), sequence(writeExtension(crlOid.reasonCode, code)));
}

/**
 * Makes a complete CRL (RFC 5280 §5): version 2, with its number, the key of its issuer, and a reason for each entry
 * that has one. A million entries fit.
 * @returns DER
 * @throws ConsulError CERTIFICATE_INVALID where the issuer may not sign CRLs, USAGE where the updates are in the wrong
 * order
 */
export async function makeCrl(request: CrlRequest): Promise<Uint8Array> {
  const { signer, number, thisUpdate, nextUpdate, revoked, expiredSince } = request;
  const issuer = parseCertificate(request.issuer);
  const { keyUsage, subjectKeyIdentifier } = issuer.extensions;
  if (!subjectKeyIdentifier || (keyUsage && !keyUsage.has('cRLSign')))
    throw new ConsulError('CERTIFICATE_INVALID', `${issuer.subject.text} may not sign CRLs`);
  if (!(nextUpdate > thisUpdate)) throw new ConsulError('USAGE', 'the next update of a CRL comes after it');
  const entries = Array.from(revoked, entry);
  const extensions = [
    writeExtension('2.5.29.35', writeAuthorityKeyIdentifier(subjectKeyIdentifier)),
    writeExtension(crlOid.crlNumber, integer(number)),
    ...(expiredSince ? [writeExtension(crlOid.expiredCertificates, generalizedTime(expiredSince))] : []),
  ];
  const tbs = sequence(
    integer(1),
    writeAlgorithmIdentifier(signer.algorithm),
    issuer.subject.der,
    time(thisUpdate),
    time(nextUpdate),
    ...(entries.length > 0 ? [sequenceOf(entries)] : []),
    explicit(0, sequence(...extensions)),
  );
  return signedStructure(tbs, signer);
}
