// The programs that judge what is made and accepted here, installed where that is allowed.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Programs that nobody here wrote and that the tests use as judges, with the Debian package that brings each. */
const judges = {
  pdfsig: 'poppler-utils',
  pdftotext: 'poppler-utils',
  openssl: 'openssl',
  zbarimg: 'zbar-tools',
  qpdf: 'qpdf',
  mutool: 'mupdf-tools',
  certutil: 'libnss3-tools',
  'softhsm2-util': 'softhsm2',
  'pkcs11-tool': 'opensc',
};

const present = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const missing = () => Object.keys(judges).filter((program) => !present(program));

export function installJudges() {
  const wanted = [...new Set(missing().map((program) => judges[program]))];
  if (wanted.length === 0) return;
  if (process.getuid?.() === 0 && present('apt-get')) {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = { env: environment, stdio: ['ignore', 2, 2] };
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...wanted], options);
  }
  for (const program of missing())
    console.error(
      `judge missing: ${program} (package ${judges[program]}); the tests that need it are skipped`,
    );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) installJudges();
