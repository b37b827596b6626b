import type { VerifyContext } from '../core/verify/context.ts';
import { verifyPdf } from '../core/verify/document.ts';
import { verifyCodes } from '../core/verify/picture.ts';
import type { Report } from '../core/verify/report.ts';
import { readPictureCodes } from './pictures.ts';

// Apart from the rest of the verifier: a seal alone is verified without the readers of PDF and pictures.

export const verifyPdfFile = (bytes: Uint8Array, context: VerifyContext): Promise<Report> =>
  verifyPdf(bytes, context, readPictureCodes);

export const verifyPictureFile = async (bytes: Uint8Array, context: VerifyContext): Promise<Report> =>
  verifyCodes(await readPictureCodes(bytes), context);
