import { ConsulError } from '../errors.ts';

/**
 * ICAO Doc 9303-3 §6 A, those letters that do not simply lose their mark; where the table leaves a choice the first
 * form is taken (AE, OE, UE, AA), but N for Ñ.
 */
const latin: Readonly<Record<string, string>> = {
  Ä: 'AE',
  Å: 'AA',
  Æ: 'AE',
  Ð: 'D',
  Ö: 'OE',
  Ø: 'OE',
  Ü: 'UE',
  Þ: 'TH',
  Đ: 'D',
  Ħ: 'H',
  ı: 'I',
  Ĳ: 'IJ',
  Ŀ: 'L',
  Ł: 'L',
  Ŋ: 'N',
  Œ: 'OE',
  Ŧ: 'T',
  ẞ: 'SS',
};

/** Letters of the African reference alphabet that the table of ICAO does not have: their base letter. */
const african: Readonly<Record<string, string>> = {
  Ɓ: 'B',
  Ƈ: 'C',
  Ɗ: 'D',
  Ɖ: 'D',
  Ǝ: 'E',
  Ɛ: 'E',
  Ƒ: 'F',
  Ɠ: 'G',
  Ɣ: 'G',
  Ɨ: 'I',
  Ɩ: 'I',
  Ƙ: 'K',
  Ɲ: 'N',
  Ɔ: 'O',
  Ɵ: 'O',
  Ƥ: 'P',
  Ƭ: 'T',
  Ʈ: 'T',
  Ʊ: 'U',
  Ʉ: 'U',
  Ʋ: 'V',
  Ƴ: 'Y',
};

/** §6 B, without the exceptions of single languages. */
const cyrillic: Readonly<Record<string, string>> = {
  Ё: 'E',
  Ђ: 'D',
  Є: 'IE',
  Ѕ: 'DZ',
  І: 'I',
  Ї: 'I',
  Ј: 'J',
  Љ: 'LJ',
  Њ: 'NJ',
  Ќ: 'K',
  Ў: 'U',
  Џ: 'DZ',
  А: 'A',
  Б: 'B',
  В: 'V',
  Г: 'G',
  Д: 'D',
  Е: 'E',
  Ж: 'ZH',
  З: 'Z',
  И: 'I',
  Й: 'I',
  К: 'K',
  Л: 'L',
  М: 'M',
  Н: 'N',
  О: 'O',
  П: 'P',
  Р: 'R',
  С: 'S',
  Т: 'T',
  У: 'U',
  Ф: 'F',
  Х: 'KH',
  Ц: 'TS',
  Ч: 'CH',
  Ш: 'SH',
  Щ: 'SHCH',
  Ъ: 'IE',
  Ы: 'Y',
  Э: 'E',
  Ю: 'IU',
  Я: 'IA',
  Ѫ: 'U',
  Ѵ: 'Y',
  Ґ: 'G',
  Ғ: 'G',
  Һ: 'C',
};

/** §6 C by code point; an empty text is a mark or letter that is not encoded. */
const arabic: Readonly<Record<number, string>> = {
  1569: 'XE',
  1570: 'XAA',
  1571: 'XAE',
  1572: 'U',
  1573: 'I',
  1574: 'XI',
  1575: 'A',
  1576: 'B',
  1578: 'T',
  1579: 'XTH',
  1580: 'J',
  1581: 'XH',
  1582: 'XKH',
  1583: 'D',
  1584: 'XDH',
  1585: 'R',
  1586: 'Z',
  1587: 'S',
  1588: 'XSH',
  1589: 'XSS',
  1590: 'XDZ',
  1591: 'XTT',
  1592: 'XZZ',
  1593: 'E',
  1594: 'G',
  1600: '',
  1601: 'F',
  1602: 'Q',
  1603: 'K',
  1604: 'L',
  1605: 'M',
  1606: 'N',
  1607: 'H',
  1608: 'W',
  1609: 'XAY',
  1610: 'Y',
  1611: '',
  1612: '',
  1613: '',
  1614: '',
  1615: '',
  1616: '',
  1618: '',
  1648: '',
  1649: 'XXA',
  1657: 'XXT',
  1660: 'XRT',
  1662: 'P',
  1665: 'XKE',
  1669: 'XXH',
  1670: 'XC',
  1672: 'XXD',
  1673: 'XDR',
  1681: 'XXR',
  1683: 'XRR',
  1686: 'XRX',
  1688: 'XJ',
  1690: 'XXS',
  1692: '',
  1698: '',
  1703: '',
  1704: '',
  1705: 'XKK',
  1707: 'XXK',
  1709: 'XNG',
  1711: 'XGG',
  1722: 'XNN',
  1724: 'XXN',
  1726: 'XDO',
  1728: 'XYH',
  1729: 'XXG',
  1730: 'XGE',
  1731: 'XTG',
  1740: 'XYA',
  1741: 'XXY',
  1744: 'Y',
  1746: 'XYB',
  1747: 'XBE',
};
const tehMarbuta = 'ة';
const shadda = 'ّ';

/** Doc 9303-3 §4.6: apostrophes and full stops are left out and join what they stand between. */
const joins = /['’ʼ‘`´.ʻ]/u;
/** Hyphens, commas and spaces part the components of a name. */
const parts = /[\s,\u002d\u2010-\u2015]/u;

/**
 * A name in the characters of a machine-readable zone: A to Z, with `<` between components (Doc 9303-3 §4.6, §6).
 *
 * @throws ConsulError SCHEMA_VIOLATION for a character that has no transliteration
 */
export function transliterate(name: string): string {
  const components = [''];
  const characters = [...name.normalize('NFC')];
  let last = '';
  characters.forEach((character, i) => {
    if (joins.test(character)) return;
    if (parts.test(character)) {
      components.push('');
      return;
    }
    const ends = i + 1 === characters.length || parts.test(characters[i + 1] as string);
    // Note 3: shadda repeats the letter before it; note 2: teh marbuta differs at the end of a component.
    if (character === tehMarbuta) last = ends ? 'XAH' : 'XTA';
    else if (character !== shadda) last = letters(character);
    components[components.length - 1] += last;
  });
  return components.filter((component) => component !== '').join('<');
}

function letters(character: string): string {
  const inArabic = arabic[character.codePointAt(0) as number];
  if (inArabic !== undefined) return inArabic;
  const upper = character.toUpperCase();
  if (/^[A-Z]+$/.test(upper)) return upper;
  const listed = latin[upper] ?? african[upper] ?? cyrillic[upper];
  if (listed !== undefined) return listed;
  const base = upper.normalize('NFD').replace(/\p{Mn}/gu, '');
  if (/^[A-Z]*$/.test(base)) return base;
  const code = (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
  throw new ConsulError('SCHEMA_VIOLATION', `U+${code} has no transliteration in a machine-readable zone`);
}
