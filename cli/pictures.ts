import { readFile } from 'node:fs/promises';
import { type Picture, type ReadCodes, readCodes } from '../core/seal/picture.ts';
import { shipped } from './shipped.ts';

let program: Promise<ArrayBuffer> | undefined;

/** The QR codes of a picture, by the reader that ships with this program. */
export async function readPictureCodes(picture: Picture): Promise<ReadCodes> {
  program ??= readFile(shipped('dist', 'assets', 'zxing_reader.wasm')).then(
    (file) => new Uint8Array(file).buffer as ArrayBuffer,
  );
  return readCodes(picture, await program);
}
