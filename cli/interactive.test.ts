import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { softHsm, softHsmModule } from '../core/pki/softhsm.fixture.ts';
import { emptyFolder, newPost, program, type TestPost } from './testing.ts';

// A terminal by script(1) of util-linux, which is on every Debian.
const noTerminal =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') !== true;

type Step = readonly [prompt: string, keys: string];

/** Types at a terminal: each keys once its prompt has appeared after the one before. @returns what the screen showed */
function atTerminal(
  home: string,
  argv: readonly string[],
  steps: readonly Step[],
): Promise<{ readonly status: number | null; readonly screen: string }> {
  const words = [process.execPath, program, ...argv].map((word) => `'${word}'`).join(' ');
  const { CONSUL_PASSPHRASE_FILE, CONSUL_LANG, ...env } = process.env;
  const child = spawn('script', ['-qec', words, '/dev/null'], {
    env: { ...env, CONSUL_HOME: home, LANG: 'fr_FR.UTF-8', LC_ALL: '', TERM: 'xterm' },
  });
  const left = [...steps];
  let screen = '';
  let seen = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    screen += stripVTControlCharacters(chunk.toString());
    const [next] = left;
    const found = next ? screen.indexOf(next[0], seen) : -1;
    if (!next || found === -1) return;
    left.shift();
    seen = screen.length;
    // A prompt is drawn before it listens.
    setTimeout(() => child.stdin.write(next[1]), 150);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, screen }));
  });
}

const passphrase = 'à bientôt, au revoir';
const clear = '\u0015';

describe.skipIf(noTerminal)('on a terminal (script of util-linux)', () => {
  let post: TestPost;
  const options = [
    ...['--country', 'GA', '--state', 'République gabonaise', '--state-en', 'Gabonese Republic'],
    ...['--host-country', 'FR', '--code', 'GA-LYS', '--name', 'Consulat', '--name-en', 'Consulate'],
    ...['--languages', 'fr,en', '--time-zone', 'Europe/Paris', '--verifier-host', 'v.example'],
    ...['--signatory-name', 'A. B.', '--signatory-quality', 'Consule'],
  ];
  beforeAll(async () => {
    post = await newPost();
  });
  afterAll(() => post?.remove());

  it('init asks what was not given, takes the passphrase twice and never shows it', async () => {
    const home = join(post.folder, 'lyon');
    const { status, screen } = await atTerminal(
      home,
      ['init', ...options],
      [
        ['Ville du poste', 'Lyon\r'],
        ['Monnaie des droits', `${clear}euro\r`],
        ['pas recevable', `${clear}EUR\r`],
        ['Phrase de passe des clés', 'trop court\r'],
        ['au moins 12 caractères', `${clear}${passphrase}\r`],
        ['La même encore une fois', `${passphrase}\r`],
      ],
    );
    expect(screen).toContain('✔ Consulat (GA-LYS)');
    expect(status).toBe(0);
    for (const part of ['bientôt', 'revoir', 'trop court']) expect(screen).not.toContain(part);
    const settings = await post.done('trust', 'show', '--home', home);
    expect(settings).toContain('GA-LYS');

    const letter = post.file('letter.txt', 'a letter');
    const asked = await atTerminal(
      home,
      ['timestamp', 'ask', letter],
      [['Phrase de passe', `${passphrase}\r`]],
    );
    expect(asked.screen).toContain('letter.txt.tst');
    expect(asked.screen).not.toContain('bientôt');
    expect(asked.status).toBe(0);
    const wrong = await atTerminal(
      home,
      ['timestamp', 'ask', letter],
      [['Phrase de passe', 'another one\r']],
    );
    expect(wrong.screen).toContain('[PASSPHRASE_WRONG]');
    expect(wrong.status).toBe(1);
  });

  it.skipIf(!softHsmModule)('the PIN of a token is asked for, and never shown', async () => {
    const hsm = softHsm(softHsmModule as string);
    const { home, remove } = emptyFolder();
    try {
      const { module } = hsm.token('jeton', '314159');
      const made = await atTerminal(
        home,
        ['init', '--yes', '--keys', `tsa=pkcs11:token=jeton?module-path=${module}`],
        [['PIN du jeton jeton', '314159\r']],
      );
      expect([made.status, made.screen]).toEqual([0, expect.not.stringContaining('314159')]);
      const letter = post.file('another.txt', 'a letter');
      const asked = await atTerminal(
        home,
        ['timestamp', 'ask', letter],
        [['PIN du jeton jeton', '314159\r']],
      );
      expect([asked.status, asked.screen]).toEqual([0, expect.not.stringContaining('314159')]);
    } finally {
      remove();
      hsm.remove();
    }
  });

  it.each([
    [
      'two passphrases that differ',
      [
        ['Phrase de passe des clés', `${passphrase}\r`],
        ['La même encore une fois', `${passphrase}!\r`],
      ] as const,
    ],
    ['Ctrl-C', [['Phrase de passe des clés', '\u0003']] as const],
  ])('init makes nothing after %s', async (_, steps) => {
    const { folder, home, remove } = emptyFolder();
    try {
      const given = ['--city', 'Lyon', '--currency', 'EUR'];
      const { status, screen } = await atTerminal(home, ['init', ...options, ...given], steps);
      expect(screen).toContain('[USAGE]');
      expect(screen).not.toMatch(/^\s+at /m);
      expect([status, existsSync(home), existsSync(folder)]).toEqual([2, false, true]);
    } finally {
      remove();
    }
  });

  it('a binary bundle is not written on the screen', async () => {
    const { status, screen } = await atTerminal(post.home, ['trust', 'export'], []);
    expect([status, screen]).toEqual([2, expect.stringContaining('--out')]);
  });

  it('a batch shows how far it is', async () => {
    const list = post.file('list.jsonl', '{"reference": "GA-PAR-2026-7E8P-TQXN-01E1"}\n');
    const { status, screen } = await atTerminal(post.home, ['issue', '--batch', list], []);
    expect(screen).toMatch(/\[#{30}\] 1\/1/);
    expect(screen).toContain('[REQUEST_UNKNOWN]');
    expect(status).toBe(1);
  });
});
