import { encodeBase45 } from './base45.ts';

/** Codes of other systems that citizens attach, as far as their first characters tell. */
export type ForeignCode =
  | 'hcert'
  | '2d-doc'
  | 'vds'
  | 'vds-nc'
  | 'idb'
  | 'claim169-encrypted'
  | 'mrz'
  | 'url'
  | 'other';

const marks: readonly (readonly [ForeignCode, RegExp])[] = [
  /** EU HCERT 1.3 §2: context identifier. */
  ['hcert', /^HC1:/],
  /** ANTS 2D-Doc §3.3: marker and version. */
  ['2d-doc', /^DC0[1-4]/],
  /** ICAO barcode data structure: its magic, and the one of its drafts. */
  ['idb', /^[RN]DB1[A-D]/],
  /** ICAO VDS-NC §3: JSON with a header that says so. */
  ['vds-nc', /^\s*\{.*"icao\.[a-z]+"/s],
  /** ICAO Doc 9303-4 to -6: lines of 30, 36 or 44 characters. */
  ['mrz', /^[A-Z0-9<]{30}(?:[A-Z0-9<]{6}(?:[A-Z0-9<]{8})?)?\r?\n[A-Z0-9<]{30,44}(\r?\n|$)/],
  ['url', /^[a-z][a-z0-9+.-]*:\/\//i],
];

/**
 * What the content of a bar code looks like; `other` when nothing fits.
 *
 * @param bytes the content before it was made text; a VDS is binary
 */
export function foreignCode(text: string, bytes?: Uint8Array): ForeignCode {
  // ICAO Doc 9303-13 §2.2: magic, then 2 for version 3 or 3 for version 4; ANTS 2D-Doc §3.3.4: the same magic, then 4.
  // As text they were read as Latin-1.
  const [magic, version] = bytes ?? [text.charCodeAt(0), text.charCodeAt(1)];
  if (magic === 0xdc && (version === 2 || version === 3)) return 'vds';
  if (magic === 0xdc && version === 4) return '2d-doc';
  for (const [kind, mark] of marks) if (mark.test(text)) return kind;
  return 'other';
}

/** The systems whose seals are read in core/seal/foreign. */
export type ForeignSystem = Exclude<ForeignCode, 'mrz' | 'url' | 'other'> | 'claim169';

/** Base45 of every header that a zlib stream can have (RFC 1950 §2.2): eight sizes of window, four levels. */
const zlibMarks = new Set(
  Array.from({ length: 32 }, (_, i) => {
    const header = ((i >> 2) << 12) | 0x0800 | ((i & 3) << 6);
    const checked = header + ((31 - (header % 31)) % 31);
    return encodeBase45(Uint8Array.of(checked >> 8, checked & 0xff));
  }),
);

/** Whether a text begins as base45 of a zlib stream. */
export const beginsAsClaim169 = (text: string): boolean => zlibMarks.has(text.slice(0, 3));

/**
 * Which system the content of a code is of, as far as its beginning tells; undefined for none that is read here. A
 * Claim 169 may be a seal of ours as well.
 *
 * @param bytes the content before it was made text, where a reader gave it: two of the systems are binary
 */
export function foreignSystem(text: string, bytes?: Uint8Array): ForeignSystem | undefined {
  const code = foreignCode(text, bytes);
  switch (code) {
    case 'hcert':
    case '2d-doc':
    case 'vds':
    case 'vds-nc':
    case 'idb':
    case 'claim169-encrypted':
      return code;
    case 'other':
      return beginsAsClaim169(text) ? 'claim169' : undefined;
    case 'mrz':
    case 'url':
      return undefined;
  }
}
