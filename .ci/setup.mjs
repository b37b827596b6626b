// What a fresh clone needs before anything else: the packages of package-lock.json and a build. Needs only Node and npm.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

function run(command, args) {
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
}

function installed() {
  const stamp = join(root, 'node_modules', '.consul-lock');
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  if (!existsSync(join(root, 'node_modules', '.package-lock.json')) || existsSync(stamp))
    run(npm, ['ci', '--no-audit', '--no-fund']);
  writeFileSync(stamp, lock);
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`consul needs Node 20.19 or later; this is ${process.version}.`);
  process.exit(2);
}

export function setUp() {
  installed();
  run(process.execPath, ['build.mjs']);
  if (!statSync(join(root, 'dist', 'consul.js')).isFile())
    throw new Error('the build left no dist/consul.js');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();
