import { machineReadableState } from '../seal/countries.ts';
import { makeTd2 } from '../seal/mrz.ts';
import type { Names } from './names.ts';

/** The person whom a machine-readable zone is about, as every form asks for them. */
export interface ZoneHolder extends Names {
  readonly sex: string;
  readonly birth: { readonly date: string };
  readonly nationality: string;
}

/**
 * The machine-readable zone of a travel document, size TD2 (Doc 9303-6 §4.2). Names are those in Latin letters where the
 * form asked for them; what is not known of a date of birth is filled up.
 *
 * @param document.state ISO 3166-1 alpha-2 of the state that issues
 * @param document.expires YYYY-MM-DD
 * @throws ConsulError SCHEMA_VIOLATION when the number, a name or a state has no form in such a zone
 */
export function travelZone(
  holder: ZoneHolder,
  document: {
    readonly code: string;
    readonly state: string;
    readonly number: string;
    readonly expires: string;
  },
): readonly [string, string] {
  const { familyName, givenNames = '' } = holder.latinName ?? holder;
  return makeTd2({
    documentCode: document.code,
    issuer: machineReadableState(document.state),
    nationality: machineReadableState(holder.nationality),
    primary: familyName,
    secondary: givenNames,
    number: document.number,
    dateOfBirth: holder.birth.date.replaceAll('-', '').padEnd(8, '<'),
    sex: holder.sex === 'M' || holder.sex === 'F' ? holder.sex : '',
    dateOfExpiry: document.expires.replaceAll('-', ''),
  });
}
