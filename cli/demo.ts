/** `npm run demo`: the main job from a request to a refused forgery, by the commands that a person types. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localDay } from '../core/procedures/calendar.ts';
import { examplePiece } from '../fixtures/pieces.ts';
import { examplePieces, exampleRequest } from '../fixtures/requests.ts';
import { shipped } from './shipped.ts';

const folder = mkdtempSync(join(tmpdir(), 'consul-demo-'));
const home = join(folder, 'post');
const consul = shipped('dist', 'consul.js');
const timeZone = 'Europe/Paris';

function run(expected: number, ...argv: string[]): string {
  process.stdout.write(
    `\n$ consul ${argv.map((word) => (/[\s]/.test(word) ? `'${word}'` : word)).join(' ')}\n`,
  );
  const result = spawnSync(process.execPath, [consul, ...argv], {
    encoding: 'utf8',
    env: { ...process.env, CONSUL_HOME: home, CONSUL_AGENT: 'demo' },
  });
  process.stdout.write(result.stdout);
  process.stderr.write(result.stderr);
  if (result.status === expected) return result.stdout;
  process.stderr.write(`demo: the command ended with ${result.status} where ${expected} was expected\n`);
  process.exit(1);
}

const say = (text: string): void => {
  process.stdout.write(`\n— ${text}\n`);
};

say('A consular post: root, issuing authority, signers, time-stamp authority, log, database.');
run(0, 'init', '--yes');

say('A citizen asks for an attestation de prise en charge, with their pieces (all made up).');
const data = join(folder, 'request.json');
writeFileSync(
  data,
  `${JSON.stringify(exampleRequest('prise-en-charge', localDay(new Date(), timeZone)), undefined, 2)}\n`,
);
const pieces = examplePieces['prise-en-charge'].flatMap((piece) => {
  const file = join(folder, `${piece.replace(':', '-')}.pdf`);
  writeFileSync(file, examplePiece(piece, 'pdf'));
  return ['--piece', `${piece}=${file}`];
});
const submitted = run(0, 'request', 'submit', 'prise-en-charge', '--data', data, ...pieces);
const reference = /^\S+/.exec(submitted)?.[0] ?? '';

say(
  'An agent decides, and the document is issued: number, seal, log, page, signature, time-stamp, register.',
);
run(0, 'request', 'decide', reference, '--accept');
const document = run(0, 'issue', reference).trim().split(/\s+/).slice(1).join(' ');

say('A stranger verifies it offline, with the public trust bundle alone.');
const trust = join(folder, 'trust.cose');
run(0, 'trust', 'export', '--out', trust);
run(0, 'verify', document, '--trust', trust);

say('One byte is changed.');
const forged = join(folder, 'forged.pdf');
const bytes = readFileSync(document);
const at = Math.floor(bytes.length / 4);
bytes[at] = (bytes[at] ?? 0) ^ 1;
writeFileSync(forged, bytes);
run(1, 'verify', forged, '--trust', trust, '--quiet');

say('The journal, the register and the log agree.');
run(0, 'audit', 'verify');

process.stdout.write(`\ndocument: ${document}\ntrust: ${trust}\n`);
