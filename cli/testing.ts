// For tests only: the built program, run as a person runs it, on a post of its own.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { localDay } from '../core/procedures/calendar.ts';
import { examplePiece } from '../fixtures/pieces.ts';
import { type ExampleData, type ExampleId, examplePieces, exampleRequest } from '../fixtures/requests.ts';
import { shipped } from './shipped.ts';

/** The set-up of the tests has built it; a file that is run by itself builds it where it is missing. */
export const program = shipped('dist', 'consul.js');

export async function ensureBuilt(): Promise<void> {
  const lock = shipped('node_modules', '.consul-build');
  while (!existsSync(program) || existsSync(lock)) {
    try {
      mkdirSync(lock);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      await delay(200);
      continue;
    }
    try {
      spawnSync(process.execPath, ['build.mjs'], { cwd: shipped(), stdio: 'inherit' });
    } finally {
      rmdirSync(lock);
    }
  }
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it came. */
  readonly bytes: Uint8Array;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
}

/** Runs any program to its end. The environment is this one's without what would steer consul. */
export function run(command: string, argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { LANG, LC_ALL, LC_MESSAGES, ...inherited } = process.env;
  const own = Object.entries(inherited).filter(([name]) => !name.startsWith('CONSUL_'));
  const env = { ...Object.fromEntries(own), NO_COLOR: '1', ...options.env };
  return new Promise((resolve, reject) => {
    const child = spawn(command, argv, { env, ...(options.cwd ? { cwd: options.cwd } : {}) });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (status) => {
      const bytes = Buffer.concat(out);
      resolve({ status, stdout: bytes.toString(), stderr: Buffer.concat(err).toString(), bytes });
    });
    // A program that ends without reading closes the pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** A post in a folder of its own, with the files that a test puts beside it. */
export interface TestPost {
  readonly folder: string;
  readonly home: string;
  consul(...argv: readonly string[]): Promise<Finished>;
  consulWith(options: RunOptions, ...argv: readonly string[]): Promise<Finished>;
  /** Runs a command that must end with 0. @returns its standard output */
  done(...argv: readonly string[]): Promise<string>;
  /** The same with `--json`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into the JSON of any command.
  json(...argv: readonly string[]): Promise<any>;
  /** Writes a file into the folder. @returns its path */
  file(name: string, content: string | Uint8Array): string;
  remove(): void;
}

/** @param main the program that is run in it */
export function emptyFolder(main: string = program): TestPost {
  const folder = mkdtempSync(join(tmpdir(), 'consul-cli-'));
  const home = join(folder, 'post');
  const consulWith: TestPost['consulWith'] = ({ env, ...options }, ...argv) =>
    run(process.execPath, [main, ...argv], {
      ...options,
      env: { CONSUL_HOME: home, CONSUL_AGENT: 'marie', ...env },
    });
  const done: TestPost['done'] = async (...argv) => {
    const { status, stdout, stderr } = await consulWith({}, ...argv);
    if (status !== 0) throw new Error(`consul ${argv.join(' ')} ended with ${status}: ${stderr}${stdout}`);
    return stdout;
  };
  return {
    folder,
    home,
    consulWith,
    consul: (...argv) => consulWith({}, ...argv),
    done,
    json: async (...argv) => JSON.parse(await done(...argv, '--json')),
    file: (name, content) => {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export async function newPost(...options: readonly string[]): Promise<TestPost> {
  await ensureBuilt();
  const post = emptyFolder();
  try {
    await post.done('init', '--yes', ...options);
    return post;
  } catch (error) {
    post.remove();
    throw error;
  }
}

export const today = (): string => localDay(new Date(), 'Europe/Paris');

/** The arguments that submit one of the made-up requests, its files written. */
export function submission(
  post: TestPost,
  id: ExampleId,
  options: {
    readonly data?: ExampleData;
    readonly pieces?: readonly string[];
    readonly name?: string;
  } = {},
): readonly string[] {
  const { data = exampleRequest(id, today()), pieces = examplePieces[id], name = id } = options;
  const files = pieces.map((piece) => {
    const [ending, type] = piece === 'photograph' ? (['jpg', 'jpeg'] as const) : (['pdf', 'pdf'] as const);
    const path = post.file(`${piece.replace(':', '-')}.${ending}`, examplePiece(piece, type));
    return `${piece}=${path}`;
  });
  return [
    ...['request', 'submit', id, '--data', post.file(`${name}.json`, JSON.stringify(data))],
    ...files.flatMap((file) => ['--piece', file]),
  ];
}

/** Submits, accepts and issues. */
export async function issued(
  post: TestPost,
  id: ExampleId,
  options: Parameters<typeof submission>[2] & { readonly language?: 'fr' | 'en' } = {},
): Promise<{ readonly reference: string; readonly number: string; readonly document: string }> {
  const language = options.language ?? 'fr';
  const { reference } = await post.json(...submission(post, id, options), '--language', language);
  await post.done('request', 'decide', reference, '--accept');
  return post.json('issue', reference);
}

export const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(path));
