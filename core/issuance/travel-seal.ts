import { ConsulError } from '../errors.ts';
import type { DocumentRecord } from '../pdf/record.ts';
import { makeTravelSeal, type VdsSigner } from '../seal/travel-seal.ts';

const blockOf = ({ blocks }: DocumentRecord) => blocks.find((block) => block.kind === 'travel-seal');

/** Whether a document bears an ICAO seal besides that of its post. */
export const bearsTravelSeal = (record: DocumentRecord): boolean => blockOf(record) !== undefined;

/** A post that was made before it had a signer of ICAO seals issues nothing that bears one. */
export const noTravelSigner = (): ConsulError =>
  new ConsulError(
    'CERTIFICATE_UNKNOWN',
    'the post has no signer of ICAO seals: make one with `consul pki rotate vds-signer`',
  );

/** The ICAO seal that a record asks for; undefined where it asks for none. @throws ConsulError CERTIFICATE_UNKNOWN */
export async function travelSealOf(
  record: DocumentRecord,
  signer: VdsSigner | undefined,
): Promise<Uint8Array | undefined> {
  const block = blockOf(record);
  if (!block) return undefined;
  if (!signer) throw noTravelSigner();
  const { zone, issued } = block;
  const mrz = zone.split('\n') as [string, string];
  const issuingCountry = zone.slice(2, 5).replaceAll('<', '');
  return makeTravelSeal({ mrz, issuingCountry, issued, signed: issued }, signer);
}
