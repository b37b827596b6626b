import { ConsulError } from '../errors.ts';
import { transliterate } from './transliteration.ts';

/** Doc 9303-4 to -7: passports, cards, larger cards, and the two sizes of visas. */
export type MrzFormat = 'TD1' | 'TD2' | 'TD3' | 'MRV-A' | 'MRV-B';

/** The fields of a machine-readable zone without their fillers; dates are YYMMDD with `<` for what is unknown. */
export interface Mrz {
  readonly format: MrzFormat;
  readonly documentCode: string;
  readonly issuer: string;
  readonly primary: string;
  readonly secondary: string;
  readonly number: string;
  readonly nationality: string;
  readonly dateOfBirth: string;
  /** Empty where it is not specified. */
  readonly sex: 'M' | 'F' | '';
  readonly dateOfExpiry: string;
  readonly optional: readonly string[];
  /** Whether each check digit is right; visas have neither of the last two, cards not that of optional data. */
  readonly checks: {
    readonly number: boolean;
    readonly dateOfBirth: boolean;
    readonly dateOfExpiry: boolean;
    readonly optional?: boolean;
    readonly composite?: boolean;
  };
}

/** What stands in a machine-readable zone of a document that is made here. */
export interface MrzContent {
  /** Two letters, for example `PU`. */
  readonly documentCode: string;
  /** Codes of Doc 9303-3 §5, one to three letters. */
  readonly issuer: string;
  readonly nationality: string;
  /** Names in any script that can be transliterated. */
  readonly primary: string;
  readonly secondary: string;
  /** At most nine letters and digits. */
  readonly number: string;
  /** YYYYMMDD; `<` for digits that are not known. */
  readonly dateOfBirth: string;
  readonly sex: 'M' | 'F' | '';
  /** YYYYMMDD. */
  readonly dateOfExpiry: string;
  readonly optional?: string;
}

const weights = [7, 3, 1];

/** The check digit of Doc 9303-3 §4.9: values of characters by weights 7, 3, 1, modulo 10. */
export function checkDigit(field: string): number {
  let sum = 0;
  for (let i = 0; i < field.length; i++)
    sum += valueOfCharacter(field.charCodeAt(i)) * (weights[i % 3] as number);
  return sum % 10;
}

function valueOfCharacter(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x41 && code <= 0x5a) return code - 0x41 + 10;
  return 0;
}

/**
 * Reads a machine-readable zone as it is printed: two lines of 44 or 36, or three of 30 characters. Wrong check digits
 * are reported and not refused.
 *
 * @throws ConsulError SEAL_INVALID when it is no machine-readable zone
 */
export function readMrz(text: string): Mrz {
  const lines = text.trim().split(/\r?\n/);
  const format = formatOf(lines);
  return format === 'TD1' ? readTd1(lines) : readTwoLines(lines, format);
}

/**
 * The two lines of 36 characters of a TD2 document (Doc 9303-6 §4.2). Names that are too long are cut so that the last
 * position is a letter, which says that they may have been.
 *
 * @throws ConsulError SCHEMA_VIOLATION when a field does not fit
 */
export function makeTd2(content: MrzContent): readonly [string, string] {
  const { documentCode, issuer, nationality, number, sex, optional = '' } = content;
  const birth = shortDate('dateOfBirth', content.dateOfBirth);
  const expiry = shortDate('dateOfExpiry', content.dateOfExpiry);
  const numberField = padded('number', number, 9);
  const optionalField = padded('optional', optional, 7);
  const first =
    padded('documentCode', documentCode, 2) +
    padded('issuer', issuer, 3) +
    nameField(content.primary, content.secondary, 31);
  const checkedNumber = numberField + checkDigit(numberField);
  const checkedBirth = birth + checkDigit(birth);
  const checkedExpiry = expiry + checkDigit(expiry);
  const composite = checkDigit(checkedNumber + checkedBirth + checkedExpiry + optionalField);
  const second =
    checkedNumber +
    padded('nationality', nationality, 3) +
    checkedBirth +
    (sex === '' ? '<' : sex) +
    checkedExpiry +
    optionalField +
    composite;
  return [first, second];
}

/**
 * The name field: identifiers transliterated, `<<` between them, filled up or cut to `length` (Doc 9303-6 §4.2.3).
 *
 * @throws ConsulError SCHEMA_VIOLATION for a character without transliteration, or no name at all
 */
export function nameField(primary: string, secondary: string, length: number): string {
  const first = transliterate(primary);
  const second = transliterate(secondary);
  if (first === '')
    throw new ConsulError('SCHEMA_VIOLATION', 'a name has no letter for the machine-readable zone');
  const whole = second === '' ? first : `${first}<<${second}`;
  if (whole.length <= length) return whole.padEnd(length, '<');
  if (second === '') return cut(first, length);
  // At least one letter of the secondary identifier stays.
  const opening = `${cut(first, length - 3)}<<`;
  return opening + cut(second, length - opening.length);
}

/** The beginning of an identifier, ending with a letter: where a filler would be last, one letter before it goes. */
function cut(identifier: string, length: number): string {
  if (identifier.length <= length || identifier[length - 1] !== '<') return identifier.slice(0, length);
  // A component of one letter would vanish: it is joined to the next instead.
  const alone = length === 2 || identifier[length - 3] === '<';
  const left = alone ? length - 1 : length - 2;
  return identifier.slice(0, left) + identifier.slice(left + 1, length + 1);
}

function formatOf(lines: readonly string[]): MrzFormat {
  const [first = ''] = lines;
  const alike = lines.every((line) => line.length === first.length && /^[A-Z0-9<]+$/.test(line));
  if (alike && lines.length === 3 && first.length === 30) return 'TD1';
  if (alike && lines.length === 2 && first.length === 36) return first[0] === 'V' ? 'MRV-B' : 'TD2';
  if (alike && lines.length === 2 && first.length === 44) return first[0] === 'V' ? 'MRV-A' : 'TD3';
  throw new ConsulError('SEAL_INVALID', 'the lines are not a machine-readable zone');
}

function readTwoLines(lines: readonly string[], format: Exclude<MrzFormat, 'TD1'>): Mrz {
  const [upper, lower] = lines as readonly [string, string];
  const end = lower.length;
  const visa = format === 'MRV-A' || format === 'MRV-B';
  // TD3 has a check digit for its optional data before the composite one, TD2 only the latter, visas none.
  const optional = lower.slice(28, visa ? end : format === 'TD3' ? end - 2 : end - 1);
  const number = numberOf(lower.slice(0, 9), lower[9] as string, format === 'TD2' ? optional : '');
  const checks = {
    number: number.right,
    dateOfBirth: isRight(lower.slice(13, 19), lower[19] as string),
    dateOfExpiry: isRight(lower.slice(21, 27), lower[27] as string),
  };
  return {
    format,
    documentCode: bare(upper.slice(0, 2)),
    issuer: bare(upper.slice(2, 5)),
    ...namesOf(upper.slice(5)),
    number: number.value,
    nationality: bare(lower.slice(10, 13)),
    dateOfBirth: lower.slice(13, 19),
    sex: sexOf(lower[20] as string),
    dateOfExpiry: lower.slice(21, 27),
    optional: [number.optional],
    checks: visa
      ? checks
      : {
          ...checks,
          ...(format === 'TD3' ? { optional: isRightOrEmpty(optional, lower[end - 2] as string) } : {}),
          composite: isRight(
            lower.slice(0, 10) + lower.slice(13, 20) + lower.slice(21, end - 1),
            lower[end - 1] as string,
          ),
        },
  };
}

function readTd1(lines: readonly string[]): Mrz {
  const [upper, middle, lower] = lines as readonly [string, string, string];
  const number = numberOf(upper.slice(5, 14), upper[14] as string, upper.slice(15));
  return {
    format: 'TD1',
    documentCode: bare(upper.slice(0, 2)),
    issuer: bare(upper.slice(2, 5)),
    ...namesOf(lower),
    number: number.value,
    nationality: bare(middle.slice(15, 18)),
    dateOfBirth: middle.slice(0, 6),
    sex: sexOf(middle[7] as string),
    dateOfExpiry: middle.slice(8, 14),
    optional: [number.optional, bare(middle.slice(18, 29))],
    checks: {
      number: number.right,
      dateOfBirth: isRight(middle.slice(0, 6), middle[6] as string),
      dateOfExpiry: isRight(middle.slice(8, 14), middle[14] as string),
      composite: isRight(
        upper.slice(5) + middle.slice(0, 7) + middle.slice(8, 15) + middle.slice(18, 29),
        middle[29] as string,
      ),
    },
  };
}

/**
 * Doc 9303-5 and -6, note on long numbers: a filler in place of the check digit says that the number goes on in the
 * optional data, where its check digit follows it.
 */
function numberOf(field: string, digit: string, optional: string) {
  const continued = digit === '<' ? /^([A-Z0-9]+)([0-9])(?:<|$)(.*)$/.exec(optional) : null;
  if (!continued) return { value: bare(field), right: isRight(field, digit), optional: bare(optional) };
  const [, more, check, rest] = continued as unknown as [string, string, string, string];
  return { value: field + more, right: isRight(field + more, check), optional: bare(rest) };
}

const isRight = (field: string, digit: string): boolean => String(checkDigit(field)) === digit;
/** Doc 9303-4 §4.2.2: the check digit of empty optional data may be a filler. */
const isRightOrEmpty = (field: string, digit: string): boolean =>
  isRight(field, digit) || (digit === '<' && /^<*$/.test(field));

const bare = (field: string): string => field.replace(/<+$/, '');
const sexOf = (character: string): Mrz['sex'] => (character === 'M' || character === 'F' ? character : '');

function namesOf(field: string): { readonly primary: string; readonly secondary: string } {
  const [primary = '', secondary = ''] = bare(field).split('<<', 2);
  return { primary: primary.replaceAll('<', ' '), secondary: secondary.replaceAll('<', ' ') };
}

function padded(name: string, value: string, length: number): string {
  if (value.length > length || !/^[A-Z0-9<]*$/.test(value)) {
    throw new ConsulError('SCHEMA_VIOLATION', `${name} is not at most ${length} letters, digits and fillers`);
  }
  return value.padEnd(length, '<');
}

function shortDate(name: string, value: string): string {
  if (!/^[0-9<]{8}$/.test(value))
    throw new ConsulError('SCHEMA_VIOLATION', `${name} is not a date as YYYYMMDD`);
  return value.slice(2);
}
