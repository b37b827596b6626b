import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TokenPlace } from './pkcs11.ts';

// For tests only: tokens in software, of Debian's package softhsm2.

const places = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
];

export const softHsmModule: string | undefined =
  spawnSync('softhsm2-util', ['--version']).error === undefined ? places.find(existsSync) : undefined;

/** OpenSC's program, with which other people make keys in tokens. */
export const hasPkcs11Tool: boolean = spawnSync('pkcs11-tool', ['--version']).error === undefined;

export interface SoftHsm {
  readonly folder: string;
  /** Makes a token. */
  token(label: string, pin: string): TokenPlace;
  /** What pkcs11-tool says. */
  tool(place: TokenPlace, ...args: string[]): string;
  remove(): void;
}

/** A folder of tokens for this process; to be made before the module is loaded, which reads SOFTHSM2_CONF once. */
export function softHsm(module: string): SoftHsm {
  const folder = mkdtempSync(join(tmpdir(), 'consul-token-'));
  mkdirSync(join(folder, 'tokens'));
  const configuration = join(folder, 'softhsm2.conf');
  writeFileSync(
    configuration,
    `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  );
  process.env.SOFTHSM2_CONF = configuration;
  return {
    folder,
    token: (label, pin) => {
      const args = ['--init-token', '--free', '--label', label, '--pin', pin, '--so-pin', '87654321'];
      execFileSync('softhsm2-util', args, { stdio: 'pipe' });
      return { module, token: label, pin };
    },
    tool: (place, ...args) => {
      const login = ['--module', module, '--token-label', place.token, '--login', '--pin', place.pin];
      return execFileSync('pkcs11-tool', [...login, ...args], { encoding: 'utf8', stdio: 'pipe' });
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
