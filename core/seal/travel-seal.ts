import { toHex } from '../bytes.ts';
import type { Awaitable } from '../crypto/backend.ts';
import { ConsulError } from '../errors.ts';
import { parseCertificate } from '../pki/certificate.ts';
import type { CertifiedSigner } from '../pki/signer.ts';
import { encodeC40 } from './c40.ts';
import { sealVds, type VdsHeader, vdsToBeSigned } from './vds.ts';

/** A signer of visible digital seals, named as its certificate is. */
export interface VdsSigner {
  /** Country and name, two letters each. */
  readonly signer: string;
  /** Serial number of the certificate, hexadecimal. */
  readonly certificateReference: string;
  sign(toBeSigned: Uint8Array): Awaitable<Uint8Array>;
}

/** What a seal of an emergency travel document says. Days are YYYY-MM-DD. */
export interface TravelSeal {
  /** The two lines of its machine-readable zone, size TD2. */
  readonly mrz: readonly [string, string];
  /** Code of Doc 9303-3 §5, one to three letters, as in the zone. */
  readonly issuingCountry: string;
  readonly issued: string;
  readonly signed: string;
}

/** Doc 9303-8 appendix B: emergency travel document, its feature is the machine-readable zone. */
const definition = 0x5e;
const category = 0x03;
const mrzFeature = 0x02;
const lineLength = 36;

/**
 * Makes ready a signer whose certificate follows Doc 9303-12 §7.1.3.
 *
 * @throws ConsulError KEY_INVALID when the key is not for ECDSA or goes with another hash than the size of its curve
 *   asks for (Doc 9303-13 §2.4), CERTIFICATE_INVALID when the certificate is not that of a signer of seals
 */
export function prepareVdsSigner(signer: CertifiedSigner): VdsSigner {
  const { algorithm } = signer;
  const hashes = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' } as const;
  if (algorithm.name !== 'ecdsa' || algorithm.hash !== hashes[algorithm.curve])
    throw new ConsulError(
      'KEY_INVALID',
      'a visible digital seal is signed with ECDSA and the hash of its curve',
    );
  const { subject, serial } = parseCertificate(signer.certificate);
  const [country, name, ...more] = subject.rdns.flat().map(({ text }) => text);
  if (subject.rdns.length !== 2 || more.length > 0 || !/^[A-Z]{4}$/.test(`${country}${name}`))
    throw new ConsulError('CERTIFICATE_INVALID', `${subject.text} is not the name of a signer of seals`);
  return {
    signer: `${country}${name}`,
    certificateReference: toHex(serial).toUpperCase(),
    sign: (data) => signer.sign(data),
  };
}

/**
 * The visible digital seal, version 4, of an emergency travel document (Doc 9303-13, Doc 9303-8 appendix B): the bytes
 * of a second bar code, binary. At once when the signer signs at once.
 *
 * @throws ConsulError SCHEMA_VIOLATION when a field does not fit
 */
export function makeTravelSeal(content: TravelSeal, signer: VdsSigner): Awaitable<Uint8Array> {
  const { mrz, issuingCountry, issued, signed } = content;
  if (mrz.some((line) => line.length !== lineLength))
    throw new ConsulError(
      'SCHEMA_VIOLATION',
      `a line of the machine-readable zone is not of ${lineLength} characters`,
    );
  const header: VdsHeader = {
    version: 4,
    issuingCountry,
    signer: signer.signer,
    certificateReference: signer.certificateReference,
    issued,
    signed,
    definition,
    category,
  };
  const toBeSigned = vdsToBeSigned(header, [{ tag: mrzFeature, value: encodeC40(mrz.join('')) }]);
  const signature = signer.sign(toBeSigned);
  return signature instanceof Uint8Array
    ? sealVds(toBeSigned, signature)
    : signature.then((value) => sealVds(toBeSigned, value));
}
