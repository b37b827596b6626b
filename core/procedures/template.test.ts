import { describe, expect, it } from 'vitest';
import { exampleTravellers } from '../../fixtures/people.ts';
import type { Scope, Shape } from './scope.ts';
import { aNumber, aString, objectOf } from './scope.ts';
import { compileTemplate, parseTemplate } from './template.ts';
import { typeset, typesetWords } from './typography.ts';

const money: Shape = { ...objectOf({ amount: aNumber, currency: aString }), kind: 'money' } as Shape;
const choice: Shape = {
  type: 'string',
  options: {
    a: { fr: 'Logement', en: 'Lodging' },
    b: { fr: 'Nourriture', en: 'Food' },
    c: { fr: 'Santé', en: 'Health' },
  },
};
const scope: Scope = {
  day: aString,
  sum: money,
  n: aNumber,
  land: aString,
  who: { ...objectOf({ familyName: aString }), kind: 'person' } as Shape,
  one: choice,
  many: { type: 'list', item: choice, min: 1 },
};
const write = (text: string, values: Record<string, unknown>, language: 'fr' | 'en' = 'fr') =>
  compileTemplate(text, language, scope)(values);

describe('texts with places', () => {
  it.each([
    ['2027-03-01', '1er\u00a0mars 2027', '1\u00a0March 2027'],
    ['2027-08-24', '24\u00a0août 2027', '24\u00a0August 2027'],
    ['1957-05', 'mai 1957', 'May 1957'],
    ['1957', '1957', '1957'],
  ])('writes the date %s', (day, fr, en) => {
    expect(write('{day|date}', { day })).toBe(fr);
    expect(write('{day|date}', { day }, 'en')).toBe(en);
  });

  it('writes sums, numbers and countries as the language does', () => {
    expect(write('{sum|money}', { sum: { amount: 1250, currency: 'EUR' } })).toBe('1\u202f250\u00a0€');
    expect(write('{sum|money}', { sum: { amount: 1250.5, currency: 'EUR' } }, 'en')).toBe('€1,250.50');
    expect(write('{sum|money}', { sum: { amount: 655957, currency: 'XAF' } })).toMatch(
      /^655\u202f957\u00a0F\u202f?CFA$/u,
    );
    expect(write('{n|number} {n}', { n: 58.5 })).toBe('58,5 58,5');
    expect(write('{n|number}', { n: 12345 }, 'en')).toBe('12,345');
    expect(write('{n|number}', { n: -7n })).toBe('-7');
    expect(write('{land|country}', { land: 'DE' })).toBe('Allemagne');
  });

  it('writes choices in a sentence', () => {
    expect(write('{one|choice}', { one: 'b' })).toBe('Nourriture');
    expect(write('{many|choices}', { many: ['a', 'b', 'c'] })).toBe('Logement, nourriture et santé');
    expect(write('{many|choices}', { many: ['a', 'b', 'c'] }, 'en')).toBe('Lodging, food and health');
    expect(write('{many|choices}', { many: ['c'] })).toBe('Santé');
  });

  it('writes names in the order of registers, Latin letters first', () => {
    expect(write('{who|name}', { who: { familyName: 'Ndong', givenNames: 'Jean', usageName: 'Mba' } })).toBe(
      'NDONG Jean (nom d’usage\u00a0: MBA)',
    );
    expect(write('{who|name}', { who: { familyName: 'Ndong', usageName: 'Mba' } }, 'en')).toBe(
      'NDONG (known as MBA)',
    );
    expect(write('{who|name}', { who: exampleTravellers.greek })).toBe(
      'PARADEIGMATOS Eleni (ΠΑΡΑΔΕΙΓΜΑΤΟΣ Ελένη)',
    );
    expect(write('{who|name}', { who: exampleTravellers.arabic })).toBe(
      'AL-MITHAL Mohamed Abdallah (المثال محمد عبد الله)',
    );
  });

  it('writes NFC whatever came in', () => {
    expect(write('{day}', { day: 'e\u0301' })).toBe('\u00e9');
  });

  it('does not run what a value holds', () => {
    expect(write('{day}', { day: '{sum|money} #{n} {day}' })).toBe('{sum|money} #{n} {day}');
  });

  it('refuses a value that is absent rather than leaving a gap', () => {
    expect(() => write('{day|date}', {})).toThrow(RangeError);
    expect(() => write('{many|choices}', { many: ['zzz'] })).toThrow(RangeError);
  });

  it.each(['{day', 'day}', '{}', '{Day}', '{day|shout}', '{day |date}', '{a..b}', '{day|date|number}'])(
    'refuses %s',
    (text) => {
      expect(parseTemplate(text)).toBeTypeOf('string');
    },
  );
});

describe('typography', () => {
  it('sets French spaces and apostrophes', () => {
    expect(typeset("Oui ! L'été : « N° 5 » ; 64 m²", 'fr')).toBe(
      'Oui\u202f! L’été\u00a0: «\u00a0N°\u00a05\u00a0»\u202f; 64\u00a0m²',
    );
    expect(typeset("It's: yes!", 'en')).toBe('It’s: yes!');
  });

  it('reaches every pair of languages and leaves other text alone', () => {
    expect(typesetWords({ a: [{ fr: "l'a :", en: "l'a :" }], when: "x == 'y' :" })).toEqual({
      a: [{ fr: 'l’a\u00a0:', en: 'l’a :' }],
      when: "x == 'y' :",
    });
  });
});
