import { zlibSync } from 'fflate';
import { encodeBase45 } from './base45.ts';

/** The carrier of MOSIP Claim 169: base45 of zlib of the COSE, without a prefix. */
export const claim169Text = (cose: Uint8Array): string => encodeBase45(zlibSync(cose, { level: 9 }));
