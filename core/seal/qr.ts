import qrcode from 'qrcode/lib/core/qrcode.js';
import { equalBytes, utf8 } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { sealUrl } from './carrier.ts';
import { applyMask, bestMask, readMask } from './qr-mask.ts';

/** A QR code of level M without its quiet zone. */
export interface QrMatrix {
  readonly version: number;
  /** Modules along a side: 17 + 4 * version. */
  readonly size: number;
  /** Row-major, size * size, 1 is dark. */
  readonly modules: Uint8Array;
  /** Data mask, 0 to 7. */
  readonly mask: number;
}

/** 85 modules of 0.3386 mm are 28.8 mm: the largest symbol within 30 mm. */
const maximumVersion = 17;
/** The largest symbol there is, for screens: nobody prints what a holder shows at a fixed size. */
const maximumShownVersion = 40;
/** What a version holds at most (level M, alphanumeric), so that no longer text is laid out in vain. */
const maximumText = { [maximumVersion]: 732, [maximumShownVersion]: 3391 } as const;
/** Where a text is worth a segment of its own in alphanumeric mode: it saves 2.5 bits a character, headers cost 35. */
const segments = /[0-9A-Z $%*+\-./:]{14,}|(?:(?![0-9A-Z $%*+\-./:]{14}).)+/gsu;
const alphanumeric = /^[0-9A-Z $%*+\-./:]*$/;

/**
 * The QR code of a seal on its default carrier.
 *
 * @param host of the verifier, as `sealUrl` takes it
 * @throws ConsulError SCHEMA_VIOLATION when the seal is too large to be printed
 */
export function sealMatrix(cose: Uint8Array, host: string): QrMatrix {
  return qrMatrix(sealUrl(cose, host));
}

/**
 * The QR code of a seal with what its holder shows, in any size.
 *
 * @throws ConsulError SCHEMA_VIOLATION when it does not fit into version 40
 */
export function presentationMatrix(text: string): QrMatrix {
  return qrMatrix(text, undefined, maximumShownVersion);
}

/**
 * The smallest QR code of level M for bytes, or for a text: alphanumeric segments where they save space, bytes
 * elsewhere, and the mask that ISO/IEC 18004 prefers or the one that is given.
 *
 * @throws ConsulError SCHEMA_VIOLATION when the text does not fit into the largest version
 */
export function qrMatrix(
  content: string | Uint8Array,
  mask?: number,
  largest: keyof typeof maximumText = maximumVersion,
): QrMatrix {
  const symbol = unmasked(content, largest);
  const { size, data: modules, reservedBit: reserved } = symbol.modules;
  const chosen = mask ?? bestMask(modules, reserved, size);
  applyMask(modules, reserved, size, chosen);
  return { version: symbol.version, size, modules, mask: chosen };
}

/**
 * Whether a drawn matrix is the QR code of this text or these bytes, module by module, whichever mask it was drawn with.
 *
 * @param modules row-major, size * size, 1 is dark
 */
export function isMatrixOf(content: string | Uint8Array, drawn: Pick<QrMatrix, 'size' | 'modules'>): boolean {
  if (drawn.modules.length !== drawn.size * drawn.size || drawn.size < 21) return false;
  const mask = readMask(drawn.modules, drawn.size);
  if (mask === undefined) return false;
  const made = qrMatrix(content, mask);
  return made.size === drawn.size && equalBytes(made.modules, drawn.modules);
}

const segmentsOf = (text: string) =>
  (text.match(segments) ?? []).map((part) =>
    alphanumeric.test(part)
      ? ({ data: part, mode: 'alphanumeric' } as const)
      : ({ data: utf8(part), mode: 'byte' } as const),
  );

function unmasked(content: string | Uint8Array, largest: keyof typeof maximumText) {
  const { length } = typeof content === 'string' ? utf8(content) : content;
  const advice = largest === maximumVersion ? 'shorten the seal' : 'show fewer fields';
  if (length > maximumText[largest]) {
    throw new ConsulError('SCHEMA_VIOLATION', `${length} bytes do not fit into a QR code: ${advice}`);
  }
  const parts =
    typeof content === 'string' ? segmentsOf(content) : [{ data: content, mode: 'byte' } as const];
  const symbol = qrcode.create(parts, { errorCorrectionLevel: 'M', maskPattern: 0 });
  if (symbol.version > largest) {
    throw new ConsulError(
      'SCHEMA_VIOLATION',
      `the QR code would be of version ${symbol.version}, above ${largest}: ${advice}`,
    );
  }
  const { size, data, reservedBit } = symbol.modules;
  // The library masks with what it is told: with mask 0 once more the data stands as it is, and no format is written.
  applyMask(data, reservedBit, size, 0);
  return symbol;
}
