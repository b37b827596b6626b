import profiles from '../../certs/icao-profiles.json' with { type: 'json' };
import { explicitCurveSpki } from '../crypto/explicit-curve.ts';
import { readSpki } from '../crypto/spki.ts';
import { contextTag } from '../der/tags.ts';
import {
  boolean,
  explicit,
  implicit,
  integer,
  octetString,
  oid,
  printableString,
  sequence,
  setOf,
  time,
} from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { writeAlgorithmIdentifier } from './algorithm.ts';
import { parseCertificate } from './certificate.ts';
import { documentTypeOid, writeDocumentTypes } from './document-type.ts';
import { extensionOid } from './extensions.ts';
import { signedStructure } from './signed.ts';
import type { Signer } from './signer.ts';

export interface VdsSignerRequest {
  /** On a curve that is known; ICAO asks for ECDSA. */
  readonly subjectKey: Pick<Signer, 'publicKey'>;
  /** The country signing authority. */
  readonly issuer: { readonly signer: Signer; readonly certificate: Uint8Array };
  /** Alpha-2 code of the state: letters 1 and 2 of the signer in every seal. */
  readonly country: string;
  /** Two letters that are this signer's alone in its country: letters 3 and 4. */
  readonly name: string;
  /** Serial number, which is the certificate reference in every seal: 1 to 20 octets, the first not zero. */
  readonly serial: Uint8Array;
  readonly now: Date;
}

const profile = profiles['vds-signer'];
const countryOid = '2.5.4.6';

/**
 * Issues the certificate of a signer of visible digital seals (Doc 9303-12 §7.1.3): subject of exactly C and CN, serial
 * number as the reference in the seals, critical purpose, the documents that it may seal, parameters of the curve
 * written out, and no other extension.
 *
 * @returns DER
 * @throws ConsulError SCHEMA_VIOLATION when a name or the serial number does not fit, KEY_INVALID for a key that is not
 *   ECDSA, CERTIFICATE_INVALID when the issuer has no key identifier or is of another country
 */
export async function issueVdsSigner(request: VdsSignerRequest): Promise<Uint8Array> {
  const { issuer, subjectKey, country, name, serial, now } = request;
  if (!/^[A-Z]{2}$/.test(country) || !/^[A-Z]{2}$/.test(name))
    throw new ConsulError(
      'SCHEMA_VIOLATION',
      'the country and name of a signer of seals are two letters each',
    );
  if (serial.length < 1 || serial.length > 20 || serial[0] === 0 || (serial[0] as number) >= 0x80)
    throw new ConsulError('SCHEMA_VIOLATION', 'the serial number is not a positive number of 1 to 20 octets');
  if (readSpki(subjectKey.publicKey).kind !== 'ec')
    throw new ConsulError('KEY_INVALID', 'visible digital seals are signed with ECDSA');
  const authority = parseCertificate(issuer.certificate);
  const identifier = authority.extensions.subjectKeyIdentifier;
  const issuerCountry = authority.subject.rdns.flat().find(({ type }) => type === countryOid)?.text;
  if (!identifier) throw new ConsulError('CERTIFICATE_INVALID', 'the authority has no key identifier');
  if (issuerCountry !== country)
    throw new ConsulError(
      'CERTIFICATE_INVALID',
      `the authority is of ${issuerCountry}, the signer of ${country}`,
    );

  const notAfter = new Date(now);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + profile.years);
  const toBeSigned = sequence(
    explicit(0, integer(2)),
    integer(serial),
    writeAlgorithmIdentifier(issuer.signer.algorithm),
    authority.subject.der,
    sequence(time(now), time(authority.notAfter < notAfter ? authority.notAfter : notAfter)),
    sequence(rdn(countryOid, country), rdn('2.5.4.3', name)),
    explicitCurveSpki(subjectKey.publicKey),
    explicit(3, sequence(...extensions(identifier))),
  );
  const der = await signedStructure(toBeSigned, issuer.signer);
  parseCertificate(der);
  return der;
}

const rdn = (type: string, value: string): Uint8Array => setOf([sequence(oid(type), printableString(value))]);

/** Table 8. */
function extensions(authorityKey: Uint8Array): Uint8Array[] {
  const keyIdentifier = implicit(contextTag(0, false), octetString(authorityKey));
  return [
    sequence(oid(extensionOid.authorityKeyIdentifier), octetString(sequence(keyIdentifier))),
    sequence(oid(documentTypeOid), octetString(writeDocumentTypes(profile.documentTypes))),
    sequence(
      oid(extensionOid.extendedKeyUsage),
      boolean(true),
      octetString(sequence(...profile.extendedKeyUsage.map(oid))),
    ),
  ];
}
