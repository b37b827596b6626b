/** Control characters and marks that reorder what stands around them (UAX #9 §2). */
const unprintable = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;
const longest = 300;

/** A text out of a code that nobody vouches for, harmless on a terminal and on a page. */
export function printable(text: string): string {
  const short = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return short.replace(unprintable, '\ufffd');
}
