import { generateKeyPairSync, sign } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { equalBytes, utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { checkCheckpoint, signCheckpoint } from '../log/checkpoint.ts';
import { emptyFrontier, frontierRoot, growTree } from '../log/log.ts';
import { importVerifierKey, logKeyOf } from '../log/note.ts';
import { verifyProof } from '../log/proof.ts';
import { tilePath } from '../log/tile.ts';
import type { Signer } from '../pki/signer.ts';
import { childProgram, ended } from './test-store.ts';
import { type FileSystem, nodeFileSystem } from './tile-files.ts';
import { openTileStore, readPublished } from './tiles.ts';

const digest = (bytes: Uint8Array) => nodeBackend.digest('sha256', bytes);
const entryAt = async (index: number, branch = ''): Promise<Uint8Array> => digest(utf8(`${branch}${index}`));
const code = (value: string) => expect.objectContaining({ code: value });

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const signer: Signer = {
  algorithm: { name: 'ed25519' },
  publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
  sign: (data) => new Uint8Array(sign(null, data, privateKey)),
};
const origin = 'verify.example.org/log/ga-par';
const identity = { origin, signer };
const key = await importVerifierKey(await logKeyOf(origin, signer, nodeBackend), nodeBackend);

/** A database with `size` committed entries; from `fork` on they are others. */
const database = (size: number, fork = Number.POSITIVE_INFINITY) => ({
  ...identity,
  size: () => size,
  entries: (from: number, to: number) =>
    Promise.all(
      Array.from({ length: to - from }, (_, i) => entryAt(from + i, from + i >= fork ? 'other ' : '')),
    ),
});

let root: string;
let made = 0;
let folder: string;
let second: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'consul-tiles-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(() => useNewPlace());

function useNewPlace(): void {
  const place = join(root, String(made++));
  folder = join(place, 'log');
  second = join(place, 'anchor', 'checkpoint');
}

const open = (system: FileSystem = nodeFileSystem) => openTileStore(folder, second, nodeBackend, system);

/** For what a test prepares and looks at: writes without waiting for the disk. */
const hasty: FileSystem = {
  ...nodeFileSystem,
  write: (path, bytes) => writeFile(path, bytes),
  syncFolder: async () => {},
};

async function createdWith(size: number): Promise<void> {
  await open(hasty).create(identity);
  await open(hasty).publish(database(size));
}

async function headOf(file: string): Promise<number> {
  const verdict = await checkCheckpoint(new Uint8Array(await readFile(file)), key);
  if (!verdict.valid) throw new Error(verdict.message);
  return verdict.checkpoint.size;
}

const heads = async () => [await headOf(join(folder, 'checkpoint')), await headOf(second)];

async function filesOf(place: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(place, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(place.length + 1), await readFile(path));
    }
  return files;
}

/** Everything that the log must hold at a size is there, byte for byte, and proves its entries. */
async function expectWhole(size: number): Promise<void> {
  expect(await heads()).toEqual([size, size]);
  const all = await database(size).entries(0, size);
  const { frontier, files } = await growTree(emptyFrontier, all, digest);
  for (const { place, bytes } of files)
    expect([tilePath(place), equalBytes(await readFile(join(folder, tilePath(place))), bytes)]).toEqual([
      tilePath(place),
      true,
    ]);
  const published = await readPublished(folder, nodeBackend);
  expect(published?.root).toEqual(await frontierRoot(frontier, digest));
  for (const index of new Set([0, size >> 1, size - 1]))
    expect(
      await verifyProof((await published?.proof(index)) ?? '', all[index]!, key, nodeBackend),
    ).toMatchObject({ valid: true, index });
}

describe('publishing', () => {
  it('begins with the checkpoint of the empty log in both places', async () => {
    await open().create(identity);
    expect(await heads()).toEqual([0, 0]);
    await open().create(identity);
    const published = await open().publish(database(0));
    expect(published.size).toBe(0);
    await expect(published.proof(0)).rejects.toThrow(RangeError);
  });

  it('grows the log in any steps and leaves what a log of that size has', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat(300), { minLength: 1, maxLength: 4 }), async (steps) => {
        useNewPlace();
        const store = open();
        await store.create(identity);
        let size = 1;
        for (const step of steps) {
          size += step;
          expect((await store.publish(database(size))).size).toBe(size);
        }
        await expectWhole(size);
      }),
      { numRuns: 8 },
    ));

  it('writes long logs in parts', async () => {
    await createdWith(10);
    const published = await open(hasty).publish(database(17_000));
    for (const index of [0, 16_383, 16_999])
      expect(
        await verifyProof(await published.proof(index), await entryAt(index), key, nodeBackend),
      ).toMatchObject({ valid: true, index });
    await expectWhole(17_000);
  });

  it('gives each entry the proof under the new checkpoint', async () => {
    const store = open();
    await store.create(identity);
    await store.publish(database(240));
    const published = await store.publish(database(290));
    for (let index = 0; index < 290; index += 7) {
      const proof = await published.proof(index);
      expect(await verifyProof(proof, await entryAt(index), key, nodeBackend)).toMatchObject({
        valid: true,
        index,
        checkpoint: { size: 290 },
      });
    }
  });

  it('keeps the proofs of an earlier checkpoint right while the log grows on', async () => {
    const store = open();
    await store.create(identity);
    const early = await store.publish(database(100));
    await store.publish(database(600));
    expect(await verifyProof(await early.proof(42), await entryAt(42), key, nodeBackend)).toMatchObject({
      valid: true,
      checkpoint: { size: 100 },
    });
  });

  it('waits for the disk six times for a batch, and never for nothing new', async () => {
    const store = open();
    await store.create(identity);
    await store.publish(database(10));
    expect((await store.publish(database(60))).syncs).toBe(6);
    expect((await store.publish(database(60))).syncs).toBe(0);
    expect((await store.publish(database(260))).syncs).toBeLessThanOrEqual(15);
    expect((await store.publish(database(310))).syncs).toBe(6);
  });

  it('removes the partial tiles of a tile that is full', async () => {
    const store = open();
    await store.create(identity);
    for (const size of [10, 20, 260]) await store.publish(database(size));
    const tiles = [...(await filesOf(folder)).keys()].filter((path) => path.startsWith('tile')).sort();
    expect(tiles).toEqual([
      'tile/0/000',
      'tile/0/001.p/4',
      'tile/1/000.p/1',
      'tile/entries/000',
      'tile/entries/001.p/4',
    ]);
  });

  it('does not found a log twice', async () => {
    await createdWith(3);
    await expect(open().create(identity)).rejects.toEqual(code('POST_EXISTS'));
  });
});

/** The steps of a file system that change something, each of which may be the last one. */
function failing(last: number, how: (step: number) => Error | 'tear') {
  let step = 0;
  const pending: { from: string; to: string; before: Uint8Array | undefined }[] = [];
  const gate = async <T>(action: () => Promise<T>, torn?: () => Promise<void>): Promise<T> => {
    if (++step >= last) {
      const failure = how(step);
      if (failure === 'tear') {
        if (step === last) await torn?.();
        throw new Error('the machine stopped');
      }
      throw failure;
    }
    return action();
  };
  const system: FileSystem = {
    read: nodeFileSystem.read,
    write: (path, bytes) =>
      gate(
        () => hasty.write(path, bytes),
        () => writeFile(path, bytes.subarray(0, bytes.length >> 1)),
      ),
    rename: (from, to) =>
      gate(async () => {
        pending.push({ from, to, before: await nodeFileSystem.read(to) });
        await nodeFileSystem.rename(from, to);
      }),
    makeFolder: (path) => gate(() => nodeFileSystem.makeFolder(path)),
    syncFolder: (path) =>
      gate(async () => {
        for (let i = pending.length - 1; i >= 0; i--)
          if (dirname(pending[i]!.to) === path) pending.splice(i, 1);
      }),
    remove: (path) => gate(() => nodeFileSystem.remove(path)),
  };
  return {
    system,
    steps: () => step,
    /** Undoes what the disk was never waited for, as a power cut may. */
    async losePower() {
      for (const { to, before } of pending.reverse()) {
        if (before === undefined) await unlink(to).catch(ignoreMissing);
        else await writeFile(to, before);
      }
    },
  };
}

function ignoreMissing(cause: NodeJS.ErrnoException): void {
  if (cause.code !== 'ENOENT') throw cause;
}

async function stepsFrom(from: number, to: number): Promise<number> {
  useNewPlace();
  await createdWith(from);
  const counted = failing(Number.POSITIVE_INFINITY, () => new Error());
  await open(counted.system).publish(database(to));
  return counted.steps();
}

describe('a crash', () => {
  it.each([
    [10, 20],
    [250, 258],
    [256, 300],
    [0, 300],
  ])('at any step from %i to %i entries leaves a log that goes on', async (from, to) => {
    const steps = await stepsFrom(from, to);
    expect(steps).toBeGreaterThan(8);
    const powers = from === 250 ? ['kept', 'lost'] : ['lost'];
    for (let last = 1; last <= steps; last++)
      for (const power of powers) {
        useNewPlace();
        await createdWith(from);
        const dying = failing(last, () => 'tear');
        const ended = await open(dying.system)
          .publish(database(to))
          .then(
            () => 'done',
            (error: Error) => error.message,
          );
        expect(ended).toBe('the machine stopped');
        if (power === 'lost') await dying.losePower();
        for (const head of await heads()) expect([from, to]).toContain(head);
        await open(hasty).publish(database(to));
        await expectWhole(to);
        await open(hasty).publish(database(to + 1));
        expect(await heads()).toEqual([to + 1, to + 1]);
      }
  });

  it('at any step of founding is repaired by founding again', async () => {
    for (let last = 1; ; last++) {
      useNewPlace();
      const dying = failing(last, () => 'tear');
      const ended = await open(dying.system)
        .create(identity)
        .then(
          () => 'done',
          () => 'died',
        );
      await open().create(identity);
      expect(await heads()).toEqual([0, 0]);
      if (ended === 'done') break;
    }
  });

  it('inside one process does not stop the next publication', async () => {
    await createdWith(10);
    let dead = true;
    const store = open({
      ...nodeFileSystem,
      rename: (a, b) => (dead ? Promise.reject(new Error('now')) : nodeFileSystem.rename(a, b)),
    });
    await expect(store.publish(database(20))).rejects.toThrow('now');
    dead = false;
    await store.publish(database(20));
    await expectWhole(20);
  });
});

describe('a full disk', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EFBIG'])('(%s) is said, and the old state stays', async (errno) => {
    const steps = await stepsFrom(250, 258);
    for (let last = 1; last <= steps; last += errno === 'ENOSPC' ? 1 : 7) {
      useNewPlace();
      await createdWith(250);
      const full = Object.assign(new Error('no room'), { code: errno });
      const tight = failing(last, () => full);
      const system = { ...tight.system, remove: nodeFileSystem.remove };
      const ended = await open(system)
        .publish(database(258))
        .then(
          () => 'done',
          (error: unknown) => error,
        );
      if (ended === 'done') break;
      expect(ended).toEqual(code('DISK_FULL'));
      const left = [...(await filesOf(dirname(folder))).keys()].filter((path) => /tmp|writer\/\d/.test(path));
      expect(left).toEqual([]);
      await open(hasty).publish(database(258));
      await expectWhole(258);
    }
  });
});

describe('publishing refuses', () => {
  const refused = (size: number, fork?: number) => expect(open(hasty).publish(database(size, fork))).rejects;

  it('a database that was rolled back, also when this process knows the log', async () => {
    const store = open();
    await store.create(identity);
    await store.publish(database(40));
    await expect(store.publish(database(39))).rejects.toEqual(code('POST_ROLLED_BACK'));
    await refused(39).toEqual(code('POST_ROLLED_BACK'));
    await refused(0).toEqual(code('POST_ROLLED_BACK'));
    await store.publish(database(41));
  });

  it('a database that was rolled back and has grown again past the checkpoint', async () => {
    await createdWith(300);
    await refused(310, 299).toEqual(code('LOG_INCONSISTENT'));
    await refused(300, 280).toEqual(code('LOG_INCONSISTENT'));
    await refused(310, 256).toEqual(code('LOG_INCONSISTENT'));
    expect(await heads()).toEqual([300, 300]);
  });

  it('a database that lacks entries it says it has', async () => {
    await createdWith(10);
    const short = { ...database(20), entries: () => [] };
    await expect(open().publish(short)).rejects.toEqual(code('LOG_INCONSISTENT'));
  });

  it('a whole post restored from a copy while the second checkpoint is newer', async () => {
    await createdWith(40);
    await cp(folder, `${folder}.copy`, { recursive: true });
    await open().publish(database(600));
    await rm(folder, { recursive: true });
    await cp(`${folder}.copy`, folder, { recursive: true });
    await refused(40).toEqual(code('POST_ROLLED_BACK'));
    // The database is the newest, the folder of the log is not: tiles are missing.
    await refused(600).toEqual(code('LOG_INCONSISTENT'));
  });

  it('a checkpoint that is missing in one of the two places', async () => {
    for (const at of [0, 1]) {
      useNewPlace();
      await createdWith(10);
      const place = [join(folder, 'checkpoint'), second][at] ?? '';
      await rm(place);
      await refused(10).toMatchObject({ code: 'LOG_INCONSISTENT', message: expect.stringContaining(place) });
    }
    useNewPlace();
    await refused(10).toEqual(code('LOG_INCONSISTENT'));
  });

  it('a checkpoint with any flipped bit', async () => {
    await createdWith(10);
    const place = join(folder, 'checkpoint');
    const good = await readFile(place);
    for (let bit = 0; bit < good.length * 8; bit += 29) {
      const bad = Buffer.from(good);
      bad[bit >> 3] = bad[bit >> 3]! ^ (1 << (bit & 7));
      await writeFile(place, bad);
      await refused(10).toEqual(code('LOG_INCONSISTENT'));
    }
  });

  it('a checkpoint of another log or key', async () => {
    await createdWith(10);
    const other = { ...database(10), origin: 'other.example' };
    await expect(open().publish(other)).rejects.toEqual(code('LOG_INCONSISTENT'));
  });

  it('two checkpoints of one size, or of two, that do not belong to one log', async () => {
    await createdWith(10);
    for (const size of [10, 4]) {
      const root = await digest(utf8('another tree'));
      const fork = await signCheckpoint({ origin, size, root, extensions: [] }, signer, nodeBackend);
      await writeFile(second, fork);
      await refused(12).toEqual(code('LOG_INCONSISTENT'));
    }
  });

  it('a tile above level 0 with any flipped bit', async () => {
    await createdWith(600);
    const place = join(folder, 'tile/1/000.p/2');
    const good = await readFile(place);
    for (let bit = 0; bit < good.length * 8; bit += 61) {
      const bad = Buffer.from(good);
      bad[bit >> 3] = bad[bit >> 3]! ^ (1 << (bit & 7));
      await writeFile(place, bad);
      await refused(600).toEqual(code('LOG_INCONSISTENT'));
    }
  });

  it('to put a tile over another one, and keeps the old checkpoint', async () => {
    await createdWith(250);
    await mkdir(join(folder, 'tile/0'), { recursive: true });
    const full = join(folder, 'tile/0/000');
    await writeFile(full, new Uint8Array(8192));
    await refused(260).toEqual(code('LOG_INCONSISTENT'));
    expect(await heads()).toEqual([250, 250]);
    expect(equalBytes(await readFile(full), new Uint8Array(8192))).toBe(true);
  });
});

describe('several writers', () => {
  it('of one process come to one log', async () => {
    await open().create(identity);
    let size = 0;
    const growing = { ...database(0), size: () => size, entries: database(0).entries };
    const stores = [open(), open(), open()];
    await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        size += 9;
        const mine = size;
        const published = await stores[i % 3]!.publish(growing);
        expect(published.size).toBeGreaterThanOrEqual(mine);
        const proof = await published.proof(mine - 1);
        expect(await verifyProof(proof, await entryAt(mine - 1), key, nodeBackend)).toMatchObject({
          valid: true,
        });
      }),
    );
    await expectWhole(270);
  });

  it('of several processes come to one log', async () => {
    await open().create(identity);
    const start = await childProgram(writer());
    const count = join(root, `count-${made}`);
    await mkdir(count);
    const pkcs8 = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const processes = [0, 1, 2, 3].map((name) => ended(start([folder, second, count, String(name), pkcs8])));
    for (const { code, stderr } of await Promise.all(processes)) expect([code, stderr]).toEqual([0, '']);
    await expectWhole(4 * 25);
  }, 30_000);
});

/** A process that commits 25 entries, a file of `count` each, and publishes after each of them. */
const writer = (): string => `
  import { createPrivateKey, createPublicKey, createHash, sign } from 'node:crypto';
  import { writeFileSync, readdirSync } from 'node:fs';
  import { openTileStore } from './tiles.ts';
  import { nodeBackend } from '../crypto/node.ts';
  const [, , folder, second, count, name, pem] = process.argv;
  const key = createPrivateKey(pem);
  const signer = {
    algorithm: { name: 'ed25519' },
    publicKey: new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' })),
    sign: (data) => new Uint8Array(sign(null, data, key)),
  };
  const store = openTileStore(folder, second, nodeBackend);
  const sha256 = (text) => new Uint8Array(createHash('sha256').update(text).digest());
  const log = {
    origin: ${JSON.stringify(origin)},
    signer,
    size: () => readdirSync(count).length,
    entries: (from, to) => Array.from({ length: to - from }, (_, i) => sha256(String(from + i))),
  };
  (async () => {
    for (let i = 0; i < 25; i++) {
      writeFileSync(count + '/' + name + '-' + i, '');
      const size = log.size();
      const published = await store.publish(log);
      if (published.size < size) throw new Error('a committed entry was not published');
    }
  })();
`;
