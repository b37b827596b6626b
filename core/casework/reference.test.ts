import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newReference, parseReference } from './reference.ts';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const invalid = expect.objectContaining({ code: 'REFERENCE_INVALID' });

const reference = fc
  .record({
    post: fc.constantFrom('GA-PAR', 'CI-ABJ', 'SN-LIL', 'ML-ORO'),
    year: fc.integer({ min: 2020, max: 2099 }),
    seed: fc.infiniteStream(fc.uint8Array({ minLength: 11, maxLength: 11 })),
  })
  .map(({ post, year, seed }) => newReference(post, year, () => seed.next().value as Uint8Array));

/** What a reader hears or sees as the same character, position by position. */
const heard = (letters: string): string =>
  letters.slice(0, 5) + letters.slice(5).replaceAll('O', '0').replace(/[IL]/g, '1');

describe('a reference', () => {
  test('has its parts, and all of its random characters', () => {
    const made = newReference(
      'GA-PAR',
      2026,
      () => new Uint8Array([0, 1, 9, 10, 17, 18, 21, 22, 26, 31, 255]),
    );
    expect(made).toMatch(/^GA-PAR-2026-019A-HJNP-TZZ[0-9A-HJKMNP-TV-Z]$/);
  });

  test('carries the check character of ISO/IEC 7064 MOD 37-2', () => {
    // The published example of ISBT 128: donation G1234 98 654321 has the check character H. The reference has no
    // place for it, so its rule is worked out here with the same arithmetic.
    const values = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*';
    const remainder = (text: string): number =>
      [...text]
        .reverse()
        .reduce((sum, character, i) => (sum + values.indexOf(character) * (2 ** i % 37)) % 37, 0);
    expect(remainder('G123498654321H')).toBe(1);
    fc.assert(
      fc.property(reference, (made) => {
        expect(remainder(made.replaceAll('-', ''))).toBe(1);
      }),
    );
  });

  test('is read back, as people write and say it', () => {
    fc.assert(
      fc.property(reference, fc.infiniteStream(fc.nat(5)), (made, choices) => {
        const choice = (): number => choices.next().value as number;
        const typed = [...made]
          .map((character, i) => {
            if (character === '-') return ['', ' ', '-', '–', '_', '.'][choice()];
            if (i > 6 && character === '0') return ['0', 'O', 'o'][choice() % 3];
            if (i > 6 && character === '1') return ['1', 'I', 'l', 'i', 'L'][choice() % 5];
            return choice() % 2 ? character.toLowerCase() : character;
          })
          .join('');
        expect(parseReference(typed)).toBe(made);
      }),
    );
  });

  test('with any one wrong character is refused', () => {
    fc.assert(
      fc.property(reference, (made) => {
        const letters = made.replaceAll('-', '');
        for (let i = 0; i < letters.length; i++)
          for (const other of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ') {
            const typed = letters.slice(0, i) + other + letters.slice(i + 1);
            if (heard(typed) === letters) continue;
            expect(() => parseReference(typed)).toThrow(invalid);
          }
      }),
      { numRuns: 20 },
    );
  });

  test('with two neighbours exchanged, or any two of the letters or of what follows them, is refused', () => {
    fc.assert(
      fc.property(reference, (made) => {
        const letters = made.replaceAll('-', '');
        for (let i = 0; i < letters.length; i++)
          for (let k = i + 1; k < letters.length; k++) {
            if (i < 5 && k >= 5 && k > i + 1) continue;
            const typed = [...letters];
            [typed[i], typed[k]] = [letters[k]!, letters[i]!];
            if (heard(typed.join('')) === letters) continue;
            expect(() => parseReference(typed.join(''))).toThrow(invalid);
          }
      }),
      { numRuns: 20 },
    );
  });

  test('with a character left out or doubled is refused', () => {
    fc.assert(
      fc.property(reference, fc.nat(20), (made, i) => {
        const letters = made.replaceAll('-', '');
        expect(() => parseReference(letters.slice(0, i) + letters.slice(i + 1))).toThrow(invalid);
        expect(() => parseReference(letters.slice(0, i) + letters[i] + letters.slice(i))).toThrow(invalid);
      }),
    );
  });

  test.each(['', '-', 'GA-PAR-2026', 'x'.repeat(100_000), 'GA-PAR-2026-7K3M-9QX2-P4C\u0000'])(
    'is not read from other text (%#)',
    (text) => {
      expect(() => parseReference(text)).toThrow(invalid);
    },
  );

  test('uses every character of the alphabet at every place', () => {
    const seen = Array.from({ length: 12 }, () => new Set<string>());
    for (let i = 0; i < 32; i++)
      for (let turn = 0; turn < 8; turn++) {
        let drawn = 0;
        const made = newReference('GA-PAR', 2026, () =>
          new Uint8Array(11).fill(i).fill(i + turn + drawn++, 6),
        );
        for (const [place, character] of [...made.replaceAll('-', '').slice(9)].entries())
          seen[place]?.add(character);
      }
    for (const characters of seen.slice(0, 11)) expect([...characters].sort().join('')).toBe(alphabet);
  });
});
