import type { CryptoBackend } from '../crypto/backend.ts';
import type { SealedRecord } from '../pdf/record.ts';
import type { ExtraClaims, SealClaims, SealDocument } from './claims.ts';
import { privateDigest } from './disclosure.ts';
import { recordDisclosures } from './record-disclosures.ts';

type RecordClaims = SealedRecord['claims'];

/** Claims before the record is hashed: all but what follows from the record itself. */
export type DraftClaims = Omit<SealClaims, 'document'> & {
  readonly document: Omit<SealDocument, 'recordDigest' | 'privateDigest'>;
};

/** The claims as they stand in a record. */
export function claimsToRecord({ identity, document, ...token }: DraftClaims): RecordClaims {
  const { extra, ...named } = document;
  return {
    ...token,
    ...(identity ? { identity: { ...identity } } : {}),
    document: { ...named },
    ...(extra && extra.size > 0 ? { extra: Object.fromEntries(extra) } : {}),
  };
}

/**
 * The claims of the seal that belongs to a record; `makeSeal` checks their form.
 *
 * @param recordDigest first 16 bytes of the SHA-256 of its RFC 8785 form
 * @throws ConsulError SCHEMA_VIOLATION as `recordDisclosures`
 */
export async function claimsFromRecord(
  record: Pick<SealedRecord, 'claims' | 'blocks' | 'salts'>,
  recordDigest: Uint8Array,
  backend: Pick<CryptoBackend, 'digest'>,
): Promise<SealClaims> {
  const { extra, identity, document, ...token } = record.claims;
  const labelled: ExtraClaims | undefined =
    extra && new Map(Object.entries(extra).map(([label, value]) => [Number(label), value]));
  const disclosures = recordDisclosures(record);
  return {
    ...token,
    ...(identity ? { identity } : {}),
    document: {
      ...document,
      recordDigest,
      ...(disclosures.length > 0 ? { privateDigest: await privateDigest(disclosures, backend) } : {}),
      ...(labelled ? { extra: labelled } : {}),
    },
  } as SealClaims;
}
