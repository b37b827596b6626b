import { fromHex } from '../bytes.ts';
import type { CurveName } from './backend.ts';

/** The named curves of RFC 5480 §2.1.1.1 that are accepted; `order` is n of SEC 2, big-endian. */
export const curves: Readonly<
  Record<CurveName, { readonly oid: string; readonly fieldLength: number; readonly order: Uint8Array }>
> = {
  'P-256': {
    oid: '1.2.840.10045.3.1.7',
    fieldLength: 32,
    order: fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
  },
  'P-384': {
    oid: '1.3.132.0.34',
    fieldLength: 48,
    order: fromHex(
      'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
    ),
  },
  'P-521': {
    oid: '1.3.132.0.35',
    fieldLength: 66,
    order: fromHex(
      '01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409',
    ),
  },
};
