import type { PieceType } from '../procedures/definition.ts';

/** The first bytes of each type: ISO 32000-2 §7.5.2, ITU-T T.81 B.1.1.3 (SOI, then a marker), W3C PNG §5.2. */
const signatures: readonly (readonly [PieceType, readonly number[]])[] = [
  ['application/pdf', [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['image/png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
];

const extensions: ReadonlyMap<string, PieceType> = new Map([
  ['pdf', 'application/pdf'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['png', 'image/png'],
]);

/** What the content is, by its first bytes. */
export function contentType(content: Uint8Array): PieceType | undefined {
  return signatures.find(([, signature]) => signature.every((byte, i) => content[i] === byte))?.[0];
}

/** What the name claims the content to be. */
export function claimedType(name: string): PieceType | undefined {
  const extension = /\.([a-z]+)$/i.exec(name)?.[1];
  return extension === undefined ? undefined : extensions.get(extension.toLowerCase());
}
