/**
 * The encoder inside `qrcode`, without the drawing, which would bring a file system and a PNG writer along.
 * Only what is used here.
 */
declare module 'qrcode/lib/core/qrcode.js' {
  interface Segment {
    readonly data: string | Uint8Array;
    readonly mode: 'alphanumeric' | 'byte';
  }
  interface Symbol {
    readonly version: number;
    readonly modules: {
      readonly size: number;
      /** Row-major, 1 is dark. */
      readonly data: Uint8Array;
      /** 1 where a module belongs to a pattern and not to the data. */
      readonly reservedBit: Uint8Array;
    };
  }
  const qrcode: {
    /** Throws a plain Error when the segments do not fit into version 40. */
    create(
      segments: readonly Segment[],
      options: { readonly errorCorrectionLevel: 'M'; readonly maskPattern: number },
    ): Symbol;
  };
  export default qrcode;
}
