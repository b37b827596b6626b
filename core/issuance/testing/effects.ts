import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import BetterSqlite3 from 'better-sqlite3';

// For tests only, in a process of its own, and the first import there: everything this process does to the world
// (each call that changes files, each commit and lock of SQLite, each step of issuing) becomes an event with a number,
// and the process can be made to kill itself before or after any of them. A write that it does not survive is left
// half done.

export interface Death {
  /** Counted from 1, from the moment `dieAt` was called. */
  readonly at: number;
  readonly when: 'before' | 'after';
}

let death: Death | undefined;
let count = 0;
let names: string[] | undefined;

/** From now on events are counted; at this one the process dies. */
export function dieAt(chosen: Death | undefined): void {
  death = chosen;
  count = 0;
  names = [];
}

/** What happened since `dieAt`. */
export const happened = (): readonly string[] => names ?? [];

const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('a killed process goes on');
};

function begin(name: string): number {
  if (!names) return 0;
  names.push(name);
  return ++count;
}

const isAt = (number: number, when: Death['when']): boolean =>
  death !== undefined && number === death.at && when === death.when;

/** @param half what is left of it when the process dies before its end */
export async function event<T>(
  name: string,
  act: () => Promise<T>,
  half: () => Promise<unknown> = async () => {},
): Promise<T> {
  const number = begin(name);
  if (isAt(number, 'before')) {
    await half();
    die();
  }
  const value = await act();
  if (isAt(number, 'after')) die();
  return value;
}

function eventSync<T>(name: string, act: () => T): T {
  const number = begin(name);
  if (isAt(number, 'before')) die();
  const value = act();
  if (isAt(number, 'after')) die();
  return value;
}

type Method = (this: unknown, ...args: never[]) => unknown;

/** Puts another function in the place of a method, which is given the first as `original`. */
function replace(
  owner: object,
  name: string,
  by: (original: Method, self: unknown, args: never[]) => unknown,
): void {
  const methods = owner as Record<string, Method>;
  const original = methods[name] as Method;
  methods[name] = function (this: unknown, ...args: never[]) {
    return by(original, this, args);
  };
}

const shortName = (path: unknown): string => String(path).split('/').slice(-2).join('/');

function watchFiles(handlePrototype: object): void {
  for (const name of ['rename', 'link', 'unlink', 'rm', 'mkdir', 'copyFile'])
    replace(fs, name, (original, self, args) =>
      event(`${name} ${shortName(args[0])}`, async () => original.apply(self, args)),
    );
  replace(fs, 'open', (original, self, args) => {
    const flags = (args as unknown[])[1];
    const act = async () => original.apply(self, args);
    return flags === undefined || flags === 'r' ? act() : event(`open ${shortName(args[0])}`, act);
  });
  for (const name of ['sync', 'datasync'])
    replace(handlePrototype, name, (original, self, args) =>
      event(name, async () => original.apply(self, args)),
    );
  replace(handlePrototype, 'writeFile', (original, self, args) => {
    const [content] = args as readonly unknown[] as readonly [string | Uint8Array];
    const part = content.slice(0, content.length / 2);
    return event(
      'write',
      async () => original.apply(self, args),
      async () => original.apply(self, [part as never]),
    );
  });
  syncBuiltinESMExports();
}

function watchDatabase(): void {
  const database = new BetterSqlite3(':memory:');
  const statement = Object.getPrototypeOf(database.prepare('select 1')) as object;
  replace(statement, 'run', (original, self, args) => {
    const { source } = self as { source: string };
    const act = () => original.apply(self, args);
    return /^(begin|commit|rollback)/.test(source) ? eventSync(source, act) : act();
  });
  replace(BetterSqlite3.prototype, 'exec', (original, self, args) =>
    eventSync(String(args[0]), () => original.apply(self, args)),
  );
  database.close();
}

const handle = await fs.open(process.execPath, 'r');
watchFiles(Object.getPrototypeOf(handle) as object);
await handle.close();
watchDatabase();
