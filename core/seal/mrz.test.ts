import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsulError } from '../errors.ts';
import { type MrzContent, makeTd2, nameField, readMrz } from './mrz.ts';
import { transliterate } from './transliteration.ts';

describe('machine-readable zone', () => {
  it.each([
    ['ma\u0308rz', 'MAERZ'],
    ['straße', 'STRASSE'],
    ['œuvre', 'OEUVRE'],
    ['Иванов', 'IVANOV'],
    ['Щербаков', 'SHCHERBAKOV'],
    ['عبّاس', 'EBBAS'],
    ['Jean-Pierre', 'JEAN<PIERRE'],
    ['O’Connor', 'OCONNOR'],
    ['St. John', 'ST<JOHN'],
    ['  de   la  Cruz ', 'DE<LA<CRUZ'],
  ])('transliterates %s', (name, expected) => {
    expect(transliterate(name)).toBe(expected);
  });

  it.each(['Νίκος', '王', 'A1', 'A😀', '<'])('refuses %s, which has no transliteration', (name) => {
    expect(() => transliterate(name)).toThrow(expect.objectContaining({ code: 'SCHEMA_VIOLATION' }));
  });

  it('of a document number that goes on in the optional data is read whole (Doc 9303-5)', () => {
    const mrz = readMrz(
      'I<UTOD23145890<7349<<<<<<<<<<<\n3407127M9507122UTO<<<<<<<<<<<2\nSTEVENSON<<PETER<<<<<<<<<<<<<<',
    );
    expect(mrz).toMatchObject({ number: 'D23145890734', optional: ['', ''] });
    expect(mrz.checks).toMatchObject({ number: true, dateOfBirth: true, dateOfExpiry: true });
  });

  const content: MrzContent = {
    documentCode: 'PU',
    issuer: 'GAB',
    nationality: 'GAB',
    primary: "N'DIAYE",
    secondary: 'Aïssatou Fatou',
    number: 'LP0001234',
    dateOfBirth: '19900412',
    sex: 'F',
    dateOfExpiry: '20261230',
  };

  it('of an emergency travel document is two lines of 36 characters that read back', () => {
    const lines = makeTd2(content);
    expect(lines).toEqual([
      'PUGABNDIAYE<<AISSATOU<FATOU<<<<<<<<<',
      expect.stringMatching(/^LP0001234\dGAB900412\dF261230\d<<<<<<<\d$/),
    ]);
    expect(readMrz(lines.join('\n'))).toEqual({
      format: 'TD2',
      documentCode: 'PU',
      issuer: 'GAB',
      primary: 'NDIAYE',
      secondary: 'AISSATOU FATOU',
      number: 'LP0001234',
      nationality: 'GAB',
      dateOfBirth: '900412',
      sex: 'F',
      dateOfExpiry: '261230',
      optional: [''],
      checks: { number: true, dateOfBirth: true, dateOfExpiry: true, composite: true },
    });
  });

  it('reads back for any content, with all check digits right, and any other digit is found wrong', () => {
    const name = fc.string({ unit: fc.constantFrom(...'ABCDÉÏ-'), minLength: 1, maxLength: 40 });
    const any = fc.record({
      primary: name.map((text) => `Z${text}`),
      secondary: name,
      number: fc.string({ unit: fc.constantFrom(...'ABC0123456789'), minLength: 1, maxLength: 9 }),
      sex: fc.constantFrom('M' as const, 'F' as const, '' as const),
      dateOfBirth: fc.constantFrom('19900412', '1961<<<<', '20010230'),
    });
    fc.assert(
      fc.property(any, fc.nat(35), fc.integer({ min: 1, max: 9 }), (change, place, shift) => {
        const [upper, lower] = makeTd2({ ...content, ...change });
        expect(upper).toHaveLength(36);
        expect(lower).toHaveLength(36);
        const mrz = readMrz(`${upper}\r\n${lower}\r\n`);
        expect(Object.values(mrz.checks)).toEqual([true, true, true, true]);
        expect(mrz).toMatchObject({ number: change.number, sex: change.sex });
        const character = lower[place] as string;
        if (!/[0-9]/.test(character)) return;
        const wrong = lower.slice(0, place) + ((Number(character) + shift) % 10) + lower.slice(place + 1);
        expect(Object.values(readMrz(`${upper}\n${wrong}`).checks)).toContain(false);
      }),
    );
  });

  it('cuts names so that the last position is a letter', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom(...'ABC'), minLength: 1, maxLength: 12 }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(words, words, (primary, secondary) => {
        const field = nameField(primary.join(' '), secondary.join(' '), 31);
        expect(field).toMatch(/^[A-Z<]{31}$/);
        const whole = `${primary.join('<')}<<${secondary.join('<')}`;
        if (whole.length <= 31) expect(field).toBe(whole.padEnd(31, '<'));
        else expect(field).toMatch(/^[A-Z]+(<[A-Z]+)*<<[A-Z]+(<[A-Z]+)*$/);
      }),
    );
  });

  it.each<[string, Partial<MrzContent>]>([
    ['a number of ten characters', { number: '0123456789' }],
    ['a lower-case number', { number: 'lp1' }],
    ['a date with hyphens', { dateOfBirth: '1990-04-12' }],
    ['a name without a letter', { primary: '-' }],
    ['too much optional data', { optional: '12345678' }],
  ])('is not made with %s', (_, change) => {
    expect(() => makeTd2({ ...content, ...change })).toThrow(
      expect.objectContaining({ code: 'SCHEMA_VIOLATION' }),
    );
  });

  it('is refused when lines are of other lengths or characters', () => {
    const line = 'P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<';
    for (const text of [
      '',
      line,
      `${line}\n${line.slice(1)}`,
      `${line}\n${line.toLowerCase()}`,
      `${line}\n${line}\n${line}`,
    ]) {
      expect(() => readMrz(text)).toThrow(ConsulError);
    }
  });
});
