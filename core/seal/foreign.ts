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
