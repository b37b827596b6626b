import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsulError } from '../errors.ts';
import { parseCertificate } from '../pki/certificate.ts';
import type { OcspArchive } from '../pki/ocsp-archive.ts';
import { serialText } from './certificate.ts';
import { answerName } from './pki-folder.ts';
import { readIfThere } from './read-file.ts';

/**
 * The answers in a folder that `consul pki ocsp` has filled: of the authorities whose certificates are in `ca/`, one file
 * for each certificate in `ocsp/AUTHORITY/`. A file that is replaced is answered anew at once.
 * @throws ConsulError FILE_UNREADABLE where the folder holds no authority
 */
export async function answerArchive(folder: string): Promise<OcspArchive> {
  const names = await readdir(join(folder, 'ca')).catch((cause: NodeJS.ErrnoException) => {
    throw new ConsulError(
      'FILE_UNREADABLE',
      `${folder} holds no authorities (${cause.code}): publish with consul pki crl and consul pki ocsp first`,
      { cause },
    );
  });
  const authorities = await Promise.all(
    names
      .filter((name) => name.endsWith('.cer'))
      .map(async (name) => ({
        name: name.slice(0, -'.cer'.length),
        certificate: parseCertificate(new Uint8Array(await readFile(join(folder, 'ca', name)))),
      })),
  );
  return {
    authorities: authorities.map(({ certificate }) => certificate),
    find: async (authority, serial, hash) => {
      const known = authorities.find(({ certificate }) => certificate === authority);
      if (!known) return undefined;
      const bytes = await readIfThere(join(folder, 'ocsp', known.name, answerName(serialText(serial), hash)));
      return bytes && new Uint8Array(bytes);
    },
  };
}
