import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsulError, type ErrorCode, errorCodes } from '../core/errors.ts';
import { foreignReasons } from '../core/verify/foreign.ts';
import { subIndications } from '../core/verify/report.ts';
import { exitStatus, statusOfError } from './outcome.ts';
import { shipped } from './shipped.ts';
import { newPost, type TestPost } from './testing.ts';

const errorsPage = shipped('docs', 'errors.md');

/** docs/errors.md with the list of codes as it must stand there; `vitest run cli/docs.test.ts -u` writes it. */
function errorsText(): string {
  const rows = Object.entries(errorCodes).map(([code, advice]) => {
    const status = statusOfError(new ConsulError(code as ErrorCode, ''));
    return `| \`${code}\` | ${status} | ${advice} |\n`;
  });
  const table = ['| code | exit status | what to do |\n', '|---|---|---|\n', ...rows].join('');
  return readFileSync(errorsPage, 'utf8').replace(/^\| code (?:.*\n)(?:\|.*\n)*/m, () => table);
}

/** What a report of `consul verify` says. */
const verdictWords = new Set([
  ...Object.keys(subIndications),
  ...Object.keys(foreignReasons),
  'UNKNOWN_FEATURE',
]);

const pages = [
  shipped('README.md'),
  ...readdirSync(shipped('docs')).map((name) => shipped('docs', name)),
].map((path) => ({ path, text: readFileSync(path, 'utf8') }));

/** `consul …` as it stands in code spans, and in code blocks after a prompt. */
function commandsIn(text: string): string[] {
  const spans = [...text.matchAll(/`consul ([^`\n]+)`/g)].map(([, command]) => command ?? '');
  const blocks = [...text.matchAll(/^\$ consul ((?:[^\n\\]|\\\n)+)/gm)].map(([, command]) => command ?? '');
  return [...spans, ...blocks].map((command) => command.replace(/\\\n\s*/g, ' '));
}

let post: TestPost;
const helps = new Map<string, Promise<string>>();
const help = (words: readonly string[]): Promise<string> => {
  const known = helps.get(words.join(' ')) ?? post.done(...words, '--help');
  helps.set(words.join(' '), known);
  return known;
};
const groups = ['pki', 'status', 'request', 'trust', 'log', 'audit', 'timestamp', 'serve', 'procedures'];

beforeAll(async () => {
  post = await newPost();
});
afterAll(() => post?.remove());

describe('docs/errors.md', () => {
  it('lists every code with its exit status and advice, and no other', async () => {
    await expect(errorsText()).toMatchFileSnapshot(errorsPage);
    expect(Object.values(exitStatus)).toEqual([0, 1, 2, 3]);
  });

  it('says what consul explain says', async () => {
    const said = await post.done('explain');
    expect(said.trimEnd().split('\n')).toEqual(
      Object.entries(errorCodes).map(([code, advice]) => `${code}: ${advice}`),
    );
    expect(await post.json('explain')).toEqual(errorCodes);
    expect(await post.json('explain', 'disk_full')).toEqual({
      code: 'DISK_FULL',
      advice: errorCodes.DISK_FULL,
    });
  });

  it('is referred to by names that exist', () => {
    for (const { path, text } of pages)
      for (const [, code = ''] of text.matchAll(/\b([A-Z]{3,}_[A-Z_]{3,})\b/g))
        if (!code.startsWith('CONSUL_') && !/^(NO_COLOR|XDG_DATA_HOME|NODE_EXTRA_CA_CERTS)$/.test(code))
          expect([path, code, code in errorCodes || verdictWords.has(code)]).toEqual([path, code, true]);
  });
});

describe('docs/verify-json.md', () => {
  it('says of every reason of a foreign seal which check it is and what the standard calls it', () => {
    const text = pages.find(({ path }) => path.endsWith('verify-json.md'))?.text ?? '';
    for (const [reason, [check, subIndication]] of Object.entries(foreignReasons)) {
      const row = text.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${reason}\``));
      expect([reason, row]).toEqual([reason, expect.stringContaining(`| \`${check}\` |`)]);
      if (reason !== subIndication) expect(row).toContain(`| \`${subIndication}\` |`);
    }
  });
});

describe('the commands that the documentation names', () => {
  it('exist, with the options named', async () => {
    const usage = await post.done('--help');
    const named = pages.flatMap(({ path, text }) => commandsIn(text).map((command) => ({ path, command })));
    expect(named.length).toBeGreaterThan(10);
    for (const { path, command } of named) {
      const [name = '', second = ''] = command.split(/\s+/);
      expect([path, command, usage]).toEqual([
        path,
        command,
        expect.stringMatching(new RegExp(`^ {2}${name} `, 'm')),
      ]);
      const words = groups.includes(name) && /^[a-z]+$/.test(second) ? [name, second] : [name];
      const said = await help(words);
      for (const [option] of command.matchAll(/--[a-z][a-z-]*/g))
        expect([path, command, said]).toEqual([path, command, expect.stringContaining(`${option}`)]);
    }
  });

  it('all have a help with an example of every option that is common', async () => {
    const usage = await post.done('--help');
    const names = [...usage.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name ?? '');
    expect(names).toHaveLength(18);
    const said = await Promise.all(names.map((name) => help([name])));
    for (const [at, text] of said.entries()) {
      expect(text).toMatch(new RegExp(`^Usage: consul ${names[at]} `));
      if (!groups.includes(names[at] ?? '')) expect(text).toContain('--json');
    }
  });

  it('environment variables are those that the program reads', () => {
    const configuration = pages.find(({ path }) => path.endsWith('configuration.md'))?.text ?? '';
    const sources = readdirSync(shipped('cli'))
      .filter((name) => name.endsWith('.ts') && !name.includes('test'))
      .map((name) => readFileSync(shipped('cli', name), 'utf8'));
    const read = new Set(sources.join().match(/\bCONSUL_(?!VERSION)[A-Z_]+/g));
    const told = new Set(configuration.match(/\bCONSUL_[A-Z_]+/g));
    expect([...told].sort()).toEqual([...read].sort());
  });
});
