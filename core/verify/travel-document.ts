import { ConsulError } from '../errors.ts';
import type { PdfFile } from '../pdf/read/document.ts';
import { drawnSeals } from '../pdf/read/text.ts';
import type { SealedRecord } from '../pdf/record.ts';
import { readVdsSeal, type VdsSeal } from '../seal/foreign/vds-document.ts';
import { nameField, readMrz } from '../seal/mrz.ts';
import { isMatrixOf } from '../seal/qr.ts';
import type { Seal } from '../seal/seal.ts';
import { checkTravelSeal } from './travel-seal.ts';
import type { Trust } from './trust.ts';
import type { Checklist } from './words.ts';

/** An emergency travel document as it lies in its PDF. */
interface TravelDocument {
  readonly file: PdfFile;
  readonly record: SealedRecord;
  readonly seal: Seal;
  /** The attached ICAO seal. */
  readonly travel: Uint8Array | undefined;
}

type TravelBlock = Extract<SealedRecord['blocks'][number], { readonly kind: 'travel-seal' }>;

/**
 * Zone, second bar code and attached ICAO seal say what record and consular seal say; a document without such a block in
 * its record has none of them.
 * @param provenIndex index in the log, where a proof was checked: a key compromised later does not harm the seal
 */
export async function checkTravelDocument(
  list: Checklist,
  { file, record, seal, travel }: TravelDocument,
  trust: Trust,
  provenIndex: number | undefined,
): Promise<void> {
  const blocks = record.blocks.filter((block) => block.kind === 'travel-seal');
  const drawn = drawnSeals(file).filter(({ kind }) => kind === 'travel-seal');
  const [block] = blocks;
  if (!block) {
    if (drawn.length > 0 || travel) list.refused('travel-seal', 'FORMAT_FAILURE', 'travel-seal.unasked');
    return;
  }
  checkZone(list, block, seal);
  const [matrix] = drawn;
  if (!travel || blocks.length > 1 || drawn.length !== 1 || !matrix || !isMatrixOf(travel, matrix.matrix)) {
    list.refused('travel-seal', 'HASH_FAILURE', 'travel-seal.drawn');
    return;
  }
  const vds = readTravelSeal(list, travel);
  if (!vds) return;
  const { header } = vds.vds;
  if (
    vds.mrz !== block.zone.replace('\n', '') ||
    header.issued !== block.issued ||
    header.signed !== block.issued
  )
    list.refused('travel-seal', 'HASH_FAILURE', 'travel-seal.differs');
  else {
    const key = trust.travelSealKey(header.signer, header.certificateReference);
    const time = new Date(seal.claims.issuedAt * 1000);
    await checkTravelSeal(list, vds, key, { trust, time, provenIndex, post: seal.claims.document.post });
  }
}

function readTravelSeal(list: Checklist, bytes: Uint8Array): VdsSeal | undefined {
  try {
    return readVdsSeal(bytes);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    list.refused('travel-seal', 'FORMAT_FAILURE', 'travel-seal.broken', { detail: error.message });
    return undefined;
  }
}

/** Check digits, and what the consular seal says of the holder. */
function checkZone(list: Checklist, { zone }: TravelBlock, { claims: { identity } }: Seal): void {
  const contradiction = zoneContradiction(zone, identity);
  if (contradiction === undefined) list.passed('machine-readable-zone', 'zone.passed');
  else list.refused('machine-readable-zone', 'HASH_FAILURE', 'zone.failed', { detail: contradiction });
}

function zoneContradiction(zone: string, identity: Seal['claims']['identity']): string | undefined {
  try {
    const read = readMrz(zone);
    for (const [name, right] of Object.entries(read.checks)) if (!right) return name;
    const { familyName, givenName, dateOfBirth } = identity ?? {};
    if (dateOfBirth !== undefined && read.dateOfBirth !== dateOfBirth.slice(2)) return 'dateOfBirth';
    if (familyName !== undefined && zone.slice(5, 36) !== nameField(familyName, givenName ?? '', 31))
      return 'name';
    return undefined;
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    return error.message;
  }
}
