import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Independent programs that judge the files of this room in its tests. */
export type Judge =
  | 'qpdf'
  | 'pdfsig'
  | 'pdffonts'
  | 'pdftotext'
  | 'pdfinfo'
  | 'mutool'
  | 'pdftoppm'
  | 'zbarimg';

const found = new Map<Judge, boolean>();

/** Whether the program is on this machine; where it is not, its tests are skipped by name. */
export function missing(judge: Judge): boolean {
  const known = found.get(judge) ?? spawnSync(judge, ['--version']).error === undefined;
  found.set(judge, known);
  return !known;
}

/** Runs a program on a file; `FILE` among the arguments stands for its path. */
export function ask(
  judge: Judge,
  pdf: Uint8Array,
  ...args: string[]
): { status: number | null; output: string } {
  return inFolder((folder) => {
    const path = join(folder, 'document.pdf');
    writeFileSync(path, pdf);
    const run = spawnSync(
      judge,
      args.map((arg) => (arg === 'FILE' ? path : arg)),
      { encoding: 'utf8' },
    );
    return { status: run.status, output: `${run.stdout}${run.stderr}` };
  });
}

/** The pages as PNG pictures. */
export function pictures(pdf: Uint8Array, dpi: number): Uint8Array[] {
  return inFolder((folder) => {
    const path = join(folder, 'document.pdf');
    writeFileSync(path, pdf);
    spawnSync('pdftoppm', ['-r', String(dpi), '-png', path, join(folder, 'page')]);
    const names = readdirSync(folder).filter((name) => name.endsWith('.png'));
    return names.sort().map((name) => readFileSync(join(folder, name)));
  });
}

/** What zbar reads in a PNG picture. */
export function scanned(picture: Uint8Array): string {
  return inFolder((folder) => {
    const path = join(folder, 'page.png');
    writeFileSync(path, picture);
    return spawnSync('zbarimg', ['--quiet', '--raw', path], { encoding: 'utf8' }).stdout.trim();
  });
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'consul-pdf-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
