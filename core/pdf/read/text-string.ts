import { invalid } from './bounds.ts';
import type { PdfString } from './objects.ts';

/** PDFDocEncoding where it differs from Latin-1 (ISO 32000-2 annex D.3); U+FFFD where it has nothing. */
const low = '˘ˇˆ˙˝˛˚˜';
const high = '•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž\ufffd€';

const utf16Decoder = new TextDecoder('utf-16be', { fatal: true });
const utf8Decoder = new TextDecoder('utf-8', { fatal: true });

function documentCharacter(octet: number): string {
  if (octet >= 0x18 && octet < 0x20) return low[octet - 0x18] as string;
  if (octet >= 0x80 && octet <= 0xa0) return high[octet - 0x80] as string;
  return String.fromCharCode(octet);
}

/**
 * A text string (ISO 32000-2 §7.9.2.2): UTF-16BE or UTF-8 behind its mark, else PDFDocEncoding.
 * @throws ConsulError PDF_INVALID for malformed UTF
 */
export function textString(value: PdfString): string {
  const { bytes } = value;
  const utf16 = bytes[0] === 0xfe && bytes[1] === 0xff;
  const utf8 = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  if (utf16 || utf8)
    try {
      return (utf16 ? utf16Decoder : utf8Decoder).decode(bytes);
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      invalid(value.start, 'a text string that is not sound Unicode');
    }
  let text = '';
  for (const octet of bytes) text += documentCharacter(octet);
  return text;
}
