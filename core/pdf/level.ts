/** PAdES baseline levels, ETSI EN 319 142-1 §6, each more than those before it. */
export const signatureLevels = ['B-B', 'B-T', 'B-LT', 'B-LTA'] as const;

export type SignatureLevel = (typeof signatureLevels)[number];
