import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Rooms that know formats and cryptography only: bytes in, values out. */
const formats = [
  'bytes',
  'cms',
  'crypto',
  'der',
  'errors',
  'fetched',
  'log',
  'pdf',
  'pki',
  'post',
  'seal',
  'time',
];
const doors = ['cli', 'intake', 'verifier', 'bench'];

/** Who may import whom, by rooms of the core; what is not named here may be imported by nobody above it. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(formats.map((room) => [room, formats])),
  // The words of EN 319 102-1 are a table of types that the readers' reasons refer to.
  cms: [...formats, 'verify/report.ts'],
  time: [...formats, 'verify/report.ts'],
  verify: [...formats, 'verify'],
  procedures: [...formats, 'procedures'],
  store: [...formats, 'procedures', 'store'],
  casework: [...formats, 'procedures', 'store', 'casework'],
  issuance: [...formats, 'procedures', 'store', 'casework', 'issuance'],
};

/** Node-only modules in rooms that make (never in what verification stands on, which a bundle for browsers proves). */
const nodeModules: Readonly<Record<string, RegExp>> = {
  crypto: /^crypto\/node\.ts$/,
  pki: /^pki\/(authority|ceremony|file-signer|key-file|key-kind)\.ts$/,
  pdf: /^pdf\/(document|file-writer|subset-font|template)\.ts$/,
};

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => name.endsWith('.ts') && !/\.test\.ts$|\.d\.ts$/.test(name));
}

/** Files that serve tests only: a test imports them, the program does not. */
const forTests =
  /fixture|(^|\/)(testing|judges|vectors|forge)[^/]*(\.ts|\/)|testing-ca\.ts|test-[a-z]+\.ts|suites\.ts/;

function imports(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, name]) => name as string);
}

const resolved = (file: string, name: string): string =>
  name.startsWith('.') ? relative(root, resolve(root, dirname(file), name)) : name;

const core = sources('core').filter((file) => !forTests.test(file));

describe('the house', () => {
  it('has rooms that all are in the plan', () => {
    const rooms = new Set(core.map((file) => file.split('/')[1]?.replace(/\.ts$/, '')));
    expect([...rooms].sort()).toEqual(Object.keys(allowed).sort());
  });

  it('lets nothing in the core import a door', () => {
    const wrong = core.flatMap((file) =>
      imports(file)
        .map((name) => resolved(file, name))
        .filter((name) => doors.includes(name.split('/')[0] as string))
        .map((name) => `${file} -> ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('lets rooms import only the rooms below them', () => {
    const wrong = core.flatMap((file) => {
      const room = (file.split('/')[1] as string).replace(/\.ts$/, '');
      return imports(file)
        .map((name) => resolved(file, name))
        .filter((name) => name.startsWith('core/'))
        .map((name) => name.slice('core/'.length))
        .filter((name) => {
          const other = (name.split('/')[0] as string).replace(/\.ts$/, '');
          return other !== room && !allowed[room]?.some((entry) => entry === other || entry === name);
        })
        .map((name) => `${file} -> ${name}`);
    });
    expect(wrong).toEqual([]);
  });

  it('keeps files, network and databases out of the rooms of formats and of verification', () => {
    const wrong = core.flatMap((file) => {
      const [, room = ''] = file.split('/');
      if (!formats.includes(room) && room !== 'verify') return [];
      return imports(file)
        .filter((name) => /^(node:(?!crypto$|util$|zlib$)|better-sqlite3|kysely|koa)/.test(name))
        .map((name) => `${file} -> ${name}`);
    });
    expect(wrong).toEqual([]);
  });

  it('keeps Node-only modules in the files that make', () => {
    const wrong = core.flatMap((file) => {
      const [, room = ''] = file.split('/');
      if (!formats.includes(room) && room !== 'verify') return [];
      if (nodeModules[room]?.test(file.slice('core/'.length))) return [];
      return imports(file)
        .filter((name) => name.startsWith('node:'))
        .map((name) => `${file} -> ${name}`);
    });
    expect(wrong).toEqual([]);
  });
});
