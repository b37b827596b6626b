import type { SealedRecord } from '../pdf/record.ts';
import type { ExtraClaims, SealClaims, SealDocument } from './claims.ts';

type RecordClaims = SealedRecord['claims'];

/** Claims before the record is hashed: all but the digest of the record. */
export type DraftClaims = Omit<SealClaims, 'document'> & {
  readonly document: Omit<SealDocument, 'recordDigest'>;
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

/** The claims of the seal that belongs to a record; `makeSeal` checks their form. */
export function claimsFromRecord(claims: RecordClaims, recordDigest: Uint8Array): SealClaims {
  const { extra, identity, document, ...token } = claims;
  const labelled: ExtraClaims | undefined =
    extra && new Map(Object.entries(extra).map(([label, value]) => [Number(label), value]));
  return {
    ...token,
    ...(identity ? { identity } : {}),
    document: { ...document, recordDigest, ...(labelled ? { extra: labelled } : {}) },
  } as SealClaims;
}
