import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromHex, utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { keyDerivation, passphraseKeys } from '../pki/key-file.ts';
import { openToken, type TokenPlace } from '../pki/pkcs11.ts';
import { type SoftHsm, softHsm, softHsmModule } from '../pki/softhsm.fixture.ts';
import { fileProvider, type KeyProvider, signerOpener, tokenProvider } from './key-providers.ts';
import { childProgram, ended } from './test-store.ts';

const code = (value: string) => expect.objectContaining({ code: value });

let hsm: SoftHsm;
let place: TokenPlace;
const folder = mkdtempSync(join(tmpdir(), 'consul-keys-'));
const salt = fromHex('000102030405060708090a0b0c0d0e0f');

beforeAll(() => {
  if (!softHsmModule) return;
  hsm = softHsm(softHsmModule);
  place = hsm.token('consulate', '123456');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  if (softHsmModule) hsm.remove();
});

const files = (passphrase: string): KeyProvider =>
  fileProvider({
    folder,
    fileKey: passphraseKeys(utf8(passphrase)),
    derivation: keyDerivation(salt, 'random'),
  });

interface Case {
  readonly name: string;
  readonly there: boolean;
  open(): KeyProvider;
  /** The same keys with the wrong secret. */
  locked(): readonly [KeyProvider, code: string];
  /** What a program of its own needs to open it. */
  described(): unknown;
}

const cases: readonly Case[] = [
  {
    name: 'files',
    there: true,
    open: () => files('correct horse'),
    locked: () => [files('wrong horse'), 'PASSPHRASE_WRONG'],
    described: () => ({ folder }),
  },
  {
    name: 'a PKCS#11 token',
    there: softHsmModule !== undefined,
    open: () => tokenProvider(place),
    locked: () => [tokenProvider({ ...place, pin: '654321' }), 'PIN_WRONG'],
    described: () => ({ place }),
  },
];

describe.each(cases)('keys in $name', ({ there, open, locked, described }) => {
  const opener = signerOpener();
  afterAll(() => opener.close());

  it.skipIf(!there).each([
    ['P-256', { name: 'ecdsa', curve: 'P-256', hash: 'sha256' }, 64],
    ['P-384', { name: 'ecdsa', curve: 'P-384', hash: 'sha384' }, 96],
    ['ed25519', { name: 'ed25519' }, 64],
  ] as const)(
    'are made, found again, and sign what the platform verifies: %s',
    async (kind, algorithm, length) => {
      const made = await opener.signer(await open().generate(`key-${kind}`, kind));
      const found = await opener.signer(await open().find(`key-${kind}`));
      expect(found.algorithm).toEqual(algorithm);
      expect(found.publicKey).toEqual(made.publicKey);
      const key = await nodeBackend.importPublicKey(algorithm, found.publicKey);
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 5000 }), async (data) => {
          const signature = await found.sign(data);
          expect(signature).toHaveLength(length);
          expect(await key.verify(signature, data)).toBe(true);
          expect(await key.verify(signature, Uint8Array.of(...data, 0))).toBe(false);
        }),
        { numRuns: 40 },
      );
    },
  );

  it.skipIf(!there)('are never replaced', async () => {
    const first = await opener.signer(await open().generate('once', 'P-256'));
    await expect(open().generate('once', 'P-256')).rejects.toEqual(code('KEY_EXISTS'));
    expect((await opener.signer(await open().find('once'))).publicKey).toEqual(first.publicKey);
  });

  it.skipIf(!there)('are not found under another name', async () => {
    await expect(open().find('nobody')).rejects.toThrow(/nobody/);
  });

  it.skipIf(!there)(
    'are handed to threads, which sign at the same time, and end when they like',
    async () => {
      await open().generate('shared', 'P-256');
      const program = await childProgram(threads);
      const { code: status, stdout, stderr } = await ended(program([JSON.stringify(described())]));
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout.trim()).toBe('121 signatures, all right');
    },
  );

  it.skipIf(!there)('stay shut without the secret', async () => {
    await open().generate('shut', 'P-256');
    await opener.close();
    const [provider, expected] = locked();
    await expect(provider.find('shut')).rejects.toEqual(code(expected));
  });
});

/** Three threads and the main one sign with one key; one thread is ended by force while the others work. */
const threads = `
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { nodeBackend } from '../crypto/node.ts';
import { keyDerivation, passphraseKeys } from '../pki/key-file.ts';
import { fileProvider, signerOpener, tokenProvider } from './key-providers.ts';

async function signed(source, count) {
  const signer = await signerOpener().signer(source);
  const made = [];
  for (let i = 0; i < count; i++) made.push(await signer.sign(Buffer.from('message ' + i)));
  return made;
}

async function main() {
  const { folder, place } = JSON.parse(process.argv[2]);
  const provider = place
    ? tokenProvider(place)
    : fileProvider({ folder, fileKey: passphraseKeys(Buffer.from('correct horse')), derivation: keyDerivation(new Uint8Array(16), 'random') });
  const source = await provider.find('shared');
  const own = await signerOpener().signer(source);
  const forced = new Worker(__filename, { workerData: { source, count: 1e9 } });
  const workers = [0, 1, 2].map(() => new Worker(__filename, { workerData: { source, count: 30 } }));
  const answers = Promise.all(workers.map((worker) => new Promise((done, fail) => worker.once('message', done).once('error', fail))));
  const mine = await signed(source, 30);
  await forced.terminate();
  const all = [mine, ...(await answers)];
  await Promise.all(workers.map((worker) => worker.terminate()));
  all.push([await own.sign(Buffer.from('message 0'))]);
  const key = await nodeBackend.importPublicKey(own.algorithm, own.publicKey);
  const right = all.every((list) => list.every((signature, i) => key.verify(new Uint8Array(signature), Buffer.from('message ' + i))));
  console.log(all.flat().length + ' signatures, ' + (right ? 'all right' : 'some wrong'));
}

if (isMainThread) main().catch((error) => { console.error(error); process.exitCode = 1; });
else signed(workerData.source, workerData.count).then((made) => parentPort.postMessage(made));
`;

describe('keys in files', () => {
  it('are encrypted, and readable by their owner only', async () => {
    await files('correct horse').generate('private', 'P-256');
    const file = join(folder, 'private.key.pem');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
  });
});

describe.skipIf(!softHsmModule)('keys in a PKCS#11 token', () => {
  it('name what is wrong with the module, the token or the key', async () => {
    const elsewhere = (change: Partial<TokenPlace>) => openToken({ ...place, ...change });
    await expect(elsewhere({ module: '/nowhere.so' })).rejects.toEqual(code('TOKEN_UNAVAILABLE'));
    await expect(elsewhere({ token: 'another' })).rejects.toThrow(/no token labelled another/);
    const token = await elsewhere({});
    expect(() => token.signer({ label: 'absent' })).toThrow(code('KEY_INVALID'));
    expect(() => token.signer({ id: 'ffff' })).toThrow(/no private key with id ffff/);
    token.close();
  });
});
