import { ConsulError } from '../errors.ts';

// A reference names a request: `GA-PAR-2026-7K3M-9QX2-P4DJ` is country, post, year, eleven random characters of
// Crockford's base 32 (crockford.com/base32.html) and a check character. 2^55 values: with a million requests in a
// year, a thousand guesses a second meet one after fourteen months on average; doors still limit attempts and ask for
// a second fact. The check is ISO/IEC 7064 MOD 37-2 over all that stands before it, which finds every wrong character
// and every exchange of neighbours. Random parts whose check character would be I, L, O, U or * are drawn again, so
// that it can be dictated like the others.

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const checkAlphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*';
const randomLength = 11;
const shape = /^([A-Z]{2})([A-Z]{3})(\d{4})([0-9A-HJKMNP-TV-Z]{11})([0-9A-HJKMNP-TV-Z])$/;

/**
 * @param post code of the post, for example `GA-PAR`
 * @param random cryptographically secure
 */
export function newReference(post: string, year: number, random: (length: number) => Uint8Array): string {
  const prefix = `${post.replaceAll('-', '')}${String(year).padStart(4, '0')}`;
  for (;;) {
    let body = prefix;
    for (const byte of random(randomLength)) body += crockford[byte & 31];
    const check = checkCharacter(body);
    if (crockford.includes(check)) return written(body + check);
  }
}

/**
 * Reads what a person typed or said: small letters, missing or other dashes, O for 0, I or L for 1.
 * @returns the reference as it is written
 * @throws ConsulError REFERENCE_INVALID
 */
export function parseReference(text: string): string {
  if (text.length > 60) throw invalid(text.slice(0, 30), 'it is too long');
  const letters = text.toUpperCase().replace(/[\s\p{Pd}._/]/gu, '');
  const body = letters.slice(0, 5) + letters.slice(5).replaceAll('O', '0').replace(/[IL]/g, '1');
  if (!shape.test(body)) throw invalid(text, 'it is not of the form GA-PAR-2026-7K3M-9QX2-P4DJ');
  if (checkCharacter(body.slice(0, -1)) !== body.at(-1))
    throw invalid(text, 'its check character does not match');
  return written(body);
}

const invalid = (text: string, reason: string): ConsulError =>
  new ConsulError('REFERENCE_INVALID', `the reference ${JSON.stringify(text)} is wrong: ${reason}`);

/** ISO/IEC 7064 §7.2, pure system MOD 37-2: the sum of the values, each with its power of 2, is 1 modulo 37. */
function checkCharacter(body: string): string {
  let sum = 0;
  for (const character of body) sum = ((sum + checkAlphabet.indexOf(character)) * 2) % 37;
  return checkAlphabet[(38 - sum) % 37] as string;
}

function written(body: string): string {
  const cuts = [0, 2, 5, 9, 13, 17, 21];
  return cuts
    .slice(1)
    .map((end, i) => body.slice(cuts[i], end))
    .join('-');
}
