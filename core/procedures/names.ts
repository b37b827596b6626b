/** How names written by different hands are compared. Nothing here changes a name that is printed. */

/** The names of a person, as every form asks for them. */
export interface Names {
  readonly familyName: string;
  readonly givenNames?: string;
  readonly usageName?: string;
  /** Transliteration of the full name where it is not of the Latin script. */
  readonly latinName?: {
    readonly familyName: string;
    readonly givenNames?: string;
    readonly language: string;
  };
}

/** Given names and family name, in Latin letters where there is a transliteration. */
export function fullName(names: Names): string {
  return written(names.latinName ?? names);
}

export function written({ familyName, givenNames }: { familyName: string; givenNames?: string }): string {
  return givenNames ? `${givenNames} ${familyName}` : familyName;
}

/** Every name of a person in one text, for sameName: bills and leases bear any of them. */
export function allNames(names: Names): string {
  const parts = [
    names.givenNames,
    names.familyName,
    names.usageName,
    names.latinName && written(names.latinName),
  ];
  return parts.filter((part) => part !== undefined).join(' ');
}

/** Letters outside ASCII that have no decomposition, as the machine readable zone writes them (Doc 9303-3 §6). */
const folded: Readonly<Record<string, string>> = {
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ß: 'ss',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ı: 'i',
  ŋ: 'n',
  ɲ: 'n',
  ɓ: 'b',
  ɗ: 'd',
  ɖ: 'd',
  ƙ: 'k',
  ɛ: 'e',
  ɔ: 'o',
  ƴ: 'y',
  ɩ: 'i',
  ʋ: 'v',
  ɣ: 'g',
  ƒ: 'f',
  ǝ: 'e',
  ə: 'e',
};

/** Lower case without accents, punctuation or doubled spaces: "N’Dong-Ébé " and "ndong ebe" are the same. */
export function plain(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\p{M}'’ʼ`´.]/gu, '')
    .replace(/[^a-z0-9]/gu, (letter) => folded[letter] ?? (/[\p{L}\p{N}]/u.test(letter) ? letter : ' '))
    .replace(/ +/g, ' ')
    .trim();
}

const titles = new Set(['m', 'mr', 'mme', 'mlle', 'mrs', 'ms', 'monsieur', 'madame', 'mademoiselle']);
const wordsOf = (name: string) =>
  plain(name)
    .split(' ')
    .filter((word) => word !== '' && !titles.has(word));

/** Whether all words of the shorter name stand in the longer one, in any order and without titles; false where one is empty. */
export function sameName(a: string, b: string): boolean {
  const [one, other] = [wordsOf(a), wordsOf(b)];
  const [shorter, longer] = one.length <= other.length ? [one, new Set(other)] : [other, new Set(one)];
  return shorter.length > 0 && shorter.every((word) => longer.has(word));
}

/** Whether every letter is of the Latin script. */
export function isLatin(text: string): boolean {
  return !/\p{L}/u.test(text.replace(/\p{Script=Latin}/gu, ''));
}
