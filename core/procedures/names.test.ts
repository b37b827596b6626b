import { describe, expect, it } from 'vitest';
import { allNames, fullName, isLatin, plain, sameName } from './names.ts';

describe('comparing names', () => {
  it.each([
    ['N’Dong-Ébé ', 'ndong ebe'],
    ['ŒUVRE Łukasz Straße', 'oeuvre lukasz strasse'],
    ['Ɖogbé-Ŋutɔ', 'dogbe nuto'],
    ['Nguyễn  Thị', 'nguyen thi'],
    ['محمد', 'محمد'],
  ])('folds %s', (name, folded) => {
    expect(plain(name)).toBe(folded);
  });

  it('takes the shorter name as part of the longer, in any order and without titles', () => {
    expect(sameName('M. MBA FICTIF Parfait', 'Parfait Essono Mba Fictif')).toBe(true);
    expect(sameName('Mba Obiang', 'Parfait Essono Mba Fictif')).toBe(false);
    expect(sameName('Mme', 'Parfait Mba')).toBe(false);
    expect(sameName('', '')).toBe(false);
  });

  it('puts the transliteration first and gathers every name', () => {
    const person = {
      familyName: 'Примерова',
      givenNames: 'Анна',
      usageName: 'Durand',
      latinName: { familyName: 'Prymerova', givenNames: 'Anna', language: 'ukr' },
    };
    expect(fullName(person)).toBe('Anna Prymerova');
    expect(allNames(person)).toBe('Анна Примерова Durand Anna Prymerova');
    expect(allNames({ familyName: 'Seul' })).toBe('Seul');
  });

  it('knows the Latin script with its African and Vietnamese letters', () => {
    expect(isLatin('Ɖogbé-Ŋutɔ Nguyễn')).toBe(true);
    expect(isLatin('Παράδειγμα')).toBe(false);
    expect(isLatin('Anna Примерова')).toBe(false);
  });
});
