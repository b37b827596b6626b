import { digestLengths, digestOids } from '../cms/algorithm.ts';
import type { DigestName } from '../crypto/backend.ts';
import { octetString, oid, sequence } from '../der/writer.ts';

/** MessageImprint (RFC 3161 §2.4.1): the digest of what is stamped. */
export interface Imprint {
  readonly algorithm: DigestName;
  readonly digest: Uint8Array;
}

const algorithms: Readonly<Record<DigestName, Uint8Array>> = {
  sha256: sequence(oid(digestOids.sha256)),
  sha384: sequence(oid(digestOids.sha384)),
  sha512: sequence(oid(digestOids.sha512)),
};

/** DER, with the hash parameters absent (RFC 5754 §2). */
export function encodeImprint({ algorithm, digest }: Imprint): Uint8Array {
  if (digest.length !== digestLengths[algorithm])
    throw new RangeError(`a digest of ${digest.length} bytes for ${algorithm}`);
  return sequence(algorithms[algorithm], octetString(digest));
}
