import { ConsulError } from '../errors.ts';
import { decodeBase32, encodeBase32 } from './base32.ts';
import { decodeBase45 } from './base45.ts';
import { maximumPresentation } from './disclosure.ts';
import { beginsAsClaim169, type ForeignCode, foreignCode, foreignSystem } from './foreign.ts';
import { inflateZlib } from './zlib.ts';

/** How the COSE lies in the text of a QR code. */
export type Carrier = 'url' | 'claim169';

export interface Carried {
  readonly carrier: Carrier;
  /** Bytes that begin like a COSE_Sign1; `readSeal` judges the rest. */
  readonly cose: Uint8Array;
  /** What the holder shows of the private fields; `readPresentation` judges it. */
  readonly presentation?: Uint8Array;
}

/** Capacity of the largest QR code in alphanumeric mode, and room for a URL that came by another way. */
const maximumText = 4800;
/** Of a seal with a presentation, which need not travel by a QR code. */
const maximumPresented = maximumText + Math.ceil((maximumPresentation * 8) / 5);
const maximumInflated = 4096;
/** Base32 of tag 18 and an array of four begins so. */
const sealMark = /^2KC/i;

/**
 * The default carrier: an upper-case URL that opens the verifier, the seal in its fragment, which a browser never
 * sends to the server. The path of the host keeps its letters, for they may matter there.
 *
 * @param host host name and optional path, for example `verify.example.org` or `example.org/v`
 */
export function sealUrl(cose: Uint8Array, host: string): string {
  return verifierUrl(host) + encodeBase32(cose);
}

/** The part of `sealUrl` that is the same for all seals: up to and with the number sign. */
export function verifierUrl(host: string): string {
  const slash = host.indexOf('/');
  const name = slash < 0 ? host : host.slice(0, slash);
  const path = slash < 0 ? '' : host.slice(slash);
  return `HTTPS://${name.toUpperCase()}${path}/#`;
}

/**
 * A seal on the default carrier with what its holder shows: after a full stop, so that it stays in the alphanumeric mode
 * of QR codes.
 *
 * @param url as `sealUrl` gives it
 */
export const presentationUrl = (url: string, presentation: Uint8Array): string =>
  `${url}.${encodeBase32(presentation)}`;

/**
 * Finds out how a text carries a seal, and takes it out. A URL may have been lower-cased as a whole by what read it:
 * base32 in one case throughout is accepted, mixed case is not.
 *
 * @param bytes the content as it stands in the code, where a reader gave it: binary codes are known by it
 * @throws ConsulError SEAL_FOREIGN with what it looks like as its detail, SEAL_INVALID when it is a damaged seal
 */
export function readCarrier(text: string, bytes?: Uint8Array): Carried {
  if (text.length > maximumPresented) throw tooLong(text);
  const fragment = fragmentOf(text);
  if (fragment !== undefined && sealMark.test(fragment)) return fromFragment(oneCase(fragment));
  if (text.length > maximumText) throw tooLong(text);
  const kind = foreignCode(text, bytes);
  if (kind !== 'other') throw foreign(kind);
  const cose = claim169Cose(text);
  if (cose === undefined) throw foreign(kind);
  if (cose[0] === 0xd0) throw foreign('claim169-encrypted');
  if (cose[0] !== 0xd2) throw foreign('other');
  return { carrier: 'claim169', cose };
}

function fromFragment(fragment: string): Carried {
  const stop = fragment.indexOf('.');
  const seal = stop < 0 ? fragment : fragment.slice(0, stop);
  if (seal.length > maximumText) throw tooLong(seal);
  const cose = decodeBase32(seal);
  if (stop < 0) return { carrier: 'url', cose };
  return { carrier: 'url', cose, presentation: decodeBase32(fragment.slice(stop + 1)) };
}

const tooLong = ({ length }: string): ConsulError =>
  new ConsulError('SEAL_INVALID', `${length} characters are more than a QR code holds`);

/** Whether a code begins as a seal, of ours or of another system that is read here. */
export const beginsAsSeal = (text: string, bytes?: Uint8Array): boolean =>
  sealMark.test(fragmentOf(text) ?? '') || foreignSystem(text, bytes) !== undefined;

/** What stands behind the number sign of an address. */
const fragmentOf = (text: string): string | undefined => /^https:\/\/[^#\s]+#(.*)$/is.exec(text)?.[1];

function oneCase(text: string): string {
  return /[A-Z]/.test(text) ? text : text.toUpperCase();
}

/** Undefined when the text does not begin as base45 of a zlib stream; a damaged rest is an error. */
function claim169Cose(text: string): Uint8Array | undefined {
  return beginsAsClaim169(text) ? inflateZlib(decodeBase45(text), maximumInflated) : undefined;
}

const names: Readonly<Record<ForeignCode, string>> = {
  hcert: 'an EU digital health certificate (HC1)',
  '2d-doc': 'a French or Tunisian 2D-Doc',
  vds: 'an ICAO visible digital seal (VDS)',
  'vds-nc': 'an ICAO digital seal for non-constrained environments (VDS-NC)',
  idb: 'an ICAO barcode data structure (IDB)',
  'claim169-encrypted': 'an encrypted Claim 169',
  mrz: 'a machine-readable zone',
  url: 'a web address without a seal',
  other: 'a code of an unknown system',
};

function foreign(kind: ForeignCode): ConsulError {
  return new ConsulError('SEAL_FOREIGN', `the code is ${names[kind]}`, {
    details: [{ where: 'code', label: kind, message: names[kind] }],
  });
}
