import { fromHex, toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import type { Row, SealedRecord } from '../pdf/record.ts';
import { type Disclosure, isDisclosable, saltLength } from './disclosure.ts';

/** A private field by the name that its row has in the record. */
export interface RecordDisclosure extends Disclosure {
  readonly field: string;
}

type Salts = NonNullable<SealedRecord['salts']>;

/** Salts for the private fields of a record, by the names of their rows. */
export function drawSalts(fields: readonly string[], random: (length: number) => Uint8Array): Salts {
  return Object.fromEntries(fields.map((field) => [field, toHex(random(saltLength))]));
}

/**
 * The private fields of a record, in the order of its page: what they say is what is printed, under the heading and the
 * label that it is printed with.
 *
 * @throws ConsulError SCHEMA_VIOLATION where a salt has no row of its own, or a row cannot be told by itself
 */
export function recordDisclosures({
  blocks,
  salts = {},
}: Pick<SealedRecord, 'blocks' | 'salts'>): readonly RecordDisclosure[] {
  const disclosures: RecordDisclosure[] = [];
  let heading: string | undefined;
  for (const block of blocks) {
    if (block.kind === 'heading') heading = block.text;
    if (block.kind !== 'rows') continue;
    for (const row of block.rows) {
      const salt = Object.hasOwn(salts, row.field) ? salts[row.field] : undefined;
      if (salt !== undefined) disclosures.push(disclosureOf(row, heading, fromHex(salt)));
    }
  }
  const distinct = (names: readonly string[]): boolean => new Set(names).size === names.length;
  if (
    disclosures.length !== Object.keys(salts).length ||
    !distinct(disclosures.map(({ field }) => field)) ||
    !distinct(disclosures.map(({ label }) => label))
  )
    throw new ConsulError(
      'SCHEMA_VIOLATION',
      'a private field is not one row of the record, by name and label',
    );
  return disclosures;
}

function disclosureOf(
  { field, label, value }: Row,
  heading: string | undefined,
  salt: Uint8Array,
): RecordDisclosure {
  const disclosure = { field, salt, label: heading === undefined ? label : `${heading} › ${label}`, value };
  if (!isDisclosable(disclosure))
    throw new ConsulError('SCHEMA_VIOLATION', 'a private field is too long or not printable', {
      details: [{ where: field, label: disclosure.label, message: 'wanted printable text' }],
    });
  return disclosure;
}
