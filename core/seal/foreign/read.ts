import { fromLatin1, fromUtf8 } from '../../bytes.ts';
import { ConsulError } from '../../errors.ts';
import { foreignSystem } from '../foreign.ts';
import { type Claim169, type EncryptedClaim169, readClaim169 } from './claim169.ts';
import { type Hcert, readHcert } from './hcert.ts';
import { type Idb, readIdb } from './idb.ts';
import { readTwoDDoc, type TwoDDoc } from './two-d-doc.ts';
import { readVdsSeal, type VdsSeal } from './vds-document.ts';
import { readVdsNc, type VdsNc } from './vds-nc.ts';

/** A seal of another system as it was read; nothing in it is checked. */
export type ForeignSeal = Hcert | TwoDDoc | VdsSeal | VdsNc | Idb | Claim169 | EncryptedClaim169;

/** Characters or bytes; the largest bar codes hold half of it. */
const maximumLength = 8192;

/**
 * Reads the seal of another system, which is found out by itself: EU digital COVID certificate, 2D-Doc, ICAO VDS
 * (versions 3 and 4), VDS-NC, ICAO bar code data structure, MOSIP Claim 169.
 *
 * @param content as text; may be empty where the bytes are given
 * @param bytes the content as it stands in the code, where a reader gave it
 * @throws ConsulError SEAL_FOREIGN when it is of none of them, SEAL_INVALID or CBOR_INVALID when it is broken
 */
export function readForeign(content: string, bytes?: Uint8Array): ForeignSeal {
  if (content.length > maximumLength || (bytes && bytes.length > maximumLength))
    throw new ConsulError('SEAL_INVALID', 'the content is more than a bar code holds');
  const text = content === '' && bytes ? textOf(bytes) : content;
  switch (foreignSystem(text, bytes)) {
    case 'hcert':
      return readHcert(text);
    case '2d-doc':
      return readTwoDDoc(text, bytes);
    case 'vds':
      return readVdsSeal(bytes ?? latin1Bytes(text));
    case 'vds-nc':
      return readVdsNc(text);
    case 'idb':
      return readIdb(text);
    case 'claim169':
    case 'claim169-encrypted':
      return readClaim169(text);
    case undefined:
      throw new ConsulError('SEAL_FOREIGN', 'the code is of a system that is not read here');
  }
}

/** What a reader of bytes only makes of a text. */
function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return fromLatin1(bytes);
  }
}

/** A binary code that came as text was read as Latin-1. */
function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    if (code > 0xff) throw new ConsulError('SEAL_INVALID', 'the bytes of the seal were lost on the way');
    return code;
  });
}
